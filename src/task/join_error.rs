use std::any::Any;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use super::Id;
use crate::executor;

/// Why a task gave no output: it was aborted, or it panicked. Its text names the task.
///
/// A panic is not lost by accident. If you drop this error without asking whether it [is a
/// panic](JoinError::is_panic), printing it, or taking the panic, the run fails with that panic.
pub struct JoinError(Box<Parts>);

/// Beside the error, which is moved about as a part of each result.
struct Parts {
    task: Id,
    name: String,
    cause: Cause,
    /// Whether the panic was looked at.
    seen: AtomicBool,
}

enum Cause {
    Cancelled,
    // The mutex makes the error `Sync`, as tokio's is; it is never contended.
    Panic { payload: Mutex<Option<Box<dyn Any + Send>>>, message: String },
}

impl JoinError {
    pub(super) fn cancelled(task: Id, name: String) -> Self {
        Self::new(task, name, Cause::Cancelled)
    }

    pub(crate) fn panicked(
        task: Id,
        name: String,
        payload: Box<dyn Any + Send>,
        message: String,
    ) -> Self {
        let cause = Cause::Panic { payload: Mutex::new(Some(payload)), message };
        Self::new(task, name, cause)
    }

    fn new(task: Id, name: String, cause: Cause) -> Self {
        Self(Box::new(Parts { task, name, cause, seen: AtomicBool::new(false) }))
    }

    pub(super) fn look(&self) {
        self.0.seen.store(true, Ordering::Relaxed);
    }

    /// The message of the panic, if the task panicked.
    pub(crate) fn message(&self) -> Option<&str> {
        self.look();
        match &self.0.cause {
            Cause::Panic { message, .. } => Some(message),
            Cause::Cancelled => None,
        }
    }

    /// Whether the task was aborted.
    pub fn is_cancelled(&self) -> bool {
        self.look();
        matches!(self.0.cause, Cause::Cancelled)
    }

    /// Whether the task panicked.
    pub fn is_panic(&self) -> bool {
        self.look();
        matches!(self.0.cause, Cause::Panic { .. })
    }

    /// The value that the task panicked with, for
    /// [`resume_unwind`](std::panic::resume_unwind).
    ///
    /// # Panics
    ///
    /// If the task did not panic.
    #[track_caller]
    pub fn into_panic(self) -> Box<dyn Any + Send> {
        self.look();
        let payload = match &self.0.cause {
            Cause::Panic { payload, .. } => {
                payload.lock().unwrap_or_else(PoisonError::into_inner).take()
            }
            Cause::Cancelled => None,
        };
        payload
            .expect("dacapo: JoinError::into_panic on a task that was aborted; ask is_panic first")
    }

    /// The id of the task.
    pub fn id(&self) -> Id {
        self.0.task
    }
}

impl fmt::Display for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.look();
        match &self.0.cause {
            Cause::Cancelled => write!(f, "{} was cancelled", self.0.name),
            Cause::Panic { message, .. } => write!(f, "{} panicked: {message}", self.0.name),
        }
    }
}

impl fmt::Debug for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "JoinError({self})")
    }
}

impl std::error::Error for JoinError {}

impl Drop for JoinError {
    fn drop(&mut self) {
        let Parts { task, name, cause, seen } = &*self.0;
        if let Cause::Panic { message, .. } = cause
            && !seen.load(Ordering::Relaxed)
        {
            executor::try_current(|executor| executor.lose_panic(*task, name, message));
        }
    }
}
