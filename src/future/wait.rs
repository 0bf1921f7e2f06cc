use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use super::ends::Ends;
use crate::session::Place;
use crate::task::AsTask;
use crate::time::{Sleep, sleep};

/// Waits for tasks and sorts them into those that have ended and the rest.
///
/// By default it waits for all. [`until`](Wait::until) and [`timeout`](Wait::timeout) change that. It never
/// cancels a task and never takes an output, and it yields at least once. It is asyncio's `wait`.
///
/// # Cancel safety
///
/// If you pass the handles by reference, as in `wait(&handles)`, nothing is lost. Otherwise the handles are
/// dropped, too, which detaches the tasks.
///
/// # Panics
///
/// If there are no tasks to wait for.
///
/// ```
/// use std::time::Duration;
/// use dacapo::{future::{WaitUntil, wait}, spawn, time::sleep};
///
/// let run = dacapo::run(async || {
///     let tasks = [3, 1, 2].map(|n| spawn(sleep(Duration::from_secs(n))));
///     let (done, pending) = wait(&tasks).until(WaitUntil::FirstCompleted).await;
///     assert_eq!((done.len(), pending.len()), (1, 2));
/// });
/// assert_eq!(run.elapsed(), Duration::from_secs(1));
/// run.unwrap();
/// ```
#[track_caller]
pub fn wait<A: AsTask>(tasks: impl IntoIterator<Item = A>) -> Wait<A> {
    let tasks: Vec<A> = tasks.into_iter().collect();
    assert!(!tasks.is_empty(), "dacapo: `wait` was given no tasks to wait for");
    let place = Location::caller();
    let joins = tasks.iter().map(|task| task.as_task().join_at(place)).collect();
    Wait {
        tasks,
        ends: Ends::new(joins),
        panicked: false,
        until: WaitUntil::AllCompleted,
        duration: None,
        sleep: None,
        polled: false,
        place,
    }
}

/// What a [`wait`] waits for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WaitUntil {
    /// One task has ended, in any way.
    FirstCompleted,
    /// One task has ended with a panic, or all have ended.
    FirstException,
    /// All have ended.
    #[default]
    AllCompleted,
}

/// The future of [`wait`].
#[derive(Debug)]
#[must_use = "futures do nothing unless they are awaited"]
pub struct Wait<A> {
    tasks: Vec<A>,
    ends: Ends,
    /// Whether one has panicked.
    panicked: bool,
    until: WaitUntil,
    duration: Option<Duration>,
    sleep: Option<Sleep>,
    polled: bool,
    place: Place,
}

// Nothing in it is pinned.
impl<A> Unpin for Wait<A> {}

impl<A> Wait<A> {
    /// Waits until this is so.
    pub fn until(self, until: WaitUntil) -> Self {
        Self { until, ..self }
    }

    /// Waits no longer than this.
    pub fn timeout(self, duration: Duration) -> Self {
        Self { duration: Some(duration), ..self }
    }
}

impl<A: AsTask> Future for Wait<A> {
    type Output = (Vec<A>, Vec<A>);

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let first = !std::mem::replace(&mut this.polled, true);
        if first {
            this.sleep = this.duration.map(|duration| sleep(duration).at(this.place));
        }
        let Self { tasks, ends, panicked, until, .. } = this;
        ends.poll(cx, |number| {
            *panicked |=
                *until == WaitUntil::FirstException && tasks[number].as_task().is_panicked();
        });
        let late = this.sleep.as_mut().is_some_and(|sleep| Pin::new(sleep).poll(cx).is_ready());
        let enough = this.ends.left() == 0
            || match this.until {
                WaitUntil::FirstCompleted => this.ends.left() < this.tasks.len(),
                WaitUntil::FirstException => this.panicked,
                WaitUntil::AllCompleted => false,
            };
        if first && (enough || late) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        if !(enough || late) {
            return Poll::Pending;
        }
        let ended = std::mem::replace(&mut this.ends, Ends::new(Vec::new())).into_ended();
        let (mut done, mut pending) = (Vec::new(), Vec::new());
        for (task, ended) in std::mem::take(&mut this.tasks).into_iter().zip(ended) {
            if ended { done.push(task) } else { pending.push(task) }
        }
        Poll::Ready((done, pending))
    }
}
