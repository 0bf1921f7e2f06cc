//! Fault injection: questions that are asked only in runs in which faults are on.

use super::Runtime;
use super::cancellation::{Cancellation, Cancelled};
use super::core::Core;
use super::places::Awaited;
use super::tasks::{Ended, State};
use crate::faults::{FaultKind, Faults};
use crate::instant::Instant;
use crate::rng::{Purpose, Stream};
use crate::scheduler::{Choice, ChoiceKind, Scheduler, TaskKey};
use crate::trace::{Asked, Moment, TaskId};

/// The state of it in one run.
#[derive(Default)]
pub(super) struct RunFaults {
    /// What is on in this run, as its schedule says.
    pub(super) declared: Faults,
    /// What is still asked: nothing when main has ended, and no more cancellations than are allowed.
    asked: Faults,
    /// The kind of fault that each answer of the run was about; empty if no faults are on.
    kinds: Vec<Option<FaultKind>>,
    /// The scheduler was told of the step that is ending.
    told: bool,
}

impl RunFaults {
    pub(super) fn begin(&mut self, scheduler: &dyn Scheduler, allowed: Faults) {
        self.declared = scheduler.faults().unwrap_or_else(|| match scheduler.seed() {
            // Each run has a part of it: what one kind brings about, another may hide (A. Groce et al. 2012,
            // "Swarm Testing").
            Some(seed) if !allowed.is_none() => {
                let mut stream = Stream::new(seed, Purpose::Faults);
                allowed.some(|| stream.below(2) == 1)
            }
            _ => allowed,
        });
        self.asked = self.declared;
        self.kinds.clear();
        self.told = false;
    }

    pub(super) fn note(&mut self, asked: Asked) {
        if !self.declared.is_none() {
            self.kinds.push(asked.fault());
        }
    }

    /// Whether faults are on in this run.
    pub(super) fn is_declared(&self) -> bool {
        !self.declared.is_none()
    }

    pub(super) fn is_on(&self) -> bool {
        !self.asked.is_none()
    }

    /// The kind of fault that each answer of the run was about.
    pub(super) fn kinds(&self) -> &[Option<FaultKind>] {
        &self.kinds
    }

    pub(super) fn take_told(&mut self) -> bool {
        std::mem::take(&mut self.told)
    }

    /// From now on no fault happens.
    pub(super) fn end(&mut self) {
        self.asked = Faults::none();
    }
}

/// By how much the clock is late if there is no later deadline to wait for.
const LATE_NANOS: u64 = 1_000_000;

impl Core {
    pub(super) fn is_fault(&self, kind: FaultKind) -> bool {
        self.faults.asked.has(kind)
    }

    fn current_id(&self) -> TaskId {
        self.current.map_or(TaskId::MAIN, |key| key.id())
    }

    /// Asks whether a fault happens, if its kind is on.
    fn ask_fault(&mut self, asked: Asked, options: usize) -> usize {
        let Some(fault) = asked.fault().filter(|&kind| self.is_fault(kind)) else { return 0 };
        let (kind, task) = match asked {
            Asked::Barge { task, .. } => (ChoiceKind::Barge, task),
            Asked::Spurious(task) => (ChoiceKind::Spurious, task),
            Asked::WakeAll(task) => (ChoiceKind::WakeAll, task),
            Asked::Late(_) => (ChoiceKind::LateTimer, TaskId::MAIN),
            Asked::Yield(task) => (ChoiceKind::Yield, task),
            Asked::Cancel { task, moment, .. } => (ChoiceKind::Cancel(moment), task),
            Asked::Point { task, label, moment } => {
                (ChoiceKind::Point(self.trace.label(label), moment), task)
            }
            Asked::Next { .. }
            | Asked::Timeout(_)
            | Asked::Deadline(_)
            | Asked::Select(_)
            | Asked::Value(_) => unreachable!("dacapo bug: {asked:?} is not a fault"),
        };
        let choice = Choice::of_task(kind, options, task, self.trace.names());
        let scheduler = self.scheduler.as_mut().expect("dacapo bug: a run without a scheduler");
        let answer = scheduler.answer(&choice).option();
        let answer = self.answered(asked, answer, options) as usize;
        if answer > 0 {
            self.faults.asked = self.faults.asked.less_one(fault);
        }
        answer
    }

    /// The time to which the clock jumps, whose next deadline is this one.
    pub(super) fn maybe_late(&mut self, next: Instant) -> Instant {
        if !self.is_fault(FaultKind::LateTimers) || self.ask_fault(Asked::Late(next), 2) == 0 {
            return next;
        }
        let beyond = next + std::time::Duration::from_nanos(LATE_NANOS);
        self.timers.deadline_after(next).unwrap_or(beyond)
    }

