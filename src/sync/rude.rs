//! What primitives do in rude runs, and only there.

use crate::runtime;
use crate::trace::TaskId;

/// Whether a newcomer takes what was meant for a waiter, of this task if that is known.
pub(super) fn barges(waiter: Option<TaskId>, lock: bool) -> bool {
    runtime::try_current(|runtime| runtime.barges(waiter, lock)).unwrap_or(false)
}

/// Whether a notification wakes all who wait.
pub(super) fn wakes_all() -> bool {
    runtime::try_current(runtime::Runtime::wakes_all).unwrap_or(false)
}

/// Whether an await that is ready gives a turn away first; asked once for each await. If it does, the
/// caller lets go of all locks, wakes itself, and suspends.
pub(super) fn gives_way(asked: &mut bool) -> bool {
    !std::mem::replace(asked, true)
        && runtime::try_current(runtime::Runtime::gives_way).unwrap_or(false)
}
