use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::task::{JoinError, JoinHandle, spawn};

/// Runs all futures concurrently, each as a task, and returns their results in the order given.
///
/// This is asyncio's `gather(…, return_exceptions=True)`: each result is its own `Result`, an error
/// if that task panicked. The tasks are spawned at once, before the first await.
///
/// # Cancel safety
///
/// Dropping it aborts the tasks that have not ended; the outputs of the others are lost.
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
    let mut running = Vec::new();
    for future in futures {
        running.push(spawn(future));
    }
    running.reverse();
    Gather { results: Some(Vec::with_capacity(running.len())), running }
}

/// The future of [`gather`].
#[derive(Debug)]
#[must_use = "the tasks are aborted when this is dropped; await it"]
pub struct Gather<T> {
    /// The last one is awaited next. It is no matter which ends first: all have to.
    running: Vec<JoinHandle<T>>,
    results: Option<Vec<Result<T, JoinError>>>,
}

// Nothing in it is pinned.
impl<T> Unpin for Gather<T> {}

impl<T: 'static> Future for Gather<T> {
    type Output = Vec<Result<T, JoinError>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { running, results } = &mut *self;
        let gathered = results.as_mut().expect("dacapo: `gather` was polled after completion");
        while let Some(handle) = running.last_mut() {
            let Poll::Ready(result) = Pin::new(handle).poll(cx) else { return Poll::Pending };
            gathered.push(result);
            running.pop();
        }
        Poll::Ready(results.take().unwrap_or_default())
    }
}

impl<T> Drop for Gather<T> {
    fn drop(&mut self) {
        self.running.iter().rev().for_each(JoinHandle::abort);
    }
}
