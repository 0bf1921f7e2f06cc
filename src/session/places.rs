//! Where in the source tasks were spawned, and where they wait.
//!
//! Places are for people. They are in no event, hash or trace, because every edit moves them.

use std::panic::Location;

use crate::trace::{TaskId, Wait};

/// A line of the code under test, as `#[track_caller]` gives it.
pub(crate) type Place = &'static Location<'static>;

/// The file and the line. The column says nothing more about an await.
pub(crate) fn show(place: Place) -> String {
    format!("{}:{}", place.file(), place.line())
}

/// Something that a task waits for, and where, if that is known. Futures of other crates have no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Awaited {
    pub(crate) wait: Wait,
    pub(crate) place: Option<Place>,
}

impl Awaited {
    pub(crate) const UNKNOWN: Self = Self { wait: Wait::Other, place: None };
    pub(crate) const TURN: Self = Self { wait: Wait::Turn, place: None };
}

/// Where a task stood when a step began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) task: TaskId,
    /// Absent for main.
    pub(crate) spawned: Option<Place>,
    pub(crate) started: bool,
    /// What it said it waits for, if it has started.
    pub(crate) awaited: Awaited,
}

/// The steps at which to look where all tasks stand, and what was seen there.
#[derive(Debug, Default)]
pub(crate) struct Survey {
    /// In descending order: the next step is the last element.
    steps: Vec<u64>,
    seen: Vec<(u64, Standing)>,
}

impl Survey {
    pub(crate) fn of(steps: &[u64]) -> Self {
        let mut steps = steps.to_vec();
        steps.sort_unstable();
        steps.reverse();
        steps.dedup();
        Self { steps, seen: Vec::new() }
    }

    /// Adds where these tasks stand, if the step that begins is one to look at.
    pub(crate) fn look(&mut self, step: u64, tasks: impl Iterator<Item = Standing>) {
        if self.steps.pop_if(|next| *next == step).is_some() {
            self.seen.extend(tasks.map(|standing| (step, standing)));
        }
    }

    pub(crate) fn into_seen(self) -> Vec<(u64, Standing)> {
        self.seen
    }
}
