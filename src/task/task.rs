use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use super::{Id, JoinError};
use crate::cancel::Cancelled;
use crate::executor::{self, Awaiting, End, RunId, ScopeId, TaskKey, Wakee};
use crate::session::Place;
use crate::trace::Wait;

/// A reference to a task, as asyncio's `Task`.
///
/// It can do everything that a [`JoinHandle`](super::JoinHandle) can, except take the output. Copies are
/// cheap. Once the task has ended and its `JoinHandle` has been dropped, the run forgets the task. From
/// then on, this reports that the task returned.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Task {
    run: RunId,
    key: TaskKey,
}

/// A handle of a task: [`Task`], [`JoinHandle`](super::JoinHandle), or a reference to one.
pub trait AsTask {
    /// The task.
    fn as_task(&self) -> Task;
}

impl AsTask for Task {
    fn as_task(&self) -> Task {
        *self
    }
}

impl<A: AsTask + ?Sized> AsTask for &A {
    fn as_task(&self) -> Task {
        (**self).as_task()
    }
}

impl<A: AsTask + ?Sized> AsTask for &mut A {
    fn as_task(&self) -> Task {
        (**self).as_task()
    }
}

/// The task that calls this.
///
/// # Panics
///
/// Outside of a run, and in a run outside of all tasks, as in a waker that a timer calls.
#[track_caller]
pub fn current() -> Task {
    let current = executor::with("task::current", |executor| {
        executor.current_task().map(|key| Task { run: executor.id(), key })
    });
    current.expect("dacapo: `task::current` was called where no task runs")
}

impl Task {
    pub(super) fn new(run: RunId, key: TaskKey) -> Self {
        Self { run, key }
    }

    pub(crate) fn key(&self) -> TaskKey {
        self.key
    }

    fn with<R>(&self, f: impl FnOnce(&executor::Executor) -> R) -> Option<R> {
        executor::try_with(self.run, f)
    }

    /// Asks the task to end, as asyncio does. Returns `false` if the task has already ended.
    ///
    /// [`cancel`](crate::cancel) describes what happens then.
    pub fn cancel(&self) -> bool {
        self.request(&Cancelled::new())
    }

    /// The same as [`cancel`](Task::cancel), with a message for the code that catches it.
    pub fn cancel_with(&self, message: &str) -> bool {
        self.request(&Cancelled::with_message(message))
    }

    /// Asks what is within a scope of the task to end.
    pub(crate) fn cancel_within(&self, scope: Option<ScopeId>) {
        let request = Cancelled::new();
        self.with(|executor| executor.cancel_within(self.key, scope, &request));
    }

    fn request(&self, request: &Cancelled) -> bool {
        self.with(|executor| executor.cancel(self.key, request)).unwrap_or(false)
    }

    /// The number of requests to cancel the task, minus those that were taken back.
    pub fn cancelling(&self) -> usize {
        self.with(|executor| executor.cancelling(self.key)).unwrap_or(0)
    }

    /// Takes back one request to cancel the task. Returns how many are left.
    pub fn uncancel(&self) -> usize {
        self.with(|executor| executor.uncancel(self.key)).unwrap_or(0)
    }

    /// Drops the future of the task in its next step, as [`JoinHandle::abort`](super::JoinHandle::abort) does.
    pub fn abort(&self) {
        self.with(|executor| executor.abort(self.key));
    }

    /// Whether the task has ended.
    pub fn is_finished(&self) -> bool {
        self.with(|executor| executor.has_ended(self.key)).unwrap_or(true)
    }

    /// Whether the task was cancelled or aborted.
    pub fn is_cancelled(&self) -> bool {
        matches!(self.end(), Some((End::Cancelled, _)))
    }

    /// Whether the task panicked.
    pub fn is_panicked(&self) -> bool {
        matches!(self.end(), Some((End::Panicked { .. }, _)))
    }

    /// How it has ended, and which of all tasks it was to end.
    pub(crate) fn end(&self) -> Option<(End, u32)> {
        self.with(|executor| executor.end_of(self.key)).unwrap_or(Some((End::Returned, 0)))
    }

    /// Says that you have seen the panic of this task, so it does not fail the run.
    pub fn mark_retrieved(&self) {
        self.with(|executor| executor.mark_retrieved(self.key));
    }

    /// Notes that the task stands for a thread, which cannot be stopped.
    pub(crate) fn mark_thread(&self) {
        self.with(|executor| executor.mark_thread(self.key));
    }

