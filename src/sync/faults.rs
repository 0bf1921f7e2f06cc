//! The faults of primitives, which are asked for only in runs in which they are on.

use crate::faults::FaultKind;
use crate::runtime::{self, Runtime};
use crate::trace::TaskId;

/// Whether this may happen in this run: asked before what would take long to find out.
pub(super) fn is_possible(kind: FaultKind) -> bool {
    happens(|runtime| runtime.is_fault(kind))
}

/// Whether a newcomer takes what was meant for a waiter, of this task if that is known.
pub(super) fn barges(waiter: Option<TaskId>, lock: bool) -> bool {
    happens(|runtime| runtime.barges(waiter, lock))
}

/// Whether a notification wakes all who wait.
pub(super) fn wakes_all() -> bool {
    happens(Runtime::wakes_all)
}

/// Whether an await that is ready gives a turn away first; asked once for each await. If it does, the
/// caller lets go of all locks, wakes itself, and suspends.
pub(super) fn gives_way(asked: &mut bool) -> bool {
    !std::mem::replace(asked, true) && happens(Runtime::gives_way)
}

#[inline]
fn happens(ask: impl FnOnce(&Runtime) -> bool) -> bool {
    runtime::try_current(|runtime| !runtime.is_plain() && ask(runtime)).unwrap_or(false)
}
