//! Who is to be woken, and the wakers that futures are given.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Wake, Waker};

use crate::trace::TaskId;

/// A task of the present run: its place in the slab, and its id, which tells apart the tasks that
/// have had that place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TaskKey {
    pub(crate) slot: usize,
    pub(crate) id: TaskId,
}

/// Who is to be woken. Nearly always it is a task of this run, whose waker need not be cloned.
#[derive(Debug)]
pub(crate) enum Wakee {
    Task(TaskKey),
    /// A waker that some combinator made, such as `FuturesUnordered`.
    Waker(Waker),
}

/// Says which run of this process something belongs to. Never shown, never hashed.
pub(crate) type RunId = u64;

pub(super) struct TaskWaker {
    pub(super) run: RunId,
    pub(super) task: TaskKey,
    pub(super) outside: Arc<Outside>,
}

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let woken = super::try_with(self.run, |runtime| runtime.wake(self.task));
        if woken.is_none() {
            self.outside.record_wake(self.task.id);
        }
    }
}

/// What other threads may touch of a run.
#[derive(Default)]
pub(super) struct Outside {
    ended: AtomicBool,
    woken: AtomicBool,
    /// The first task that was woken by another thread.
    first: Mutex<Option<TaskId>>,
}

impl Outside {
    /// Wakers that outlive their run do nothing from then on.
    pub(super) fn end(&self) {
        self.ended.store(true, Ordering::Release);
    }

    fn record_wake(&self, task: TaskId) {
        if !self.ended.load(Ordering::Acquire) {
            self.first.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(task);
            self.woken.store(true, Ordering::Release);
        }
    }

    pub(super) fn first_woken(&self) -> Option<TaskId> {
        if !self.woken.load(Ordering::Acquire) {
            return None;
        }
        *self.first.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
