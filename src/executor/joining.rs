//! Waiting for the end of a task, and taking its output.

use std::any::Any;
use std::cell::RefMut;
use std::task::{Poll, Waker};

use super::Executor;
use super::cancellation::Awaiting;
use super::cell::BoxTask;
use super::core::Core;
use super::joiners::HANDLE;
use super::tasks::{Ended, Remains, Task};
use super::unwind::Caught;
use super::waker::Wakee;
use crate::failure::{Failure, Kind};
use crate::scheduler::TaskKey;
use crate::session::{Awaited, Place};
use crate::trace::{Ending, TaskId, Wait};

/// How a task has ended, for everything that may know it.
#[derive(Clone, Debug)]
pub(crate) enum End {
    Returned,
    /// It returned and reported that it failed.
    Failed,
    Cancelled,
    Panicked {
        message: String,
    },
}

impl Executor {
    /// Whether a task has ended. If not, its end wakes `wakee`.
    ///
    /// The caller keeps `registration`, passes it to the next call, and gives it back with
    /// [`unregister_end`](Executor::unregister_end).
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
            core.count_notes(scope, 1);
        }
        register(core, key, registration, wakee);
        false
    }

    /// The same without a note that the current task waits for it. `wakee` is called if it has not ended.
    pub(crate) fn register_end(
        &self,
        key: TaskKey,
        registration: &mut Option<u32>,
        wakee: impl FnOnce() -> Wakee,
    ) -> bool {
        if self.has_ended(key) {
            return true;
        }
        let wakee = wakee();
        register(self.core(), key, registration, wakee);
        false
    }

    /// Takes the outcome of a task that has ended, for its handle. If it has not ended, its end wakes
    /// `waker`. The output goes into `place`, an `Option` of its type.
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

    /// The same for a task that has ended.
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
        // It may hold code of the user.
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

    /// Whether the handle of an ended task yields before it takes the outcome. It is asked once, and not
    /// after it has waited.
    #[cold]
    fn gives_way_to_join(&self, key: TaskKey) -> bool {
        !self.ask_to_join(key) && self.gives_way()
    }

    /// Notes that the question is settled. Returns whether it was before.
    #[cold]
    fn ask_to_join(&self, key: TaskKey) -> bool {
        let mut core = self.core();
        let task = core.task_mut(key);
        task.is_some_and(|task| std::mem::replace(&mut task.traits.asked, true))
    }

    #[cold]
    #[inline(never)]
    fn joined(&self, remains: Option<Remains>, place: &mut dyn Any) -> Joined {
        // At the end of a run, tasks are dropped before handles that others hold.
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

    /// Detaches a task whose handle was dropped. The caller drops what this returns.
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

    /// How a task has ended, and its number in the order in which tasks ended. A task that is gone counts
    /// as returned before all others.
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

    /// Notes that the panic of a task was seen, so that it does not fail the run.
    pub(crate) fn mark_retrieved(&self, key: TaskKey) {
        if let Some(task) = self.core().task_mut(key) {
            task.traits.retrieved = true;
        }
    }

    /// Fails the run because a panic was given to code that did not look at it.
    pub(crate) fn lose_panic(&self, id: TaskId, task: &str, message: &str) {
        let mut core = self.core();
        if core.session.failure.is_some() {
            return;
        }
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

    /// Lets a task run to its end even after main has returned.
    pub(crate) fn finish(&self, key: TaskKey) {
        if let Some(task) = self.core().task_mut(key) {
            task.traits.finishing = true;
        }
    }

    /// Notes that something other than the handle passes on the panic of a task.
    pub(crate) fn supervise(&self, key: TaskKey) {
        if let Some(task) = self.core().task_mut(key) {
            task.traits.supervised = true;
        }
    }

    /// Detaches a task. The caller drops what this returns.
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

fn register(
    mut core: RefMut<'_, Box<Core>>,
    key: TaskKey,
    registration: &mut Option<u32>,
    wakee: Wakee,
) {
    let number = *registration.get_or_insert_with(|| core.next_joiner());
    let previous = core.task_mut(key).and_then(|task| task.insert_joiner(number, wakee));
    drop(core);
    // It may be a waker of any crate.
    drop(previous);
}

/// How an awaited task ended.
pub(crate) enum Joined {
    Returned,
    Cancelled,
    Panicked(Box<Caught>),
}
