//! What names a task while it is in the ready queue.

use std::num::NonZeroU64;

use crate::trace::TaskId;

/// A task of the current run: its slot in the slab of tasks, and its id, which tells apart the
/// tasks that have had that slot. It is one word, and an `Option` of it is one word too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TaskKey(NonZeroU64);

impl TaskKey {
    #[inline(always)]
    pub(crate) const fn new(slot: u32, id: TaskId) -> Self {
        // No slot has the greatest number.
        Self::from_u64((id.0 as u64) << 32 | slot.wrapping_add(1) as u64)
    }

    /// A number that orders keys as the tasks were spawned.
    pub(crate) const fn to_u64(self) -> u64 {
        self.0.get()
    }

    pub(crate) const fn from_u64(number: u64) -> Self {
        Self(match NonZeroU64::new(number) {
            Some(number) => number,
            None => NonZeroU64::MIN,
        })
    }

    #[inline(always)]
    pub(crate) const fn slot(self) -> u32 {
        (self.0.get() as u32).wrapping_sub(1)
    }

    #[inline(always)]
    pub(crate) const fn id(self) -> TaskId {
        TaskId((self.0.get() >> 32) as u32)
    }
}

/// The key of the first task, which has the first slot.
impl Default for TaskKey {
    fn default() -> Self {
        Self::new(0, TaskId::MAIN)
    }
}
