//! What the scheduler observes of the run.

use super::Session;
use crate::scheduler::{Plan, Progress, Scheduler, Step};
use crate::trace::{TaskId, TaskNames};

/// What the scheduler observes, and what it will see of the current step.
#[derive(Default)]
pub(crate) struct Watch {
    is_on: bool,
    /// Whether it also sees which primitives a step uses.
    has_uses: bool,
    /// The primitives that the step used. Their numbers are not those of the trace, which count
    /// waits.
    used: Vec<u32>,
    awaits: Option<u32>,
    /// How many primitives have a number.
    known: u32,
}

impl Watch {
    /// Prepares for a run.
    pub(crate) fn begin(&mut self, plan: &Plan) {
        self.is_on = plan.observes_steps();
        self.has_uses = plan.observes_uses();
        self.used.clear();
        (self.awaits, self.known) = (None, 0);
    }

    /// Whether the scheduler observes the run.
    #[inline]
    pub(crate) fn is_on(&self) -> bool {
        self.is_on
    }

    pub(crate) fn has_uses(&self) -> bool {
        self.has_uses
    }

    #[inline]
    fn tell_step(
        &mut self,
        scheduler: &mut dyn Scheduler,
        task: TaskId,
        is_ready: bool,
        names: &TaskNames,
    ) {
        let step = Step { task, used: &self.used, awaits: self.awaits, is_ready, names };
        scheduler.observe(&Progress::Step(step));
        if self.has_uses {
            self.used.clear();
            self.awaits = None;
        }
    }
}

impl Session {
    /// Tells the scheduler that a task is ready.
    pub(crate) fn watch_ready(&mut self, task: TaskId) {
        if let Some(scheduler) = &mut self.scheduler {
            scheduler.observe(&Progress::Ready { task, names: self.trace.names() });
        }
    }

    /// Tells the scheduler that a step is over, if it observes steps.
    #[inline]
    pub(crate) fn watch_step(&mut self, task: TaskId) {
        if self.watch.is_on {
            self.watch_step_of(task);
        }
    }

    #[inline(never)]
    fn watch_step_of(&mut self, task: TaskId) {
        if let Some(scheduler) = &mut self.scheduler {
            self.watch.tell_step(&mut **scheduler, task, false, self.trace.names());
        }
    }

    /// Tells the scheduler that a step is over, and whether its task is ready for another.
    #[inline(never)]
    pub(crate) fn watch_end_of_step(&mut self, task: TaskId, is_ready: bool) {
        let Some(scheduler) = &mut self.scheduler else { return };
        self.watch.tell_step(&mut **scheduler, task, is_ready, self.trace.names());
    }

    /// Notes that the current step uses a primitive, or will use it when it goes on. Returns the
    /// number of the primitive.
    pub(crate) fn watch_use(&mut self, number: Option<u32>, awaits: bool) -> Option<u32> {
        let watch = &mut self.watch;
        if !watch.has_uses {
            return None;
        }
        let number = number.unwrap_or_else(|| {
            watch.known += 1;
            watch.known
        });
        if awaits {
            watch.awaits = Some(number);
        }
        if !watch.used.contains(&number) {
            watch.used.push(number);
        }
        Some(number)
    }
}
