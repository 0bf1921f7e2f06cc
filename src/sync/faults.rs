//! The faults of primitives. Each asks only in runs in which the fault is on.

use crate::executor::{self, Executor};
use crate::question::Question;
use crate::trace::TaskId;

/// Whether this fault may happen. Ask this before anything that takes long to find out.
pub(super) fn is_possible(fault: Question) -> bool {
    happens(|executor| executor.has_fault(fault))
}

/// Whether a newcomer takes what was granted to a waiter of this task, if the task is known.
pub(super) fn barges(waiter: Option<TaskId>, lock: bool) -> bool {
    happens(|executor| executor.barges(waiter, lock))
}

/// Whether a notification wakes all waiters.
pub(super) fn wakes_all() -> bool {
    happens(Executor::wakes_all)
}

/// Whether an await that is ready yields first. Asked once for each await. If it yields, the caller
/// releases all locks, wakes itself, and returns pending.
pub(super) fn gives_way(asked: &mut bool) -> bool {
    !std::mem::replace(asked, true) && happens(Executor::gives_way)
}

#[inline]
fn happens(ask: impl FnOnce(&Executor) -> bool) -> bool {
    executor::try_current(|executor| !executor.is_plain() && ask(executor)).unwrap_or(false)
}
