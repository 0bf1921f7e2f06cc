use std::collections::BTreeMap;
use std::fmt;

use super::Builder;
use super::check::Recheck;
use super::coverage::{Coverage, Mark};
use super::env::Env;
use super::subject::{Sample, Subject};
use crate::failure::{Failure, Kind};
use crate::report::{Row, count, marks, shorten, table};
use crate::schedule::Schedule;
use crate::scheduler::{Divergence, Scheduler};

/// What a search found: the different outcomes of all runs, in the order of their texts.
///
/// Its text (`Display`) is a table, which can be a snapshot: the set of behaviours of a piece of code.
#[derive(Clone, Debug)]
pub struct Report {
    outcomes: Vec<Outcome>,
    runs: usize,
    steps: usize,
    choices: usize,
    complete: bool,
    nondeterminism: Option<Failure>,
    marks: Vec<Mark>,
}

/// One way for a body to end.
#[derive(Clone, Debug)]
pub struct Outcome {
    text: String,
    runs: usize,
    first_seen: Schedule,
    failure: Option<Failure>,
}

impl Outcome {
    /// The `Debug` text of what the body returned, or in one line how the run failed.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// How many runs ended so.
    pub fn runs(&self) -> usize {
        self.runs
    }

    /// The schedule of the first run that ended so.
    pub fn first_seen(&self) -> &Schedule {
        &self.first_seen
    }

    /// Why these runs failed, if they did.
    pub fn failure(&self) -> Option<&Failure> {
        self.failure.as_ref()
    }
}

impl Report {
    /// The outcomes, in the order of their texts.
    pub fn outcomes(&self) -> &[Outcome] {
        &self.outcomes
    }

    /// How many runs were made.
    pub fn runs(&self) -> usize {
        self.runs
    }

    /// How many steps (polls of a task) these runs took.
    pub fn steps(&self) -> usize {
        self.steps
    }

    /// How many choices were answered in these runs.
    pub fn choices(&self) -> usize {
        self.choices
    }

    /// Whether every possible schedule was among them.
    pub fn is_complete(&self) -> bool {
        self.complete
    }

    /// The outcomes that are failures.
    pub fn failures(&self) -> impl Iterator<Item = &Outcome> {
        self.outcomes.iter().filter(|outcome| outcome.failure.is_some())
    }

    /// How the first run differed that could not be repeated. The search ends there.
    pub fn nondeterminism(&self) -> Option<&Failure> {
        self.nondeterminism.as_ref()
    }

    /// What the runs met of the marks of [`sometimes!`](crate::sometimes) and
    /// [`reachable!`](crate::reachable), and of those [expected](Builder::expect), in the order of their
    /// labels.
    pub fn marks(&self) -> &[Mark] {
        &self.marks
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows = self.outcomes.iter().map(|outcome| Row {
            outcome: &outcome.text,
            runs: outcome.runs,
            first_seen: shorten(&outcome.first_seen),
        });
        f.write_str(&table(rows, self.runs))?;
        let complete = if self.complete { "complete" } else { "not all there are" };
        writeln!(f, "{}, {complete}", count(self.runs, "schedule"))?;
        let rows = self.marks.iter();
        f.write_str(&marks(
            rows.map(|mark| (mark.label(), mark.runs_held(), mark.runs_evaluated())),
        ))?;
        self.nondeterminism.iter().try_for_each(|failure| writeln!(f, "{failure}"))
    }
}

#[track_caller]
pub(super) fn explore(
    builder: &Builder,
    mut subject: Subject<'_>,
    mut scheduler: Box<dyn Scheduler>,
) -> Report {
    let env = Env::read();
    if let Some(seeds) = env.seeds {
        scheduler.set_seeds(seeds);
    }
    let mut recheck = Recheck::new(builder);
    let mut coverage = Coverage::new(&builder.expected);
    let mut outcomes: BTreeMap<(String, bool), Outcome> = BTreeMap::new();
    let mut report = Report {
        outcomes: Vec::new(),
        runs: 0,
        steps: 0,
        choices: 0,
        complete: false,
        nondeterminism: None,
        marks: Vec::new(),
    };
    while let Some(seed) = scheduler.next_run() {
        let sample;
        (sample, scheduler) = subject.run(scheduler, seed);
        coverage.count(subject.marks());
        report.runs += 1;
        report.steps += sample.steps;
        report.choices += sample.choices;
        if recheck.is_due()
            && let Some(difference) = recheck.run(&mut subject, &sample)
        {
            let difference = difference.describe("").summary();
            report.nondeterminism = Some(Failure::new(Kind::NotDeterministic { difference }));
            break;
        }
        if let Some(divergence) = sample.divergence.filter(Divergence::is_nondeterminism) {
            let difference = divergence.to_string();
            report.nondeterminism = Some(Failure::new(Kind::NotDeterministic { difference }));
            break;
        }
        let Sample { outcome, schedule, .. } = sample;
        let (text, failure) = match outcome {
            Ok(text) => (text, None),
            Err(failure) => (failure.title(), Some(failure)),
        };
        // A text that a body returns may be that of a failure.
        let key = (text.clone(), failure.is_some());
        let first = || Outcome { text, runs: 0, first_seen: schedule, failure };
        outcomes.entry(key).or_insert_with(first).runs += 1;
    }
    report.marks = coverage.into_marks();
    report.complete = report.nondeterminism.is_none() && scheduler.is_complete();
    report.outcomes = outcomes.into_values().collect();
    report
}
