//! The state of one run. Nothing in this file calls code of the user, except the scheduler.

use std::task::Waker;

use slab::Slab;

use super::cell::BoxTask;
use super::ledger::Entry;
use super::limits::Limits;
use super::marks::Marks;
use super::places::{Awaited, Place, Survey};
use super::rude::Manners;
use super::tasks::{Line, State, Task, Waits};
use super::timers::{TimerKey, Timers};
use super::waker::{TaskKey, Wakee};
use crate::failure::{Kind, Limit};
use crate::instant::Instant;
use crate::rng::{Purpose, Stream};
use crate::schedule::{Answer, Lasting};
use crate::scheduler::{Choice, ChoiceKind, Scheduler, Step};
use crate::trace::{Asked, Ending, Event, TaskId, Trace, Wait};

/// Everything that one run changes. It is kept from run to run for the memory that it holds.
pub(super) struct Core {
    pub(super) limits: Limits,
    pub(super) scheduler: Option<Box<dyn Scheduler>>,
    pub(super) tasks: Slab<Task>,
    pub(super) timers: Timers,
    pub(super) trace: Trace,
    pub(super) marks: Marks,
    pub(super) manners: Manners,
    pub(super) accounts: Vec<Entry>,
    pub(super) now: Instant,
    pub(super) steps: usize,
    /// Tasks that were dropped when main had ended.
    pub(super) drops: usize,
    /// The task that is being polled or dropped.
    pub(super) current: Option<TaskKey>,
    /// The scope of it that is being polled, if it is within one.
    pub(super) scope: Option<u64>,
    /// The first thing that went wrong without ending a task's poll.
    pub(super) failure: Option<Kind>,
    /// What tasks panicked with that somebody may await, the first few.
    pub(super) panics: Vec<(TaskId, String)>,
    /// What the scheduler has done wrong.
    pub(super) mistake: Option<String>,
    /// The task that was polled last.
    pub(super) last: TaskId,
    /// How many tasks main has spawned; also destructors may, when it is gone.
    main_children: u32,
    line: Line,
    answers: Vec<Answer>,
    /// Tells whether a waker is the current task's own: compared, never read through.
    current_waker: *const (),
    seed: u64,
    /// Made at the first draw, so that it can be told whether the seed matters.
    data: Option<Stream>,
    /// Primitives that have been given a number.
    resources: u32,
    /// Scopes, joiners and ends that have been given a number.
    serial: u64,
    /// What the scheduler is told of the step that is going on, if it wants to know.
    watched: Option<Watched>,
    /// Absent but for the runs that are made for a report.
    pub(super) survey: Option<Survey>,
    /// Whether the text of values that are noted is wanted.
    pub(super) shows: Shows,
}

/// What becomes of values that the code under test notes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shows {
    /// Nobody will see them.
    Nothing,
    Values,
    /// One of them is being formatted, in code of the user that is not run otherwise, and so must leave
    /// no trace.
    Busy,
}

/// The primitives that a step uses, by numbers of their own: those in a trace tell what was waited for.
#[derive(Default)]
struct Watched {
    used: Vec<u32>,
    awaits: Option<u32>,
    known: u32,
}

/// What is taken out of a task to poll it.
pub(super) struct Begun {
    pub(super) cell: Option<BoxTask>,
    pub(super) waker: Waker,
    pub(super) aborted: bool,
    /// A cancellation is on its way to a scope.
    pub(super) delivered: bool,
}

