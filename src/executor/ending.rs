//! How tasks end, and how a run ends whose main task has ended.

use super::Executor;
use super::cancellation::Cancelled;
use super::cell::BoxTask;
use super::tasks::{Ended, Task};
use super::turns::After;
use super::unwind::{Caught, PanicNote};
use super::waker::Wakee;
use crate::failure::{Failure, Kind, Panicked};
use crate::instant::Instant;
use crate::scheduler::TaskKey;
use crate::trace::{Ending, Record, TaskId};

impl Executor {
    /// Ends a task that has panicked.
    #[cold]
    pub(super) fn after_panic(
        &self,
        key: TaskKey,
        cell: Option<BoxTask>,
        caught: Box<Caught>,
    ) -> After {
        // What the panic left of the task may panic once more, which adds nothing.
        drop(self.catch(|| drop(cell)));
        self.after_last_poll(key, Ended::Panicked(caught))
    }

    /// Ends a task in its turn.
    pub(super) fn after_last_poll(&self, key: TaskKey, ended: Ended) -> After {
        self.poll.end();
        if let Some(failed) = self.end_task(key, ended) {
            // What went wrong within the poll came first.
            self.session().fail(failed);
        }
        match key.id() {
            _ if self.session().failure.is_some() => After::Failed,
            TaskId::MAIN => After::MainEnded,
            _ => After::Turn,
        }
    }

    /// Drops the future of a task that is cancelled.
    pub(super) fn drop_future(&self, cell: Option<BoxTask>) -> Ended {
        match self.catch(|| drop(cell)) {
            Ok(()) => Ended::Cancelled,
            Err(caught) => Ended::Panicked(caught),
        }
    }

    /// Calls a waker of another crate. Its panic fails the run.
    pub(super) fn catch_foreign(&self, f: impl FnOnce()) {
        if let Err(caught) = self.catch(f) {
            let task = self.session().current_id();
            let failure = self.panic_of(task, &caught);
            self.session().fail(failure);
        }
    }

    /// Calls code of the main task outside of its polls.
    pub(super) fn catch_main<R>(&self, f: impl FnOnce() -> R) -> Result<R, Failure> {
        let mut core = self.core();
        core.session.current = core.main();
        drop(core);
        let result = self.catch(f);
        self.session().current = None;
        result.map_err(|caught| self.panic_of(TaskId::MAIN, &caught))
    }

    pub(super) fn panic_of(&self, id: TaskId, caught: &Caught) -> Failure {
        let session = self.session();
        let task = session.name(id);
        let note = caught.note.clone();
        let earlier = session.panics.iter().filter(|(other, _)| *other != id);
        let earlier = earlier.map(|(_, panic)| panic.clone()).collect();
        let (message, location) = (note.message, note.location);
        Failure::new(Kind::Panic { task, message, location, earlier })
    }

    /// Records that a task has ended and wakes the tasks that await it. Returns the panic, if no handle is
    /// left to report it.
    fn end_task(&self, key: TaskKey, ended: Ended) -> Option<Failure> {
        let how = match &ended {
            Ended::Returned => Ending::Returned,
            Ended::Cancelled => Ending::Cancelled,
            Ended::Panicked(_) => Ending::Panicked,
        };
        let mut core = self.core();
        core.end_last_step(key.id(), how);
        if let Ended::Panicked(caught) = &ended {
            core.session.trace.hash_bytes(caught.note.message.as_bytes());
        }
        let task = core.task(key).expect("dacapo bug: a task that ends is gone");
        if let Ended::Panicked(caught) = &ended
            && !task.traits.detached
            && core.session.panics.len() < 3
        {
            let task = core.session.name(key.id());
            let PanicNote { message, location } = caught.note.clone();
            let panic = Panicked { task, message, location };
            core.session.panics.push((key.id(), panic));
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
        self.session().current = None;
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

    /// Drops a task that nothing awaits. Returns its panic, if it panicked.
    fn discard(&self, key: TaskKey) -> Option<Failure> {
        // It keeps its place meanwhile, because its destructors may spawn, and then it is the parent.
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

    /// Cancels the tasks that are left when main has returned, in the order of spawning, and lets them clean
    /// up, as asyncio does. A task that cannot catch a cancellation is dropped at once. A task that refuses
    /// to end and then waits for ever is dropped by [`shut_down`](Executor::shut_down).
    pub(super) fn wind_down(&self) -> Option<Failure> {
        let mut core = self.core();
        core.session.faults.end();
        if core.tasks.len() == 0 {
            return None;
        }
        drop(core);
        let mut cleaning = Vec::new();
        let mut last = None;
        // Tasks that are dropped may spawn their clean-up, which comes in the next round.
        loop {
            let mut left = self.core().in_order();
            left.retain(|key| Some(key.id()) > last);
            let Some(newest) = left.last() else { break };
            last = Some(newest.id());
            for key in left {
                // Tasks that clean up may still await a task that has ended.
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
                    return self.session().failure.take().or(Some(lost));
                }
            }
        }
        self.core().forget_dropped();
        self.drive_rest(|| {
            while cleaning.pop_if(|key| self.has_ended(*key)).is_some() {}
            !cleaning.is_empty()
        })
    }

    /// Drops all tasks that are left, in the order of spawning. Returns the first panic that no handle
    /// reported.
    pub(super) fn shut_down(&self) -> Option<Failure> {
        let mut core = self.core();
        let mut failure = core.session.failure.take();
        if core.is_empty() {
            return failure;
        }
        drop(core);
        loop {
            failure = self.drop_tasks(failure);
            // Destructors of run-local values may spawn too.
            if !self.drop_local() {
                break;
            }
        }
        failure.or_else(|| self.session().failure.take())
    }

    fn drop_tasks(&self, mut failure: Option<Failure>) -> Option<Failure> {
        // Destructors may spawn, so this takes as many rounds as they need, up to the limit.
        while self.core().tasks.len() > 0 {
            let left = self.core().in_order();
            for key in left {
                let lost = self.drop_task(key);
                failure = failure.or_else(|| self.session().failure.take()).or(lost);
            }
        }
        // Wakers may be code of any crate, which must be dropped inside of the run.
        loop {
            let timer = self.core().timers.pop_due(Instant::FAR_FUTURE);
            let Some(wakee) = timer else { break };
            drop(self.catch(|| drop(wakee)));
        }
        failure
    }

    /// Drops a task outside of its turn, whatever it does. Returns its panic, if no handle is left to report it.
    pub(super) fn drop_task(&self, key: TaskKey) -> Option<Failure> {
        let mut core = self.core();
        let ended = core.task(key)?.has_ended();
        if !ended {
            core.drops += 1;
            let nth = core.next_end();
            core.task_mut(key)?.end(Ended::Cancelled, nth);
        }
        core.session.current = Some(key);
        let joiners = core.task_mut(key).map(Task::take_joiners);
        drop(core);
        let failed = self.discard(key);
        self.wake_all(joiners.unwrap_or_default());
        let mut session = self.session();
        session.current = None;
        if !ended {
            let how = if failed.is_some() { Ending::Panicked } else { Ending::Dropped };
            session.record(Record::end(key.id(), how));
        }
        failed
    }
}
