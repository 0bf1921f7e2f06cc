//! What the programs of the zoo need from an executor. Another simulator can run them with its own `world`;
//! the primitives of `dacapo::sync` work on any executor.

use std::future::Future;
use std::time::Duration;

pub use dacapo::sync::{Condition, Event, Lock, Queue, Semaphore};

/// A handle to a task. Dropping it detaches the task.
pub struct Handle<T>(dacapo::task::JoinHandle<T>);

/// Starts a task with this name.
pub fn spawn<T: 'static>(name: &str, future: impl Future<Output = T> + 'static) -> Handle<T> {
    Handle(dacapo::task::spawn_named(name, future))
}

impl<T: 'static> Handle<T> {
    /// Waits for its end. A panic of the task continues in the task that awaits it.
    pub async fn join(self) -> T {
        match self.0.await {
            Ok(output) => output,
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            Err(_) => panic!("a task was joined that had been aborted"),
        }
    }

    /// Waits for its end; `None` if it was aborted.
    pub async fn join_aborted(self) -> Option<T> {
        match self.0.await {
            Ok(output) => Some(output),
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            Err(_) => None,
        }
    }

    /// Drops its future at its current await.
    pub fn abort(&self) {
        self.0.abort();
    }
}

/// Lets the others run.
pub async fn yield_now() {
    dacapo::task::yield_now().await;
}

/// Does something that takes this many turns and has no other effect.
pub async fn work(turns: usize) {
    for _ in 0..turns {
        yield_now().await;
    }
}

/// Waits for this many milliseconds.
pub async fn sleep(millis: u64) {
    dacapo::time::sleep(Duration::from_millis(millis)).await;
}

/// Awaits `future` for at most this many milliseconds, and then drops it.
pub async fn timeout<F: Future>(millis: u64, future: F) -> Option<F::Output> {
    dacapo::time::timeout(Duration::from_millis(millis), future).await.ok()
}

/// The milliseconds since the start.
pub fn now() -> u64 {
    dacapo::time::Instant::now().since_start().as_millis() as u64
}
