//! Where in the source tasks were spawned, and where they wait.
//!
//! A place is for people only: it is in no event, no hash and no trace, for every edit would move it.

use std::panic::Location;

use super::core::Core;
use super::tasks::Task;
use crate::trace::{TaskId, Wait};

/// A line of the code under test, as `#[track_caller]` gives it.
pub(crate) type Place = &'static Location<'static>;

/// The file and the line; the column says nothing more about an await.
pub(crate) fn show(place: Place) -> String {
    format!("{}:{}", place.file(), place.line())
}

/// Something that a task waits for, and where, if that is known: futures of other crates have no
/// place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Awaited {
    pub(crate) wait: Wait,
    pub(crate) place: Option<Place>,
}

impl Awaited {
    pub(super) const UNKNOWN: Self = Self { wait: Wait::Other, place: None };
    pub(super) const TURN: Self = Self { wait: Wait::Turn, place: None };
}

/// Where a task stood when a step began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) task: TaskId,
    /// Absent for main.
    pub(crate) spawned: Option<Place>,
    pub(crate) started: bool,
    /// What it had said it waits for, if it has started.
    pub(crate) awaited: Awaited,
}

/// The steps that are about to be looked at, and what was seen.
#[derive(Debug, Default)]
pub(super) struct Survey {
    /// In their order, the next one last.
    steps: Vec<u64>,
    seen: Vec<(u64, Standing)>,
}

impl Survey {
    pub(super) fn of(steps: &[u64]) -> Self {
        let mut steps = steps.to_vec();
        steps.sort_unstable();
        steps.reverse();
        steps.dedup();
        Self { steps, seen: Vec::new() }
    }

    pub(super) fn into_seen(self) -> Vec<(u64, Standing)> {
        self.seen
    }
}

impl Core {
    /// Looks at all tasks, if the next step is one to be looked at.
    pub(super) fn survey_step(&mut self) {
        let step = self.steps as u64 + 1;
        let Some(survey) = &mut self.survey else { return };
        if survey.steps.last() != Some(&step) {
            return;
        }
        survey.steps.pop();
        let standing = |task: &Task| Standing {
            task: task.id,
            spawned: task.spawned,
            started: task.started,
            awaited: task.foremost_wait(),
        };
        survey.seen.extend(self.tasks.iter().map(|(_, task)| (step, standing(task))));
    }
}
