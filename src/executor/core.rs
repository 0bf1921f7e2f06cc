//! The tasks of one run, the ready queue and the timers, beside its session.
//!
//! Nothing in this file calls code of the user, except the scheduler.

use super::cell::{BoxTask, Spares};
use super::poll::CurrentPoll;
use super::tasks::{Ended, Remains, State, Task, Tasks};
use super::timers::Timers;
use crate::failure::{Failure, Kind, Limit};
use crate::instant::Instant;
use crate::scheduler::{Plan, ReadyQueue, Scheduler, TaskKey};
use crate::session::{Awaited, Limits, Place, Session};
use crate::trace::{Ending, Record, TaskId, Trace};

/// All state of a run that a step borrows. It is kept from run to run for its memory.
#[derive(Default)]
pub(super) struct Core {
    pub(super) session: Session,
    pub(super) tasks: Tasks,
    pub(super) ready: ReadyQueue,
    pub(super) timers: Timers,
    pub(super) spares: Spares,
    /// Tasks that wakers have woken in this step, if the driver wants them sorted.
    woken: Vec<TaskKey>,
    /// How many tasks were dropped after main had ended.
    pub(super) drops: usize,
    /// How many tasks main has spawned. Destructors that run after main count as main.
    main_children: u32,
    /// By host, the tasks that were put on it. The host of the test has no list.
    pub(super) hosts: Vec<Vec<TaskKey>>,
    /// How many scopes were opened.
    scopes: u64,
    /// How many joiners have a number.
    joiners: u32,
    /// How many tasks have ended.
    ends: u32,
    pub(super) last_progress: Progress,
}

/// How far a run has come, when it was looked at.
#[derive(Clone, Copy, Default)]
pub(super) struct Progress {
    spawned: usize,
    ended: u32,
    noted: u32,
    pub(super) steps: usize,
}

impl Progress {
    /// Whether nothing but steps has come since.
    pub(super) fn is_idle_since(self, before: Self) -> bool {
        (self.spawned, self.ended, self.noted) == (before.spawned, before.ended, before.noted)
    }
}

impl Core {
    /// Prepares for a run. The run before may have ended in any way.
    pub(super) fn begin(&mut self, scheduler: Box<dyn Scheduler>, plan: &Plan, limits: Limits) {
        self.session.begin(scheduler, plan, limits);
        self.tasks.clear();
        self.ready.clear(self.session.watch.is_on());
        self.timers.clear();
        self.hosts.clear();
        self.woken.clear();
        self.drops = 0;
        self.main_children = 0;
        (self.scopes, self.joiners, self.ends) = (0, 0, 0);
        self.last_progress = Progress::default();
    }

    /// Counts what only a run that makes progress goes on doing: tasks that are spawned, ends of tasks, and notes.
    pub(super) fn progress(&self) -> Progress {
        let spawned = self.session.trace.names().len();
        let (ended, noted) = (self.ends, self.session.notes);
        Progress { spawned, ended, noted, steps: self.session.steps }
    }

    pub(super) fn next_scope(&mut self) -> u64 {
        self.scopes += 1;
        self.scopes
    }

    pub(super) fn next_joiner(&mut self) -> u32 {
        // 0 is the handle's number.
        self.joiners = self.joiners.wrapping_add(1).max(1);
        self.joiners
    }

    pub(super) fn next_end(&mut self) -> u32 {
        self.ends += 1;
        self.ends
    }

    /// Adds a task that is ready. The caller gives it what is polled. If a limit forbids another task, the run
    /// fails.
    #[inline(never)]
    pub(super) fn spawn(&mut self, name: Option<&str>, place: Option<Place>) -> Option<TaskKey> {
        let Limits { max_tasks, max_steps, .. } = self.session.limits;
        // Only destructors that spawn after the end of a run can drop so many.
        if self.tasks.len() >= max_tasks || self.drops > max_steps {
            let limit = self.limit();
            self.session.fail(limit);
            return None;
        }
        let parent = self.session.current.and_then(|key| self.tasks.get_mut(key));
        let (by, ordinal, host) = match parent {
            Some(parent) if parent.id != TaskId::MAIN => {
                parent.children += 1;
                (parent.id, parent.children, parent.host)
            }
            _ => {
                let is_main = self.session.trace.names().is_empty();
                self.main_children += u32::from(!is_main);
                (TaskId::MAIN, self.main_children, 0)
            }
        };
        let id = self.session.trace.names_mut().push(by, ordinal, name);
        self.session.record(Record::spawn(id, by));
        let key = self.tasks.add(id, host, place);
        if host != 0 {
            self.list_on_host(key, host);
        }
        self.make_ready(key);
        Some(key)
    }

