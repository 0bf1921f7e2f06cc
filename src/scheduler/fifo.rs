use super::{Choice, Plan, Scheduler};
use crate::faults::Faults;
use crate::schedule::Answer;

/// One run, first in, first out: what an ordinary event loop does.
#[derive(Clone, Debug, Default)]
pub struct Fifo {
    done: bool,
}

impl Fifo {
    /// The scheduler.
    pub fn new() -> Self {
        Self::default()
    }
}

impl Scheduler for Fifo {
    fn name(&self) -> &str {
        "first in, first out"
    }

    fn next_run(&mut self) -> Option<Plan> {
        let plan = || Plan::new().with_faults(Faults::none());
        (!std::mem::replace(&mut self.done, true)).then(plan)
    }

    fn choose(&mut self, _: &Choice<'_>) -> Answer {
        Answer::USUAL
    }
}
