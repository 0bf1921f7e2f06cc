//! The state of one execution: its tasks, its units, its log.

use std::any::Any;
use std::cell::{Cell, OnceCell, RefCell};
use std::collections::BTreeMap;
use std::future::Future;
use std::rc::Rc;

use dacapo::cancel::catch;
use dacapo::future::GroupClosed;
use dacapo::task::{JoinError, JoinHandle, Task};
use dacapo::time::Instant;
use futures::future::LocalBoxFuture;
use serde_json::{Value as Json, json};

use crate::gathering::Gathering;
use crate::objects::Object;
use crate::program::{Function, Name, Program};
use crate::value::{Exception, Kind, Value};

/// The result of a coroutine.
pub(crate) type Ending = Result<Value, Exception>;
pub(crate) type Coroutine = LocalBoxFuture<'static, Ending>;

/// What a task of the program runs. Its result goes into its job.
type TaskBody = LocalBoxFuture<'static, Result<(), Exception>>;

pub(crate) struct Machine {
    pub(crate) program: Rc<Program>,
    objects: BTreeMap<Name, Rc<Object>>,
    pub(crate) globals: RefCell<BTreeMap<Name, Value>>,
    /// All jobs so far, in the order in which they were created.
    jobs: RefCell<Vec<Rc<Job>>>,
    gatherings: RefCell<Vec<Rc<Gathering>>>,
    log: RefCell<Vec<Line>>,
    /// Cleared when the outcome has been taken, because destructors log nothing after that.
    open: Cell<bool>,
    /// When the program last did something.
    active: Cell<Instant>,
}

/// A named strand of execution.
pub(crate) struct Unit {
    pub(crate) name: Name,
    pub(crate) anonymous: bool,
    /// How many units it has begun.
    begun: Cell<usize>,
}

/// A task of the program. The library knows its state; this has its result.
pub(crate) struct Job {
    pub(crate) unit: Rc<Unit>,
    task: OnceCell<Task>,
    /// As long as this is kept, the library knows the task.
    handle: OnceCell<Box<dyn Any>>,
    ending: OnceCell<Ending>,
    /// When its body ended, and how many ended before.
    ended: OnceCell<(Instant, usize)>,
    /// Whether its error has been looked at, or will be once there is one.
    pub(crate) seen: Cell<bool>,
}

enum Line {
    Entry(Json),
    /// The end of a task. What it came to may be known only after its body has ended: with a request
    /// pending, the library makes a cancellation of it.
    End {
        ms: u64,
        job: Rc<Job>,
    },
}

/// What a task of the program panics with when it fails: the number of the job, which has the error.
pub(crate) struct Failed(pub(crate) usize);

impl Machine {
    pub(crate) fn new(program: &Rc<Program>) -> Rc<Self> {
        Rc::new(Self {
            program: Rc::clone(program),
            objects: Object::declared(&program.objects),
            globals: RefCell::default(),
            jobs: RefCell::default(),
            gatherings: RefCell::default(),
            log: RefCell::default(),
            open: Cell::new(true),
            active: Cell::new(Instant::START),
        })
    }

    #[track_caller]
    pub(crate) fn object(&self, name: &str) -> Rc<Object> {
        Rc::clone(self.objects.get(name).expect("a valid program declares its objects"))
    }

    #[track_caller]
    pub(crate) fn function(&self, name: &str) -> Rc<Function> {
        Rc::clone(self.program.functions.get(name).expect("a valid program calls what it has"))
    }

    pub(crate) fn jobs(&self) -> Vec<Rc<Job>> {
        self.jobs.borrow().clone()
    }

    pub(crate) fn current_job(&self) -> Rc<Job> {
        self.job_of(dacapo::task::current())
    }

    pub(crate) fn job_of(&self, task: Task) -> Rc<Job> {
        let jobs = self.jobs.borrow();
        let job = jobs.iter().rev().find(|job| job.task() == task);
        Rc::clone(job.expect("every task of a program has a job"))
    }

