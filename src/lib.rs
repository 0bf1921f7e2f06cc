//! Deterministic simulation testing for async Rust.
//!
//! A test runs in virtual time, under a thousand orders of events, and a failure comes back as the one
//! reordering that matters.
//!
//! ```test_harness
//! use std::{cell::Cell, rc::Rc, time::Duration};
//! use dacapo::{gather, time::sleep};
//!
//! #[dacapo::test]
//! async fn deposits_add_up() {
//!     let balance = Rc::new(Cell::new(0));
//!     let deposits = [10, 20].map(|amount| {
//!         let balance = Rc::clone(&balance);
//!         async move {
//!             sleep(Duration::from_secs(1)).await; // no real time passes
//!             balance.set(balance.get() + amount);
//!         }
//!     });
//!     for deposit in gather(deposits).await {
//!         deposit.unwrap();
//!     }
//!     assert_eq!(balance.get(), 30);
//! }
//! ```
//!
//! Put an `.await` between reading the balance and writing it, and the test fails, with a report that names the two
//! turns that have to be swapped, and a line to paste that makes that run again. Start with the
//! [guide](guide::first_test).
//!
//! # What to use
//!
//! | for | use |
//! |---|---|
//! | one run, in virtual time, in the order of an ordinary event loop | [`run`](crate::run()) |
//! | exactly that run again | [`replay`] |
//! | a table of all outcomes | [`explore`](crate::explore()) |
//! | a test: stop at the first failure, and explain it | [`#[dacapo::test]`](macro@crate::test), [`check`](crate::check()) |
//! | cancelling at every await | [`CancelSweep`](crate::scheduler::CancelSweep), in a `check` |
//! | tasks, time, several futures at once | [`task`], [`time`], [`future`], [`select!`] |
//! | primitives that reports can name | [`sync`] |
//! | decisions and random values of the test's world | [`choose`], [`rand`] |
//! | other limits, faults, expectations | [`Builder`], [`Faults`] |
//! | what the code has to say, and what a search should see | [`trace!`], [`sometimes!`], [`reachable!`] |
//! | whether a shared object is right for several clients | [`history`] |
//! | how the orders are chosen | [`scheduler`] |
//!
//! For channels, `Notify` and `RwLock`, use those of tokio or `futures`: code that only needs a waker runs under
//! dacapo unchanged. See [coming from tokio](guide::from_tokio).
//!
//! # Features
//!
//! - **`macros`** (on by default) has the attribute [`#[dacapo::test]`](macro@crate::test). It is parsed by hand, so it
//!   adds no dependencies and hardly any build time.
//! - **`proptest`** makes a [`Schedule`] a value that proptest draws and shrinks, and has the macro `proptest!` for
//!   tests over inputs and schedules. It needs the crate `proptest`.
//! - **`tracing`** has a layer by which logs of the code under test enter the trace of a run, and a timer that shows
//!   virtual time. It needs `tracing-core` and `tracing-subscriber`.
//! - **`serde`** implements `Serialize` for runs, traces and reports. It needs `serde_core`.
//! - **`arbitrary`** reads a [`Schedule`] from bytes, for fuzzers. It needs the crate `arbitrary`.
//! - **`progress`** shows a line on the terminal while a search of more than a second goes on. It needs
//!   `indicatif`, which takes four to five processor seconds to build.
//!
//! No feature changes what a test does.
//!
//! # What is not supported
//!
//! Threads and memory orderings, and real or simulated I/O. Code that asks tokio's runtime for a timer or a task needs
//! the crate `dacapo-tokio`. See [limits](guide::limits).

#[doc = include_str!("../docs/links.md")]
#[doc = ""]
#[doc = include_str!("../docs/guide.md")]
pub mod guide;

/// The README's code is compiled.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

mod buffer;
mod extent;
mod failure;
mod faults;
mod instant;
mod linear;
mod linked;
mod numbering;
mod question;
mod rng;
pub mod schedule;
pub mod scheduler;
pub mod trace;

mod session;

mod executor;

pub mod cancel;
#[doc(hidden)]
pub mod driver;
pub mod future;
pub mod history;
pub mod host;
mod mark;
mod note;
pub mod rand;
mod run_local;
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

/// Turns an `async fn` without parameters into a test that [`check`](crate::check()) runs under many schedules.
///
/// The first argument is any scheduler, with all of [`scheduler`] in scope; names of your own crate come second.
/// Without one, it is the [`Portfolio`](scheduler::Portfolio) with the seeds 0 to 999, or with those of `seeds = 100`
/// or `seeds = 100..200`. Settings of the [`Builder`] may follow. `start_paused = true` is accepted and changes nothing,
/// because time is always virtual. The function returns nothing, or a `Result` whose error fails the run. If your manifest renames
/// the crate, add `crate = path`.
///
/// ```test_harness
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
/// Anything else is a compile error that says so:
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
    Builder, CheckError, Mark, Outcome, Report, Run, Termination, check, explore, replay, run,
    try_check,
};
pub use failure::{Blocked, Failure, FailureKind};
pub use faults::Faults;
pub use future::gather;
pub use rand::choose;
pub use report::{Explanation, Html};
pub use run_local::RunLocal;
pub use schedule::Schedule;
pub use task::spawn;
pub use trace::Trace;

/// For the expansion of macros.
#[doc(hidden)]
pub mod __private {
    pub use crate::future::{Branch, Select};
    pub use crate::mark::{in_run, mark};
    pub use crate::note::note;

    #[cfg(feature = "proptest")]
    pub use crate::proptest::expanded::*;

    #[cfg(feature = "macros")]
    pub use super::test_attribute::{Seeds, check_test, default_scheduler, run_test, seeds};
}

#[cfg(feature = "macros")]
mod test_attribute {
    use crate::explore::TestId;
    use crate::scheduler::{Portfolio, Scheduler};
    use crate::{Builder, Termination};

    /// The scheduler of a test that does not name one.
    pub fn default_scheduler() -> impl Scheduler + 'static {
        Portfolio::default()
    }

    /// What `seeds = …` may be: a number of seeds or a range of them.
    pub trait Seeds {
        /// The range.
        fn range(self) -> std::ops::Range<u64>;
    }

    impl Seeds for u64 {
        fn range(self) -> std::ops::Range<u64> {
            0..self
        }
    }

    impl Seeds for std::ops::Range<u64> {
        fn range(self) -> Self {
            self
        }
    }

    /// The scheduler of a test that names its seeds only.
    pub fn seeds(seeds: impl Seeds) -> Portfolio {
        Portfolio::seeds(seeds.range())
    }

    /// Runs a test, given its module and name.
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
        T: Termination,
    {
        builder.check_test(&TestId::new(module, function, package), scheduler, body);
    }

    /// Makes one run of a test, first in, first out, unless the environment asks for a search.
    #[track_caller]
    pub fn run_test<T: Termination>(
        module: &str,
        function: &str,
        package: Option<&'static str>,
        builder: Builder,
        body: impl AsyncFn() -> T,
    ) {
        builder.run_test(&TestId::new(module, function, package), default_scheduler(), body);
    }
}
