//! What the runs of a search came to, counted.

use std::collections::{BTreeMap, HashSet};

use super::subject::Sample;
use crate::failure::Failure;
use crate::schedule::Schedule;

/// The outcomes of many runs, and what the runs have cost.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    /// By text, and by whether that is of a failure: a body may return the text of one.
    pub(super) rows: BTreeMap<(String, bool), Row>,
    pub(super) runs: usize,
    pub(super) steps: usize,
    pub(super) choices: usize,
    traces: HashSet<u64>,
}

/// One outcome.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) runs: usize,
    /// The schedule of the first run that ended so, and how it failed.
    pub(super) first_seen: Schedule,
    pub(super) failure: Option<Failure>,
    /// The least of all schedules that ended so.
    pub(super) least: Schedule,
}

impl Tally {
    /// So many different hashes of traces are kept: 8 MiB of them, and what a set takes around them.
    pub(super) const MAX_TRACES: usize = 1 << 20;

    /// Counts what a run has cost, whatever it came to.
    pub(super) fn count(&mut self, sample: &Sample) {
        self.runs += 1;
        self.steps += sample.steps;
        self.choices += sample.choices;
        self.add_trace(sample.hash);
    }

    /// Adds the outcome of a run.
    pub(super) fn add(&mut self, sample: Sample) {
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
        self.rows.insert(key, Row { runs: 1, first_seen: schedule, failure, least });
    }

    pub(super) fn add_trace(&mut self, hash: u64) {
        if self.traces.len() < Self::MAX_TRACES {
            self.traces.insert(hash);
        }
    }

    /// How many traces were different from all others, as far as they are kept.
    pub(super) fn distinct(&self) -> usize {
        self.traces.len()
    }
}
