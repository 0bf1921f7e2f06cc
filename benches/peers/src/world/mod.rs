//! What the programs of the zoo need of an executor.
//!
//! The programs name one world, so this one passes each call on. What measures an executor by itself
//! can use the module of that executor.

#[path = "../../../../tests/zoo/world.rs"]
pub mod dacapo;
pub mod madsim;
pub mod shuttle;

use std::cell::Cell;

pub use ::dacapo::sync::*;

/// Runs the tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Executor {
    Dacapo,
    Madsim,
    Shuttle {
        /// Whether an await of the program asks shuttle to yield, as its `yield_now` does, or is one
        /// like any other. Of its schedulers only PCT looks at it: a task that yields gets the lowest priority.
        yields: bool,
    },
}

thread_local! {
    static EXECUTOR: Cell<Executor> = const { Cell::new(Executor::Dacapo) };
}

/// Runs `body`, in which the tasks belong to `executor`.
///
/// # Panics
///
/// If `body` does; the one before is not put back then.
pub fn on<T>(executor: Executor, body: impl FnOnce() -> T) -> T {
    let before = EXECUTOR.replace(executor);
    let output = body();
    EXECUTOR.set(before);
    output
}

/// A task that was spawned. Dropping it lets the task go on.
pub enum Handle<T> {
    Dacapo(dacapo::Handle<T>),
    Madsim(madsim::Handle<T>),
    Shuttle(shuttle::Handle<T>),
}

/// Starts a task of this name.
// shuttle tells tasks apart by where they were spawned.
#[track_caller]
pub fn spawn<T: 'static>(name: &str, future: impl Future<Output = T> + 'static) -> Handle<T> {
    match EXECUTOR.get() {
        Executor::Dacapo => Handle::Dacapo(dacapo::spawn(name, future)),
        Executor::Madsim => Handle::Madsim(madsim::spawn(name, future)),
        Executor::Shuttle { .. } => Handle::Shuttle(shuttle::spawn(name, future)),
    }
}

impl<T: 'static> Handle<T> {
    /// Waits for its end. A panic of the task fails the run, or continues in the task that awaits it.
    pub async fn join(self) -> T {
        match self {
            Self::Dacapo(task) => task.join().await,
            Self::Madsim(task) => task.join().await,
            Self::Shuttle(task) => task.join().await,
        }
    }

    /// Waits for its end; `None` if it was aborted.
    pub async fn join_aborted(self) -> Option<T> {
        match self {
            Self::Dacapo(task) => task.join_aborted().await,
            Self::Madsim(task) => task.join_aborted().await,
            Self::Shuttle(task) => task.join_aborted().await,
        }
    }

    /// Has its future dropped at the await where it stands.
    pub fn abort(&self) {
        match self {
            Self::Dacapo(task) => task.abort(),
            Self::Madsim(task) => task.abort(),
            Self::Shuttle(task) => task.abort(),
        }
    }
}

/// Gives the others a turn.
pub async fn yield_now() {
    match EXECUTOR.get() {
        Executor::Dacapo => dacapo::yield_now().await,
        Executor::Madsim => madsim::yield_now().await,
        Executor::Shuttle { yields: true } => shuttle::yield_now().await,
        Executor::Shuttle { yields: false } => shuttle::await_once().await,
    }
}

/// Does something that takes this many turns and has no other effect.
pub async fn work(turns: usize) {
    for _ in 0..turns {
        yield_now().await;
    }
}

/// Waits for this many milliseconds.
///
/// # Panics
///
/// On shuttle, which has no clock.
pub async fn sleep(millis: u64) {
    match EXECUTOR.get() {
        Executor::Dacapo => dacapo::sleep(millis).await,
        Executor::Madsim => madsim::sleep(millis).await,
        Executor::Shuttle { .. } => shuttle::no_clock(),
    }
}

/// Awaits `future` for at most this many milliseconds, and then drops it.
///
/// # Panics
///
/// On shuttle, which has no clock.
pub async fn timeout<F: Future>(millis: u64, future: F) -> Option<F::Output> {
    match EXECUTOR.get() {
        Executor::Dacapo => dacapo::timeout(millis, future).await,
        Executor::Madsim => madsim::timeout(millis, future).await,
        Executor::Shuttle { .. } => shuttle::no_clock(),
    }
}

/// How many milliseconds have passed.
///
/// # Panics
///
/// On shuttle, which has no clock.
pub fn now() -> u64 {
    match EXECUTOR.get() {
        Executor::Dacapo => dacapo::now(),
        Executor::Madsim => madsim::now(),
        Executor::Shuttle { .. } => shuttle::no_clock(),
    }
}
