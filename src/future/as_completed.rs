use std::collections::VecDeque;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};

use std::time::Duration;

use super::ends::Ends;
use crate::session::Place;
use crate::task::AsTask;
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
    let tasks: Vec<Option<A>> = tasks.into_iter().map(Some).collect();
    let joins = tasks.iter().flatten().map(|task| task.as_task().join_at(place)).collect();
    let (ends, left) = (Ends::new(joins), tasks.len());
    AsCompleted { tasks, ends, ended: VecDeque::new(), left, begun: false, place }
}

/// What [`as_completed`] returns.
#[derive(Debug)]
#[must_use = "it does nothing unless its tasks are asked for"]
pub struct AsCompleted<A> {
    /// Those that were not yielded.
    tasks: Vec<Option<A>>,
    ends: Ends,
    /// The numbers of the tasks to yield next.
    ended: VecDeque<usize>,
    /// How many tasks were not yielded.
    left: usize,
    begun: bool,
    place: Place,
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
        if self.left == 0 {
            return Poll::Ready(None);
        }
        let first = !std::mem::replace(&mut self.begun, true);
        let Self { ends, ended, .. } = self;
        ends.poll(cx, |number| ended.push_back(number));
        if first && !self.ended.is_empty() {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let Some(number) = self.ended.pop_front() else { return Poll::Pending };
        self.left -= 1;
        Poll::Ready(self.tasks[number].take())
    }
}

impl<A: AsTask> futures_core::Stream for AsCompleted<A> {
    type Item = A;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<A>> {
        AsCompleted::poll_next(&mut self, cx)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
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
        self.completed.left = 0;
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
