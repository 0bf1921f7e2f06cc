//! The state of one run. Nothing in this file calls code of the user, except the scheduler.

use super::answers::Answers;
use super::cell::{BoxTask, Spares};
use super::faults::RunFaults;
use super::ledger::Entry;
use super::limits::Limits;
use super::marks::Marks;
use super::places::{Awaited, Place, Survey};
use super::poll::CurrentPoll;
use super::tasks::{Ended, Remains, State, Task, Tasks};
use super::timers::Timers;
use super::watch::Watch;
use crate::failure::{Failure, Kind, Limit};
use crate::instant::Instant;
use crate::rng::{Purpose, Stream};
use crate::schedule::Schedule;
use crate::scheduler::{ReadyQueue, Scheduler, TaskKey};
use crate::trace::{Ending, Record, TaskId, Trace};

/// Everything that one run changes. It is kept from run to run for the memory that it holds.
#[derive(Default)]
pub(super) struct Core {
    pub(super) limits: Limits,
    pub(super) scheduler: Option<Box<dyn Scheduler>>,
    pub(super) tasks: Tasks,
    pub(super) spares: Spares,
    pub(super) timers: Timers,
    pub(super) trace: Trace,
    pub(super) marks: Marks,
    pub(super) faults: RunFaults,
    pub(super) accounts: Vec<Entry>,
    pub(super) now: Instant,
    pub(super) steps: usize,
    /// The run stops when there were so many: at its limit, or at once if something went wrong.
    pub(super) stops_at: usize,
    /// Tasks that were dropped when main had ended.
    pub(super) drops: usize,
    /// The task that is being polled or dropped.
    pub(super) current: Option<TaskKey>,
    /// The first thing that went wrong without ending a task's poll.
    pub(super) failure: Option<Failure>,
    /// What tasks panicked with that somebody may await, the first few.
    pub(super) panics: Vec<(TaskId, String)>,
    /// What the scheduler has done wrong.
    pub(super) mistake: Option<String>,
    /// How many tasks main has spawned; also destructors may, when it is gone.
    main_children: u32,
    pub(super) line: ReadyQueue,
    pub(super) answers: Answers,
    pub(super) seed: u64,
    /// Made at the first draw, so that it can be told whether the seed matters.
    data: Option<Stream>,
    /// Primitives that have been given a number.
    resources: u32,
    /// Scopes that have been opened.
    scopes: u64,
    /// Joiners that have been given a number: it is theirs with one task, and may be another's there.
    joiners: u32,
    /// Tasks that have ended.
    ends: u32,
    pub(super) watch: Watch,
    /// Absent but for the runs that are made for a report.
    pub(super) survey: Option<Survey>,
    /// Whether there is something to be done around a step that few runs want: one with faults, or that is
    /// made for a report.
    pub(super) is_observed: bool,
    /// Whether the text of values that are noted is wanted.
    pub(super) shows: Shows,
}

/// What becomes of values that the code under test notes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Shows {
    /// Nobody will see them.
    #[default]
    Nothing,
    Values,
    /// One of them is being formatted, in code of the user that is not run otherwise, and so must leave
    /// no trace.
    Busy,
}

impl Core {
    /// Makes ready for a run, which may follow one that ended anyhow.
    pub(super) fn begin(&mut self, scheduler: Box<dyn Scheduler>, seed: u64, limits: Limits) {
        self.limits = limits;
        self.watch.begin(&*scheduler);
        self.faults.begin(&*scheduler, self.limits.faults);
        self.is_observed = self.faults.is_declared() || self.survey.is_some();
        self.scheduler = Some(scheduler);
        self.tasks.clear();
        self.timers.clear();
        self.trace.clear(self.limits.max_events);
        self.marks.clear();
        self.accounts.clear();
        self.now = Instant::START;
        (self.steps, self.stops_at) = (0, limits.max_steps);
        self.drops = 0;
        self.current = None;
        self.failure = None;
        self.panics.clear();
        self.mistake = None;
        self.main_children = 0;
        self.line.clear(self.watch.is_on);
        self.answers.clear();
        self.seed = seed;
        self.data = None;
        self.resources = 0;
        (self.scopes, self.joiners, self.ends) = (0, 0, 0);
    }

    /// Whether nothing is on in this run that primitives would have to ask for.
    pub(super) fn is_plain(&self) -> bool {
        !self.limits.keeps_accounts && !self.watch.has_uses && !self.faults.is_declared()
    }

    /// Notes that something went wrong, unless something has before.
    #[cold]
    pub(super) fn fail(&mut self, failure: Failure) {
        self.failure.get_or_insert(failure);
        self.stops_at = 0;
    }

    #[inline]
    pub(super) fn record(&mut self, record: Record) {
        self.trace.push(record);
    }

    /// How many choices there have been.
    pub(super) fn choices(&self) -> usize {
        self.answers.len()
    }

