//! One runner for each search, with a scheduler that was seeded for it.

use std::cell::Cell;
use std::mem::ManuallyDrop;
use std::rc::Rc;

use shuttle::scheduler::{Schedule, Scheduler, Task, TaskId};
use shuttle::{Config, ContinuationFunctionBehavior, FailurePersistence, MaxSteps, Runner};

use super::Found;
use crate::programs::Program;
use crate::quiet::caught;
use crate::search::base_seed;

/// A scheduler for this seed and this many schedules.
pub type Make = fn(u64, usize) -> Box<dyn Scheduler>;

/// Counts the schedules that were begun.
struct Counted {
    /// Never dropped: after a failure, shuttle's random walk writes how to replay it.
    scheduler: ManuallyDrop<Box<dyn Scheduler>>,
    begun: Rc<Cell<u64>>,
}

impl Scheduler for Counted {
    fn new_execution(&mut self) -> Option<Schedule> {
        let schedule = self.scheduler.new_execution();
        self.begun.set(self.begun.get() + u64::from(schedule.is_some()));
        schedule
    }

    fn next_task(
        &mut self,
        runnable: &[&Task],
        current: Option<TaskId>,
        is_yielding: bool,
    ) -> Option<TaskId> {
        self.scheduler.next_task(runnable, current, is_yielding)
    }

    fn next_u64(&mut self) -> u64 {
        self.scheduler.next_u64()
    }
}

fn config() -> Config {
    let mut config = Config::new();
    config.failure_persistence = FailurePersistence::None;
    config.max_steps = MaxSteps::FailAfter(100_000);
    config.silence_warnings = true;
    // Otherwise the stacks of all tasks of a failed run are never freed.
    config.ungraceful_shutdown_config.continuation_function_behavior =
        ContinuationFunctionBehavior::Drop;
    config
}

pub(super) fn search(
    program: &'static Program,
    fixed: bool,
    make: Make,
    nth: u64,
    most: u64,
) -> Found {
    let begun = Rc::new(Cell::new(0));
    let scheduler = Counted {
        scheduler: ManuallyDrop::new(make(base_seed(nth), most as usize)),
        begun: Rc::clone(&begun),
    };
    let runner = Runner::new(scheduler, config());
    let ended = caught(|| {
        runner.run(move || {
            shuttle::future::block_on(if fixed { program.fixed() } else { program.broken() });
        })
    });
    match ended {
        Ok(_) => Found::Nothing,
        Err(panic) => Found::Failure(begun.get(), Some(panic)),
    }
}

/// A run of nothing, with which shuttle installs its panic hook.
pub fn warm_up() {
    shuttle::check_random(|| {}, 1);
}
