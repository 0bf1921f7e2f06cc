//! What one run, first in, first out, tells about the runs to come.

use crate::numbering::Numbering;
use crate::trace::{TaskId, TaskNames};

/// The size of a program, measured instead of guessed. Tasks are known by the signatures of their
/// names, which are the same in every run; see [`TaskNames::signature`].
#[derive(Clone, Debug, Default)]
pub(super) struct Probe {
    /// Those of the run that measures, if somebody will ask about them.
    numbers: Numbering,
    tasks: Vec<Measured>,
    /// By the tasks' ids, for that run.
    signatures: Vec<u64>,
    /// Choices among two or more ready tasks.
    choices: u64,
    steps: u64,
}

/// What is known of one task.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Measured {
    pub(super) steps: u64,
    /// Those of all tasks below it, which it and they have spawned.
    pub(super) steps_below: u64,
    parent: Option<u64>,
}

impl Measured {
    pub(super) fn steps_in_all(&self) -> u64 {
        self.steps + self.steps_below
    }
}

impl Probe {
    pub(super) fn ready(&mut self, task: TaskId, names: &TaskNames) {
        let place = task.as_u32() as usize;
        while self.signatures.len() <= place {
            let new = TaskId(self.signatures.len() as u32);
            let signature = names.signature(new);
            let parent = (new != TaskId::MAIN).then(|| names.signature(names.parent(new)));
            self.signatures.push(signature);
            if self.numbers.number(signature) == self.tasks.len() {
                self.tasks.push(Measured { parent, ..Measured::default() });
            }
        }
    }

    pub(super) fn step(&mut self, task: TaskId) {
        self.steps += 1;
        let signature = self.signatures.get(task.as_u32() as usize);
        if let Some(number) = signature.and_then(|&signature| self.numbers.get(signature)) {
            self.tasks[number].steps += 1;
        }
    }

    pub(super) fn choice(&mut self) {
        self.choices += 1;
    }

    /// Sums up, when the run is over.
    pub(super) fn finish(&mut self) {
        // A task comes after the one that spawned it, so this reaches each before its parent.
        for signature in std::mem::take(&mut self.signatures).into_iter().rev() {
            let Some(&measured) = self.get(signature) else { continue };
            if let Some(number) = measured.parent.and_then(|parent| self.numbers.get(parent)) {
                self.tasks[number].steps_below += measured.steps_in_all();
            }
        }
    }

    /// Choices among two or more ready tasks; at least 1.
    pub(super) fn choices(&self) -> u64 {
        self.choices.max(1)
    }

    pub(super) fn steps(&self) -> u64 {
        self.steps
    }

    pub(super) fn get(&self, signature: u64) -> Option<&Measured> {
        self.numbers.get(signature).map(|number| &self.tasks[number])
    }
}
