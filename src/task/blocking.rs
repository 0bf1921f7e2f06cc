use std::panic::{Location, resume_unwind};
use std::time::Duration;

use super::{JoinHandle, spawn};
use crate::cancel::Cancelled;
use crate::time::sleep;

/// Runs a blocking function as if in a thread that takes `duration`: tokio's `spawn_blocking`, asyncio's
/// `to_thread`.
///
/// There is no real thread: the function is called once `duration` of virtual time has passed. As with a
/// real thread, aborting or cancelling the handle does not stop it, and it runs even if main has returned.
///
/// # Panics
///
/// As [`spawn`].
///
/// ```
/// use std::time::Duration;
/// use dacapo::task::spawn_blocking;
///
/// let run = dacapo::run(async || spawn_blocking(Duration::from_secs(3), || 6 * 7).await.unwrap());
/// assert_eq!(run.elapsed(), Duration::from_secs(3));
/// assert_eq!(run.unwrap(), 42);
/// ```
#[track_caller]
pub fn spawn_blocking<T: 'static>(
    duration: Duration,
    function: impl FnOnce() -> T + 'static,
) -> JoinHandle<T> {
    let place = Location::caller();
    let thread = spawn(async move {
        sleep(duration).at(place).await;
        function()
    });
    thread.task().mark_thread();
    spawn(async move {
        match thread.detached().await {
            Ok(output) => output,
            Err(error) if error.is_panic() => resume_unwind(error.into_panic()),
            // The function has cancelled the task that it runs in.
            Err(_) => match Cancelled::new().raise().await {},
        }
    })
}
