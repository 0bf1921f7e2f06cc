use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use super::gatherable::{Gatherable, Handles, TryGatherable, TryHandles};
use super::gathering::{AllEnded, FirstFailure};

/// Runs all futures concurrently, each as a task, and returns their results in the order given.
///
/// The futures come in a `Vec`, an array, or a tuple of up to eight, and so do the results. This is
/// asyncio's `gather(…, return_exceptions=True)`: each result is its own `Result`, an error if that
/// task panicked. The tasks are spawned at once, before the first await.
///
/// To wait for tasks that are running already, pass a reference to a slice, an array or a `Vec` of their
/// handles, or of [`Task`](crate::task::Task)s: `gather(&handles)`. It returns `()` when all have ended,
/// and their outputs stay with the handles.
///
/// It yields at least once, unless there is nothing to gather. A request to cancel the task that awaits
/// this goes to every task that has not ended, in the order given. When all have ended, the cancellation
/// is raised here, even if they refused it.
///
/// # Cancel safety
///
/// If you drop this, it [cancels](crate::cancel) the tasks that it spawned and that have not ended, and
/// the outputs of the others are lost. Tasks that were passed by reference go on, and nothing is lost.
///
/// # Panics
///
/// Outside of a run. If it is polled after completion.
///
/// ```
/// use std::time::Duration;
/// use dacapo::{gather, spawn, time::sleep};
///
/// let run = dacapo::run(async || {
///     let page = async |name: &'static str| {
///         sleep(Duration::from_secs(1)).await;
///         name.len()
///     };
///     let [users, posts] = gather([page("users"), page("posts")]).await;
///     let (one, two) = gather((async { 1 }, async { "two" })).await;
///
///     let handles = [3, 4].map(|n| spawn(async move { n }));
///     gather(&handles).await;
///     assert!(handles.iter().all(|handle| handle.is_finished()));
///
///     (users.unwrap() + posts.unwrap(), one.unwrap(), two.unwrap())
/// });
/// assert_eq!(run.elapsed(), Duration::from_secs(1));
/// assert_eq!(run.unwrap(), (10, 1, "two"));
/// ```
#[track_caller]
pub fn gather<G: Gatherable>(futures: G) -> Gather<G::Handles> {
    let handles = futures.into_handles();
    Gather { all: AllEnded::new(handles.tasks()), handles: Some(handles) }
}

/// Runs all futures concurrently, each as a task, and returns their values, or the first error.
///
/// This is asyncio's `gather` as it is by default: it returns at the first task that returns an error,
/// panics, or is cancelled, and the other tasks go on.
///
/// As [`gather`], it also takes a reference to handles of tasks that are running already. Then it
/// returns `()` when all have ended, and a task fails if it panics or is cancelled.
///
/// # Errors
///
/// How the first task failed; by reference to handles, which [`Task`](crate::task::Task) failed first. If
/// several had failed before the call, it is the first in the order given. A panic does not fail the run
/// while the handle of its task is kept.
///
/// # Cancel safety
///
/// As [`gather`].
///
/// # Panics
///
/// As [`gather`].
///
/// ```
/// use dacapo::future::{TaskError, try_gather};
///
/// let run = dacapo::run(async || {
///     let parse = async |text: &'static str| text.parse::<i32>();
///     assert_eq!(try_gather([parse("1"), parse("2")]).await.unwrap(), [1, 2]);
///     let error = try_gather([parse("1"), parse("x")]).await.unwrap_err();
///     assert!(matches!(error, TaskError::Error(_)));
///
///     let handles = [dacapo::spawn(async {}), dacapo::spawn(async { panic!("no") })];
///     let failed = try_gather(&handles).await.unwrap_err();
///     assert_eq!(failed, handles[1].task());
/// });
/// run.unwrap();
/// ```
#[track_caller]
pub fn try_gather<G: TryGatherable>(futures: G) -> TryGather<G::Handles> {
    let handles = futures.try_into_handles();
    TryGather { first: FirstFailure::new(handles.tasks()), handles: Some(handles) }
}

/// The future of [`gather`].
#[derive(Debug)]
#[must_use = "futures do nothing unless they are awaited, and dropping this cancels the tasks that it spawned"]
pub struct Gather<H: Handles> {
    all: AllEnded,
    handles: Option<H>,
}

// Nothing in it is pinned.
impl<H: Handles> Unpin for Gather<H> {}

impl<H: Handles> Future for Gather<H> {
    type Output = H::Results;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<H::Results> {
        let Poll::Ready(()) = Pin::new(&mut self.all).poll(cx) else { return Poll::Pending };
        let handles = self.handles.take().expect("dacapo bug: `gather` has ended twice");
        Poll::Ready(handles.into_results())
    }
}

impl<H: Handles> Drop for Gather<H> {
    fn drop(&mut self) {
        cancel_spawned(self.handles.as_ref());
    }
}

/// The future of [`try_gather`].
#[derive(Debug)]
#[must_use = "futures do nothing unless they are awaited, and dropping this cancels the tasks that it spawned"]
pub struct TryGather<H: Handles> {
    first: FirstFailure,
    handles: Option<H>,
}

// Nothing in it is pinned.
impl<H: Handles> Unpin for TryGather<H> {}

impl<H: TryHandles> Future for TryGather<H> {
    type Output = Result<H::Values, H::Failure>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Poll::Ready(ended) = Pin::new(&mut self.first).poll(cx) else { return Poll::Pending };
        let handles = self.handles.take().expect("dacapo bug: `try_gather` has ended twice");
        Poll::Ready(match ended {
            Ok(()) => handles.into_values(),
            Err(failed) => Err(handles.into_failure(failed)),
        })
    }
}

impl<H: Handles> Drop for TryGather<H> {
    fn drop(&mut self) {
        cancel_spawned(self.handles.as_ref());
    }
}

fn cancel_spawned<H: Handles>(handles: Option<&H>) {
    for task in handles.into_iter().filter(|_| H::SPAWNED).flat_map(Handles::tasks) {
        task.cancel();
    }
}
