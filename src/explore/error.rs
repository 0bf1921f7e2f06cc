use std::fmt;

use crate::failure::Failure;
use crate::report::Explanation;
use crate::schedule::Schedule;

/// What a [`check`](crate::check) found. Its text (`Display`) is the report.
#[derive(Clone, Debug)]
pub struct CheckError(Box<Found>);

#[derive(Clone, Debug)]
struct Found {
    failure: Failure,
    schedule: Schedule,
    report: String,
    scheduler: String,
    seed: Option<u64>,
    runs: usize,
    shrink_runs: usize,
    confirmation: Option<String>,
    explanation: Option<Explanation>,
}

impl CheckError {
    pub(super) fn new(failure: Failure, schedule: Schedule, report: String) -> Self {
        Self(Box::new(Found {
            failure,
            schedule,
            report,
            scheduler: String::new(),
            seed: None,
            runs: 0,
            shrink_runs: 0,
            confirmation: None,
            explanation: None,
        }))
    }

    pub(super) fn by(mut self, scheduler: String, seed: Option<u64>) -> Self {
        (self.0.scheduler, self.0.seed) = (scheduler, seed);
        self
    }

    pub(super) fn after(mut self, runs: usize) -> Self {
        self.0.runs = runs;
        self
    }

    pub(super) fn shrunk(mut self, runs: usize) -> Self {
        self.0.shrink_runs = runs;
        self
    }

    pub(super) fn explained(mut self, explanation: Option<Explanation>) -> Self {
        self.0.explanation = explanation;
        self
    }

    pub(super) fn confirmed(mut self, confirmation: Option<String>) -> Self {
        self.0.confirmation = confirmation;
        self
    }

    /// Why the run with the [`schedule`](CheckError::schedule) fails.
    pub fn failure(&self) -> &Failure {
        &self.0.failure
    }

    /// The least schedule that was found to fail. Empty if each run passed and only the search as a whole
    /// failed, because something [expected](crate::Builder::expect) never happened.
    pub fn schedule(&self) -> &Schedule {
        &self.0.schedule
    }

    /// The name of the scheduler whose run failed first. Empty if it was not a run of the search, such as a
    /// kept schedule that still fails.
    pub fn scheduler(&self) -> &str {
        &self.0.scheduler
    }

    /// The seed of the run that failed first, if its scheduler works from seeds.
    pub fn seed(&self) -> Option<u64> {
        self.0.seed
    }

    /// How many runs the search made, including the one that failed. 0 if it failed before the search.
    pub fn runs(&self) -> usize {
        self.0.runs
    }

    /// How many runs shrinking made.
    pub fn shrink_runs(&self) -> usize {
        self.0.shrink_runs
    }

    /// Whether the failure was seen again, here and in a fresh process, as a sentence of the report. `None` if
    /// the failure is not one that a schedule replays.
    pub fn confirmation(&self) -> Option<&str> {
        self.0.confirmation.as_deref()
    }

    /// How the failing run differs from the nearest run that passes, if that was looked for.
    pub fn explanation(&self) -> Option<&Explanation> {
        self.0.explanation.as_ref()
    }
}

impl fmt::Display for CheckError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.report)
    }
}

impl std::error::Error for CheckError {}
