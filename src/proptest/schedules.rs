//! Schedules as values that proptest draws.

use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use ::proptest::arbitrary::Arbitrary;
use ::proptest::strategy::{NewTree, Strategy, ValueTree};
use ::proptest::test_runner::TestRunner;

use super::ScheduleTree;
use crate::explore::{Builder, last_schedule};
use crate::faults::Faults;
use crate::schedule::Schedule;
use crate::scheduler::{Portfolio, Scheduler};
use crate::sync::Semaphore;
use crate::task::{spawn, yield_now};
use crate::time::sleep;

/// Schedules for any program: what [`any::<Schedule>()`](::proptest::arbitrary::any) draws, with settings.
///
/// Every schedule is valid for every program. An answer that is too large becomes the largest possible one,
/// and a missing answer is 0. So a schedule can be drawn before the program is known.
///
/// Over the programs of `tests/zoo`, the geometric mean of the share of schedules that fail is 8 %, where a
/// [`Portfolio`] that asks the program itself has 12 %.
///
/// ```
/// use dacapo::proptest::schedule;
/// use dacapo::{Faults, scheduler::Pct};
/// use proptest::prelude::*;
///
/// proptest! {
/// #   #![proptest_config(ProptestConfig { cases: 16, failure_persistence: None, ..Default::default() })]
/// #   /*
///     #[test]
/// #   */
///     fn a_task_gives_what_it_returns(
///         number: u32,
///         schedule in schedule().max_len(20).scheduler(Pct::seeds(0..1)).faults(Faults::harmless()),
///     ) {
///         let run = dacapo::replay(schedule, async || dacapo::spawn(async move { number }).await);
///         prop_assert_eq!(run.unwrap().unwrap(), number);
///     }
/// }
/// # a_task_gives_what_it_returns();
/// ```
pub fn schedule() -> ScheduleStrategy {
    ScheduleStrategy {
        max_len: MAX_LEN,
        faults: Faults::none(),
        scheduler: Rc::new(|| Box::new(Portfolio::default())),
    }
}

const MAX_LEN: usize = 64;

/// Draws schedules; made by [`schedule`].
#[derive(Clone)]
pub struct ScheduleStrategy {
    max_len: usize,
    faults: Faults,
    scheduler: Rc<dyn Fn() -> Box<dyn Scheduler>>,
}

impl ScheduleStrategy {
    /// The most answers that a schedule has; 64 by default. What comes after them is first in, first out.
    /// All lengths up to this one are equally likely.
    pub fn max_len(mut self, max_len: usize) -> Self {
        self.max_len = max_len;
        self
    }

    /// The scheduler whose answers are drawn; [`Portfolio`] by default.
    ///
    /// It is asked by a little program that stands in for the one under test: some tasks that yield, sleep,
    /// and wait for each other at a semaphore. If it works from seeds, it is given a random one; if not, one
    /// of its first 64 runs is taken.
    pub fn scheduler<S: Scheduler + Clone + 'static>(mut self, scheduler: S) -> Self {
        self.scheduler = Rc::new(move || Box::new(scheduler.clone()));
        self
    }

    /// The faults that may happen. Each schedule turns some of them on; by default there are none.
    pub fn faults(mut self, faults: Faults) -> Self {
        self.faults = faults;
        self
    }
}

impl fmt::Debug for ScheduleStrategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheduler = (self.scheduler)();
        f.debug_struct("ScheduleStrategy")
            .field("max_len", &self.max_len)
            .field("scheduler", &scheduler.name())
            .field("faults", &self.faults)
            .finish()
    }
}

impl Strategy for ScheduleStrategy {
    type Tree = ScheduleTree;
    type Value = Schedule;

    /// # Panics
    ///
    /// If the scheduler makes no run. Inside of a run.
    fn new_tree(&self, runner: &mut TestRunner) -> NewTree<Self> {
        // As many seeds as tests try by default; more would only be longer to read.
        let draws = (0..1000_u64, 0..=self.max_len, 2..6_usize, 1..=64_usize);
        let (seed, len, tasks, nth) = draws.new_tree(runner)?.current();

        let mut scheduler = (self.scheduler)();
        let own = scheduler.seeds().map(|own| *own = seed..seed + 1);
        // Before the run of a seed there may be a run that measures.
        let runs = if own.is_some() { 2 } else { nth };
        let builder = Builder::new().faults(self.faults);
        let drawn =
            last_schedule(builder.settings(), scheduler, runs, async || stand_in(tasks, len).await);
        let drawn = drawn.expect("dacapo: the scheduler of a strategy makes no run");
        let answers = drawn.answers().iter().take(len).copied();
        let schedule = Schedule::new(answers).with_seed(seed).with_faults(drawn.faults());
        Ok(ScheduleTree::new(schedule))
    }
}

/// A program that asks at least this many questions, of the usual kinds.
async fn stand_in(tasks: usize, choices: usize) {
    let turns = choices / (tasks - 1) + 1;
    let semaphore = Rc::new(Semaphore::new(1));
    let tasks = (0..tasks).map(|task| {
        let semaphore = Rc::clone(&semaphore);
        spawn(async move {
            for turn in 0..turns {
                match (task + turn) % 4 {
                    0 => drop(semaphore.acquire().await),
                    1 => sleep(Duration::from_millis(1)).await,
                    _ => yield_now().await,
                }
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        // A task that a fault has cancelled is as good.
        let _ = task.await;
    }
}

impl Arbitrary for Schedule {
    type Parameters = ();
    type Strategy = ScheduleStrategy;

    fn arbitrary_with((): ()) -> ScheduleStrategy {
        schedule()
    }
}
