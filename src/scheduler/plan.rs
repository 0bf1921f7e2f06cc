//! What a scheduler says before a run, sees during it, and says after it.

use super::Divergence;
use crate::faults::Faults;
use crate::schedule::Schedule;
use crate::trace::{TaskId, TaskNames};

/// What a scheduler asks for in one run; see [`Scheduler::next_run`](super::Scheduler::next_run).
///
/// ```
/// use dacapo::scheduler::Plan;
///
/// let plan = Plan::of_seed(7).observing_steps();
/// assert_eq!((plan.seed(), plan.value_seed()), (Some(7), 7));
/// assert_eq!(Plan::new().seed(), None);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    seed: Option<u64>,
    value_seed: u64,
    faults: Option<Faults>,
    observes: Observes,
    compares_holdings: bool,
    runs_left: Option<u64>,
}

/// How much of a run a scheduler observes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Observes {
    #[default]
    Nothing,
    Steps,
    Uses,
}

impl Plan {
    /// A run that is not made from a seed. The code under test draws its random values from seed 0.
    pub fn new() -> Self {
        Self::default()
    }

    /// A run that is made from this seed, which reports name. The random values of the code under test
    /// come from it too.
    pub fn of_seed(seed: u64) -> Self {
        Self { seed: Some(seed), value_seed: seed, ..Self::default() }
    }

    /// The run of a recorded schedule.
    pub(crate) fn of_schedule(schedule: &Schedule) -> Self {
        Self::new().with_value_seed(schedule.seed()).with_faults(schedule.faults())
    }

    /// Draws the random values of the code under test (see [`rand`](crate::rand)) from this seed.
    pub fn with_value_seed(self, value_seed: u64) -> Self {
        Self { value_seed, ..self }
    }

    /// Turns exactly these [faults](Faults) on. Without this, the run has the faults that the test
    /// allows; or, if it is made from a seed, some of them, drawn from the seed.
    pub fn with_faults(self, faults: Faults) -> Self {
        Self { faults: Some(faults), ..self }
    }

    /// Calls [`Scheduler::observe`](super::Scheduler::observe) during the run.
    pub fn observing_steps(self) -> Self {
        Self { observes: self.observes.max(Observes::Steps), ..self }
    }

    /// The same, and each [`Step`] also tells which primitives it used. That makes primitives slower.
    pub fn observing_uses(self) -> Self {
        Self { observes: Observes::Uses, ..self }
    }

    /// Records what each primitive of [`sync`](crate::sync) holds, and fails the run if something is
    /// still held at its end that was not held at the end of the first run.
    pub fn comparing_holdings(self) -> Self {
        Self { compares_holdings: true, ..self }
    }

    /// Tells how many runs come after this one, for the display of progress.
    pub fn with_runs_left(self, runs: u64) -> Self {
        Self { runs_left: Some(runs), ..self }
    }

    /// The seed that the run is made from, if any.
    pub fn seed(&self) -> Option<u64> {
        self.seed
    }

    /// The seed of the random values of the code under test.
    pub fn value_seed(&self) -> u64 {
        self.value_seed
    }

    /// The faults that are on, if the scheduler decides that.
    pub fn faults(&self) -> Option<Faults> {
        self.faults
    }

    /// Whether the scheduler observes the run.
    pub fn observes_steps(&self) -> bool {
        self.observes >= Observes::Steps
    }

    /// Whether each step also tells which primitives it used.
    pub fn observes_uses(&self) -> bool {
        self.observes >= Observes::Uses
    }

    /// Whether the run fails if primitives hold more at its end than at the end of the first run.
    pub fn compares_holdings(&self) -> bool {
        self.compares_holdings
    }

    /// How many runs come after this one, if that is known.
    pub fn runs_left(&self) -> Option<u64> {
        self.runs_left
    }
}

/// What a scheduler sees of a run; see [`Scheduler::observe`](super::Scheduler::observe).
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Progress<'a> {
    /// A task was spawned or woken, and is now in the ready queue.
    Ready {
        /// The task. Tasks are numbered in the order of spawning.
        task: TaskId,
        /// The names of all tasks.
        names: &'a TaskNames,
    },
    /// A task had a step, even if there was no choice but this task.
    Step(Step<'a>),
}

/// One step of a task.
#[derive(Clone, Copy, Debug)]
pub struct Step<'a> {
    pub(crate) task: TaskId,
    pub(crate) used: &'a [u32],
    pub(crate) awaits: Option<u32>,
    pub(crate) is_ready: bool,
    pub(crate) names: &'a TaskNames,
}

impl<'a> Step<'a> {
    /// A step of this task, for the tests of a scheduler. dacapo makes the steps of a run itself.
    #[doc(hidden)]
    pub fn new(task: TaskId, names: &'a TaskNames) -> Self {
        Self { task, used: &[], awaits: None, is_ready: false, names }
    }

    /// The same step, after which the task is in the ready queue again.
    #[doc(hidden)]
    pub fn ready(self) -> Self {
        Self { is_ready: true, ..self }
    }

    /// The same step, which used these primitives and now waits for one. Each primitive has a number in
    /// the run.
    #[doc(hidden)]
    pub fn using(self, used: &'a [u32], awaits: Option<u32>) -> Self {
        Self { used, awaits, ..self }
    }

    /// The task.
    pub fn task(&self) -> TaskId {
        self.task
    }

    /// Whether the task is in the ready queue again. No [`Progress::Ready`] tells that.
    pub fn is_ready(&self) -> bool {
        self.is_ready
    }

    /// The numbers of the primitives of [`sync`](crate::sync) that the step used, if the
    /// [plan](Plan::observing_uses) asks for them.
    pub fn used(&self) -> &'a [u32] {
        self.used
    }

    /// The number of the primitive that the task now waits for.
    pub fn awaits(&self) -> Option<u32> {
        self.awaits
    }

    /// The names of all tasks.
    pub fn names(&self) -> &'a TaskNames {
        self.names
    }
}

/// What a scheduler says about a run that has ended, and about its search so far; see
/// [`Scheduler::end_run`](super::Scheduler::end_run).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RunEnd {
    /// Where the run took another path than the scheduler was made for.
    pub divergence: Option<Divergence>,
    /// How many of all schedules have been run.
    pub completeness: Completeness,
}

/// How many of all possible schedules a scheduler has run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Completeness {
    /// It samples them, or has run all that it was made for.
    #[default]
    Sampled,
    /// It was made to run more than it has so far. If the search ends like this, the report says so.
    Partial,
    /// Every possible schedule has been run.
    Complete,
}
