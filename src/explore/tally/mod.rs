//! What the runs of a search came to, counted.

pub(crate) mod coverage;
pub(crate) mod reach;
pub(crate) mod traces;

use std::collections::BTreeMap;

use self::coverage::Coverage;
use self::traces::Traces;
use crate::explore::subject::{OutcomeKey, Sample, Subject};
use crate::failure::Failure;
use crate::schedule::Schedule;
use crate::session::Marks;

/// The outcomes of many runs, and what the runs have cost.
/// Two tallies of different runs can be merged, in any order, into the tally of all these runs, because
/// each run has a number: its place in the search.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) rows: BTreeMap<OutcomeKey, Row>,
    pub(crate) runs: usize,
    pub(crate) steps: usize,
    pub(crate) choices: usize,
    pub(crate) coverage: Coverage,
    traces: Traces,
}

/// One outcome.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) runs: usize,
    /// The number of the first run that ended so, its schedule, and how it failed, if that is known:
    /// other processes do not tell.
    pub(crate) first: usize,
    pub(crate) first_seen: Schedule,
    pub(crate) failure: Option<Failure>,
    /// The least of all schedules that ended so.
    pub(crate) least: Schedule,
}

impl Tally {
    /// Counts what a run has cost and met, whatever it came to.
    pub(crate) fn count(&mut self, sample: &Sample, marks: &Marks) {
        self.coverage.count(marks);
        self.runs += 1;
        self.steps += sample.steps;
        self.choices += sample.choices;
        self.add_trace(sample.hash);
    }

    /// Adds the outcome of run number `number`.
    pub(crate) fn add(&mut self, number: usize, sample: Sample) {
        let key = sample.key();
        let Sample { outcome, schedule, .. } = sample;
        if let Some(row) = self.rows.get_mut(&key) {
            row.runs += 1;
            if schedule.cmp_simplicity(&row.least).is_lt() {
                row.least = schedule;
            }
            return;
        }
        let least = schedule.clone();
        let failure = outcome.err();
        self.rows.insert(key, Row { runs: 1, first: number, first_seen: schedule, failure, least });
    }

    pub(crate) fn add_trace(&mut self, hash: u64) {
        self.traces.add(hash);
    }

    /// How many traces were different from all others, as far as they are kept.
    pub(crate) fn distinct(&mut self) -> usize {
        self.traces.len()
    }

    /// The hashes of these traces, in their order.
    pub(crate) fn take_traces(&mut self) -> Vec<u64> {
        self.traces.take()
    }

    pub(crate) fn merge(&mut self, mut other: Self) {
        self.runs += other.runs;
        self.steps += other.steps;
        self.choices += other.choices;
        self.coverage.merge(&other.coverage);
        other.take_traces().into_iter().for_each(|hash| self.add_trace(hash));
        for (key, theirs) in other.rows {
            let Some(ours) = self.rows.get_mut(&key) else {
                self.rows.insert(key, theirs);
                continue;
            };
            ours.runs += theirs.runs;
            if theirs.first < ours.first {
                (ours.first, ours.first_seen) = (theirs.first, theirs.first_seen);
                ours.failure = theirs.failure;
            }
            if theirs.least.cmp_simplicity(&ours.least).is_lt() {
                ours.least = theirs.least;
            }
        }
    }

    /// For each outcome whose failure is not known, makes its first failing run again. Returns what was
    /// seen instead, if one did not fail again.
    pub(crate) fn restore_failures(&mut self, subject: &mut Subject<'_>) -> Option<String> {
        for (key, row) in &mut self.rows {
            if key.bug.is_some() && row.failure.is_none() {
                let again = subject.replay(&row.first_seen);
                if again.key() != *key {
                    let schedule = &row.first_seen;
                    let (text, ending) = (&key.text, again.ending());
                    return Some(format!(
                        "another process and this one, with the schedule {schedule}, differ: \
                         `{text}` against `{ending}`"
                    ));
                }
                row.failure = again.outcome.err();
            }
        }
        None
    }
}
