//! One execution: tasks, the clock, and the loop that polls.
//!
//! This is the only module with thread-local state. The layers above reach the run that is going on
//! through [`with`]. Rule for everything in here: no code of the user (a poll, a destructor, a
//! foreign waker) is called while the core is borrowed, for it may call back.

mod cell;
mod core;
mod limits;
mod tasks;
mod timers;
mod unwind;
mod waker;

use std::any::Any;
use std::cell::{RefCell, RefMut};
use std::future::Future;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};

use self::cell::BoxTask;
use self::core::Core;
use self::tasks::{Ended, State};
pub(crate) use self::timers::TimerKey;
use self::unwind::{Catcher, Caught};
use self::waker::{Outside, TaskWaker};
pub(crate) use self::waker::{RunId, TaskKey, Wakee};
use crate::failure::{Blocked, Failure, Kind, Limit};
use crate::instant::Instant;
use crate::schedule::Schedule;
use crate::scheduler::{ChoiceKind, Scheduler};
use crate::trace::{Ending, TaskId, Trace, Wait};

pub(crate) use self::cell::boxed;
pub(crate) use self::limits::Limits;

struct Local {
    current: RefCell<Option<Rc<Runtime>>>,
    catcher: Catcher,
}

thread_local! {
    static LOCAL: Local =
        const { Local { current: RefCell::new(None), catcher: Catcher::new() } };
}

/// Calls `f` with the run that is going on in this thread.
///
/// # Panics
///
/// If there is none: `what` (a function's name) was called in the wrong place.
#[track_caller]
pub(crate) fn with<R>(what: &str, f: impl FnOnce(&Runtime) -> R) -> R {
    match try_current(f) {
        Some(result) => result,
        None => panic!(
            "dacapo: `{what}` needs a run, and there is none in this thread; call it inside \
             dacapo::run, dacapo::check or dacapo::explore, or in a #[dacapo::test]"
        ),
    }
}

/// Calls `f` if a run is going on in this thread.
pub(crate) fn try_current<R>(f: impl FnOnce(&Runtime) -> R) -> Option<R> {
    // No thread-local state is left when a thread's last destructors run.
    LOCAL.try_with(|local| local.current.borrow().as_deref().map(f)).ok()?
}

/// Calls `f` if this very run is going on in this thread.
pub(crate) fn try_with<R>(run: RunId, f: impl FnOnce(&Runtime) -> R) -> Option<R> {
    try_current(|runtime| (runtime.id == run).then(|| f(runtime)))?
}

fn schedule_so_far() -> Schedule {
    let schedule = try_current(|runtime| {
        let core = runtime.core.try_borrow().ok()?;
        Some(Schedule::new(core.answers().iter().copied()).with_seed(core.seed_used()))
    });
    schedule.flatten().unwrap_or_default()
}

/// Makes runs, one after another, in memory that it keeps.
pub(crate) struct Engine {
    /// Absent during a run, and after one in which the scheduler panicked.
    core: Option<Core>,
    limits: Limits,
}

/// What came out of a run.
pub(crate) struct Raw<T> {
    pub(crate) outcome: Result<T, Failure>,
    pub(crate) schedule: Schedule,
    pub(crate) elapsed: Instant,
    pub(crate) steps: usize,
    pub(crate) choices: usize,
}

impl Engine {
    pub(crate) fn new(limits: Limits) -> Self {
        unwind::install_hook();
        Self { core: None, limits }
    }

