//! The loop of a run: which task is next, its poll, and what happens after the poll.

use std::task::{Context, Poll};

use super::Executor;
use super::cell::BoxTask;
use super::core::Core;
use super::tasks::Ended;
use super::unwind::Caught;
use crate::failure::{Failure, Kind};
use crate::scheduler::TaskKey;
use crate::trace::TaskId;

/// The main task, which stands on the stack of `run` and so may borrow.
pub(super) trait Main {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()>;

    /// Drops the future.
    fn drop_future(&mut self);

    /// Makes of the output what the caller of `run` asked for.
    fn judge(&mut self);

    /// Drops the output.
    fn forget(&mut self);
}

/// What a turn ends with.
#[derive(Clone, Copy)]
pub(super) enum After {
    /// The run goes on.
    Turn,
    /// No task is ready.
    Idle,
    MainEnded,
    /// The session has the failure.
    Failed,
    /// No task is ready, and no timer is set.
    Stuck,
}

impl Executor {
    /// Polls tasks until main has ended. Returns what went wrong.
    pub(super) fn drive(&self, main: &mut dyn Main) -> Option<Failure> {
        let last = match self.driver() {
            None => self.take_turns(main),
            Some(driver) => self.take_driven_turns(&*driver, main, &mut || true),
        };
        self.rest();
        match last {
            After::Turn | After::Idle | After::MainEnded => None,
            After::Failed => self.session().failure.take(),
            After::Stuck => Some(self.stuck()),
        }
    }

    /// Polls tasks after main has ended, as long as `goes_on` says so. Returns what went wrong.
    pub(super) fn drive_rest(&self, mut goes_on: impl FnMut() -> bool) -> Option<Failure> {
        let mut main = Gone;
        let last = match self.driver() {
            Some(driver) => self.take_driven_turns(&*driver, &mut main, &mut goes_on),
            None => loop {
                if !goes_on() {
                    break After::Turn;
                }
                let is_observed = self.session().is_observed;
                match self.one_turn(is_observed, &mut main) {
                    After::Turn => {}
                    After::Idle if self.pass_time() => {}
                    last => break last,
                }
            },
        };
        self.rest();
        match last {
            After::Failed => self.session().failure.take(),
            After::Turn | After::Idle | After::MainEnded | After::Stuck => None,
        }
    }

    #[inline(never)]
    fn take_turns(&self, main: &mut dyn Main) -> After {
        let is_observed = self.session().is_observed;
        match is_observed {
            true => self.repeat(|| self.observed_turn(main)),
            false => self.repeat(|| self.turn(main)),
        }
    }

    /// Takes turns, and lets time pass in between, until one is the last.
    #[inline(always)]
    fn repeat(&self, mut turn: impl FnMut() -> After) -> After {
        loop {
            match turn() {
                After::Turn => {}
                After::Idle if self.pass_time() => {}
                After::Idle => return After::Stuck,
                last => return last,
            }
        }
    }

    /// A turn outside of the loop.
    #[inline(never)]
    pub(super) fn one_turn(&self, is_observed: bool, main: &mut dyn Main) -> After {
        if is_observed { self.observed_turn(main) } else { self.turn(main) }
    }

    /// Polls the next task once. The task remains the current one until the next turn or the next
    /// [rest](Executor::rest).
    #[inline(always)]
    fn turn(&self, main: &mut dyn Main) -> After {
        let mut borrowed = self.core();
        // Without optimisation, each use of the guard is two calls.
        let core: &mut Core = &mut borrowed;
        let steps = core.session.steps;
        self.outside.beat(steps);
        if steps >= core.session.stops_at || self.outside.is_woken() {
            drop(borrowed);
            return self.stop();
        }
        let Some(key) = core.session.next_task(&mut core.ready) else { return After::Idle };
        let (mut cell, is_asked) = core.begin_step(key, &self.poll);
        drop(borrowed);
        if is_asked && !self.goes_on(key) {
            return self.after_last_poll(key, self.drop_future(cell));
        }
        let polled = self.poll(&mut cell, main);
        borrowed = self.core();
        let core: &mut Core = &mut borrowed;
        let is_ready = match polled {
            Ok(false) => {
                if core.end_plain_step(key, cell, &self.poll) {
                    return After::Turn;
                }
                false
            }
            Ok(true) => {
                if core.end_plain_task(key, cell) {
                    return match key.id() {
                        TaskId::MAIN if core.session.failure.is_some() => After::Failed,
                        TaskId::MAIN => After::MainEnded,
                        _ => After::Turn,
                    };
                }
                true
            }
            Err(caught) => {
                drop(borrowed);
                return self.after_panic(key, cell, caught);
            }
        };
        drop(borrowed);
        self.after_special_poll(key, is_ready, main)
    }

