use std::panic::Location;
use std::time::Duration;

use super::{JoinHandle, spawn_at};
use crate::driver;

/// How long a blocking function may wait for a thread, in a run.
const DELAYS: [Duration; 3] = [Duration::ZERO, Duration::from_millis(1), Duration::from_secs(1)];

/// Calls a function that blocks in a thread for such functions.
///
/// In a run there is no thread. The function waits for a virtual time, which is a choice, and is then called in one
/// turn of a task. As with tokio, it can be aborted until it is called.
///
/// # Panics
///
/// As [`tokio::task::spawn_blocking`], and in a run that may have no more tasks.
#[track_caller]
pub fn spawn_blocking<F, R>(function: F) -> JoinHandle<R>
where
    F: FnOnce() -> R + Send + 'static,
    R: Send + 'static,
{
    match driver::in_tokio_run("spawn_blocking") {
        true => spawn_blocking_at(Location::caller(), function),
        false => JoinHandle::real(tokio::task::spawn_blocking(function)),
    }
}

/// Spawns the task of a run that calls a blocking function.
#[track_caller]
pub(crate) fn spawn_blocking_at<F, R>(
    place: &'static Location<'static>,
    function: F,
) -> JoinHandle<R>
where
    F: FnOnce() -> R + 'static,
    R: 'static,
{
    spawn_at(place, async move {
        let choice = dacapo::choose("spawn_blocking waits (0, 1 ms, 1 s)", DELAYS.len());
        if choice > 0 {
            dacapo::time::sleep(DELAYS[choice]).await;
        }
        function()
    })
}

/// Calls a function that blocks. In a run, that is a part of the current turn.
///
/// # Panics
///
/// Outside of a run, as [`tokio::task::block_in_place`].
#[track_caller]
pub fn block_in_place<F, R>(function: F) -> R
where
    F: FnOnce() -> R,
{
    #[cfg(feature = "rt-multi-thread")]
    if !driver::in_tokio_run("block_in_place") {
        return tokio::task::block_in_place(function);
    }
    function()
}
