//! Random values for the code under test, from the seed of the run.
//!
//! They come from a stream of their own, so one draw more or less changes no choice of the scheduler. The seed
//! is part of the [`Schedule`](crate::Schedule), so a replay draws the same values. To have values
//! *searched* rather than sampled, such as whether a stand-in fails, use [`choose`].

use std::convert::Infallible;

use chacha20::rand_core::TryRng;

use crate::executor;

/// A generator that draws from the run's seed; it works with all of the `rand` crates from 0.10 on.
///
/// # Panics
///
/// Its methods panic outside of a run.
///
/// ```
/// use dacapo::rand::Rng as _;
///
/// let draw = || dacapo::run(async || dacapo::rand::rng().next_u64()).unwrap();
/// assert_eq!(draw(), draw());
/// ```
pub fn rng() -> DataRng {
    DataRng(())
}

pub use chacha20::rand_core::Rng;

/// The generator of [`rng`].
#[derive(Clone, Debug)]
pub struct DataRng(());

impl TryRng for DataRng {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(executor::with("rand::rng", |executor| executor.session().data().next_u32()))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(executor::with("rand::rng", |executor| executor.session().data().next_u64()))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        executor::with("rand::rng", |executor| executor.session().data().fill_bytes(bytes));
        Ok(())
    }
}

/// Asks the scheduler for a number below `options`. Let 0 be what usually happens.
///
/// It makes a decision of the test's own world part of the search: whether a stand-in server fails,
/// which of two messages arrives first. The answers are recorded in the schedule and shrunk towards 0.
/// Schedulers that draw give each option the same chance, and
/// [`Exhaustive`](crate::scheduler::Exhaustive) tries all of them. A question with one option is not asked.
///
/// The label names the value in reports. It may be made at run time, as in
/// `choose(format!("reply to {client}"), 3)`. Labels do not tell questions apart: the next answer of the
/// schedule is given to the next question.
///
/// # Panics
///
/// If there are no options, or 2^32 or more. Outside of a run.
///
/// ```
/// use dacapo::scheduler::Exhaustive;
///
/// let report = dacapo::explore(Exhaustive::new(), async || {
///     match dacapo::choose("reply", 3) {
///         0 => "ok",
///         1 => "busy",
///         _ => "lost",
///     }
/// });
/// assert_eq!(report.outcomes().len(), 3);
/// ```
#[track_caller]
pub fn choose(label: impl AsRef<str>, options: usize) -> usize {
    let label = label.as_ref();
    assert!(
        u32::try_from(options).is_ok(),
        "dacapo: choose({label:?}, …) has 2^32 options or more"
    );
    assert!(options > 0, "dacapo: choose({label:?}, 0) leaves nothing to choose from");
    executor::with("choose", |executor| executor.choose(label, options))
}