    /// Asks whether a task goes on, is dropped, or is asked to cancel.
    fn ask_cancel(&mut self, key: TaskKey, moment: Moment) -> usize {
        if key.id() == TaskId::MAIN {
            return 0;
        }
        let Some(task) = self.task(key) else { return 0 };
        let is_requested = task.cancellation().is_some_and(Cancellation::is_requested);
        if !task.started || task.aborted || task.traits.thread || is_requested {
            return 0;
        }
        // Without a scope that catches it, and without anything that is asked first, it is a drop.
        let options = if task.is_just_dropped() { 2 } else { 3 };
        self.ask_fault(Asked::Cancel { task: key.id(), nth: task.awaits, moment }, options)
    }
}

impl Runtime {
    /// Called when a task has been chosen, and is about to be polled.
    pub(super) fn interfere_before(&self, key: TaskKey) {
        let mut core = self.core();
        match core.ask_cancel(key, Moment::Woken) {
            0 => {}
            1 => {
                if let Some(task) = core.task_mut(key) {
                    task.abort();
                }
            }
            _ => {
                core.current = Some(key);
                drop(core);
                self.cancel(key, &Cancelled::new());
                self.core().current = None;
            }
        }
    }

    /// Called when a task has been polled and put back; returns how it ended if it was dropped.
    pub(super) fn interfere_after(&self, key: TaskKey) -> Option<Ended> {
        let mut core = self.core();
        // One that stands in the line already is asked about when it is about to be polled.
        if !core.task(key).is_some_and(|task| task.state == State::Idle) {
            return None;
        }
        match core.ask_cancel(key, Moment::Waiting) {
            0 => core.maybe_spurious(key),
            1 => {
                let task = core.task_mut(key)?;
                // Its destructors may wake it, which must not put it into the line.
                task.state = State::Running;
                let cell = task.cell.take();
                core.faults.told = true;
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

    /// Whether something of this kind may happen from now on.
    pub(crate) fn is_fault(&self, kind: FaultKind) -> bool {
        self.core().is_fault(kind)
    }

    /// Whether a newcomer takes what was meant for a waiter who has not had its turn.
    pub(crate) fn barges(&self, waiter: Option<TaskId>, lock: bool) -> bool {
        let mut core = self.core();
        let task = core.current_id();
        core.ask_fault(Asked::Barge { task, waiter, lock }, 2) == 1
    }

    /// Whether a notification wakes all who wait.
    pub(crate) fn wakes_all(&self) -> bool {
        let mut core = self.core();
        let task = core.current_id();
        core.ask_fault(Asked::WakeAll(task), 2) == 1
    }

    /// Whether an await that is ready gives a turn away first. If so, the caller is to be woken at once.
    pub(crate) fn gives_way(&self) -> bool {
        if self.is_plain() {
            return false;
        }
        let mut core = self.core();
        let task = core.current_id();
        let gives_way = core.ask_fault(Asked::Yield(task), 2) == 1;
        if gives_way && let Some(scope) = self.poll.wait_on(Awaited::TURN) {
            core.count_note(scope);
        }
        gives_way
    }

    /// Whether a marked future is dropped at this await.
    pub(crate) fn cancels_point(&self, label: &'static str, moment: Moment) -> bool {
        let mut core = self.core();
        if !core.is_fault(FaultKind::Marked) {
            return false;
        }
        let (task, label) = (core.current_id(), core.trace.intern(label));
        core.ask_fault(Asked::Point { task, label, moment }, 2) == 1
    }

    /// Notes that a task stands for a thread, which nobody can stop.
    pub(crate) fn mark_thread(&self, key: TaskKey) {
        if let Some(task) = self.core().task_mut(key) {
            task.traits.thread = true;
        }
    }
}

impl Core {
    /// Polls a task that has gone to sleep once more, if that is what is chosen; once for each sleep.
    fn maybe_spurious(&mut self, key: TaskKey) {
        if !self.is_fault(FaultKind::Spurious) {
            return;
        }
        let Some(task) = self.task_mut(key) else { return };
        let still_asleep = std::mem::take(&mut task.traits.roused);
        if still_asleep || self.ask_fault(Asked::Spurious(key.id()), 2) == 0 {
            return;
        }
        if let Some(task) = self.task_mut(key) {
            task.traits.roused = true;
            task.state = State::Ready;
            self.get_in_line(key);
        }
    }
}
