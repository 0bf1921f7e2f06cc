use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use super::gather_tasks::{GatherTasks, gather_tasks};
use crate::task::{JoinError, JoinHandle, spawn};

/// Runs all futures concurrently, each as a task, and returns their results in the order given.
///
/// This is asyncio's `gather(…, return_exceptions=True)`: each result is its own `Result`, an error
/// if that task panicked. The tasks are spawned at once, before the first await.
///
/// # Cancel safety
///
/// Dropping it [cancels](crate::cancel) the tasks that have not ended; the outputs of the others are
/// lost. So does cancelling the one who awaits it, who then waits until all have ended.
///
/// # Panics
///
/// Outside of a run. If it is polled after completion.
///
/// ```
/// use std::time::Duration;
/// use dacapo::time::sleep;
///
/// let run = dacapo::run(async || {
///     let pages = ["users", "posts"].map(async |page| {
///         sleep(Duration::from_secs(1)).await;
///         page.len()
///     });
///     dacapo::gather(pages).await.into_iter().map(Result::unwrap).sum::<usize>()
/// });
/// assert_eq!(run.elapsed(), Duration::from_secs(1));
/// assert_eq!(run.unwrap(), 10);
/// ```
#[track_caller]
pub fn gather<F>(futures: impl IntoIterator<Item = F>) -> Gather<F::Output>
where
    F: Future<Output: 'static> + 'static,
{
    // Not `map`: the place that is reported, should there be no run, is that of our caller.
    let mut handles = Vec::new();
    for future in futures {
        handles.push(spawn(future));
    }
    Gather { all: gather_tasks(&handles), handles }
}

/// The future of [`gather`].
#[derive(Debug)]
#[must_use = "the tasks are cancelled when this is dropped; await it"]
pub struct Gather<T> {
    all: GatherTasks,
    handles: Vec<JoinHandle<T>>,
}

// Nothing in it is pinned.
impl<T> Unpin for Gather<T> {}

impl<T: 'static> Future for Gather<T> {
    type Output = Vec<Result<T, JoinError>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Poll::Ready(()) = Pin::new(&mut self.all).poll(cx) else { return Poll::Pending };
        let mut results = Vec::with_capacity(self.handles.len());
        for mut handle in std::mem::take(&mut self.handles) {
            match Pin::new(&mut handle).poll(cx) {
                Poll::Ready(result) => results.push(result),
                Poll::Pending => unreachable!("dacapo bug: gather has ended before its tasks"),
            }
        }
        Poll::Ready(results)
    }
}

impl<T> Drop for Gather<T> {
    fn drop(&mut self) {
        for handle in &self.handles {
            handle.cancel();
        }
    }
}
