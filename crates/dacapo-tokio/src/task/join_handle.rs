use std::fmt;
use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use dacapo::task::Task;

use super::{AbortHandle, Id, JoinError};
use crate::driver;

/// The right to await a task's output, and to abort the task.
///
/// In a run, a panic of a task whose handle was dropped fails the run.
///
/// # Cancel safety
///
/// Awaiting `&mut handle` and dropping that future loses nothing.
pub struct JoinHandle<T>(Kind<T>);

enum Kind<T> {
    Sim(dacapo::task::JoinHandle<T>, PollJoin<T>),
    Real(tokio::task::JoinHandle<T>),
}

/// How to poll the handle. It is stored where the output is known to be `'static`, which tokio does not require
/// of a `JoinHandle` that is awaited.
type PollJoin<T> = fn(
    Pin<&mut dacapo::task::JoinHandle<T>>,
    &mut Context<'_>,
) -> Poll<Result<T, dacapo::task::JoinError>>;

impl<T> std::panic::UnwindSafe for JoinHandle<T> {}
impl<T> std::panic::RefUnwindSafe for JoinHandle<T> {}
impl<T> Unpin for JoinHandle<T> {}

impl<T> JoinHandle<T> {
    pub(crate) fn sim(handle: dacapo::task::JoinHandle<T>) -> Self
    where
        T: 'static,
    {
        Self(Kind::Sim(handle, <dacapo::task::JoinHandle<T> as Future>::poll))
    }

    pub(crate) fn real(handle: tokio::task::JoinHandle<T>) -> Self {
        Self(Kind::Real(handle))
    }

    /// The task, if it is one of a run.
    pub(crate) fn sim_task(&self) -> Option<Task> {
        match &self.0 {
            Kind::Sim(handle, _) => Some(handle.task()),
            Kind::Real(_) => None,
        }
    }

    /// Asks the task to end. In a run, its future is dropped at its next turn.
    pub fn abort(&self) {
        match &self.0 {
            Kind::Sim(handle, _) => handle.abort(),
            Kind::Real(handle) => handle.abort(),
        }
    }

    /// Returns whether the task has ended.
    pub fn is_finished(&self) -> bool {
        match &self.0 {
            Kind::Sim(handle, _) => handle.is_finished(),
            Kind::Real(handle) => handle.is_finished(),
        }
    }

    /// Returns a handle that can abort the task but not await it.
    pub fn abort_handle(&self) -> AbortHandle {
        match &self.0 {
            Kind::Sim(handle, _) => AbortHandle::sim(handle.task()),
            Kind::Real(handle) => AbortHandle::real(handle.abort_handle()),
        }
    }

    /// Returns the id of the task.
    pub fn id(&self) -> Id {
        match &self.0 {
            Kind::Sim(handle, _) => handle.id().into(),
            Kind::Real(handle) => handle.id().into(),
        }
    }
}

impl<T> Future for JoinHandle<T> {
    type Output = Result<T, JoinError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.0 {
            Kind::Real(handle) => Pin::new(handle).poll(cx).map_err(JoinError::from),
            Kind::Sim(handle, poll) => {
                // As tokio's own, it counts against the budget of the poll.
                if handle.is_finished() && pin!(tokio::task::consume_budget()).poll(cx).is_pending()
                {
                    return Poll::Pending;
                }
                let joined = poll(Pin::new(handle), cx);
                joined.map_err(|error| {
                    if driver::is_lenient() {
                        // The panic counts as seen.
                        error.is_panic();
                    }
                    JoinError::from(error)
                })
            }
        }
    }
}

impl<T> fmt::Debug for JoinHandle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinHandle").field("id", &self.id()).finish()
    }
}
