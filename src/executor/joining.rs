//! Waiting for the end of a task, and what it leaves behind.

use std::any::Any;
use std::cell::RefMut;
use std::task::{Poll, Waker};

use super::Executor;
use super::cancellation::Awaiting;
use super::cell::BoxTask;
use super::core::Core;
use super::tasks::{Ended, Remains, Task};
use super::unwind::Caught;
use super::waker::Wakee;
use crate::failure::{Failure, Kind};
use crate::scheduler::TaskKey;
use crate::session::{Awaited, Place};
use crate::trace::{Ending, TaskId, Wait};

/// How a task has ended, as all may know it.
#[derive(Clone, Debug)]
pub(crate) enum End {
    Returned,
    /// It returned, and said that it has failed.
    Failed,
    Cancelled,
    Panicked {
        message: String,
    },
}

/// The number of the handle among those who await the end of a task. Others get theirs when they first wait.
const HANDLE: u32 = 0;

impl Executor {
    /// Whether a task has ended; if not, its end is to wake `wakee`.
    ///
    /// `registration` is kept by the one who waits, to be updated by the next call and
    /// given back with [`unregister_end`](Executor::unregister_end).
    #[cfg_attr(not(debug_assertions), inline)]
    pub(crate) fn poll_end(
        &self,
        key: TaskKey,
        registration: &mut Option<u32>,
        wakee: Wakee,
        place: Option<Place>,
    ) -> bool {
        let mut core = self.core();
        if core.task(key).is_none_or(Task::has_ended) {
            return true;
        }
        if let Some(scope) = self.poll.wait_on(Awaited { wait: Wait::Task(key.id()), place }) {
            core.count_note(scope);
        }
        let number = *registration.get_or_insert_with(|| core.next_joiner());
        let previous = core.task_mut(key).and_then(|task| task.insert_joiner(number, wakee));
        drop(core);
        drop(previous);
        false
    }

    /// Takes the outcome of a task that has ended, for the one who holds its handle; if it has not, its end
    /// is to wake him. The output goes into `place`, which is an `Option` of its type.
    #[inline(always)]
    pub(crate) fn poll_join(
        &self,
        key: TaskKey,
        waker: &Waker,
        place: &mut dyn Any,
    ) -> Poll<Joined> {
        let mut core = self.core();
        if core.task(key).is_some_and(|task| !task.has_ended()) {
            drop(core);
            self.await_end(key, waker);
            return Poll::Pending;
        }
        if !self.is_plain() {
            drop(core);
            if self.gives_way_to_join(key) {
                waker.wake_by_ref();
                return Poll::Pending;
            }
            core = self.core();
        }
        Poll::Ready(self.take_from(core, key, place))
    }

    /// The same of a task that has ended.
    pub(crate) fn take_joined(&self, key: TaskKey, place: &mut dyn Any) -> Joined {
        self.take_from(self.core(), key, place)
    }

    #[inline(always)]
    fn take_from(
        &self,
        mut borrowed: RefMut<'_, Box<Core>>,
        key: TaskKey,
        place: &mut dyn Any,
    ) -> Joined {
        let core: &mut Core = &mut borrowed;
        if let Some(cell) = core.remove_returned(key) {
            cell.give(place, &mut core.spares);
            return Joined::Returned;
        }
        let remains = core.remove_task(key);
        // In it may be what is somebody else's code.
        drop(borrowed);
        self.joined(remains, place)
    }

    #[inline(never)]
    fn await_end(&self, key: TaskKey, waker: &Waker) {
        let notes = self.notes();
        self.poll_end(key, &mut Some(HANDLE), self.wakee(waker), None);
        self.set_awaiting(notes, Awaiting::Task(key));
        if !self.is_plain() {
            self.ask_to_join(key);
        }
    }

    /// Whether the one who holds the handle of a task that has ended gives a turn away before he takes its
    /// outcome: once, and not if he has waited.
    #[cold]
    fn gives_way_to_join(&self, key: TaskKey) -> bool {
        !self.ask_to_join(key) && self.gives_way()
    }

    /// Notes that it need not be asked any more; returns whether it was noted before.
    #[cold]
    fn ask_to_join(&self, key: TaskKey) -> bool {
        let mut core = self.core();
        let task = core.task_mut(key);
        task.is_some_and(|task| std::mem::replace(&mut task.traits.asked, true))
    }

