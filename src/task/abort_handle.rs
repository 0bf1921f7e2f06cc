use std::fmt;

use super::{Id, Task};

/// The right to abort a task, but not to await its output; tokio's `AbortHandle`.
///
/// Created by [`JoinHandle::abort_handle`](super::JoinHandle::abort_handle). Dropping it does nothing. Any
/// number of handles can exist, and they outlive the [`JoinHandle`](super::JoinHandle) and the run.
///
/// [`Task`] can do more: it can be cancelled as in asyncio, and awaited.
///
/// ```
/// use std::future::pending;
///
/// let run = dacapo::run(async || {
///     let task = dacapo::spawn(pending::<()>());
///     let abort = task.abort_handle();
///     dacapo::spawn(async move { abort.abort() });
///     task.await.unwrap_err().is_cancelled()
/// });
/// assert!(run.unwrap());
/// ```
#[derive(Clone)]
pub struct AbortHandle(Task);

impl AbortHandle {
    pub(super) fn new(task: Task) -> Self {
        Self(task)
    }

    /// Aborts the task: its future is dropped in its next step.
    ///
    /// See [`JoinHandle::abort`](super::JoinHandle::abort). It does nothing if the task has ended, after the
    /// run, and on another thread than that of the run.
    pub fn abort(&self) {
        self.0.abort();
    }

    /// Returns whether the task has ended.
    ///
    /// A task that was [aborted](AbortHandle::abort) ends in its next step. After the run, this returns `true`.
    pub fn is_finished(&self) -> bool {
        self.0.is_finished()
    }

    /// Returns the id of the task.
    pub fn id(&self) -> Id {
        self.0.id()
    }

    /// Returns the name of the task; see [`Task::name`].
    pub fn name(&self) -> String {
        self.0.name()
    }
}

impl fmt::Debug for AbortHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AbortHandle({})", self.name())
    }
}
