//! What the first run, which is an ordinary one, tells about the next ones.

use crate::numbering::Numbering;
use crate::trace::{TaskId, TaskNames};

/// The size of a program, measured instead of guessed. Tasks are identified by the signatures of
/// their names, which are the same in every run; see [`TaskNames::signature`].
#[derive(Clone, Debug, Default)]
pub(super) struct Probe {
    /// By the ids of tasks in the measured run, if a policy will ask about tasks.
    tasks: Vec<Measured>,
    /// Set when the run is over. The number of a signature is the id of the task in that run.
    by_signature: Numbering,
    /// Choices among two or more ready tasks.
    choices: u64,
    steps: u64,
}

/// What is known of one task.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Measured {
    signature: u64,
    steps: u64,
    /// The steps of all tasks that it and its descendants spawned.
    steps_below: u64,
    parent: TaskId,
}

impl Measured {
    pub(super) fn steps_in_all(&self) -> u64 {
        self.steps + self.steps_below
    }
}

impl Probe {
    pub(super) fn ready(&mut self, task: TaskId, names: &TaskNames) {
        for id in self.tasks.len() as u32..=task.as_u32() {
            let id = TaskId(id);
            let (signature, parent) = (names.signature(id), names.parent(id));
            self.tasks.push(Measured { signature, parent, ..Measured::default() });
        }
    }

    pub(super) fn step(&mut self, task: TaskId) {
        self.steps += 1;
        if let Some(measured) = self.tasks.get_mut(task.as_u32() as usize) {
            measured.steps += 1;
        }
    }

    pub(super) fn choice(&mut self) {
        self.choices += 1;
    }

    /// Adds the steps up when the run is over.
    pub(super) fn finish(&mut self) {
        // A task comes after its parent, so this reaches each task before its parent.
        for task in (1..self.tasks.len()).rev() {
            let measured = self.tasks[task];
            self.tasks[measured.parent.as_u32() as usize].steps_below += measured.steps_in_all();
        }
        for task in &self.tasks {
            self.by_signature.number(task.signature);
        }
    }

    /// Choices among two or more ready tasks; at least 1.
    pub(super) fn choices(&self) -> u64 {
        self.choices.max(1)
    }

    pub(super) fn steps(&self) -> u64 {
        self.steps
    }

    /// What is known of the task with this signature, which has this id now.
    pub(super) fn get(&self, id: TaskId, signature: u64) -> Option<&Measured> {
        let known = |id: usize| self.tasks.get(id).filter(|task| task.signature == signature);
        // Most tasks have the same id in all runs.
        let same = known(id.as_u32() as usize);
        same.or_else(|| self.by_signature.get(signature).and_then(known))
    }
}