    #[cold]
    #[inline(never)]
    fn joined(&self, remains: Option<Remains>, place: &mut dyn Any) -> Joined {
        // At the end of a run tasks go before the handles that others hold.
        let Some(remains) = remains else { return Joined::Cancelled };
        match (remains.ended, remains.cell) {
            (Some(Ended::Returned), Some(cell)) => {
                cell.give(place, &mut self.core().spares);
                Joined::Returned
            }
            (Some(Ended::Panicked(caught)), _) => Joined::Panicked(caught),
            _ => Joined::Cancelled,
        }
    }

    /// Lets a task go on alone, which nobody awaits with its handle any more. What is returned is to be dropped
    /// by the caller.
    pub(crate) fn let_go(&self, key: TaskKey) -> Option<BoxTask> {
        self.unregister_end(key, &mut Some(HANDLE));
        self.detach(key)
    }

    /// Takes back what [`poll_end`](Executor::poll_end) has registered.
    pub(crate) fn unregister_end(&self, key: TaskKey, registration: &mut Option<u32>) {
        let Some(number) = registration.take() else { return };
        let mut core = self.core();
        let Some(task) = core.task_mut(key) else { return };
        let removed = task.remove_joiner(number);
        drop(core);
        drop(removed);
    }

    /// How a task has ended, and which of all tasks it was to end. A task that is known no more has
    /// returned, before all others.
    pub(crate) fn end_of(&self, key: TaskKey) -> Option<(End, u32)> {
        let core = self.core();
        let Some(task) = core.task(key) else { return Some((End::Returned, 0)) };
        if !task.has_ended() {
            return None;
        }
        let end = match (task.how, task.panicked()) {
            (_, Some(caught)) => End::Panicked { message: caught.note.message.clone() },
            (Ending::Returned, None) if task.traits.failed => End::Failed,
            (Ending::Returned, None) => End::Returned,
            _ => End::Cancelled,
        };
        Some((end, task.nth))
    }

    /// Notes that the current task returns a failure.
    pub(crate) fn mark_failed(&self) {
        let mut core = self.core();
        if let Some(task) = core.session.current.and_then(|key| core.task_mut(key)) {
            task.traits.failed = true;
        }
    }

    /// Notes that somebody has seen the panic of a task, which then does not fail the run.
    pub(crate) fn mark_retrieved(&self, key: TaskKey) {
        if let Some(task) = self.core().task_mut(key) {
            task.traits.retrieved = true;
        }
    }

    /// Fails the run for a panic that was given to somebody who did not look at it.
    pub(crate) fn lose_panic(&self, id: TaskId, task: &str, message: &str) {
        let mut core = self.core();
        if core.tasks.iter().any(|(_, task)| task.id == id && task.traits.retrieved) {
            return;
        }
        let known = core.session.panics.iter().find(|(known, _)| *known == id);
        let earlier = known.map(|(_, panic)| panic.clone()).into_iter().collect();
        let message =
            format!("{message}\n(its handle was awaited, and the JoinError dropped unseen)");
        let task = task.to_owned();
        let lost = Failure::new(Kind::Panic { task, message, location: None, earlier });
        core.session.fail(lost);
    }

    /// Notes that a task is to run to its end also when main has returned.
    pub(crate) fn finish(&self, key: TaskKey) {
        if let Some(task) = self.core().task_mut(key) {
            task.traits.finishing = true;
        }
    }

    /// Notes that somebody else than the handle passes on the panic of a task.
    pub(crate) fn supervise(&self, key: TaskKey) {
        if let Some(task) = self.core().task_mut(key) {
            task.traits.supervised = true;
        }
    }

    /// Lets a task go on alone. What is returned is to be dropped by the caller.
    fn detach(&self, key: TaskKey) -> Option<BoxTask> {
        let mut core = self.core();
        let task = core.task_mut(key)?;
        task.traits.detached = true;
        if !task.has_ended() {
            return None;
        }
        let mut remains = core.remove_task(key)?;
        drop(core);
        if let Some(Ended::Panicked(caught)) = &remains.ended
            && !remains.seen
        {
            let kind = self.panic_of(key.id(), caught);
            self.session().fail(kind);
        }
        remains.cell.take()
    }
}

/// How an awaited task ended.
pub(crate) enum Joined {
    Returned,
    Cancelled,
    Panicked(Box<Caught>),
}
