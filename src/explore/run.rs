use std::fmt;
use std::time::Duration;

use crate::executor::Raw;
use crate::failure::{Failure, Kind};
use crate::instant::Instant;
use crate::report::shorten;
use crate::schedule::Schedule;
use crate::scheduler::Divergence;
use crate::trace::{Trace, printable};

/// The result of a run: how it ended, what happened in it, and the schedule that repeats it.
///
/// Its text (`Display`) is the text of its [trace](Run::trace) and a line on how it ended.
#[derive(Clone, Debug)]
#[must_use = "a run that failed is no panic; look at its outcome, or unwrap it"]
pub struct Run<T> {
    outcome: Result<T, Failure>,
    schedule: Schedule,
    trace: Trace,
    elapsed: Duration,
    steps: usize,
    divergence: Option<Divergence>,
}

impl<T> Run<T> {
    pub(super) fn new(
        raw: Raw<T>,
        schedule: Schedule,
        trace: Trace,
        divergence: Option<Divergence>,
    ) -> Self {
        Self {
            outcome: strictly(raw.outcome, divergence),
            schedule,
            trace,
            elapsed: raw.elapsed.since_start(),
            steps: raw.steps,
            divergence,
        }
    }

    /// Whether the body returned, and nothing failed.
    pub fn is_ok(&self) -> bool {
        self.outcome.is_ok()
    }

    /// Why the run failed, if it did.
    pub fn failure(&self) -> Option<&Failure> {
        self.outcome.as_ref().err()
    }

    /// What the body returned, or why the run failed.
    #[cfg(feature = "serde")]
    pub(super) fn outcome(&self) -> &Result<T, Failure> {
        &self.outcome
    }

    /// What the body returned.
    ///
    /// # Errors
    ///
    /// If the run failed.
    pub fn into_result(self) -> Result<T, Failure> {
        self.outcome
    }

    /// What the body returned.
    ///
    /// # Panics
    ///
    /// If the run failed.
    #[track_caller]
    pub fn unwrap(self) -> T {
        match self.outcome {
            Ok(output) => output,
            Err(failure) => panic!("dacapo: the run {} failed: {failure}", self.schedule),
        }
    }

    /// The answers to the choices of this run. [`replay`](crate::replay) makes the same run of them.
    pub fn schedule(&self) -> &Schedule {
        &self.schedule
    }

    /// What happened.
    pub fn trace(&self) -> &Trace {
        &self.trace
    }

    /// How much virtual time passed.
    pub fn elapsed(&self) -> Duration {
        self.elapsed
    }

    /// How many steps (polls of a task) there were.
    pub fn steps(&self) -> usize {
        self.steps
    }

    /// Where the run first did not fit the schedule that was replayed.
    pub fn divergence(&self) -> Option<Divergence> {
        self.divergence
    }
}

impl<T> fmt::Display for Run<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = Instant::START + self.elapsed;
        let schedule = shorten(&self.schedule);
        writeln!(f, "{}", self.trace)?;
        match &self.outcome {
            Ok(_) => writeln!(f, "passed at {at} under `{schedule}`"),
            Err(failure) => {
                let title = printable(&failure.title(), TITLE);
                writeln!(f, "failed at {at} under `{schedule}`: {title}")
            }
        }
    }
}

/// The longest that a failure is told in one line.
const TITLE: usize = 200;

/// The outcome of a run that was to fit its schedule.
pub(super) fn strictly<T>(
    outcome: Result<T, Failure>,
    divergence: Option<Divergence>,
) -> Result<T, Failure> {
    match divergence {
        Some(divergence) if divergence.is_failure() => {
            let then =
                outcome.err().map_or_else(|| "passed".to_owned(), |failure| failure.to_string());
            Err(Failure::new(Kind::Diverged { at: divergence.to_string(), then }))
        }
        _ => outcome,
    }
}