    /// The limit that forbids another task.
    #[cold]
    pub(super) fn limit(&self) -> Failure {
        let Limits { max_tasks, max_steps, .. } = self.session.limits;
        let (limit, value) = match self.tasks.len() >= max_tasks {
            true => (Limit::Tasks, max_tasks),
            false => (Limit::Destructors, max_steps),
        };
        let task = self.session.name(self.session.current_id());
        Failure::new(Kind::Limit { limit, value, task, others: Vec::new() })
    }

    /// Whether nothing of the user is left in the run.
    pub(super) fn is_empty(&self) -> bool {
        self.tasks.len() == 0 && self.timers.is_empty() && self.session.locals.is_empty()
    }

    /// The main task, if it has not ended.
    pub(super) fn main(&self) -> Option<TaskKey> {
        let main = TaskKey::new(0, TaskId::MAIN);
        self.task(main).map(|_| main)
    }

    /// Puts a task at the end of the ready queue.
    #[cfg_attr(not(debug_assertions), inline)]
    pub(super) fn make_ready(&mut self, key: TaskKey) {
        self.ready.push(key);
        if self.session.watch.is_on() {
            self.session.watch_ready(key.id());
        }
    }

    #[inline]
    pub(super) fn task(&self, key: TaskKey) -> Option<&Task> {
        self.tasks.get(key)
    }

    #[inline]
    pub(super) fn task_mut(&mut self, key: TaskKey) -> Option<&mut Task> {
        self.tasks.get_mut(key)
    }

    /// Forgets a task that has ended. The caller drops what is left of it.
    #[inline]
    pub(super) fn remove_task(&mut self, key: TaskKey) -> Option<Remains> {
        let removed = self.tasks.remove(key);
        if removed.is_some() {
            self.session.trace.names_mut().end(key.id());
        }
        removed
    }

    /// Forgets a task that has returned, if nothing else is left of it. Returns the cell with its output.
    #[inline]
    pub(super) fn remove_returned(&mut self, key: TaskKey) -> Option<BoxTask> {
        let cell = self.tasks.remove_returned(key)?;
        self.session.trace.names_mut().end(key.id());
        Some(cell)
    }

    /// Removes tasks from the ready queue that were dropped while they were in it.
    pub(super) fn forget_dropped(&mut self) {
        let Self { tasks, ready, .. } = self;
        ready.retain(|key| tasks.get(key).is_some());
    }

    #[inline]
    pub(super) fn wake(&mut self, key: TaskKey) {
        let Some(task) = self.task_mut(key) else { return };
        match task.state {
            State::Idle => {
                task.state = State::Ready;
                self.make_ready(key);
                let by = self.session.current.map(|key| key.id());
                self.session.record(Record::wake(key.id(), by));
            }
            State::Running => task.state = State::Woken,
            // A task that is woken twice is polled once.
            State::Ready | State::Woken | State::Ended => {}
        }
    }

    /// Wakes a task. If it is idle, it becomes ready with the next
    /// [flush](Core::flush_woken).
    pub(super) fn wake_later(&mut self, key: TaskKey) {
        match self.task(key) {
            Some(task) if task.state == State::Idle => self.woken.push(key),
            _ => self.wake(key),
        }
    }

    /// Makes the tasks ready that wakers have woken, in the order of spawning.
    ///
    /// The order of the wake-ups may be random: the receivers of a `tokio::sync::watch` wait on one of eight
    /// lists, which each draws from a generator of the thread.
    #[inline]
    pub(super) fn flush_woken(&mut self) {
        if !self.woken.is_empty() {
            self.sort_woken();
        }
    }