    /// Makes one run of `body`, with the answers of a scheduler that was prepared for it.
    #[track_caller]
    pub(crate) fn run<T>(
        &mut self,
        scheduler: Box<dyn Scheduler>,
        seed: u64,
        body: impl AsyncFnOnce() -> T,
    ) -> (Raw<T>, Box<dyn Scheduler>) {
        assert!(
            try_current(|_| ()).is_none(),
            "dacapo: a run inside a run; await the inner code, or spawn it as a task"
        );
        let mut core = self.core.take().unwrap_or_else(|| Core::new(self.limits));
        core.begin(scheduler, seed);
        let runtime = Rc::new(Runtime::new(core));

        let mut output = None;
        let failure = {
            let _entered = Entered::new(&runtime);
            // The body is called in the first poll, so that it may spawn, and may panic.
            let mut main = pin!(Some(async { body().await }));
            let mut poll_main = |cx: &mut Context<'_>| {
                let main = main.as_mut().as_pin_mut();
                main.expect("dacapo bug: main is polled after its end").poll(cx).map(|value| {
                    output = Some(value);
                })
            };
            let failure = runtime.drive(&mut poll_main);
            let dropped = runtime.catch(|| main.set(None));
            let dropped = dropped.err().map(|caught| runtime.panic_of(TaskId::MAIN, &caught));
            // In this order, the cause comes before its consequences.
            failure.or(dropped).or(runtime.shut_down())
        };
        let runtime = Rc::into_inner(runtime).expect("dacapo bug: the runtime outlives its run");
        let mut core = runtime.core.into_inner();

        let outcome = match (failure, output) {
            (None, Some(output)) => Ok(output),
            (Some(kind), _) => Err(Failure::new(kind)),
            (None, None) => unreachable!("dacapo bug: main ended without output or failure"),
        };
        match &outcome {
            Ok(_) => core.trace.hash_bytes(b"ok"),
            Err(failure) => core.trace.hash_bytes(failure.to_string().as_bytes()),
        }
        let raw = Raw {
            outcome,
            schedule: Schedule::new(core.answers().iter().copied()).with_seed(core.seed_used()),
            elapsed: core.now,
            steps: core.steps,
            choices: core.answers().len(),
        };
        let scheduler = core.scheduler.take().expect("dacapo bug: the scheduler is gone");
        self.core = Some(core);
        (raw, scheduler)
    }

    /// The trace of the last run, which the next one overwrites.
    pub(crate) fn trace_mut(&mut self) -> &mut Trace {
        &mut self.core.get_or_insert_with(|| Core::new(self.limits)).trace
    }
}

/// Makes a run the one that is going on in this thread, until it is dropped.
struct Entered<'a>(&'a Runtime);

impl<'a> Entered<'a> {
    fn new(runtime: &'a Rc<Runtime>) -> Self {
        LOCAL.with(|local| *local.current.borrow_mut() = Some(Rc::clone(runtime)));
        Self(runtime)
    }
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        self.0.outside.end();
        LOCAL.with(|local| local.current.take());
    }
}

/// A run.
pub(crate) struct Runtime {
    id: RunId,
    core: RefCell<Core>,
    outside: Arc<Outside>,
}

