//! What answers the choices of a run.
//!
//! | scheduler | runs | answers |
//! |---|---|---|
//! | [`Fifo`] | one | 0, as an ordinary event loop would |
//! | [`Random`] | one per seed | at random, each option as likely as the others |
//! | [`Exhaustive`] | all there are | each possible list of answers, once |
//! | [`Replay`] | one | those of a recorded [`Schedule`](crate::Schedule) |
//!
//! A scheduler of your own implements [`Scheduler`]; it needs no executor to be tested.

mod choice;
mod exhaustive;
mod fifo;
mod random;
mod replay;

use std::ops::Range;

pub use choice::{Choice, ChoiceKind, Label};
pub use exhaustive::Exhaustive;
pub use fifo::Fifo;
pub use random::Random;
pub use replay::{Divergence, Replay};

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

    /// Where the last run took another path than the scheduler was made for. Asked after the run.
    fn divergence(&self) -> Option<Divergence> {
        None
    }
}