    /// The schedule of the run so far.
    pub(super) fn schedule(&self) -> Schedule {
        self.schedule_of(&self.answers, self.seed_used())
    }

    /// That of a run with these answers and this seed, with the same faults.
    pub(super) fn schedule_of(&self, answers: &Answers, seed: u64) -> Schedule {
        Schedule::new(answers.iter()).with_seed(seed).with_faults(self.faults.declared)
    }

    /// The seed of the random values, or 0 if none has been drawn.
    pub(super) fn seed_used(&self) -> u64 {
        if self.data.is_some() { self.seed } else { 0 }
    }

    pub(super) fn data(&mut self) -> &mut Stream {
        self.data.get_or_insert_with(|| Stream::new(self.seed, Purpose::Data))
    }

    pub(super) fn next_resource(&mut self) -> u32 {
        self.resources += 1;
        self.resources
    }

    pub(super) fn next_scope(&mut self) -> u64 {
        self.scopes += 1;
        self.scopes
    }

    pub(super) fn next_joiner(&mut self) -> u32 {
        // 0 is the handle's.
        self.joiners = self.joiners.wrapping_add(1).max(1);
        self.joiners
    }

    pub(super) fn next_end(&mut self) -> u32 {
        self.ends += 1;
        self.ends
    }

    /// Notes what the code under test says.
    pub(super) fn note(&mut self, label: &'static str, value: Option<Option<Box<str>>>) {
        let task = self.current.map_or(TaskId::MAIN, |key| key.id());
        let label = self.trace.intern(label);
        let value = value.map(|text| self.trace.push_value(text));
        self.record(Record::note(task, label, value));
    }

    /// Adds a task, which is ready, and is yet to be given what is to be polled; if there may be no more, that
    /// fails the run.
    #[inline(never)]
    pub(super) fn spawn(&mut self, name: Option<&str>, place: Option<Place>) -> Option<TaskKey> {
        let Limits { max_tasks, max_steps, .. } = self.limits;
        // Only destructors that spawn, when the run has ended, can drop so many.
        if self.tasks.len() >= max_tasks || self.drops > max_steps {
            let limit = self.limit();
            self.fail(limit);
            return None;
        }
        let parent = self.current.and_then(|key| self.tasks.get_mut(key));
        let (by, ordinal) = match parent {
            Some(parent) if parent.id != TaskId::MAIN => {
                parent.children += 1;
                (parent.id, parent.children)
            }
            _ => {
                let main = self.trace.names().is_empty();
                self.main_children += u32::from(!main);
                (TaskId::MAIN, self.main_children)
            }
        };
        let id = self.trace.names_mut().push(by, ordinal, name);
        self.record(Record::spawn(id, by));
        let key = self.tasks.add(id, place);
        self.get_in_line(key);
        Some(key)
    }

    /// The limit that forbids another task.
    #[cold]
    pub(super) fn limit(&self) -> Failure {
        let Limits { max_tasks, max_steps, .. } = self.limits;
        let (limit, value) = match self.tasks.len() >= max_tasks {
            true => (Limit::Tasks, max_tasks),
            false => (Limit::Destructors, max_steps),
        };
        Failure::new(Kind::Limit { limit, value, task: self.current_name() })
    }

    /// The main task, if it has not ended.
    pub(super) fn main(&self) -> Option<TaskKey> {
        let main = TaskKey::new(0, TaskId::MAIN);
        self.task(main).map(|_| main)
    }

