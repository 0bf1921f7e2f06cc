//! What answers the choices of a run.
//!
//! | scheduler | runs | answers |
//! |---|---|---|
//! | [`Fifo`] | one | 0, as an ordinary event loop would |
//! | [`Portfolio`] | one per seed | those of the next six in turn |
//! | [`Sparse`] | one per seed | first in, first out, but for one to three answers |
//! | [`Urw`] | one per seed | at random, each schedule as likely as the others |
//! | [`Pos`] | one per seed | a random priority for each step |
//! | [`Pct`] | one per seed | a random priority for each task, which seldom changes |
//! | [`Random`] | one per seed | at random, each option as likely as the others |
//! | [`Sticky`] | one per seed | as `Random`, but rather with the task that has just run |
//! | [`DelayBounded`] | all with few deviations | first those with one answer that is not 0, then two, … |
//! | [`Exhaustive`] | all there are | each possible list of answers, once |
//! | [`CancelSweep`] | one per await | 0, but for one cancellation |
//! | [`Replay`] | one | those of a recorded [`Schedule`](crate::Schedule) |
//!
//! A scheduler of your own implements [`Scheduler`]; it needs no executor to be tested.

mod cancel_sweep;
mod choice;
mod chunks;
mod delay_bounded;
mod exhaustive;
mod fifo;
mod pct;
mod portfolio;
mod pos;
mod probe;
mod queue;
mod random;
mod ranking;
mod ready_queue;
mod replay;
mod seeded;
mod sparse;
mod sticky;
mod urw;
mod weights;

use std::ops::Range;

pub use cancel_sweep::CancelSweep;
pub use choice::{Choice, ChoiceKind, Label};
pub use delay_bounded::DelayBounded;
pub use exhaustive::Exhaustive;
pub use fifo::Fifo;
pub use pct::Pct;
pub use portfolio::Portfolio;
pub use pos::Pos;
pub use random::Random;
pub use ready_queue::ReadyQueue;
pub(crate) use ready_queue::TaskKey;
pub use replay::{Divergence, Replay};
pub use sparse::Sparse;
pub use sticky::Sticky;
pub use urw::Urw;

use crate::faults::Faults;
use crate::schedule::Answer;
use crate::trace::{TaskId, TaskNames};

/// Answers the choices of one run after another.
///
/// Its answers may depend on nothing but its own state and what it is asked, or else the runs cannot
/// be found again. It must not call anything that needs the run, such as `spawn` or `Instant::now`.
///
/// This one gives each turn to the task that has waited least, and is right once:
///
/// ```
/// use dacapo::scheduler::{Choice, ChoiceKind, Scheduler};
///
/// struct Lifo { done: bool }
///
/// impl Scheduler for Lifo {
///     fn name(&self) -> &str {
///         "last in, first out"
///     }
///
///     fn next_run(&mut self) -> Option<u64> {
///         (!std::mem::replace(&mut self.done, true)).then_some(0)
///     }
///
///     fn choose(&mut self, choice: &Choice<'_>) -> usize {
///         match choice.kind() {
///             ChoiceKind::Task => choice.options() - 1,
///             _ => 0,
///         }
///     }
/// }
///
/// let report = dacapo::explore(Lifo { done: false }, async || {
///     let [a, b] = ["a", "b"].map(|name| dacapo::spawn(async move { println!("{name}") }));
///     (a.await.unwrap(), b.await.unwrap())
/// });
/// assert_eq!(report.runs(), 1);
/// ```
pub trait Scheduler {
    /// What reports call this scheduler.
    fn name(&self) -> &str;

    /// Prepares for one more run and returns the seed of the random values that the code under test
    /// asks for in it, or `None` if there is no run left to make.
    fn next_run(&mut self) -> Option<u64>;

    /// Answers with a number below [`choice.options()`](Choice::options).
    fn choose(&mut self, choice: &Choice<'_>) -> usize;

    /// Whether it wants to be told of what happens in between, by [`ready`](Scheduler::ready) and
    /// [`step`](Scheduler::step). Asked at the beginning of a run.
    fn watches(&self) -> bool {
        false
    }

    /// Whether a [`step`](Scheduler::step) is also to tell what primitives it used, for which they all have to
    /// be asked. Asked at the beginning of a run if it [`watches`](Scheduler::watches).
    fn watches_uses(&self) -> bool {
        true
    }

    /// A task got into the line of those that are ready, of which [`choose`](Scheduler::choose) will
    /// give one its turn. Tasks are numbered in the order of spawning; the names tell more.
    fn ready(&mut self, task: TaskId, names: &TaskNames) {
        let _ = (task, names);
    }

    /// A task has had a step, also if there was no choice but this one. If it is ready again,
    /// [`ready`](Scheduler::ready) comes after this.
    fn step(&mut self, step: &Step<'_>) {
        let _ = step;
    }

    /// The same as [`choose`](Scheduler::choose), which it asks unless the answer is to last.
    fn answer(&mut self, choice: &Choice<'_>) -> Answer {
        Answer::from_place(self.choose(choice))
    }

    /// Whether every possible schedule has been run. Asked after `next_run` has returned `None`.
    fn is_complete(&self) -> bool {
        false
    }

    /// Takes these seeds instead of its own; returns whether it works from seeds at all. This is how
    /// the variable `DACAPO_SEEDS` widens a search.
    fn set_seeds(&mut self, seeds: Range<u64>) -> bool {
        let _ = seeds;
        false
    }

    /// Whether it means to make every possible run; then it is told if it has not.
    fn is_exhaustive(&self) -> bool {
        false
    }

    /// The seed of the run that was prepared, if it works from seeds.
    fn seed(&self) -> Option<u64> {
        None
    }

    /// The [faults](crate::Faults) that are on in the run that was prepared. None leaves it to what the test
    /// allows: all of it, or, if it works from seeds, a part of it that is drawn from the seed.
    fn faults(&self) -> Option<Faults> {
        None
    }

    /// A copy, if the run that was prepared and all after it depend on their seeds alone: then any of
    /// them may be left out, by preparing the next one instead. Asked after `next_run`.
    ///
    /// This is how several processes share the runs of a search, if `DACAPO_JOBS` asks for that. A
    /// scheduler that has none makes its runs in one process.
    fn fork(&self) -> Option<Box<dyn Scheduler>> {
        None
    }

    /// How many runs there will be after the one that was prepared, if that is known.
    fn runs_left(&self) -> Option<u64> {
        None
    }

    /// Where the last run took another path than the scheduler was made for. Asked after the run.
    fn divergence(&self) -> Option<Divergence> {
        None
    }
}

/// One step of a task that was taken.
#[derive(Clone, Copy, Debug)]
pub struct Step<'a> {
    task: TaskId,
    used: &'a [u32],
    awaits: Option<u32>,
}

impl<'a> Step<'a> {
    /// A step of this task, which used these primitives, each of which has a number in the run, and
    /// now waits for one.
    ///
    /// dacapo makes the steps of a run itself; this is for the tests of a scheduler.
    pub fn new(task: TaskId, used: &'a [u32], awaits: Option<u32>) -> Self {
        Self { task, used, awaits }
    }

    /// The task.
    pub fn task(&self) -> TaskId {
        self.task
    }

    /// The numbers of the primitives of [`sync`](crate::sync) that it used.
    pub fn used(&self) -> &'a [u32] {
        self.used
    }

    /// The number of the primitive that it now waits for.
    pub fn awaits(&self) -> Option<u32> {
        self.awaits
    }
}
