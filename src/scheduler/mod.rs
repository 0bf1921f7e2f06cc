//! Schedulers: they answer the choices of a run.
//!
//! | scheduler | runs | answers |
//! |---|---|---|
//! | [`Fifo`] | one | 0, as an ordinary event loop would |
//! | [`Portfolio`] | one per seed | uses the next six in turn |
//! | [`Sparse`] | one per seed | first in, first out, except for one to three answers |
//! | [`Urw`] | one per seed | at random, each schedule as likely as the others |
//! | [`Pos`] | one per seed | a random priority for each step |
//! | [`Pct`] | one per seed | a random priority for each task, which rarely changes |
//! | [`Random`] | one per seed | at random, each option as likely as the others |
//! | [`Sticky`] | one per seed | as `Random`, but tends to stay with the task that has just run |
//! | [`DelayBounded`] | all with few deviations | first one answer that is not 0, then two, … |
//! | [`Exhaustive`] | all there are | each possible list of answers once |
//! | [`CancelSweep`] | one per await | 0, except for one cancellation |
//! | [`Replay`] | one | the answers of a recorded [`Schedule`](crate::Schedule) |
//!
//! Implement [`Scheduler`] to write your own. You can test it without an executor.

mod cancel_sweep;
mod choice;
mod chunks;
mod delay_bounded;
mod divergence;
mod exhaustive;
mod fifo;
mod pct;
mod plan;
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
mod task_key;
mod urw;
mod weights;

use std::ops::Range;

pub use cancel_sweep::{CancelSweep, Swept};
pub use choice::{Choice, Label};
pub use delay_bounded::DelayBounded;
pub use divergence::Divergence;
pub use exhaustive::Exhaustive;
pub use fifo::Fifo;
pub use pct::Pct;
pub use plan::{Completeness, Plan, Progress, RunEnd, Step};
pub use portfolio::Portfolio;
pub use pos::Pos;
pub use random::Random;
pub use ready_queue::ReadyQueue;
pub use replay::Replay;
pub use sparse::Sparse;
pub use sticky::Sticky;
pub(crate) use task_key::TaskKey;
pub use urw::Urw;

pub use crate::question::{Bias, Question};
use crate::schedule::Answer;

/// Answers the choices of one run after another.
///
/// The answers of a scheduler may depend only on its own state and on what it is asked; otherwise runs
/// cannot be repeated. It must not call anything that needs a run, such as `spawn` or `Instant::now`.
///
/// Three methods make a scheduler. This one always runs the task that became ready last:
///
/// ```
/// use dacapo::schedule::Answer;
/// use dacapo::scheduler::{Choice, Plan, Question, Scheduler};
///
/// struct Lifo { done: bool }
///
/// impl Scheduler for Lifo {
///     fn name(&self) -> &str {
///         "last in, first out"
///     }
///
///     fn next_run(&mut self) -> Option<Plan> {
///         (!std::mem::replace(&mut self.done, true)).then(Plan::new)
///     }
///
///     fn choose(&mut self, choice: &Choice<'_>) -> Answer {
///         match choice.question() {
///             Question::Next => choice.option(choice.options() - 1),
///             _ => Answer::USUAL,
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
///
/// A scheduler that wraps another one forwards the methods that it does not change. If it leaves out
/// [`seeds`](Scheduler::seeds) and [`fork`](Scheduler::fork), the search runs in one process, with the
/// seeds that it was made with.
pub trait Scheduler {
    /// The name of this scheduler in reports.
    fn name(&self) -> &str;

    /// Prepares for the next run, and says what the run needs. Returns `None` if no run is left.
    fn next_run(&mut self) -> Option<Plan>;

    /// Answers a choice with an option below [`choice.options()`](Choice::options).
    fn choose(&mut self, choice: &Choice<'_>) -> Answer;

    /// Sees what happens between the choices, if the [plan](Plan::observing_steps) of the run asks for it.
    fn observe(&mut self, progress: &Progress<'_>) {
        let _ = progress;
    }

    /// Called after each run that was made.
    fn end_run(&mut self) -> RunEnd {
        RunEnd::default()
    }

    /// The seeds that are left, if this scheduler works from seeds. A search may replace them between two
    /// runs: this is how the variable `DACAPO_SEEDS` widens it.
    fn seeds(&mut self) -> Option<&mut Range<u64>> {
        None
    }

    /// A copy, if the prepared run and all after it depend on their seeds alone, so that any of them may
    /// be left out by preparing the next one instead.
    ///
    /// This is how several processes share the runs of a search, if `DACAPO_JOBS` asks for that. A
    /// scheduler without copies makes its runs in one process.
    fn fork(&self) -> Option<Box<dyn Scheduler>> {
        None
    }
}
