#![doc = include_str!("../README.md")]
//!
//! # What is whose
//!
//! | of tokio | in a run |
//! |---|---|
//! | `spawn`, `JoinHandle`, `AbortHandle`, `JoinSet`, `LocalSet` | tasks of dacapo |
//! | `time` | tokio's own, on a paused clock that follows the run |
//! | `select!` | the branch that is polled first is a choice |
//! | `spawn_blocking`, `block_in_place` | called inline; `spawn_blocking` takes a virtual time by choice |
//! | `runtime::{Handle, Runtime, Builder}` | spawn tasks of the run; `block_on` cannot wait |
//! | `signal::ctrl_c` | waits for [`signal::raise_ctrl_c`] |
//! | `sync`, `io`, `task_local!`, `join!`, everything else | tokio's own |
//!
//! Crates that link tokio itself work too. Their tasks run in turns of one task with the name `tokio`, at most 61
//! polls in a turn, in the order of tokio's queue.
//!
//! # How a test enters
//!
//! [`macro@test`] makes a test of an `async fn`, and [`builder`] is for everything else that dacapo can do with a body.

#[doc(no_inline)]
pub use tokio::*;

mod driver;
pub mod runtime;
#[cfg(feature = "signal")]
pub mod signal;
pub mod task;
pub mod time;

pub use task::spawn;

/// Waits on several futures at once. tokio's `select!`, whose first branch is a choice of the run.
pub use dacapo::select;

/// Turns an `async fn` without parameters into a test within tokio.
///
/// Without arguments, or with those of tokio's own attribute, it makes one run, first in, first out, in virtual
/// time. If the environment variable `DACAPO_SEARCH` is `1` or `DACAPO_SEEDS` has seeds, it searches, as
/// `#[dacapo::test]` does.
///
/// With a scheduler or `seeds = …`, as `#[dacapo::test]` takes them, it always searches. The settings of
/// [`dacapo::Builder`] may follow. `unhandled_panic = "ignore"` lets runs pass in which a task panics that
/// nothing awaits, as under tokio.
///
/// ```
/// # #![allow(unused)]
/// use std::time::Duration;
///
/// #[dacapo_tokio::test]
/// async fn one_run() {
///     let task = dacapo_tokio::spawn(async { 6 * 7 });
///     assert_eq!(task.await.unwrap(), 42);
/// }
///
/// #[dacapo_tokio::test(flavor = "multi_thread", worker_threads = 4)]
/// async fn one_run_too() {
///     dacapo_tokio::time::sleep(Duration::from_secs(3600)).await;
/// }
///
/// #[dacapo_tokio::test(seeds = 100)]
/// async fn a_hundred_runs() {
///     // …
/// }
/// ```
pub use dacapo_macros::tokio_test as test;

/// Returns a builder whose runs happen within tokio.
///
/// ```
/// use dacapo::scheduler::Random;
/// use dacapo_tokio::sync::mpsc;
///
/// dacapo_tokio::builder().check(Random::seeds(0..100), async || {
///     let (sender, mut receiver) = mpsc::channel(1);
///     dacapo_tokio::spawn(async move { sender.send("hello").await });
///     assert_eq!(receiver.recv().await, Some("hello"));
/// });
/// ```
pub fn builder() -> dacapo::Builder {
    dacapo::Builder::new().driver(driver::strict)
}

/// For the expansion of macros.
#[doc(hidden)]
pub mod __private {
    pub use dacapo::__private::{check_test, default_scheduler, run_test, seeds};
    pub use dacapo::scheduler;
    /// tokio itself, for tests in which its name stands for this crate.
    pub use tokio as real;

    /// A builder for runs that may have panics of tasks that nothing awaits.
    pub fn lenient_builder() -> dacapo::Builder {
        dacapo::Builder::new().driver(crate::driver::lenient)
    }
}