    #[inline(never)]
    fn sort_woken(&mut self) {
        let mut woken = std::mem::take(&mut self.woken);
        woken.sort_unstable_by_key(|key| key.id());
        woken.drain(..).for_each(|key| self.wake(key));
        self.woken = woken;
    }

    /// Whether a task is ready, or will be with the next flush.
    pub(super) fn has_ready(&self) -> bool {
        !self.ready.is_empty() || !self.woken.is_empty()
    }

    /// Takes the task that was spawned last out of the numbering of main's tasks.
    pub(super) fn forget_child(&mut self) {
        self.main_children -= 1;
    }

    /// Makes a task the current one, and takes out what is polled. Also returns whether the task was asked to
    /// end.
    #[inline(always)]
    pub(super) fn begin_step(
        &mut self,
        key: TaskKey,
        poll: &CurrentPoll,
    ) -> (Option<BoxTask>, bool) {
        self.session.steps += 1;
        self.session.current = Some(key);
        let task = self.tasks.get_mut(key).expect("dacapo bug: a ready task is gone");
        task.state = State::Running;
        task.started = true;
        poll.begin(key, task.waker);
        if task.is_special {
            task.begin_special_step();
        }
        (task.cell.take(), task.is_special)
    }

    /// The next task of a run that is observed.
    pub(super) fn next_observed_task(&mut self) -> Option<TaskKey> {
        let Self { session, ready, .. } = self;
        match session.faults.is_declared() {
            true => session.next_task_with_faults(ready),
            false => session.next_task(ready),
        }
    }

    /// Does what an observed run needs when a step is about to begin.
    pub(super) fn observe_step(&mut self, key: TaskKey) {
        let Self { session, tasks, .. } = self;
        if let Some(witness) = &mut session.witness {
            let name = session.trace.names().get(key.id()).to_string();
            witness(&name, tasks.get(key).and_then(|task| task.spawned));
        }
        if session.faults.is_declared() {
            session.trace.poll(key.id());
        }
        if let Some(survey) = &mut session.survey {
            survey.look(session.steps as u64 + 1, tasks.iter().map(|(_, task)| task.standing()));
        }
    }

    /// Puts back what was polled and suspends the task. Returns `false` if the task was asked to end, so that
    /// more has to be done.
    #[inline(always)]
    pub(super) fn end_plain_step(
        &mut self,
        key: TaskKey,
        cell: Option<BoxTask>,
        poll: &CurrentPoll,
    ) -> bool {
        let task = self.tasks.get_mut(key).expect("dacapo bug: a running task is gone");
        task.put(cell);
        if task.is_special {
            return false;
        }
        task.awaits += 1;
        let mut is_ready = true;
        if let Some(place) = poll.gave_way() {
            (task.waits, task.awaited) = (1, Awaited { place, ..Awaited::TURN });
            task.state = State::Ready;
            self.session.trace.give_way(key.id());
            self.ready.push(key);
        } else {
            is_ready = self.suspend(key, poll);
        }
        if self.session.watch.is_on() {
            self.session.watch_end_of_step(key.id(), is_ready);
        }
        true
    }

    /// Puts back what was polled and ends the task, which has returned. Returns `false` if that is not all there
    /// is to its end: it was asked to end, its output must be dropped, or more than one task awaits it.
    #[inline(never)]
    pub(super) fn end_plain_task(&mut self, key: TaskKey, cell: Option<BoxTask>) -> bool {
        let task = self.tasks.get_mut(key).expect("dacapo bug: a running task is gone");
        let (is_kept, is_bare) = (!task.traits.detached, cell.is_none() && task.is_bare());
        task.put(cell);
        if task.is_special || !(is_kept || is_bare) || self.session.faults.is_on() {
            return false;
        }
        let Ok(joiner) = task.take_joiner() else { return false };
        self.ends += 1;
        task.end(Ended::Returned, self.ends);
        self.end_last_step(key.id(), Ending::Returned);
        if let Some(joiner) = joiner {
            self.wake(joiner);
        }
        if !is_kept {
            self.tasks.forget(key);
            self.session.trace.names_mut().end(key.id());
        }
        true
    }

