//! What a crate needs that puts another runtime around runs, such as `dacapo-tokio`.
//!
//! This is not part of the stable interface. Unless it says otherwise, a function does nothing outside of a
//! run.

use std::future::Future;
use std::panic::Location;
use std::task::Waker;
use std::time::Duration;

use crate::executor::{self, RunId, TaskKey};
use crate::instant::Instant;
pub use crate::session::Driver;
use crate::task::{self, JoinError, JoinHandle, Task};
use crate::trace::Wait;

/// Whether a task is ready.
pub fn is_ready() -> bool {
    executor::try_current(executor::Executor::has_ready).unwrap_or(false)
}

/// Moves the clock forward, to a time since the start of the run. Timers of dacapo that are due fire.
pub fn move_clock(now: Duration) {
    executor::try_current(|executor| executor.move_clock(now));
}

/// A task that does the work of a driver. Reports do not list it among tasks that are blocked.
#[derive(Clone, Copy, Debug)]
pub struct Helper {
    run: RunId,
    task: TaskKey,
}

impl Helper {
    /// Spawns a helper. It is not counted among the tasks of main, so their names are what they are without
    /// it. Returns `None` if the run may have no more tasks.
    pub fn spawn(name: &str, future: impl Future<Output = ()> + 'static) -> Option<Self> {
        let spawned = executor::try_current(|executor| {
            let task = executor.spawn_helper(name, future)?;
            Some(Self { run: executor.id(), task })
        });
        spawned.flatten()
    }

    /// Wakes it.
    pub fn wake(self) {
        executor::wake(self.run, self.task);
    }
}

/// Spawns a task on behalf of code at another place.
///
/// # Panics
///
/// As [`task::spawn`].
#[track_caller]
pub fn spawn_at<F>(place: &'static Location<'static>, future: F) -> JoinHandle<F::Output>
where
    F: Future<Output: 'static> + 'static,
{
    task::spawn_at(place, future)
}

/// Notes that the current task waits until a time since the start of the run.
pub fn wait_until(time: Duration, place: &'static Location<'static>) {
    let wait = Wait::Until(Instant::START + time);
    executor::try_current(|executor| executor.wait_on(wait, place));
}

/// Notes that the current task waits for the end of another one.
pub fn wait_for(task: &Task, place: &'static Location<'static>) {
    executor::try_current(|executor| executor.wait_on(Wait::Task(task.id()), place));
}

/// Calls a waker when a task ends. The next call or poll of the task's [`JoinHandle`] replaces the waker.
/// Returns `false` if the task has ended.
pub fn wake_at_end(task: &Task, waker: &Waker) -> bool {
    executor::try_current(|executor| executor.wake_at_end(task.key(), waker)).unwrap_or(false)
}

/// Aborts a task and drops its future at once, unless that is being polled.
pub fn abort_now(task: &Task) {
    executor::try_current(|executor| executor.abort_now(task.key()));
}

/// The message of the panic that a task ended with, if it panicked. The panic counts as seen.
pub fn panic_message(error: &JoinError) -> Option<&str> {
    error.message()
}