    /// A turn in a run with more around a step than a poll. It takes none of the short cuts of
    /// [`turn`](Executor::turn).
    #[inline(never)]
    fn observed_turn(&self, main: &mut dyn Main) -> After {
        let mut core = self.core();
        let steps = core.session.steps;
        self.outside.beat(steps);
        if steps >= core.session.stops_at || self.outside.is_woken() {
            drop(core);
            return self.stop();
        }
        let Some(key) = core.next_observed_task() else { return After::Idle };
        drop(core);
        self.rest();
        if self.session().faults.is_on() {
            self.fault_before(key);
        }
        let mut core = self.core();
        core.observe_step(key);
        let (mut cell, is_asked) = core.begin_step(key, &self.poll);
        drop(core);
        if is_asked && !self.goes_on(key) {
            return self.after_last_poll(key, self.drop_future(cell));
        }
        match self.poll(&mut cell, main) {
            Ok(is_ready) => {
                if let Some(task) = self.core().task_mut(key) {
                    task.put(cell);
                }
                self.after_special_poll(key, is_ready, main)
            }
            Err(caught) => self.after_panic(key, cell, caught),
        }
    }

    /// Leaves the current task: code that runs between two turns is not its code.
    pub(super) fn rest(&self) {
        self.poll.end();
        self.session().current = None;
    }

    /// Does what few runs need after a step.
    #[cold]
    fn observe_after(&self, key: TaskKey) -> After {
        if self.session().faults.is_on()
            && let Some(ended) = self.fault_after(key)
        {
            return self.after_last_poll(key, ended);
        }
        After::Turn
    }

    /// Finds out why the run cannot go on.
    #[cold]
    fn stop(&self) -> After {
        let woken = self.foreign_wake();
        let mut core = self.core();
        if woken.is_none() && core.session.steps < core.session.stops_at {
            return After::Turn;
        }
        let failure = woken.or_else(|| core.session.failure.take());
        core.session.failure = failure.or_else(|| core.step_limit());
        match core.session.failure {
            Some(_) => After::Failed,
            None => After::Turn,
        }
    }

    /// Moves the clock to the next deadline. Returns `false` if there is none.
    fn pass_time(&self) -> bool {
        self.rest();
        if !self.core().advance() {
            return false;
        }
        self.fire_timers();
        true
    }

    /// Wakes all tasks whose time has come, in the order in which the timers were set.
    pub(super) fn fire_timers(&self) {
        loop {
            let Some(waker) = self.core().fire_due() else { return };
            self.catch_foreign(|| waker.wake());
        }
    }

    /// The failure, if another thread has woken a task.
    pub(super) fn foreign_wake(&self) -> Option<Failure> {
        let task = self.outside.first_woken()?;
        let task = self.session().name(task);
        Some(Failure::new(Kind::ForeignWake { task }))
    }

    /// Polls a task, or main, which has no cell. Returns whether it is done.
    #[inline(always)]
    fn poll(&self, cell: &mut Option<BoxTask>, main: &mut dyn Main) -> Result<bool, Box<Caught>> {
        self.catcher.catch_first(|| match cell {
            Some(task) => task.as_mut().poll().is_ready(),
            None => self.poll_main(main).is_ready(),
        })
    }

    /// Whether a task is polled that was asked to end. It is not if it was aborted, or if a cancellation finds
    /// no scope, so that it is for the task as a whole.
    fn goes_on(&self, key: TaskKey) -> bool {
        let mut core = self.core();
        let Some(task) = core.task_mut(key).filter(|task| !task.aborted) else { return false };
        let cancellation = task.cancellation_mut();
        if cancellation.delivered.is_none() {
            return true;
        }
        let route = cancellation.route();
        drop(core);
        let Some(waker) = route else { return false };
        if let Some(waker) = waker {
            self.catch_foreign(|| waker.wake());
        }
        true
    }

    /// Goes on after a poll that was not all there is to its step. The task is done, was asked to end, or is
    /// polled again as long as a cancellation passes through its scopes. What was polled was put back.
    #[inline(never)]
    fn after_special_poll(&self, key: TaskKey, mut is_ready: bool, main: &mut dyn Main) -> After {
        loop {
            let mut core = self.core();
            let Some(task) = core.task_mut(key) else {
                drop(core);
                return self.after_last_poll(key, Ended::Cancelled);
            };
            let cancellation = task.cancellation();
            let is_requested = cancellation.is_some_and(|it| it.pending.is_some());
            if is_ready && !is_requested {
                drop(core);
                return self.after_last_poll(key, Ended::Returned);
            }
            // A task that ends before the request reaches it is cancelled all the same.
            let is_dropped = is_ready || task.aborted;
            if is_dropped || cancellation.is_some_and(|it| it.delivered.is_some()) {
                let mut cell = task.cell.take();
                drop(core);
                if is_dropped || !self.goes_on(key) {
                    return self.after_last_poll(key, self.drop_future(cell));
                }
                is_ready = match self.poll(&mut cell, main) {
                    Ok(is_ready) => is_ready,
                    Err(caught) => return self.after_panic(key, cell, caught),
                };
                if let Some(task) = self.core().task_mut(key) {
                    task.cell = cell;
                }
                continue;
            }
            core.end_step(key, &self.poll);
            if is_requested {
                drop(core);
                self.suspend(key);
                core = self.core();
            }
            if !core.session.is_observed {
                return After::Turn;
            }
            drop(core);
            return self.observe_after(key);
        }
    }
}

/// Main after its end.
struct Gone;

impl Main for Gone {
    fn poll(&mut self, _: &mut Context<'_>) -> Poll<()> {
        unreachable!("dacapo bug: main has ended")
    }

    fn drop_future(&mut self) {}

    fn judge(&mut self) {}

    fn forget(&mut self) {}
}