impl Core {
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            limits,
            scheduler: None,
            tasks: Slab::new(),
            timers: Timers::default(),
            trace: Trace::default(),
            marks: Marks::default(),
            manners: Manners::default(),
            accounts: Vec::new(),
            now: Instant::START,
            steps: 0,
            drops: 0,
            current: None,
            scope: None,
            failure: None,
            panics: Vec::new(),
            mistake: None,
            last: TaskId::MAIN,
            main_children: 0,
            line: Line::default(),
            answers: Vec::new(),
            current_waker: std::ptr::null(),
            seed: 0,
            data: None,
            resources: 0,
            serial: 0,
            watched: None,
            survey: None,
            shows: Shows::Nothing,
        }
    }

    /// Makes ready for a run, which may follow one that ended anyhow.
    pub(super) fn begin(&mut self, scheduler: Box<dyn Scheduler>, seed: u64) {
        self.watched = scheduler.watches().then(|| self.watched.take().unwrap_or_default());
        if let Some(watched) = &mut self.watched {
            watched.known = 0;
        }
        self.manners.begin(&*scheduler, self.limits.rude);
        self.scheduler = Some(scheduler);
        self.tasks.clear();
        self.timers.clear();
        self.trace.clear();
        self.marks.clear();
        self.accounts.clear();
        self.now = Instant::START;
        self.steps = 0;
        self.drops = 0;
        self.current = None;
        self.scope = None;
        self.failure = None;
        self.panics.clear();
        self.mistake = None;
        self.last = TaskId::MAIN;
        self.main_children = 0;
        self.line.clear();
        self.answers.clear();
        self.seed = seed;
        self.data = None;
        self.resources = 0;
        self.serial = 0;
    }

    pub(super) fn record(&mut self, event: Event) {
        self.trace.push(event, self.limits.max_events);
    }

    /// The answers of the run so far.
    pub(super) fn answers(&self) -> &[Answer] {
        &self.answers
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

    pub(super) fn next_serial(&mut self) -> u64 {
        self.serial += 1;
        self.serial
    }

    /// Notes what the code under test says.
    pub(super) fn note(&mut self, label: &'static str, value: Option<Option<Box<str>>>) {
        let task = self.current.map_or(TaskId::MAIN, |key| key.id);
        let label = self.trace.intern(label);
        let value = value.map(|text| self.trace.push_value(text));
        self.record(Event::Note { task, label, value });
    }

    // Choices.

    pub(super) fn answered(
        &mut self,
        asked: Asked,
        answer: u32,
        options: usize,
        lasting: Lasting,
    ) -> Answer {
        if answer as usize >= options {
            let name = self.scheduler.as_ref().map_or("?", |scheduler| scheduler.name());
            let mistake = format!(
                "dacapo: the scheduler `{name}` answered {answer} to a choice with {options} \
                 options; its answers must be below Choice::options"
            );
            self.mistake.get_or_insert(mistake);
        }
        let options = u32::try_from(options).unwrap_or(u32::MAX);
        let answer = Answer::new(answer.min(options - 1), lasting);
        self.answers.push(answer);
        self.manners.note(asked);
        self.record(Event::Choice { asked, answer: answer.option(), options });
        answer
    }

    /// A choice of a number; one with a single option is not asked.
    pub(super) fn choose(&mut self, kind: ChoiceKind, options: usize) -> usize {
        if options < 2 {
            return 0;
        }
        let choice = Choice::of_number(kind, options);
        let scheduler = self.scheduler.as_mut().expect("dacapo bug: a run without a scheduler");
        let answer = scheduler.answer(&choice);
        let current = self.current.map_or(TaskId::MAIN, |key| key.id);
        let asked = match kind {
            ChoiceKind::Task => {
                Asked::Next { first: current, chosen: current, lasting: Lasting::Once }
            }
            ChoiceKind::Timeout => Asked::Timeout(current),
            ChoiceKind::Deadline => Asked::Deadline(current),
            ChoiceKind::Select => Asked::Select(current),
            ChoiceKind::Value(label) => Asked::Value(self.trace.intern(label)),
            _ => unreachable!("dacapo bug: {kind:?} is asked elsewhere"),
        };
        self.answered(asked, answer.option(), options, Lasting::Once).option() as usize
    }

    /// The task whose turn it is, if one is ready.
    pub(super) fn next_task(&mut self) -> Option<TaskKey> {
        let options = self.line.ids().len();
        let mut answer = Answer::USUAL;
        if options >= 2 {
            let choice = Choice::among_tasks(self.line.ids(), self.trace.names());
            let scheduler = self.scheduler.as_mut().expect("dacapo bug: a run without a scheduler");
            let answered = scheduler.answer(&choice);
            let (option, lasting) = (answered.option(), answered.lasting());
            let ids = self.line.ids();
            let chosen = *ids.get(option as usize).unwrap_or(&ids[options - 1]);
            let asked = Asked::Next { first: ids[0], chosen, lasting };
            answer = self.answered(asked, option, options, lasting);
        }
        let next = self.line.take(answer)?;
        self.last = next.id;
        Some(next)
    }

    // Tasks.

    /// The id of the task that is about to be spawned, or the limit that forbids it.
    pub(super) fn name_task(&mut self, name: Option<&str>) -> Result<TaskId, Kind> {
        if let Some(limit) = self.exceeded() {
            self.failure.get_or_insert(limit.clone());
            return Err(limit);
        }
        let parent = self.current.and_then(|key| self.task_mut(key));
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
        self.record(Event::Spawn { task: id, by });
        Ok(id)
    }

    /// The limit that forbids another task.
    fn exceeded(&self) -> Option<Kind> {
        let Limits { max_tasks, max_steps, .. } = self.limits;
        let task = || self.current_name();
        if self.tasks.len() >= max_tasks {
            return Some(Kind::Limit { limit: Limit::Tasks, value: max_tasks, task: task() });
        }
        // Only destructors that spawn, when the run has ended, can get so far.
        (self.drops > max_steps).then(|| Kind::Limit {
            limit: Limit::Destructors,
            value: max_steps,
            task: task(),
        })
    }

    /// The main task, if it has not ended.
    pub(super) fn main(&self) -> Option<TaskKey> {
        let main = TaskKey { slot: 0, id: TaskId::MAIN };
        self.task(main).map(|_| main)
    }

    pub(super) fn next_slot(&self) -> usize {
        self.tasks.vacant_key()
    }

    pub(super) fn add_task(
        &mut self,
        id: TaskId,
        cell: Option<BoxTask>,
        waker: Waker,
        spawned: Option<Place>,
    ) {
        let slot = self.tasks.insert(Task::new(id, cell, waker, spawned));
        self.get_in_line(TaskKey { slot, id });
    }

    pub(super) fn get_in_line(&mut self, key: TaskKey) {
        self.line.push(key);
        if self.watched.is_some()
            && let Some(scheduler) = &mut self.scheduler
        {
            scheduler.ready(key.id, self.trace.names());
        }
    }

    /// Tells the scheduler that a step is over.
    fn watch_step(&mut self, task: TaskId) {
        if let (Some(watched), Some(scheduler)) = (&mut self.watched, &mut self.scheduler) {
            scheduler.step(&Step::new(task, &watched.used, watched.awaits.take()));
            watched.used.clear();
        }
    }

    /// Notes that the current step uses a primitive, or will when it goes on; returns its number among
    /// those used.
    pub(super) fn watch_use(&mut self, number: Option<u32>, awaits: bool) -> Option<u32> {
        let watched = self.watched.as_mut()?;
        let number = number.unwrap_or_else(|| {
            watched.known += 1;
            watched.known
        });
        if awaits {
            watched.awaits = Some(number);
        }
        if !watched.used.contains(&number) {
            watched.used.push(number);
        }
        Some(number)
    }

    pub(super) fn task(&self, key: TaskKey) -> Option<&Task> {
        self.tasks.get(key.slot).filter(|task| task.id == key.id)
    }

    pub(super) fn task_mut(&mut self, key: TaskKey) -> Option<&mut Task> {
        self.tasks.get_mut(key.slot).filter(|task| task.id == key.id)
    }

    /// Forgets a task that has ended; the caller drops what is left of it.
    pub(super) fn remove_task(&mut self, key: TaskKey) -> Option<Task> {
        self.task(key)?;
        Some(self.tasks.remove(key.slot))
    }

    /// Takes tasks out of the line that were dropped while they stood in it.
    pub(super) fn forget_gone(&mut self) {
        let Self { tasks, line, .. } = self;
        line.retain(|key| tasks.get(key.slot).is_some_and(|task| task.id == key.id));
    }

    pub(super) fn current_name(&self) -> String {
        let id = self.current.map_or(TaskId::MAIN, |key| key.id);
        self.trace.names().get(id).to_string()
    }

    pub(super) fn wake(&mut self, key: TaskKey) {
        let Some(task) = self.task_mut(key) else { return };
        match &mut task.state {
            State::Idle => {
                task.state = State::Ready;
                self.get_in_line(key);
            }
            State::Running { woken } if !*woken => *woken = true,
            // Twice woken is once polled.
            State::Ready | State::Running { .. } | State::Ended { .. } => return,
        }
        let by = self.current.map(|key| key.id);
        self.record(Event::Wake { task: key.id, by });
    }

    pub(super) fn begin_step(&mut self, key: TaskKey) -> Begun {
        self.steps += 1;
        self.record(Event::Poll { task: key.id });
        self.survey_step();
        let task = self.tasks.get_mut(key.slot).expect("dacapo bug: a ready task is gone");
        task.state = State::Running { woken: false };
        task.started = true;
        task.waits = Waits::default();
        let delivered = task.cancellation.begin_step();
        let cell = task.cell.take();
        let waker = task.waker.take().expect("dacapo bug: a task is polled within its own poll");
        let aborted = task.aborted;
        self.current = Some(key);
        self.scope = None;
        self.current_waker = waker.data();
        Begun { cell, waker, aborted, delivered }
    }

    /// Puts a task back that is not done.
    pub(super) fn end_step(&mut self, key: TaskKey, cell: Option<BoxTask>, waker: Waker) {
        let task = self.tasks.get_mut(key.slot).expect("dacapo bug: a running task is gone");
        task.cell = cell;
        task.waker = Some(waker);
        task.awaits += 1;
        // Behind those that it woke itself, as in asyncio and tokio.
        let woken = matches!(task.state, State::Running { woken: true });
        task.state = if woken { State::Ready } else { State::Idle };
        let waits = task.waits.first;
        self.watch_step(key.id);
        if woken {
            self.get_in_line(key);
        } else {
            self.line.waits(key.id);
        }
        if waits[0].is_none() {
            let on = if woken { Wait::Turn } else { Wait::Other };
            self.record(Event::Wait { task: key.id, on });
        }
        for Awaited { wait: on, .. } in waits.into_iter().flatten() {
            self.record(Event::Wait { task: key.id, on });
        }
    }

    pub(super) fn wait_on(&mut self, awaited: Awaited) {
        if let Some(task) = self.current.and_then(|key| self.task_mut(key)) {
            task.waits.push(awaited);
        }
        self.count_note();
    }

    pub(super) fn abort(&mut self, key: TaskKey) {
        let by = self.current.map(|key| key.id);
        let Some(task) = self.task_mut(key) else { return };
        if task.aborted || task.has_ended() {
            return;
        }
        task.aborted = true;
        self.record(Event::Abort { task: key.id, by });
        self.wake(key);
    }

    pub(super) fn record_cancel(&mut self, task: TaskKey) {
        let by = self.current.map(|key| key.id);
        self.record(Event::Cancel { task: task.id, by });
    }

    /// A task has ended in a step of its own.
    pub(super) fn end_last_step(&mut self, task: TaskId, how: Ending) {
        if !self.manners.take_told() {
            self.watch_step(task);
        }
        self.record_end(task, how);
    }

    pub(super) fn record_end(&mut self, task: TaskId, how: Ending) {
        self.record(Event::End { task, how });
    }

    // Wakers and timers.

    /// The task to wake for this waker, if it is the current task's own.
    pub(super) fn own_task(&self, waker: &Waker) -> Option<TaskKey> {
        self.current.filter(|_| std::ptr::eq(waker.data(), self.current_waker))
    }

    /// Moves the clock to the next deadline; `false` if there is none.
    pub(super) fn advance(&mut self) -> bool {
        let Some(next) = self.timers.next_deadline() else { return false };
        let to = if self.manners.is_on() { self.maybe_late(next) } else { next };
        self.now = to;
        self.record(Event::Advance { to });
        true
    }

    pub(super) fn set_timer(&mut self, deadline: Instant, wakee: Wakee) -> TimerKey {
        self.timers.insert(deadline, wakee)
    }
}
