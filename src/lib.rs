// The README links to the published pages; here, the first definition of a link is the one that counts.
//! [run]: crate::run
//! [task]: crate::task
//! [cancel]: crate::cancel
//! [gather]: crate::gather
//! [wait]: crate::future::wait
//! [time]: crate::time
//! [shield]: crate::future::shield
//! [as_completed]: crate::future::as_completed
//! [task_group]: crate::future::task_group
//! [sync]: crate::sync
//! [with_resource]: crate::future::with_resource
//! [spawn_blocking]: crate::task::spawn_blocking
//! [select]: crate::select!
//! [history]: crate::history
//! [reviewing]: crate::_reviewing
#![cfg_attr(feature = "proptest", doc = "[proptest]: crate::proptest!")]
//!
#![doc = include_str!("../README.md")]

#[doc = include_str!("../docs/reviewing.md")]
pub mod _reviewing {}

mod buffer;
mod failure;
mod faults;
mod instant;
mod linear;
mod numbering;
mod rng;
pub mod schedule;
pub mod scheduler;
pub mod trace;

mod session;

mod executor;

pub mod cancel;
pub mod future;
pub mod history;
mod mark;
mod note;
pub mod rand;
pub mod sync;
pub mod task;
pub mod time;
#[cfg(feature = "tracing")]
pub mod tracing;

mod report;

mod explore;

#[cfg(feature = "arbitrary")]
mod arbitrary;
#[cfg(feature = "proptest")]
pub mod proptest;

/// Makes an `async fn` without parameters a test, run under many schedules by [`check`].
///
/// The argument is any scheduler, with all of [`scheduler`] in scope (before names of yours that are the
/// same); without one, the seeds 0 to
/// 999 of the [`Portfolio`](scheduler::Portfolio). After it, or alone, may follow settings of the [`Builder`].
/// The function returns nothing, or a `Result` whose error fails the run. If the crate goes by another
/// name in your manifest, `crate = path` says so.
///
/// ```
/// #[dacapo::test]
/// async fn sums_in_any_order() {
///     // …
/// }
///
/// #[dacapo::test(Random::seeds(0..10_000), max_steps = 5_000)]
/// async fn sums_in_very_many_orders() -> Result<(), std::num::ParseIntError> {
///     let sum = dacapo::gather(["1", "2"].map(async |n| n.parse::<i32>())).await;
///     assert_eq!(sum.len(), 2);
///     Ok(())
/// }
/// ```
///
/// What it cannot take is a compile error that says so:
///
/// ```compile_fail
/// #[dacapo::test]
/// fn not_async() {}
/// ```
///
/// ```compile_fail
/// #[dacapo::test]
/// async fn with_parameters(_: u32) {}
/// ```
#[cfg(feature = "macros")]
pub use dacapo_macros::test;
pub use explore::{
    Builder, CheckError, Mark, Outcome, Report, Run, Sweep, Verdict, cancel_sweep, check, explore,
    replay, run, try_cancel_sweep, try_check,
};
pub use failure::{Blocked, Failure};
pub use faults::Faults;
pub use future::gather;
pub use rand::choose;
pub use report::{Explanation, Html};
pub use schedule::Schedule;
pub use task::spawn;
pub use trace::Trace;

/// For crates that put another runtime around a run. Not part of the stable interface.
#[doc(hidden)]
pub mod driver {
    pub use crate::session::Driver;
}

/// What macros expand to.
#[doc(hidden)]
pub mod __private {
    pub use crate::future::Select;
    pub use crate::mark::{in_run, mark};
    pub use crate::note::note;

    #[cfg(feature = "proptest")]
    pub use crate::proptest::expanded::*;

    #[cfg(feature = "macros")]
    pub use super::test_attribute::{check_test, default_scheduler};
}

#[cfg(feature = "macros")]
mod test_attribute {
    use crate::explore::TestId;
    use crate::scheduler::{Portfolio, Scheduler};
    use crate::{Builder, Verdict};

    /// The scheduler of a test that names none.
    pub fn default_scheduler() -> impl Scheduler + 'static {
        Portfolio::default()
    }

    /// A test, with its module and name.
    #[track_caller]
    pub fn check_test<S, T>(
        module: &str,
        function: &str,
        package: Option<&'static str>,
        builder: Builder,
        scheduler: S,
        body: impl AsyncFn() -> T,
    ) where
        S: Scheduler + 'static,
        T: Verdict,
    {
        builder.check_test(&TestId::new(module, function, package), scheduler, body);
    }
}
