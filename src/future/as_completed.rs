use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::task::{AsTask, Join};

/// Yields tasks in the order in which they end. Tasks that have ended already come first, in the order
/// given.
///
/// ```
/// use std::time::Duration;
/// use dacapo::{future::as_completed, spawn, time::sleep};
///
/// let run = dacapo::run(async || {
///     let tasks = [3, 1, 2].map(|n| spawn(async move {
///         sleep(Duration::from_secs(n)).await;
///         n
///     }));
///     let mut order = Vec::new();
///     let mut completed = as_completed(tasks);
///     while let Some(task) = completed.next().await {
///         order.push(task.await.unwrap());
///     }
///     order
/// });
/// assert_eq!(run.unwrap(), [1, 2, 3]);
/// ```
#[track_caller]
pub fn as_completed<A: AsTask>(tasks: impl IntoIterator<Item = A>) -> AsCompleted<A> {
    let place = Location::caller();
    let candidate = |task: A| {
        let join = task.as_task().join_at(place);
        Candidate { task, join, early: false }
    };
    AsCompleted { tasks: tasks.into_iter().map(candidate).collect(), begun: false }
}

/// What [`as_completed`] returns.
#[derive(Debug)]
#[must_use = "it does nothing unless its tasks are asked for"]
pub struct AsCompleted<A> {
    tasks: Vec<Candidate<A>>,
    begun: bool,
}

#[derive(Debug)]
struct Candidate<A> {
    task: A,
    join: Join,
    /// It had ended when the first was asked for.
    early: bool,
}

// Nothing in it is pinned.
impl<A> Unpin for AsCompleted<A> {}

impl<A: AsTask> AsCompleted<A> {
    /// Waits for the next task to end; `None` when there is none left. The first call gives way at
    /// least once.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost if it is dropped: the task is still to come.
    pub async fn next(&mut self) -> Option<A> {
        std::future::poll_fn(|cx| self.poll_next(cx)).await
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<A>> {
        if self.tasks.is_empty() {
            return Poll::Ready(None);
        }
        let first = !std::mem::replace(&mut self.begun, true);
        for candidate in &mut self.tasks {
            let ended = candidate.join.poll_end(cx);
            candidate.early |= first && ended;
        }
        let ended = self.tasks.iter().enumerate().filter_map(|(place, candidate)| {
            let (_, nth) = candidate.task.as_task().end()?;
            Some((if candidate.early { 0 } else { nth }, place))
        });
        let Some((_, place)) = ended.min() else { return Poll::Pending };
        if first {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(Some(self.tasks.remove(place).task))
    }
}

impl<A: AsTask> futures_core::Stream for AsCompleted<A> {
    type Item = A;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<A>> {
        AsCompleted::poll_next(&mut self, cx)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.tasks.len(), Some(self.tasks.len()))
    }
}