    #[cfg_attr(not(debug_assertions), inline)]
    pub(super) fn get_in_line(&mut self, key: TaskKey) {
        self.line.push(key);
        if self.watch.is_on {
            self.watch_ready(key.id());
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

    /// Forgets a task that has ended; the caller drops what is left of it.
    #[inline]
    pub(super) fn remove_task(&mut self, key: TaskKey) -> Option<Remains> {
        let removed = self.tasks.remove(key);
        if removed.is_some() {
            self.trace.names_mut().end(key.id());
        }
        removed
    }

    /// Forgets a task that has returned, if that is all there is to it; gives what has its output.
    #[inline]
    pub(super) fn remove_returned(&mut self, key: TaskKey) -> Option<BoxTask> {
        let cell = self.tasks.remove_returned(key)?;
        self.trace.names_mut().end(key.id());
        Some(cell)
    }

    /// Takes tasks out of the line that were dropped while they stood in it.
    pub(super) fn forget_gone(&mut self) {
        let Self { tasks, line, .. } = self;
        line.retain(|key| tasks.get(key).is_some());
    }

    pub(super) fn current_name(&self) -> String {
        let id = self.current.map_or(TaskId::MAIN, |key| key.id());
        self.trace.names().get(id).to_string()
    }

    #[inline]
    pub(super) fn wake(&mut self, key: TaskKey) {
        let Some(task) = self.task_mut(key) else { return };
        match task.state {
            State::Idle => {
                task.state = State::Ready;
                self.get_in_line(key);
                let by = self.current.map(|key| key.id());
                self.record(Record::wake(key.id(), by));
            }
            State::Running => task.state = State::Woken,
            // Twice woken is once polled.
            State::Ready | State::Woken | State::Ended => {}
        }
    }

    /// Makes a task the current one, and takes out what is to be polled; also returns whether it was asked
    /// to end.
    #[inline(always)]
    pub(super) fn begin_step(
        &mut self,
        key: TaskKey,
        poll: &CurrentPoll,
    ) -> (Option<BoxTask>, bool) {
        self.steps += 1;
        self.current = Some(key);
        let task = self.tasks.get_mut(key).expect("dacapo bug: a ready task is gone");
        task.state = State::Running;
        task.started = true;
        poll.begin(key, task.waker);
        if task.is_special {
            task.begin_special_step();
        }
        (task.cell.take(), task.is_special)
    }

    /// Does what is wanted in few runs when a step is about to begin.
    #[cold]
    pub(super) fn observe_step(&mut self, key: TaskKey) {
        if self.faults.is_declared() {
            self.record(Record::poll(key.id()));
        }
        if self.survey.is_some() {
            self.survey_step();
        }
    }

    /// Puts back what was polled, the task being suspended if that is all there is to the end of its step: it was
    /// not asked to end. Else returns `false`.
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
            self.trace.give_way(key.id());
            self.line.push(key);
        } else {
            is_ready = self.suspend(key, poll);
        }
        if self.watch.is_on {
            self.watch_end_of_step(key.id(), is_ready);
        }
        true
    }

    /// Puts back what was polled, and ends the task, which has returned, if that is all there is to its end: it was
    /// not asked to end, somebody keeps its output or it has none, and one task awaits it or nobody. Else returns
    /// `false`.
    #[inline(never)]
    pub(super) fn end_plain_task(&mut self, key: TaskKey, cell: Option<BoxTask>) -> bool {
        let task = self.tasks.get_mut(key).expect("dacapo bug: a running task is gone");
        let (is_kept, is_bare) = (!task.traits.detached, cell.is_none() && task.is_bare());
        task.put(cell);
        if task.is_special || !(is_kept || is_bare) || self.faults.is_on() {
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
            self.trace.names_mut().end(key.id());
        }
        true
    }

    /// Suspends a task that was put back.
    pub(super) fn end_step(&mut self, key: TaskKey, poll: &CurrentPoll) {
        if let Some(task) = self.task_mut(key) {
            task.awaits += 1;
        }
        let is_ready = self.suspend(key, poll);
        if self.watch.is_on {
            self.watch_end_of_step(key.id(), is_ready);
        }
    }

    /// Notes what a task waits for that was put back; it goes into the line if it was woken meanwhile. Returns
    /// whether it was.
    #[inline(never)]
    fn suspend(&mut self, key: TaskKey, poll: &CurrentPoll) -> bool {
        let Self { tasks, trace, line, .. } = self;
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
            // Behind those that it woke itself, as in asyncio and tokio.
            line.push(key);
        } else {
            task.state = State::Idle;
            if task.waits > 1 {
                Self::record_waits(trace, task);
            } else {
                trace.push(Record::wait(key.id(), task.awaited.wait));
            }
            line.waits(key.id());
        }
        is_ready
    }

    /// Records what a task waits for, which may be several things.
    #[cold]
    fn record_waits(trace: &mut Trace, task: &Task) {
        task.known_waits().for_each(|on| trace.push(Record::wait(task.id, on.wait)));
    }

    pub(super) fn abort(&mut self, key: TaskKey) {
        let by = self.current.map(|key| key.id());
        let Some(task) = self.task_mut(key) else { return };
        if task.aborted || task.has_ended() {
            return;
        }
        task.abort();
        self.record(Record::abort(key.id(), by));
        self.wake(key);
    }

    pub(super) fn record_cancel(&mut self, task: TaskKey) {
        let by = self.current.map(|key| key.id());
        self.record(Record::cancel(task.id(), by));
    }

    /// A task has ended in a step of its own.
    #[inline]
    pub(super) fn end_last_step(&mut self, task: TaskId, how: Ending) {
        if !self.faults.take_told() {
            self.watch_step(task);
        }
        self.record_end(task, how);
    }

    #[inline]
    pub(super) fn record_end(&mut self, task: TaskId, how: Ending) {
        self.record(Record::end(task, how));
    }

    /// Moves the clock to the next deadline; `false` if there is none.
    #[inline]
    pub(super) fn advance(&mut self) -> bool {
        let Some(next) = self.timers.next_deadline() else { return false };
        let to = if self.faults.is_on() { self.maybe_late(next) } else { next };
        self.now = to;
        self.record(Record::advance(to));
        true
    }
}
