//! The faults of primitives, which are asked for only in runs in which they are on.

use crate::executor::{self, Executor};
use crate::question::Question;
use crate::trace::TaskId;

/// Whether this may happen in this run: asked before what would take long to find out.
pub(super) fn is_possible(fault: Question) -> bool {
    happens(|executor| executor.has_fault(fault))
}

/// Whether a newcomer takes what was meant for a waiter, of this task if that is known.
pub(super) fn barges(waiter: Option<TaskId>, lock: bool) -> bool {
    happens(|executor| executor.barges(waiter, lock))
}

/// Whether a notification wakes all who wait.
pub(super) fn wakes_all() -> bool {
    happens(Executor::wakes_all)
}

/// Whether an await that is ready gives a turn away first; asked once for each await. If it does, the
/// caller lets go of all locks, wakes itself, and suspends.
pub(super) fn gives_way(asked: &mut bool) -> bool {
    !std::mem::replace(asked, true) && happens(Executor::gives_way)
}

#[inline]
fn happens(ask: impl FnOnce(&Executor) -> bool) -> bool {
    executor::try_current(|executor| !executor.is_plain() && ask(executor)).unwrap_or(false)
}