    /// Has it run to its end also when main has returned.
    pub(crate) fn finish(&self) {
        self.with(|executor| executor.finish(self.key));
    }

    /// Notes that something other than the handle passes on a panic.
    pub(crate) fn supervise(&self) {
        self.with(|executor| executor.supervise(self.key));
    }

    /// The id of the task.
    pub fn id(&self) -> Id {
        self.key.id()
    }

    /// The name that the task was given, or its spawn path.
    ///
    /// It is the number of the task instead, if this is called outside of the run or the last event of the
    /// task is [no longer kept](crate::Builder::max_events).
    pub fn name(&self) -> String {
        self.with(|executor| executor.name(self.key.id()))
            .unwrap_or_else(|| format!("task {}", self.key.id()))
    }

    /// Waits until the task has ended, and leaves its output to the [`JoinHandle`](super::JoinHandle).
    ///
    /// Any number of tasks may wait. If the task has already ended, this returns at once. Cancelling the
    /// task that waits cancels this task first; see [`shield`](crate::future::shield).
    ///
    /// # Errors
    ///
    /// If the task was cancelled or panicked. The payload of the panic stays with the `JoinHandle`. If that
    /// has been dropped, this returns `Ok`.
    ///
    /// # Panics
    ///
    /// If a task waits for itself.
    ///
    /// # Cancel safety
    ///
    /// If you drop the future, nothing is lost.
    #[track_caller]
    pub fn join(&self) -> Join {
        self.join_at(Location::caller())
    }

    pub(crate) fn join_at(&self, place: Place) -> Join {
        Join { task: *self, registration: None, asked: false, place }
    }
}

impl fmt::Debug for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Task({})", self.name())
    }
}

/// The future of [`Task::join`].
#[derive(Debug)]
#[must_use = "futures do nothing unless they are awaited"]
pub struct Join {
    task: Task,
    registration: Option<u32>,
    place: Place,
    /// Whether it has waited, or was asked whether to yield first.
    asked: bool,
}

impl Join {
    /// Whether the task has ended. If not, its end wakes the polling task. Requests to cancel are not
    /// passed on.
    pub(crate) fn poll_end(&mut self, cx: &mut Context<'_>) -> bool {
        let Self { task, registration, place, .. } = self;
        task.with(|executor| {
            let wakee = executor.wakee(cx.waker());
            executor.poll_end(task.key, registration, wakee, Some(place))
        })
        .unwrap_or(true)
    }
}

impl Join {
    /// The same, except that the end of the task wakes what `waker` makes, and no wait is noted.
    pub(crate) fn poll_end_with(&mut self, waker: impl FnOnce() -> Waker) -> bool {
        let Self { task, registration, .. } = self;
        let wakee = || Wakee::Waker(waker());
        task.with(|executor| executor.register_end(task.key, registration, wakee)).unwrap_or(true)
    }

    /// Notes that the current task waits for this one.
    pub(crate) fn note_wait(&self) {
        let Self { task, place, .. } = self;
        task.with(|executor| executor.wait_on(Wait::Task(task.id()), place));
    }
}

impl Future for Join {
    type Output = Result<(), JoinError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let task = self.task;
        let own = task.with(|executor| executor.current_task() == Some(task.key));
        assert!(own != Some(true), "dacapo: a task awaits its own end, which cannot come");
        let notes = task.with(executor::Executor::notes).unwrap_or_default();
        let ended = self.poll_end(cx);
        if !std::mem::replace(&mut self.asked, true)
            && ended
            && task.with(executor::Executor::gives_way).unwrap_or(false)
        {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        if !ended {
            task.with(|executor| executor.set_awaiting(notes, Awaiting::Task(task.key)));
            return Poll::Pending;
        }
        task.mark_retrieved();
        Poll::Ready(match task.end() {
            Some((End::Cancelled, _)) => Err(JoinError::cancelled(task.id(), task.name())),
            Some((End::Panicked { message }, _)) => {
                let error =
                    JoinError::panicked(task.id(), task.name(), Box::new(message.clone()), message);
                // The handle has the panic itself.
                error.look();
                Err(error)
            }
            _ => Ok(()),
        })
    }
}

impl Drop for Join {
    fn drop(&mut self) {
        let Self { task, registration, .. } = self;
        task.with(|executor| executor.unregister_end(task.key, registration));
    }
}
