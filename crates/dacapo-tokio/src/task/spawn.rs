use std::future::Future;
use std::panic::Location;

use super::JoinHandle;
use crate::driver;

/// Spawns a task.
///
/// # Panics
///
/// As [`tokio::spawn`], and in a run that may have no more tasks.
#[track_caller]
pub fn spawn<F>(future: F) -> JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    match driver::in_tokio_run("spawn") {
        true => spawn_at(Location::caller(), future),
        false => JoinHandle::real(tokio::spawn(future)),
    }
}

/// Spawns a task of the run.
#[track_caller]
pub(crate) fn spawn_at<F>(place: &'static Location<'static>, future: F) -> JoinHandle<F::Output>
where
    F: Future + 'static,
    F::Output: 'static,
{
    let handle = dacapo::driver::spawn_at(place, future);
    if driver::is_lenient() {
        handle.task().mark_retrieved();
    }
    JoinHandle::sim(handle)
}
