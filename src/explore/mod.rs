//! Making runs: one, that one again, or many; and what to do when one fails.

mod builder;
mod clock;
mod confirm;
mod error;
mod explain;
mod jobs;
mod last_words;
mod outside;
mod run;
mod say;
mod search;
#[cfg(feature = "serde")]
mod serialize;
mod settings;
mod shrink;
mod subject;
mod tally;
mod termination;

use std::fmt;

pub use builder::Builder;
pub use error::CheckError;
#[cfg(feature = "proptest")]
pub(crate) use outside::case::Shown;
#[cfg(any(feature = "macros", feature = "proptest"))]
pub(crate) use outside::test_id::TestId;
pub use run::Run;
pub use search::outcomes::{Outcome, Report};
#[cfg(feature = "proptest")]
pub(crate) use search::property::{Arguments, Effort, Property, check_property, last_schedule};
#[cfg(feature = "proptest")]
pub(crate) use shrink::edits::{Edits, fingerprint};
#[cfg(feature = "proptest")]
pub(crate) use shrink::numbers::Numbers;
#[cfg(feature = "proptest")]
pub(crate) use subject::follow::Asked;
pub use tally::coverage::Mark;
pub use termination::Termination;

use crate::schedule::Schedule;
use crate::scheduler::Scheduler;

/// Makes one run of `body`, first in, first out: what an ordinary event loop does, in virtual time.
///
/// # Panics
///
/// Inside of a run.
///
/// ```
/// use std::time::Duration;
///
/// let run = dacapo::run(async || {
///     dacapo::time::sleep(Duration::from_secs(3600)).await;
///     "an hour later"
/// });
/// assert_eq!(run.elapsed(), Duration::from_secs(3600));
/// assert_eq!(run.unwrap(), "an hour later");
/// ```
#[track_caller]
pub fn run<T>(body: impl AsyncFnOnce() -> T) -> Run<T> {
    Builder::new().run(body)
}

/// Makes one run of `body` with the answers of `schedule`, which may also be given as text.
///
/// The replay is tolerant: see [`Replay`](crate::scheduler::Replay) and [`Run::divergence`].
///
/// # Panics
///
/// If the text of a schedule is malformed. Inside of a run.
///
/// ```
/// let body = async || {
///     let [a, b] = [1, 2].map(|n| dacapo::spawn(async move { println!("{n}") }));
///     (a.await.unwrap(), b.await.unwrap())
/// };
/// let run = dacapo::replay("d1:1", body); // the second task before the first
/// assert_eq!(run.schedule().to_string(), "d1:1");
/// assert_eq!(run.trace().hash(), dacapo::replay(run.schedule().clone(), body).trace().hash());
/// ```
#[track_caller]
pub fn replay<S, T>(schedule: S, body: impl AsyncFnOnce() -> T) -> Run<T>
where
    S: TryInto<Schedule, Error: fmt::Display>,
{
    Builder::new().replay(schedule, body)
}

/// Makes all runs that `scheduler` asks for, and counts the different outcomes.
///
/// An outcome is the `Debug` text of what `body` returns, or the way in which the run failed. A failing
/// run never makes this panic. For each outcome the table shows the simplest schedule that was found for
/// it: the simplest one of the search, shrunk further in at most half as many runs as the search made. The
/// last line shows what the search cost, and how many of its runs did something new. If nearly all runs are
/// repeats, a longer search will not find much.
///
/// # Panics
///
/// If a variable of the environment is malformed. Inside of a run.
///
/// ```
/// use dacapo::scheduler::Exhaustive;
///
/// let report = dacapo::explore(Exhaustive::new(), async || {
///     let tasks = ["a", "b"].map(|name| async move { println!("{name}") });
///     dacapo::gather(tasks).await.len()
/// });
/// assert_eq!(report.to_string(), "\
/// outcome  schedules   share  least schedule
/// 2                3  100.0%  d1:
/// 3 schedules, 13 steps, 5 choices; 3 distinct traces, no repeats; complete
/// ");
/// ```
#[track_caller]
pub fn explore<S, T>(scheduler: S, body: impl AsyncFn() -> T) -> Report
where
    S: Scheduler + 'static,
    T: fmt::Debug,
{
    Builder::new().explore(scheduler, body)
}

/// Makes all runs that `scheduler` asks for, and panics with a report if one fails.
///
/// The report shows the simplest schedule that still fails, the story of that run, and the line to paste
/// that replays it. A run fails if a task panics and its handle is not awaited, if `body` returns an
/// error (see [`Termination`]), if the run gets stuck, or if it reaches a limit of the [`Builder`].
/// A failure is replayed in this process and in a fresh one before it is reported. A test whose runs
/// cannot be repeated fails for that reason.
///
/// Before the search, the schedules of `dacapo-regressions/<test>.txt` are replayed, which is beside the
/// package's `Cargo.toml`. The report says how to add one.
///
/// # Panics
///
/// If a run fails; if the scheduler makes no run at all; if a variable of the environment or that file
/// is malformed. Inside of a run.
///
/// ```
/// use dacapo::scheduler::Random;
///
/// dacapo::check(Random::seeds(0..100), async || {
///     let sum: i32 = dacapo::gather([1, 2, 3].map(async |n| n)).await.into_iter().flatten().sum();
///     assert_eq!(sum, 6);
/// });
/// ```
#[track_caller]
pub fn check<S, T>(scheduler: S, body: impl AsyncFn() -> T)
where
    S: Scheduler + 'static,
    T: Termination,
{
    Builder::new().check(scheduler, body);
}

/// As [`check`], with the report as an error instead of a panic.
///
/// # Errors
///
/// If a run fails, or cannot be repeated.
///
/// # Panics
///
/// If the scheduler makes no run at all; if a variable of the environment, or the file of the schedules
/// that are kept, is malformed. Inside of a run.
///
/// ```
/// use dacapo::scheduler::Random;
///
/// let found = dacapo::try_check(Random::seeds(0..100), async || {
///     let last = std::rc::Rc::new(std::cell::Cell::new(0));
///     dacapo::gather([1, 2].map(|n| {
///         let last = last.clone();
///         async move { last.set(n) }
///     }))
///     .await;
///     assert_eq!(last.get(), 2);
/// });
/// let error = found.unwrap_err();
/// assert_eq!(error.failure().kind(), dacapo::FailureKind::Panic);
/// assert_eq!(error.schedule().to_string(), "d1:1");
/// ```
#[track_caller]
pub fn try_check<S, T>(scheduler: S, body: impl AsyncFn() -> T) -> Result<(), CheckError>
where
    S: Scheduler + 'static,
    T: Termination,
{
    Builder::new().try_check(scheduler, body)
}