impl Runtime {
    fn new(core: Core) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let id = NEXT.fetch_add(1, Ordering::Relaxed);
        let runtime = Self { id, core: RefCell::new(core), outside: Arc::default() };
        let main = runtime.add_task(None, None);
        main.expect("dacapo: Builder::max_tasks must be 1 or more");
        runtime
    }

    fn core(&self) -> RefMut<'_, Core> {
        self.core.try_borrow_mut().unwrap_or_else(|_| {
            panic!(
                "dacapo: a scheduler called back into the run that it schedules; it may look at \
                 nothing but the Choice that it is given"
            )
        })
    }

    fn catch<R>(&self, f: impl FnOnce() -> R) -> Result<R, Caught> {
        LOCAL.with(|local| local.catcher.catch(f))
    }

    // The loop.

    /// Polls tasks until main has ended; returns what went wrong.
    fn drive(&self, main: &mut dyn FnMut(&mut Context<'_>) -> Poll<()>) -> Option<Kind> {
        loop {
            if let Some(task) = self.outside.first_woken() {
                let task = self.core().trace.names().get(task).to_string();
                return Some(Kind::ForeignWake { task });
            }
            let mut core = self.core();
            if core.failure.is_some() {
                return core.failure.take();
            }
            if core.steps >= core.limits.max_steps {
                return Some(self::step_limit(&core));
            }
            let Some(key) = core.next_task() else {
                if core.advance() {
                    drop(core);
                    self.fire_timers();
                    continue;
                }
                return Some(self::stuck(&core));
            };
            let (cell, waker, aborted) = core.begin_step(key);
            drop(core);
            if let Some(ended) = self.step(key, cell, waker, aborted, main) {
                let failed = self.end_task(key, ended);
                // What went wrong within the poll came before what it ended with.
                let failed = self.core().failure.take().or(failed);
                if key.id == TaskId::MAIN || failed.is_some() {
                    return failed;
                }
            }
        }
    }

    /// Polls a task once; returns how it ended, if it did.
    fn step(
        &self,
        key: TaskKey,
        mut cell: Option<BoxTask>,
        waker: Waker,
        aborted: bool,
        main: &mut dyn FnMut(&mut Context<'_>) -> Poll<()>,
    ) -> Option<Ended> {
        if !aborted {
            let mut cx = Context::from_waker(&waker);
            let polled = match cell.as_mut() {
                Some(cell) => self.catch(|| cell.as_mut().poll(&mut cx)),
                None => self.catch(|| main(&mut cx)),
            };
            match polled {
                Ok(Poll::Ready(())) => {
                    if let Some(task) = self.core().task_mut(key) {
                        task.cell = cell;
                    }
                    return Some(Ended::Returned);
                }
                Ok(Poll::Pending) => {
                    let mut core = self.core();
                    if !core.task(key).is_some_and(|task| task.aborted) {
                        core.end_step(key, cell, waker);
                        return None;
                    }
                }
                Err(caught) => {
                    // What the panic left of it may panic once more, which adds nothing.
                    drop(self.catch(|| drop(cell)));
                    return Some(Ended::Panicked(caught));
                }
            }
        }
        match self.catch(|| drop(cell)) {
            Ok(()) => Some(Ended::Cancelled),
            Err(caught) => Some(Ended::Panicked(caught)),
        }
    }

    /// Wakes everybody whose time has come, in the order in which the timers were set.
    fn fire_timers(&self) {
        loop {
            let mut core = self.core();
            let now = core.now;
            match core.timers.pop_due(now) {
                None => return,
                Some(Wakee::Task(key)) => core.wake(key),
                Some(Wakee::Waker(waker)) => {
                    drop(core);
                    self.catch_foreign(|| waker.wake());
                }
            }
        }
    }

    /// Runs a waker that some other crate made. Its panic fails the run.
    fn catch_foreign(&self, f: impl FnOnce()) {
        if let Err(caught) = self.catch(f) {
            let task = self.core().current.map_or(TaskId::MAIN, |key| key.id);
            let kind = self.panic_of(task, &caught);
            self.core().failure.get_or_insert(kind);
        }
    }

    fn panic_of(&self, task: TaskId, caught: &Caught) -> Kind {
        let task = self.core().trace.names().get(task).to_string();
        let note = caught.note.clone();
        Kind::Panic { task, message: note.message, location: note.location }
    }

    /// Records that a task has ended and tells whoever awaits it. Returns the panic, if nobody is
    /// left who could see it.
    fn end_task(&self, key: TaskKey, ended: Ended) -> Option<Kind> {
        let how = match &ended {
            Ended::Returned => Ending::Returned,
            Ended::Cancelled => Ending::Cancelled,
            Ended::Panicked(_) => Ending::Panicked,
        };
        let mut core = self.core();
        core.record_end(key.id, how);
        let task = core.task_mut(key).expect("dacapo bug: a task that ends is gone");
        task.state = State::Ended(ended);
        let detached = task.detached || key.id == TaskId::MAIN;
        let joiner = task.joiner.take();
        let foreign = match joiner {
            Some(Wakee::Task(joiner)) => {
                core.wake(joiner);
                None
            }
            Some(Wakee::Waker(waker)) => Some(waker),
            None => None,
        };
        drop(core);
        if let Some(waker) = foreign {
            self.catch_foreign(|| waker.wake());
        }
        let failed = if detached { self.discard(key) } else { None };
        self.core().current = None;
        failed
    }

    /// Drops a task that nobody awaits; returns what it panicked with, if it did.
    fn discard(&self, key: TaskKey) -> Option<Kind> {
        // It keeps its place meanwhile: its destructors may spawn, and then it is the parent.
        let cell = self.core().task_mut(key)?.cell.take();
        let dropped = self.catch(|| drop(cell)).err().map(|caught| self.panic_of(key.id, &caught));
        let task = self.core().remove_task(key)?;
        match &task.state {
            State::Ended(Ended::Panicked(caught)) => Some(self.panic_of(key.id, caught)),
            _ => dropped,
        }
    }

    /// Ends a run whose main task is gone: drops what is left, in the order of spawning. Returns the
    /// first panic that nobody awaited.
    fn shut_down(&self) -> Option<Kind> {
        let mut failure = self.core().failure.take();
        // Destructors may spawn, so it takes as many rounds as they like, up to the limit.
        loop {
            let mut left: Vec<TaskKey> = {
                let core = self.core();
                let keys = core.tasks.iter().map(|(slot, task)| TaskKey { slot, id: task.id });
                keys.collect()
            };
            if left.is_empty() {
                return failure.or_else(|| self.core().failure.take());
            }
            left.sort_unstable_by_key(|key| key.id);
            for key in left {
                let lost = self.drop_task(key);
                failure = failure.or_else(|| self.core().failure.take()).or(lost);
            }
        }
    }

    fn drop_task(&self, key: TaskKey) -> Option<Kind> {
        let mut core = self.core();
        let task = core.task_mut(key)?;
        let ended = task.has_ended();
        if !ended {
            task.state = State::Ended(Ended::Cancelled);
            core.steps += 1;
        }
        core.current = Some(key);
        drop(core);
        let failed = self.discard(key);
        let mut core = self.core();
        core.current = None;
        if !ended {
            let how = if failed.is_some() { Ending::Panicked } else { Ending::Dropped };
            core.record_end(key.id, how);
        }
        failed
    }

    // What the layers above ask for.

    pub(crate) fn id(&self) -> RunId {
        self.id
    }

    pub(crate) fn now(&self) -> Instant {
        self.core().now
    }

    /// Adds a task. The main one has no cell.
    fn add_task(&self, name: Option<&str>, cell: Option<BoxTask>) -> Result<TaskKey, Failure> {
        let mut core = self.core();
        let id = match core.name_task(name) {
            Ok(id) => id,
            Err(limit) => {
                // Dropping it could run a destructor that spawns one just like it, and so on.
                std::mem::forget(cell);
                return Err(Failure::new(limit));
            }
        };
        let task = TaskKey { slot: core.next_slot(), id };
        let outside = Arc::clone(&self.outside);
        let waker = Waker::from(Arc::new(TaskWaker { run: self.id, task, outside }));
        core.add_task(id, cell, waker);
        Ok(task)
    }

    /// Adds a task, or returns the limit that forbids it, which the caller is to panic with.
    pub(crate) fn spawn(&self, name: Option<&str>, task: BoxTask) -> Result<TaskKey, Failure> {
        self.add_task(name, Some(task))
    }

    pub(crate) fn wake(&self, task: TaskKey) {
        self.core().wake(task);
    }

    pub(crate) fn abort(&self, task: TaskKey) {
        self.core().abort(task);
    }

    pub(crate) fn has_ended(&self, task: TaskKey) -> bool {
        self.core().task(task).is_none_or(tasks::Task::has_ended)
    }

    pub(crate) fn current_task(&self) -> Option<TaskKey> {
        self.core().current
    }

    pub(crate) fn name(&self, task: TaskId) -> String {
        self.core().trace.names().get(task).to_string()
    }

    /// Whom to wake for this waker, later.
    pub(crate) fn wakee(&self, waker: &Waker) -> Wakee {
        let own = self.core().own_task(waker);
        own.map_or_else(|| Wakee::Waker(waker.clone()), Wakee::Task)
    }

    /// Notes what the current task waits for, should this poll not complete it.
    pub(crate) fn wait_on(&self, wait: Wait) {
        self.core().wait_on(wait);
    }

    pub(crate) fn woken_more_than_once(&self) -> bool {
        self.core().woken_more_than_once()
    }

    pub(crate) fn next_resource(&self) -> u32 {
        self.core().next_resource()
    }

    pub(crate) fn choose(&self, kind: ChoiceKind, options: usize) -> usize {
        self.core().choose(kind, options)
    }

    pub(crate) fn draw<R>(&self, f: impl FnOnce(&mut crate::rng::Stream) -> R) -> R {
        f(self.core().data())
    }

    /// Takes the outcome of a task that has ended, or sees to it that its end wakes `wakee`.
    pub(crate) fn join(&self, key: TaskKey, wakee: Wakee) -> Poll<Joined> {
        let mut core = self.core();
        let task = core.task_mut(key).expect("dacapo bug: a task with a handle is gone");
        if !task.has_ended() {
            let previous = task.joiner.replace(wakee);
            core.wait_on(Wait::Task(key.id));
            drop(core);
            drop(previous);
            return Poll::Pending;
        }
        let task = core.remove_task(key).expect("dacapo bug: a task with a handle is gone");
        drop(core);
        Poll::Ready(match task.state {
            State::Ended(Ended::Returned) => Joined::Returned(Output(task.cell)),
            State::Ended(Ended::Panicked(caught)) => {
                Joined::Panicked { payload: caught.payload, message: caught.note.message }
            }
            _ => Joined::Cancelled,
        })
    }

    /// Lets a task go on alone. What is returned is to be dropped by the caller.
    pub(crate) fn detach(&self, key: TaskKey) -> Option<Output> {
        let mut core = self.core();
        let task = core.task_mut(key)?;
        task.detached = true;
        if !task.has_ended() {
            return None;
        }
        let mut task = core.remove_task(key)?;
        drop(core);
        if let State::Ended(Ended::Panicked(caught)) = &task.state {
            let kind = self.panic_of(key.id, caught);
            self.core().failure.get_or_insert(kind);
        }
        Some(Output(task.cell.take()))
    }

    pub(crate) fn set_timer(&self, deadline: Instant, wakee: Wakee) -> TimerKey {
        self.core().set_timer(deadline, wakee)
    }

    /// Has a timer wake someone else; `false` if it has fired.
    pub(crate) fn update_timer(&self, timer: TimerKey, wakee: Wakee) -> bool {
        let mut core = self.core();
        let Some(place) = core.timers.wakee_mut(timer) else { return false };
        let previous = std::mem::replace(place, wakee);
        drop(core);
        drop(previous);
        true
    }

    pub(crate) fn cancel_timer(&self, timer: TimerKey) {
        let removed = self.core().timers.remove(timer);
        drop(removed);
    }
}

/// How an awaited task ended.
pub(crate) enum Joined {
    Returned(Output),
    Cancelled,
    Panicked { payload: Box<dyn Any + Send>, message: String },
}

/// What a task left behind.
pub(crate) struct Output(Option<BoxTask>);

impl Output {
    pub(crate) fn take<T: 'static>(self) -> T {
        let mut place: Option<T> = None;
        if let Some(mut cell) = self.0 {
            cell.as_mut().take_output(&mut place);
        }
        place.expect("dacapo bug: the output of a task was taken twice")
    }
}

fn step_limit(core: &Core) -> Kind {
    let last = core.trace.events().filter_map(|(_, event)| match event {
        crate::trace::Event::Poll { task } => Some(*task),
        _ => None,
    });
    let task = core.trace.names().get(last.last().unwrap_or(TaskId::MAIN)).to_string();
    Kind::Limit { limit: Limit::Steps, value: core.limits.max_steps, task }
}

fn stuck(core: &Core) -> Kind {
    let mut tasks: Vec<_> = core.tasks.iter().map(|(_, task)| task).collect();
    tasks.retain(|task| !task.has_ended());
    tasks.sort_unstable_by_key(|task| task.id);
    let blocked = tasks.into_iter().map(|task| {
        let waits = task.waits.first.iter().flatten();
        let mut waits: Vec<_> = waits.map(|&wait| core.trace.describe_wait(wait)).collect();
        if task.waits.more > 0 {
            let plural = if task.waits.more == 1 { "" } else { "s" };
            waits.push(format!("for {} more thing{plural}", task.waits.more));
        }
        Blocked { task: core.trace.names().get(task.id).to_string(), waits }
    });
    Kind::Stuck { blocked: blocked.collect() }
}
