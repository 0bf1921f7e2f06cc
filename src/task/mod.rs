//! Tasks: units of work that run concurrently, on one thread.
//!
//! The names and meanings are those of `tokio::task`. A task need not be [`Send`], because all tasks of a
//! run are on one thread. Handles are `Send` and `Sync` anyway, so code under test can store them in
//! types that require it.

mod abort_handle;
mod blocking;
mod join_error;
mod join_handle;
#[expect(clippy::module_inception, reason = "it holds the type of that name")]
mod task;
mod task_local;
mod yield_now;

use std::future::Future;
use std::panic::Location;

pub use abort_handle::AbortHandle;
pub use blocking::spawn_blocking;
pub use join_error::JoinError;
pub use join_handle::JoinHandle;
pub use task::{AsTask, Join, Task, current};
pub use task_local::{LocalKey, TaskLocalFuture};
pub use yield_now::{YieldNow, yield_now};

use crate::executor;
use crate::session::Place;
pub use crate::trace::TaskId as Id;

/// Starts a task, which runs concurrently with the calling task, and returns its handle.
///
/// The task is first polled in a later step, not within `spawn`. Its name is its spawn path, such as
/// `main/2`; [`spawn_named`] gives it another. Dropping the handle detaches the task.
///
/// When main returns, the run cancels the tasks that have not ended, in the order in which they were
/// spawned. A task inside of [`catch`](crate::cancel::catch) or another scope that takes the request may
/// still clean up, and may await while it does. Any other task is dropped where it waits. A
/// [`spawn_blocking`] task runs to its end.
///
/// Reports name the line that calls `spawn`. If a library spawns its tasks through an executor of yours, put
/// `#[track_caller]` on the method that calls `spawn`. Each task then has the line of the library, unless the
/// library calls the method through `dyn`.
///
/// # Panics
///
/// Outside of a run, and when the run has as many tasks as
/// [`Builder::max_tasks`](crate::Builder::max_tasks) allows.
///
/// ```
/// let run = dacapo::run(async || {
///     let task = dacapo::spawn(async { 6 * 7 });
///     task.await.unwrap()
/// });
/// assert_eq!(run.unwrap(), 42);
/// ```
///
/// Tasks that main leaves behind:
///
/// ```
/// use std::{future::pending, time::Duration};
/// use dacapo::{cancel::catch, task::{spawn, yield_now}, time::sleep, trace};
///
/// let run = dacapo::run(async || {
///     spawn(async {
///         pending::<()>().await;
///         trace!("never reached: this task is dropped");
///     });
///     spawn(async {
///         catch(pending::<()>()).await.unwrap_err();
///         sleep(Duration::from_secs(1)).await;
///         trace!("cleaned up");
///     });
///     yield_now().await; // both start to wait
/// });
/// let trace = run.trace().to_string();
/// assert!(trace.contains("cleaned up") && !trace.contains("never reached"));
/// assert_eq!(run.elapsed(), Duration::from_secs(1));
/// run.unwrap();
/// ```
#[track_caller]
pub fn spawn<F>(future: F) -> JoinHandle<F::Output>
where
    F: Future<Output: 'static> + 'static,
{
    spawn_at(Location::caller(), future)
}

/// The same as [`spawn`], for a task that traces and reports call `name`.
///
/// # Panics
///
/// As [`spawn`].
///
/// ```
/// let run = dacapo::run(async || {
///     let task = dacapo::task::spawn_named("writer", async {});
///     assert_eq!(task.name(), "writer");
///     task.await.unwrap();
/// });
/// run.unwrap();
/// ```
#[track_caller]
pub fn spawn_named<F>(name: &str, future: F) -> JoinHandle<F::Output>
where
    F: Future<Output: 'static> + 'static,
{
    spawn_as("spawn_named", Some(name), future, Location::caller())
}

/// A [`spawn`] on behalf of code at another place.
#[track_caller]
pub(crate) fn spawn_at<F>(place: Place, future: F) -> JoinHandle<F::Output>
where
    F: Future<Output: 'static> + 'static,
{
    spawn_as("spawn", None, future, place)
}

/// The same with a name. `what` is the function that was called.
#[track_caller]
pub(crate) fn spawn_as<F>(
    what: &str,
    name: Option<&str>,
    future: F,
    place: Place,
) -> JoinHandle<F::Output>
where
    F: Future<Output: 'static> + 'static,
{
    // A future may be large: it is moved from here to where it stays.
    let mut future = Some(future);
    // Two words and no more, which are returned in registers.
    let spawned = executor::with(what, |executor| {
        Some((executor.id(), executor.spawn(name, &mut future, Some(place))?))
    });
    let Some((run, task)) = spawned else {
        // Dropping it could run a destructor that spawns one just like it, and so on.
        std::mem::forget(future);
        panic!("dacapo: {}", executor::with(what, executor::Executor::limit));
    };
    JoinHandle::new(run, task)
}

/// The id of the task that calls this.
///
/// # Panics
///
/// Outside of a run.
#[track_caller]
pub fn id() -> Id {
    executor::with("task::id", |executor| executor.current_task()).map_or(Id::MAIN, |key| key.id())
}

/// The name of the task that calls this: the one it was given, or its spawn path.
///
/// # Panics
///
/// Outside of a run.
#[track_caller]
pub fn name() -> String {
    executor::with("task::name", |executor| {
        executor.name(executor.current_task().map_or(Id::MAIN, |key| key.id()))
    })
}
