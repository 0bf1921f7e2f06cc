use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};

use std::time::Duration;

use crate::session::Place;
use crate::task::{AsTask, Join};
use crate::time::{Elapsed, Sleep, sleep};

/// Yields tasks in the order in which they end. Tasks that have ended already come first, in the order
/// given. [`timeout`](AsCompleted::timeout) limits the time.
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
    AsCompleted { tasks: tasks.into_iter().map(candidate).collect(), begun: false, place }
}

/// What [`as_completed`] returns.
#[derive(Debug)]
#[must_use = "it does nothing unless its tasks are asked for"]
pub struct AsCompleted<A> {
    tasks: Vec<Candidate<A>>,
    begun: bool,
    place: Place,
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

impl<A> AsCompleted<A> {
    /// Yields only the tasks that end within `duration` from now; then [`Elapsed`], once.
    ///
    /// Tasks that have not ended by then are not cancelled, and go on. Pass the handles by reference to do
    /// something with them afterwards. A task that has ended when [`next`](AsCompletedTimeout::next) looks is
    /// yielded even if the time is up.
    ///
    /// # Panics
    ///
    /// Panics outside of a run.
    ///
    /// ```
    /// use std::time::Duration;
    /// use dacapo::{future::as_completed, spawn, time::sleep};
    ///
    /// let run = dacapo::run(async || {
    ///     let tasks = [3, 1, 2].map(|n| spawn(sleep(Duration::from_secs(n))));
    ///     let mut completed = as_completed(&tasks).timeout(Duration::from_millis(2500));
    ///     let mut count = 0;
    ///     while let Some(Ok(_)) = completed.next().await {
    ///         count += 1;
    ///     }
    ///     tasks.iter().for_each(|task| task.abort());
    ///     count
    /// });
    /// assert_eq!(run.elapsed(), Duration::from_millis(2500));
    /// assert_eq!(run.unwrap(), 2);
    /// ```
    #[track_caller]
    pub fn timeout(self, duration: Duration) -> AsCompletedTimeout<A> {
        let sleep = sleep(duration).at(self.place);
        AsCompletedTimeout { completed: self, sleep }
    }
}

impl<A: AsTask> AsCompleted<A> {
    /// Waits for the next task to end. Returns `None` when no task is left. The first call yields at least
    /// once.
    ///
    /// # Cancel safety
    ///
    /// If you drop the future, nothing is lost: the next call waits for the same tasks.
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

/// What [`AsCompleted::timeout`] returns.
#[derive(Debug)]
#[must_use = "it does nothing unless its tasks are asked for"]
pub struct AsCompletedTimeout<A> {
    completed: AsCompleted<A>,
    sleep: Sleep,
}

// Nothing in it is pinned.
impl<A> Unpin for AsCompletedTimeout<A> {}

impl<A: AsTask> AsCompletedTimeout<A> {
    /// Waits for the next task to end.
    ///
    /// When the time is up, it returns [`Elapsed`] once. After that, and when no task is left, it returns `None`.
    ///
    /// # Cancel safety
    ///
    /// If you drop the future, nothing is lost: the next call waits for the same tasks.
    pub async fn next(&mut self) -> Option<Result<A, Elapsed>> {
        std::future::poll_fn(|cx| self.poll_next(cx)).await
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<A, Elapsed>>> {
        let first = !self.completed.begun;
        if let Poll::Ready(next) = self.completed.poll_next(cx) {
            return Poll::Ready(next.map(Ok));
        }
        if Pin::new(&mut self.sleep).poll(cx).is_pending() {
            return Poll::Pending;
        }
        if first {
            // It only gave way: tasks may have ended.
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        self.completed.tasks.clear();
        Poll::Ready(Some(Err(Elapsed::new())))
    }
}

impl<A: AsTask> futures_core::Stream for AsCompletedTimeout<A> {
    type Item = Result<A, Elapsed>;

    fn poll_next(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<A, Elapsed>>> {
        AsCompletedTimeout::poll_next(&mut self, cx)
    }
}
