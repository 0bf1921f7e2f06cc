use super::{Choice, Scheduler};
use crate::faults::Faults;

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

    fn next_run(&mut self) -> Option<u64> {
        (!std::mem::replace(&mut self.done, true)).then_some(0)
    }

    fn choose(&mut self, _: &Choice<'_>) -> usize {
        0
    }

    fn faults(&self) -> Option<Faults> {
        Some(Faults::none())
    }
}