    /// Suspends a task that was put back.
    pub(super) fn end_step(&mut self, key: TaskKey, poll: &CurrentPoll) {
        if let Some(task) = self.task_mut(key) {
            task.awaits += 1;
        }
        let is_ready = self.suspend(key, poll);
        if self.session.watch.is_on() {
            self.session.watch_end_of_step(key.id(), is_ready);
        }
    }

    /// Notes what a task waits for that was put back. If the task was woken meanwhile, it becomes ready. Returns
    /// whether it was.
    #[inline(never)]
    fn suspend(&mut self, key: TaskKey, poll: &CurrentPoll) -> bool {
        let Self { session: Session { trace, .. }, tasks, ready, .. } = self;
        let task = tasks.get_mut(key).expect("dacapo bug: a running task is gone");
        poll.store(task);
        let is_ready = poll.is_woken() || matches!(task.state, State::Woken);
        if is_ready {
            task.state = State::Ready;
            if task.waits_for_turn() {
                trace.give_way(key.id());
            } else {
                Self::record_waits(trace, task);
                trace.push(Record::wake(key.id(), Some(key.id())));
            }
            // Behind the tasks that it woke itself, as in asyncio and tokio.
            ready.push(key);
        } else {
            task.state = State::Idle;
            if task.waits > 1 {
                Self::record_waits(trace, task);
            } else {
                trace.push(Record::wait(key.id(), task.awaited.wait));
            }
            ready.waits(key.id());
        }
        is_ready
    }

    /// Records the several things that a task waits for.
    #[cold]
    fn record_waits(trace: &mut Trace, task: &Task) {
        task.known_waits().for_each(|on| trace.push(Record::wait(task.id, on.wait)));
    }

    pub(super) fn abort(&mut self, key: TaskKey) {
        let by = self.session.current.map(|key| key.id());
        let Some(task) = self.task_mut(key) else { return };
        if task.aborted || task.has_ended() {
            return;
        }
        task.abort();
        self.session.record(Record::abort(key.id(), by));
        self.wake(key);
    }

    pub(super) fn record_cancel(&mut self, task: TaskKey) {
        let by = self.session.current.map(|key| key.id());
        self.session.record(Record::cancel(task.id(), by));
    }

    /// Ends a task in a step of its own.
    #[inline]
    pub(super) fn end_last_step(&mut self, task: TaskId, how: Ending) {
        if !self.session.faults.take_told() {
            self.session.watch_step(task);
        }
        self.session.record(Record::end(task, how));
    }

    /// The time to which the clock jumps next.
    #[inline]
    pub(super) fn next_jump(&mut self) -> Option<Instant> {
        let next = self.timers.next_deadline()?;
        let Self { session, timers, .. } = self;
        Some(match session.faults.is_on() {
            true => session.maybe_late(next, |time| timers.deadline_after(time)),
            false => next,
        })
    }

    /// Moves the clock to the next deadline. Returns `false` if there is none.
    #[inline]
    pub(super) fn advance(&mut self) -> bool {
        let Some(to) = self.next_jump() else { return false };
        self.jump(to);
        true
    }

    /// Moves the clock. If that is past the limit, the run fails, and the next turn ends it.
    #[inline]
    pub(super) fn jump(&mut self, to: Instant) {
        if to > self.session.limits.latest {
            let failure = self.time_limit();
            return self.session.fail(failure);
        }
        self.session.now = to;
        self.session.record(Record::advance(to));
    }

    /// All tasks in the order of spawning, including ended ones whose handle is kept.
    pub(super) fn in_order(&self) -> Vec<TaskKey> {
        // As numbers, which are sorted elsewhere too: a sort of one more type is much to compile.
        let mut keys: Vec<u64> = self.tasks.iter().map(|(key, _)| key.to_u64()).collect();
        keys.sort_unstable();
        keys.into_iter().map(TaskKey::from_u64).collect()
    }
}
