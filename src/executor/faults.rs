//! Faults around a step and in primitives, in runs that have faults.

use super::Executor;
use super::cancellation::{Cancellation, Cancelled};
use super::core::Core;
use super::tasks::{Ended, State};
use crate::question::Question;
use crate::scheduler::TaskKey;
use crate::session::Awaited;
use crate::trace::{Asked, Detail, Moment, Subject, TaskId};

impl Core {
    /// Asks whether a task goes on (0), is dropped (1), or is asked to cancel (2).
    fn ask_cancel(&mut self, key: TaskKey, moment: Moment) -> usize {
        if key.id() == TaskId::MAIN {
            return 0;
        }
        let Some(task) = self.task(key) else { return 0 };
        let is_requested = task.cancellation().is_some_and(Cancellation::is_requested);
        if !task.started || task.aborted || task.traits.thread || is_requested {
            return 0;
        }
        // Without a scope that catches it, and without anything to ask first, a request is a drop.
        let options = if task.is_just_dropped() { 2 } else { 3 };
        let detail = Detail::Await { nth: task.awaits, moment };
        let asked = Asked::new(Question::Cancel, Subject::Task(key.id()), detail);
        self.session.ask(asked, options)
    }

    /// Polls a task that has gone to sleep once more, if that is chosen. Asks once for each sleep.
    fn maybe_spurious(&mut self, key: TaskKey) {
        if !self.session.has_fault(Question::Spurious) {
            return;
        }
        let Some(task) = self.task_mut(key) else { return };
        let still_asleep = std::mem::take(&mut task.traits.roused);
        let asked = Asked::of_task(Question::Spurious, key.id());
        if still_asleep || self.session.ask(asked, 2) == 0 {
            return;
        }
        if let Some(task) = self.task_mut(key) {
            task.traits.roused = true;
            task.state = State::Ready;
            self.make_ready(key);
        }
    }
}

impl Executor {
    /// Called when a task has been chosen and is about to be polled.
    pub(super) fn fault_before(&self, key: TaskKey) {
        let mut core = self.core();
        match core.ask_cancel(key, Moment::Woken) {
            0 => {}
            1 => {
                if let Some(task) = core.task_mut(key) {
                    task.abort();
                }
            }
            _ => {
                core.session.current = Some(key);
                drop(core);
                self.cancel(key, &Cancelled::new());
                self.session().current = None;
            }
        }
    }

    /// Called when a task has been polled and put back. Returns how it ended if it was dropped.
    pub(super) fn fault_after(&self, key: TaskKey) -> Option<Ended> {
        let mut core = self.core();
        // A task that is ready again is asked about when it is about to be polled.
        if !core.task(key).is_some_and(|task| task.state == State::Idle) {
            return None;
        }
        match core.ask_cancel(key, Moment::Waiting) {
            0 => core.maybe_spurious(key),
            1 => {
                let task = core.task_mut(key)?;
                // Its destructors may wake it, which must not make it ready.
                task.state = State::Running;
                let cell = task.cell.take();
                core.session.faults.set_told();
                drop(core);
                return Some(self.drop_future(cell));
            }
            _ => {
                drop(core);
                self.cancel(key, &Cancelled::new());
            }
        }
        None
    }

    /// Whether this fault may still happen.
    pub(crate) fn has_fault(&self, fault: Question) -> bool {
        self.session().has_fault(fault)
    }

    /// Whether a newcomer takes what was granted to a waiter that has not been polled since.
    pub(crate) fn barges(&self, waiter: Option<TaskId>, lock: bool) -> bool {
        let mut session = self.session();
        let task = Subject::Task(session.current_id());
        let detail = Detail::Granted { to: waiter, lock };
        session.ask(Asked::new(Question::Barge, task, detail), 2) == 1
    }

    /// Whether a notification wakes all waiters.
    pub(crate) fn wakes_all(&self) -> bool {
        self.session().ask_current(Question::WakeAll, 2) == 1
    }

    /// Whether an await that is ready yields first. If so, the caller must wake the task at once.
    pub(crate) fn gives_way(&self) -> bool {
        if self.is_plain() {
            return false;
        }
        let mut core = self.core();
        let gives_way = core.session.ask_current(Question::Yield, 2) == 1;
        if gives_way && let Some(scope) = self.poll.wait_on(Awaited::TURN) {
            core.count_notes(scope, 1);
        }
        gives_way
    }

    /// Whether a marked future is dropped at this await.
    pub(crate) fn cancels_point(&self, label: &'static str, moment: Moment) -> bool {
        let mut session = self.session();
        if !session.has_fault(Question::Point) {
            return false;
        }
        let (task, label) = (session.current_id(), session.trace.intern(label));
        let detail = Detail::In { task, moment };
        session.ask(Asked::new(Question::Point, Subject::Label(label), detail), 2) == 1
    }

    /// Notes that a task stands for a thread, which cannot be cancelled.
    pub(crate) fn mark_thread(&self, key: TaskKey) {
        if let Some(task) = self.core().task_mut(key) {
            task.traits.thread = true;
        }
    }
}