    /// Creates a task with `spawn`, which may refuse it.
    pub(crate) fn try_spawn<T: 'static>(
        self: &Rc<Self>,
        unit: Rc<Unit>,
        body: Coroutine,
        spawn: impl FnOnce(&str, TaskBody) -> Result<JoinHandle<T>, GroupClosed>,
    ) -> Result<Rc<Job>, Exception> {
        let number = self.jobs.borrow().len();
        let job = Rc::new(Job {
            unit,
            task: OnceCell::new(),
            handle: OnceCell::new(),
            ending: OnceCell::new(),
            ended: OnceCell::new(),
            seen: Cell::new(false),
        });
        let end = AtEnd { machine: Rc::clone(self), job: Rc::clone(&job) };
        let task = async move {
            end.machine.touch();
            let ending = body.await;
            let cancelled = match &ending {
                Err(exception) if exception.is_cancelled() => Some(exception.to_cancelled()),
                _ => None,
            };
            let failed = ending.is_err();
            let _ = end.job.ending.set(ending);
            drop(end);
            match cancelled {
                Some(cancelled) => match cancelled.raise().await {},
                None if failed => std::panic::resume_unwind(Box::new(Failed(number))),
                None => Ok(()),
            }
        };
        let handle = spawn(&job.unit.name, Box::pin(task));
        let handle = handle.map_err(|GroupClosed { .. }| Exception::new(Kind::RuntimeError))?;
        let _ = job.task.set(handle.task());
        let _ = job.handle.set(Box::new(handle));
        self.jobs.borrow_mut().push(Rc::clone(&job));
        Ok(job)
    }

    pub(crate) fn spawn(self: &Rc<Self>, unit: Rc<Unit>, body: Coroutine) -> Rc<Job> {
        let spawn = |name: &str, task| Ok(dacapo::task::spawn_named(name, task));
        self.try_spawn(unit, body, spawn).expect("only a group refuses")
    }

    /// A new gather of these tasks that wants their errors as values.
    pub(crate) fn errors_wanted(&self, children: &[Rc<Job>]) -> Rc<Gathering> {
        let gathering = Rc::new(Gathering::new(children));
        self.gatherings.borrow_mut().push(Rc::clone(&gathering));
        gathering
    }

    /// The errors that were never looked at, sorted by unit.
    pub(crate) fn unretrieved(&self) -> Json {
        self.gatherings.borrow().iter().for_each(|gathering| gathering.look());
        let mut jobs = self.jobs();
        jobs.retain(|job| !job.unit.anonymous && !job.seen.get() && job.has_failed());
        jobs.sort_by(|a, b| a.unit.name.cmp(&b.unit.name));
        let line =
            |job: Rc<Job>| json!([&*job.unit.name, job.error().render(self.program.cancel_msg)]);
        jobs.into_iter().map(line).collect()
    }

    /// Awaits a future of the library. If it is cancelled there, that is a CancelledError.
    pub(crate) async fn wait<F: Future>(&self, future: F) -> Result<F::Output, Exception> {
        let caught = catch(future).await;
        self.touch();
        Ok(caught?)
    }

    fn touch(&self) {
        self.active.set(Instant::now());
    }

    pub(crate) fn log(&self, unit: &Unit, label: &str, value: &Value) {
        let value = value.render(self.program.cancel_msg);
        let line = json!([now(), &*unit.name, label, value]);
        self.log.borrow_mut().push(Line::Entry(line));
    }

    /// The finished log.
    pub(crate) fn close(&self) -> Json {
        self.open.set(false);
        let lines = self.log.take().into_iter().map(|line| match line {
            Line::Entry(json) => json,
            Line::End { ms, job } => {
                json!([ms, &*job.unit.name, "$end", job.render_ending(self.program.cancel_msg)])
            }
        });
        lines.collect()
    }

    /// The clock when the program last did something.
    pub(crate) fn last_active(&self) -> u64 {
        millis(self.active.get())
    }
}

