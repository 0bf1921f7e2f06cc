use std::fmt;

use dacapo::task::Task;

use super::Id;

/// The right to abort a task, but not to await its output.
#[derive(Clone)]
pub struct AbortHandle(Kind);

#[derive(Clone)]
enum Kind {
    Sim(Task),
    Real(tokio::task::AbortHandle),
}

impl std::panic::UnwindSafe for AbortHandle {}
impl std::panic::RefUnwindSafe for AbortHandle {}

impl AbortHandle {
    pub(super) fn sim(task: Task) -> Self {
        Self(Kind::Sim(task))
    }

    pub(super) fn real(handle: tokio::task::AbortHandle) -> Self {
        Self(Kind::Real(handle))
    }

    /// Asks the task to end. In a run, its future is dropped at its next turn.
    pub fn abort(&self) {
        match &self.0 {
            Kind::Sim(task) => task.abort(),
            Kind::Real(handle) => handle.abort(),
        }
    }

    /// Returns whether the task has ended.
    pub fn is_finished(&self) -> bool {
        match &self.0 {
            Kind::Sim(task) => task.is_finished(),
            Kind::Real(handle) => handle.is_finished(),
        }
    }

    /// Returns the id of the task.
    pub fn id(&self) -> Id {
        match &self.0 {
            Kind::Sim(task) => task.id().into(),
            Kind::Real(handle) => handle.id().into(),
        }
    }
}

impl fmt::Debug for AbortHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AbortHandle").field("id", &self.id()).finish()
    }
}
