use std::any::Any;
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use super::{AbortHandle, AsTask, Id, JoinError, Task};
use crate::executor::{self, Awaiting, Joined, RunId, TaskKey};

/// The right to await a task's output, and to abort it.
///
/// Awaiting it returns the output, or a [`JoinError`] if the task panicked, was cancelled or was aborted.
/// Dropping it detaches the task. A panic of a detached task fails the run.
///
/// # Cancel safety
///
/// You can await `&mut handle` and drop that future. Nothing is lost, and you can await the handle again.
///
/// # Panics
///
/// If it is awaited after it has returned the output, or outside of its run.
pub struct JoinHandle<T> {
    join: Join,
    // The output stays with the run, so that this is `Send` and `Sync` whatever it is.
    output: PhantomData<fn() -> T>,
}

/// The part that does not depend on the type of the output: two words, which move in registers.
struct Join {
    /// [Marked](RunId::marked) when the output was given.
    run: RunId,
    task: TaskKey,
}

impl<T> JoinHandle<T> {
    pub(super) fn new(run: RunId, task: TaskKey) -> Self {
        Self { join: Join { run, task }, output: PhantomData }
    }

    /// Asks the task to end where it waits.
    /// Its future is dropped at its next turn, even if it has been woken already. Awaiting the handle
    /// then gives an error that [is cancelled](JoinError::is_cancelled). Nothing happens if the task has
    /// ended. A task that aborts itself ends at its next await. Called from another thread than the
    /// run's, this does nothing.
    pub fn abort(&self) {
        executor::try_with(self.join.run, |executor| executor.abort(self.join.task));
    }

    /// Asks the task to end, as asyncio does; returns `false` if it has ended already.
    ///
    /// Unlike [`abort`](JoinHandle::abort), the task may catch this, clean up, and even refuse. See
    /// [`cancel`](crate::cancel).
    pub fn cancel(&self) -> bool {
        self.task().cancel()
    }

    /// As [`cancel`](JoinHandle::cancel), with a message for the code that catches it.
    pub fn cancel_with(&self, message: &str) -> bool {
        self.task().cancel_with(message)
    }

    /// How many requests to cancel the task has had, less those taken back.
    pub fn cancelling(&self) -> usize {
        self.task().cancelling()
    }

    /// Takes one request back; returns how many are left.
    pub fn uncancel(&self) -> usize {
        self.task().uncancel()
    }

    /// Returns a handle that can abort the task but not await it.
    ///
    /// Unlike this handle, it can be cloned, and dropping it does nothing.
    ///
    /// ```
    /// use std::future::pending;
    ///
    /// let run = dacapo::run(async || {
    ///     let tasks = [(); 3].map(|()| dacapo::spawn(pending::<()>()));
    ///     let aborts = tasks.each_ref().map(dacapo::task::JoinHandle::abort_handle);
    ///     aborts.iter().for_each(dacapo::task::AbortHandle::abort);
    ///     for task in tasks {
    ///         assert!(task.await.unwrap_err().is_cancelled());
    ///     }
    /// });
    /// run.unwrap();
    /// ```
    pub fn abort_handle(&self) -> AbortHandle {
        AbortHandle::new(self.task())
    }

    pub(crate) fn key(&self) -> TaskKey {
        self.join.task
    }

    /// The output of a task that has ended.
    pub(crate) fn into_ended(mut self) -> Result<T, JoinError>
    where
        T: 'static,
    {
        let mut output: Option<T> = None;
        self.join.take(&mut output).map(|()| taken(output))
    }

    /// Awaits the task without passing on requests to cancel.
    pub(super) async fn detached(mut self) -> Result<T, JoinError>
    where
        T: 'static,
    {
        std::future::poll_fn(|cx| {
            let notes = executor::try_current(executor::Executor::notes).unwrap_or_default();
            let polled = Pin::new(&mut self).poll(cx);
            executor::try_current(|executor| executor.set_awaiting(notes, Awaiting::Other));
            polled
        })
        .await
    }

    /// The task, by reference.
    pub fn task(&self) -> Task {
        Task::new(self.join.run.unmarked(), self.join.task)
    }

    /// Whether the task has ended. A task that was [aborted](JoinHandle::abort) ends at its next turn.
    pub fn is_finished(&self) -> bool {
        let Join { run, task } = self.join;
        executor::try_with(run, |executor| executor.has_ended(task)).unwrap_or(true)
    }

    /// The id of the task.
    pub fn id(&self) -> Id {
        self.join.task.id()
    }

    /// The name of the task: the one it was given, or its spawn path. Outside of the run its number.
    pub fn name(&self) -> String {
        self.join.name()
    }
}

impl<T: 'static> Future for JoinHandle<T> {
    type Output = Result<T, JoinError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut output: Option<T> = None;
        let Poll::Ready(joined) = self.join.poll(cx.waker(), &mut output) else {
            return Poll::Pending;
        };
        Poll::Ready(joined.map(|()| taken(output)))
    }
}

fn taken<T>(output: Option<T>) -> T {
    output.expect("dacapo bug: the output of a task was taken twice")
}

impl Join {
    /// Polls for the end of the task, whose output goes into `place`. The generic code around it is short, since
    /// it is compiled for each type.
    fn poll(&mut self, waker: &Waker, place: &mut dyn Any) -> Poll<Result<(), JoinError>> {
        let Self { run, task } = *self;
        match executor::try_with(run, |executor| executor.poll_join(task, waker, place)) {
            Some(Poll::Pending) => Poll::Pending,
            Some(Poll::Ready(joined)) => Poll::Ready(self.end(joined)),
            None => self.refuse(),
        }
    }

    /// The same of a task that has ended.
    fn take(&mut self, place: &mut dyn Any) -> Result<(), JoinError> {
        let Self { run, task } = *self;
        match executor::try_with(run, |executor| executor.take_joined(task, place)) {
            Some(joined) => self.end(joined),
            None => self.refuse(),
        }
    }

    #[cold]
    fn refuse(&self) -> ! {
        assert!(
            !self.run.is_marked(),
            "dacapo: a JoinHandle was polled after it had given its output; await a handle once"
        );
        panic!(
            "dacapo: a JoinHandle was awaited outside of its run; a task ends with its run, so await it \
             there"
        );
    }

    #[inline(always)]
    fn end(&mut self, joined: Joined) -> Result<(), JoinError> {
        self.run = self.run.marked();
        match joined {
            Joined::Returned => Ok(()),
            joined => Err(self.error(joined)),
        }
    }

    /// The error of awaiting a task that did not return.
    #[cold]
    fn error(&self, joined: Joined) -> JoinError {
        let (task, name) = (self.task.id(), self.name());
        match joined {
            Joined::Panicked(caught) => {
                JoinError::panicked(task, name, caught.payload, caught.note.message)
            }
            _ => JoinError::cancelled(task, name),
        }
    }

    fn name(&self) -> String {
        executor::try_with(self.run.unmarked(), |executor| executor.name(self.task.id()))
            .unwrap_or_else(|| format!("task {}", self.task.id()))
    }

    /// Detaches the task.
    #[cold]
    fn let_go(&mut self) {
        let output = executor::try_with(self.run, |executor| executor.let_go(self.task));
        drop(output);
    }
}

impl Drop for Join {
    #[inline]
    fn drop(&mut self) {
        if !self.run.is_marked() {
            self.let_go();
        }
    }
}

impl<T> AsTask for JoinHandle<T> {
    fn as_task(&self) -> Task {
        self.task()
    }
}

impl<T> fmt::Debug for JoinHandle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinHandle").field("task", &self.name()).finish()
    }
}