impl Unit {
    pub(crate) fn main() -> Rc<Self> {
        Rc::new(Self { name: "main".into(), anonymous: false, begun: Cell::new(0) })
    }

    /// For a future that is a task only because the library gathers tasks.
    pub(crate) fn unnamed() -> Rc<Self> {
        Rc::new(Self { name: "unnamed".into(), anonymous: true, begun: Cell::new(0) })
    }

    /// A new unit below this one.
    pub(crate) fn begin(&self, label: &str, anonymous: bool) -> Rc<Self> {
        self.begun.set(self.begun.get() + 1);
        let name = format!("{}/{label}:{}", self.name, self.begun.get()).into();
        Rc::new(Self { name, anonymous, begun: Cell::new(0) })
    }
}

impl Job {
    pub(crate) fn task(&self) -> Task {
        *self.task.get().expect("a task is known once it is spawned")
    }

    /// Result, error or CancelledError, when the task has ended.
    pub(crate) fn outcome(&self) -> Ending {
        let task = self.task();
        if !task.is_finished() {
            return Err(Kind::InvalidStateError.into());
        }
        match self.ending.get() {
            Some(Err(exception)) if task.is_cancelled() && exception.is_cancelled() => {
                Err(exception.clone())
            }
            _ if task.is_cancelled() => Err(Kind::CancelledError.into()),
            Some(ending) if ending.is_err() == task.is_panicked() => ending.clone(),
            _ => panic!("{} has not ended as its body did", self.unit.name),
        }
    }

    /// As [`Job::outcome`], for a caller that knows from the library how the task ended.
    pub(crate) fn joined(&self, joined: Result<(), JoinError>) -> Ending {
        let outcome = self.outcome();
        let cancelled = joined.as_ref().is_err_and(JoinError::is_cancelled);
        assert_eq!(joined.is_ok(), outcome.is_ok(), "{}", self.unit.name);
        assert_eq!(cancelled, self.task().is_cancelled(), "{}", self.unit.name);
        outcome
    }

    /// Whether it has ended with an error; a CancelledError is none.
    pub(crate) fn has_failed(&self) -> bool {
        self.task().is_panicked()
    }

    /// The error with which it has ended.
    pub(crate) fn error(&self) -> Exception {
        match self.outcome() {
            Err(error) => error,
            Ok(_) => panic!("{} has not failed", self.unit.name),
        }
    }

    /// As [`Job::outcome`], and marks the error as seen.
    pub(crate) fn look(&self) -> Ending {
        self.seen.set(true);
        self.outcome()
    }

    pub(crate) fn ended(&self) -> Option<(Instant, usize)> {
        self.ended.get().copied()
    }

    pub(crate) fn render_ending(&self, cancel_msg: bool) -> Json {
        match self.outcome() {
            Ok(value) => json!({ "ok": value.render(cancel_msg) }),
            Err(exception) => {
                json!({ "err": exception.render(cancel_msg && !exception.is_cancelled()) })
            }
        }
    }
}

/// Notes the end of a task. Dropped with the task's future, so also if that is never polled.
struct AtEnd {
    machine: Rc<Machine>,
    job: Rc<Job>,
}

impl Drop for AtEnd {
    fn drop(&mut self) {
        let Self { machine, job } = self;
        // A group that refuses a task drops its future as well.
        if !machine.open.get() || job.task.get().is_none() {
            return;
        }
        machine.touch();
        machine.gatherings.borrow().iter().for_each(|gathering| gathering.ended(job));
        let ended = machine.jobs.borrow().iter().filter(|job| job.ended().is_some()).count();
        let _ = job.ended.set((Instant::now(), ended));
        if !job.unit.anonymous {
            let line = Line::End { ms: now(), job: Rc::clone(job) };
            machine.log.borrow_mut().push(line);
        }
    }
}

/// The clock, in milliseconds.
pub(crate) fn now() -> u64 {
    millis(Instant::now())
}

pub(crate) fn millis(instant: Instant) -> u64 {
    u64::try_from(instant.since_start().as_millis()).expect("no program runs that long")
}
