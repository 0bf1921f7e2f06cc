//! The loop of a run: whose turn it is, its poll, what comes of it, and the end.

use std::task::{Context, Poll};

use super::Runtime;
use super::cancellation::Cancelled;
use super::cell::BoxTask;
use super::core::Core;
use super::places;
use super::tasks::{Ended, Task};
use super::unwind::Caught;
use super::waker::Wakee;
use crate::failure::{self, Blocked, Failure, Kind, Limit};
use crate::instant::Instant;
use crate::scheduler::TaskKey;
use crate::trace::{Ending, TaskId};

/// What came of a turn.
enum Turn {
    Taken,
    MainEnded,
    /// The core says why.
    Failed,
    /// Nothing is ready, and no timer is set.
    Stuck,
}

impl Runtime {
    /// Polls tasks until main has ended; returns what went wrong.
    pub(super) fn drive(
        &self,
        main: &mut dyn FnMut(&mut Context<'_>) -> Poll<()>,
    ) -> Option<Failure> {
        let may_be_observed = self.core().is_observed;
        let last = match may_be_observed {
            true => self.take_turns::<true>(main),
            false => self.take_turns::<false>(main),
        };
        self.rest();
        match last {
            Turn::Taken | Turn::MainEnded => None,
            Turn::Failed => self.core().failure.take(),
            Turn::Stuck => Some(stuck(&self.core())),
        }
    }

    /// When main has returned: cancels what is left, in the order of spawning, and lets it run to its
    /// end, as asyncio does. What cannot catch a cancellation is dropped at once; what refuses, and
    /// then waits for ever, is left to be dropped.
    pub(super) fn wind_down(&self) -> Option<Failure> {
        let mut core = self.core();
        core.faults.end();
        if core.tasks.len() == 0 {
            return None;
        }
        drop(core);
        let mut cleaning = Vec::new();
        let mut last = None;
        // What is dropped may spawn its clean-up, which comes in the next round.
        loop {
            let mut left = self.tasks_left();
            left.retain(|key| Some(key.id()) > last);
            let Some(newest) = left.last() else { break };
            last = Some(newest.id());
            for key in left {
                // What has ended may be awaited yet, by those that clean up.
                if self.has_ended(key) {
                    continue;
                }
                let core = self.core();
                let Some(task) = core.task(key) else { continue };
                let (catches, finishing) = (task.has_scope(), task.traits.finishing);
                drop(core);
                if finishing {
                    cleaning.push(key);
                } else if catches {
                    self.cancel(key, &Cancelled::new());
                    cleaning.push(key);
                } else if let Some(lost) = self.drop_task(key) {
                    return self.core().failure.take().or(Some(lost));
                }
            }
        }
        self.core().forget_gone();
        let mut last = Turn::Taken;
        while let (Some(key), Turn::Taken) = (cleaning.last(), &last) {
            if self.has_ended(*key) {
                cleaning.pop();
                continue;
            }
            last = self.turn_after_main();
        }
        self.rest();
        match last {
            Turn::Failed => self.core().failure.take(),
            Turn::Taken | Turn::MainEnded | Turn::Stuck => None,
        }
    }

    /// Gives turns until one is the last.
    #[inline(never)]
    fn take_turns<const MAY_BE_OBSERVED: bool>(
        &self,
        main: &mut dyn FnMut(&mut Context<'_>) -> Poll<()>,
    ) -> Turn {
        loop {
            match self.turn::<MAY_BE_OBSERVED>(main) {
                Turn::Taken => {}
                last => return last,
            }
        }
    }

    fn turn_after_main(&self) -> Turn {
        self.turn::<true>(&mut |_| unreachable!("dacapo bug: main has ended"))
    }

    /// Gives one task its turn, or lets time pass. The task remains the current one until the next turn, or until
    /// there is a [rest](Runtime::rest). What few runs want around a step is looked at if there may be something.
    #[inline(always)]
    fn turn<const MAY_BE_OBSERVED: bool>(
        &self,
        main: &mut dyn FnMut(&mut Context<'_>) -> Poll<()>,
    ) -> Turn {
        let mut borrowed = self.core();
        // Where nothing is optimised, each use of the guard is two calls.
        let mut core: &mut Core = &mut borrowed;
        if core.steps >= core.stops_at || self.outside.is_woken() {
            drop(borrowed);
            return self.stop();
        }
        let Some(key) = core.next_task::<MAY_BE_OBSERVED>() else {
            drop(borrowed);
            return self.pass_time();
        };
        if MAY_BE_OBSERVED {
            drop(borrowed);
            self.observe_before(key);
            borrowed = self.core();
            core = &mut borrowed;
        }
        let (mut cell, is_asked) = core.begin_step(key, &self.poll);
        drop(borrowed);
        if is_asked && !self.goes_on(key) {
            return self.after_last_poll(key, self.drop_future(cell));
        }
        let polled = self.poll(&mut cell, main);
        borrowed = self.core();
        core = &mut borrowed;
        let is_over = match polled {
            Ok(false) => core.end_plain_step(key, cell, &self.poll),
            Ok(true) => {
                if core.end_plain_task(key, cell) {
                    return match key.id() {
                        TaskId::MAIN if core.failure.is_some() => Turn::Failed,
                        TaskId::MAIN => Turn::MainEnded,
                        _ => Turn::Taken,
                    };
                }
                false
            }
            Err(caught) => {
                drop(borrowed);
                return self.after_panic(key, cell, caught);
            }
        };
        if is_over && !MAY_BE_OBSERVED {
            return Turn::Taken;
        }
        drop(borrowed);
        if is_over {
            return self.observe_after(key);
        }
        self.after_special_poll(key, matches!(polled, Ok(true)), main)
    }

    /// Between two turns, when code of the user may run that is not the current task's.
    fn rest(&self) {
        self.poll.end();
        self.core().current = None;
    }

    /// Does what few runs want before a step.
    #[cold]
    fn observe_before(&self, key: TaskKey) {
        self.rest();
        if self.core().faults.is_on() {
            self.interfere_before(key);
        }
        self.core().observe_step(key);
    }

    /// Does what few runs want after a step.
    #[cold]
    fn observe_after(&self, key: TaskKey) -> Turn {
        if self.core().faults.is_on()
            && let Some(ended) = self.interfere_after(key)
        {
            return self.after_last_poll(key, ended);
        }
        Turn::Taken
    }

    /// Why the run cannot go on.
    #[cold]
    fn stop(&self) -> Turn {
        let woken = self.foreign_wake();
        let mut core = self.core();
        if woken.is_none() && core.steps < core.stops_at {
            return Turn::Taken;
        }
        let failure = woken.or_else(|| core.failure.take());
        core.failure = failure.or_else(|| Some(step_limit(&core)));
        Turn::Failed
    }

    /// Nobody is ready.
    fn pass_time(&self) -> Turn {
        self.rest();
        if !self.core().advance() {
            return Turn::Stuck;
        }
        self.fire_timers();
        Turn::Taken
    }

    /// The failure, if another thread has woken a task.
    pub(super) fn foreign_wake(&self) -> Option<Failure> {
        let task = self.outside.first_woken()?;
        let task = self.core().trace.names().get(task).to_string();
        Some(Failure::new(Kind::ForeignWake { task }))
    }

    /// Polls a task, or main, which has no cell; returns whether it is done.
    #[inline(always)]
    fn poll(
        &self,
        cell: &mut Option<BoxTask>,
        main: &mut dyn FnMut(&mut Context<'_>) -> Poll<()>,
    ) -> Result<bool, Box<Caught>> {
        self.catcher.catch_first(|| match cell {
            Some(task) => task.as_mut().poll().is_ready(),
            None => self.poll_main(main).is_ready(),
        })
    }

    /// Whether a task is polled that was asked to end: not if it was aborted, nor if a cancellation that is on
    /// its way finds no scope, which is for the task as a whole.
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

    /// Goes on after a poll that was not all there is to its step: the task is done, was asked to end, or is
    /// polled again, as long as a cancellation is on its way through its scopes. What was polled was put back.
    #[inline(never)]
    fn after_special_poll(
        &self,
        key: TaskKey,
        mut is_ready: bool,
        main: &mut dyn FnMut(&mut Context<'_>) -> Poll<()>,
    ) -> Turn {
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
            // One that ended before the request could reach it does not get away with it.
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
            if !core.is_observed {
                return Turn::Taken;
            }
            drop(core);
            return self.observe_after(key);
        }
    }

    /// Ends a task that has panicked.
    #[cold]
    fn after_panic(&self, key: TaskKey, cell: Option<BoxTask>, caught: Box<Caught>) -> Turn {
        // What the panic left of it may panic once more, which adds nothing.
        drop(self.catch(|| drop(cell)));
        self.after_last_poll(key, Ended::Panicked(caught))
    }

    /// Ends a task in its turn.
    fn after_last_poll(&self, key: TaskKey, ended: Ended) -> Turn {
        self.poll.end();
        if let Some(failed) = self.end_task(key, ended) {
            // What went wrong within the poll came before what it ended with.
            self.core().fail(failed);
        }
        match key.id() {
            _ if self.core().failure.is_some() => Turn::Failed,
            TaskId::MAIN => Turn::MainEnded,
            _ => Turn::Taken,
        }
    }

    /// Drops the future of a task that is cancelled.
    pub(super) fn drop_future(&self, cell: Option<BoxTask>) -> Ended {
        match self.catch(|| drop(cell)) {
            Ok(()) => Ended::Cancelled,
            Err(caught) => Ended::Panicked(caught),
        }
    }

    /// Wakes everybody whose time has come, in the order in which the timers were set.
    fn fire_timers(&self) {
        loop {
            let Some(waker) = self.core().fire_due() else { return };
            self.catch_foreign(|| waker.wake());
        }
    }

    /// Runs a waker that some other crate made. Its panic fails the run.
    fn catch_foreign(&self, f: impl FnOnce()) {
        if let Err(caught) = self.catch(f) {
            let task = self.core().current.map_or(TaskId::MAIN, |key| key.id());
            let kind = self.panic_of(task, &caught);
            self.core().fail(kind);
        }
    }

    /// Runs code of the main task outside of its polls.
    pub(super) fn catch_main<R>(&self, f: impl FnOnce() -> R) -> Result<R, Failure> {
        let mut core = self.core();
        core.current = core.main();
        drop(core);
        let result = self.catch(f);
        self.core().current = None;
        result.map_err(|caught| self.panic_of(TaskId::MAIN, &caught))
    }

    pub(super) fn panic_of(&self, id: TaskId, caught: &Caught) -> Failure {
        let core = self.core();
        let task = core.trace.names().get(id).to_string();
        let note = caught.note.clone();
        let earlier = core.panics.iter().filter(|(other, _)| *other != id);
        let earlier = earlier.map(|(_, panic)| panic.clone()).collect();
        let (message, location) = (note.message, note.location);
        Failure::new(Kind::Panic { task, message, location, earlier })
    }

    /// Records that a task has ended and tells whoever awaits it. Returns the panic, if nobody is
    /// left who could see it.
    fn end_task(&self, key: TaskKey, ended: Ended) -> Option<Failure> {
        let how = match &ended {
            Ended::Returned => Ending::Returned,
            Ended::Cancelled => Ending::Cancelled,
            Ended::Panicked(_) => Ending::Panicked,
        };
        let mut core = self.core();
        core.end_last_step(key.id(), how);
        let task = core.task(key).expect("dacapo bug: a task that ends is gone");
        if let Ended::Panicked(caught) = &ended
            && !task.traits.detached
            && core.panics.len() < 3
        {
            let name = core.trace.names().get(key.id()).to_string();
            let note = &caught.note;
            let panic = failure::panicked(&name, &note.message, note.location.as_deref());
            core.panics.push((key.id(), panic));
        }
        let main_cancelled = key.id() == TaskId::MAIN && matches!(ended, Ended::Cancelled);
        let nth = core.next_end();
        let task = core.task_mut(key).expect("dacapo bug: a task that ends is gone");
        task.end(ended, nth);
        let detached = task.traits.detached;
        let joiners = task.take_joiners();
        drop(core);
        self.wake_all(joiners);
        let failed = if detached { self.discard(key) } else { None };
        self.core().current = None;
        failed.or_else(|| main_cancelled.then(|| Failure::new(Kind::Cancelled)))
    }

    fn wake_all(&self, joiners: Vec<Wakee>) {
        for joiner in joiners {
            match joiner {
                Wakee::Task(joiner) => self.core().wake(joiner),
                Wakee::Waker(waker) => self.catch_foreign(|| waker.wake()),
            }
        }
    }

    /// Drops a task that nobody awaits; returns what it panicked with, if it did.
    fn discard(&self, key: TaskKey) -> Option<Failure> {
        // It keeps its place meanwhile: its destructors may spawn, and then it is the parent.
        let mut cell = self.core().task_mut(key)?.cell.take();
        let cleared = self.catch(|| cell.iter_mut().for_each(|cell| cell.as_mut().clear()));
        let dropped = match cleared {
            Ok(()) => {
                cell.into_iter().for_each(|cell| cell.recycle(&mut self.core().spares));
                None
            }
            Err(caught) => Some(self.panic_of(key.id(), &caught)),
        };
        let remains = self.core().remove_task(key)?;
        let panicked = match &remains.ended {
            Some(Ended::Panicked(caught)) if !remains.seen => Some(self.panic_of(key.id(), caught)),
            _ => dropped,
        };
        // The value of a panic may have a destructor too.
        drop(self.catch(|| drop(remains)));
        panicked
    }

    /// Ends a run whose main task is gone: drops what is left, in the order of spawning. Returns the
    /// first panic that nobody awaited.
    pub(super) fn shut_down(&self) -> Option<Failure> {
        let mut failure = self.core().failure.take();
        // Destructors may spawn, so it takes as many rounds as they like, up to the limit.
        while self.core().tasks.len() > 0 {
            for key in self.tasks_left() {
                let lost = self.drop_task(key);
                failure = failure.or_else(|| self.core().failure.take()).or(lost);
            }
        }
        // Wakers may be anybody's code, which is not to be met outside of the run.
        loop {
            let timer = self.core().timers.pop_due(Instant::FAR_FUTURE);
            let Some(wakee) = timer else { break };
            drop(self.catch(|| drop(wakee)));
        }
        failure.or_else(|| self.core().failure.take())
    }

    /// All tasks that there are, ended ones whose handle is kept included, in the order of spawning.
    fn tasks_left(&self) -> Vec<TaskKey> {
        in_order(&self.core())
    }

    fn drop_task(&self, key: TaskKey) -> Option<Failure> {
        let mut core = self.core();
        let ended = core.task(key)?.has_ended();
        if !ended {
            core.drops += 1;
            let nth = core.next_end();
            core.task_mut(key)?.end(Ended::Cancelled, nth);
        }
        core.current = Some(key);
        let joiners = core.task_mut(key).map(Task::take_joiners);
        drop(core);
        let failed = self.discard(key);
        self.wake_all(joiners.unwrap_or_default());
        let mut core = self.core();
        core.current = None;
        if !ended {
            let how = if failed.is_some() { Ending::Panicked } else { Ending::Dropped };
            core.record_end(key.id(), how);
        }
        failed
    }
}

fn step_limit(core: &Core) -> Failure {
    let last = core.trace.events().last();
    let task = last.map_or(TaskId::MAIN, |(position, _)| position.task);
    let task = core.trace.names().get(task).to_string();
    Failure::new(Kind::Limit { limit: Limit::Steps, value: core.limits.max_steps, task })
}

/// All tasks, in the order of spawning.
fn in_order(core: &Core) -> Vec<TaskKey> {
    // As numbers, which others sort too: a sort of one more type is much to compile.
    let mut keys: Vec<u64> = core.tasks.iter().map(|(key, _)| key.to_u64()).collect();
    keys.sort_unstable();
    keys.into_iter().map(TaskKey::from_u64).collect()
}

fn stuck(core: &Core) -> Failure {
    let tasks = in_order(core).into_iter().filter_map(|key| core.task(key));
    let blocked = tasks.filter(|task| !task.has_ended()).map(|task| {
        let known = task.known_waits();
        let mut waits: Vec<_> =
            known.map(|awaited| core.trace.describe_wait(awaited.wait)).collect();
        let places = match waits.as_slice() {
            [] => vec![task.awaited.place],
            _ => task.known_waits().map(|awaited| awaited.place).collect(),
        };
        if task.more_waits() > 0 {
            let plural = if task.more_waits() == 1 { "" } else { "s" };
            waits.push(format!("for {} more thing{plural}", task.more_waits()));
        }
        Blocked {
            task: core.trace.names().get(task.id).to_string(),
            waits,
            places: places.into_iter().map(|place| place.map(places::show)).collect(),
            spawned: task.spawned.map(places::show),
        }
    });
    Failure::new(Kind::Stuck { blocked: blocked.collect() })
}
