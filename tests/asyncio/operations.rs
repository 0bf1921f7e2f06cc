//! What can be awaited: the operations, and the operands of gather, shield and wait_for.

use std::cell::{Cell, RefCell};
use std::future::pending;
use std::rc::Rc;
use std::time::Duration;

use dacapo::future::{AsCompleted, WaitUntil, as_completed, shield, try_gather, wait};
use dacapo::task::{Task, yield_now};
use dacapo::time::{Elapsed, Instant, sleep, timeout_scope};

use crate::frame::Frame;
use crate::machine::{Coroutine, Ending, Job, Machine, Unit};
use crate::program::{Await, Call, ReturnWhen};
use crate::value::{Exception, Kind, Value};

/// An operand that has been evaluated.
enum Operand {
    Task(Rc<Job>),
    /// A gather or a shield: its tasks run already, and it need not be awaited.
    Future(Coroutine),
    Coroutine(Rc<Unit>, Coroutine),
}

/// The state of a loop over `as_completed`.
pub(crate) struct Completions {
    /// Taken while it is awaited.
    tasks: RefCell<Option<AsCompleted<Task>>>,
    deadline: Option<Instant>,
    expired: Cell<bool>,
}

impl Frame {
    /// Evaluates the fields of a node. The coroutine awaits it later.
    pub(crate) fn awaiting(self: &Rc<Self>, node: &Await) -> Result<Coroutine, Exception> {
        let machine = Rc::clone(&self.machine);
        let object = |name: &str| self.machine.object(name);
        Ok(match node {
            Await::Call(Call { function, args, .. }) => {
                self.machine.call(&self.unit, function, self.evaluate_all(args)?)
            }
            Await::Join { .. } | Await::Gather { .. } | Await::Shield { .. } => {
                self.operand(node, false)?.in_this_task(machine)
            }
            Await::Spread { .. } => panic!("the program is invalid: a spread outside of a gather"),
            Await::WaitFor { aw, ms } => {
                let operand = self.operand(aw, true)?;
                let ms = self.evaluate(ms)?.optional();
                Box::pin(wait_for(machine, operand, ms))
            }
            Await::Wait { tasks, return_when, ms } => {
                let tasks = self.evaluate(tasks)?.distinct_tasks();
                let ms = self.evaluate(ms)?.optional();
                Box::pin(wait_until(machine, tasks, *return_when, ms))
            }
            Await::Sleep { ms, value } => {
                let ms = self.evaluate(ms)?.integer();
                let value = self.evaluate(value)?;
                Box::pin(async move {
                    match u64::try_from(ms) {
                        Ok(0) | Err(_) => machine.wait(yield_now()).await?,
                        Ok(ms) => machine.wait(sleep(Duration::from_millis(ms))).await?,
                    }
                    Ok(value)
                })
            }
            Await::YieldNow {} => Box::pin(async move {
                machine.wait(yield_now()).await?;
                Ok(Value::Null)
            }),
            Await::Acquire { obj } => {
                let object = object(obj);
                Box::pin(async move { object.acquire(&machine).await })
            }
            Await::EventWait { obj } => {
                let object = object(obj);
                Box::pin(async move {
                    machine.wait(object.event().wait()).await?;
                    Ok(Value::Integer(1))
                })
            }
            Await::CondWait { obj } => {
                let object = object(obj);
                Box::pin(async move { object.condition_wait(&machine).await })
            }
            Await::CondWaitFor { obj, pred } => {
                let (object, pred, frame) = (object(obj), Rc::clone(pred), Rc::clone(self));
                Box::pin(async move {
                    loop {
                        let value = frame.evaluate(&pred)?;
                        if value.is_true() {
                            return Ok(value);
                        }
                        object.condition_wait(&machine).await?;
                    }
                })
            }
            Await::BarrierWait { obj } => {
                let object = object(obj);
                Box::pin(async move { object.barrier_wait(&machine).await })
            }
            Await::BarrierReset { obj } => {
                let object = object(obj);
                Box::pin(async move {
                    machine.wait(object.barrier().reset()).await?;
                    Ok(Value::Null)
                })
            }
            Await::BarrierAbort { obj } => {
                let object = object(obj);
                Box::pin(async move {
                    machine.wait(object.barrier().abort()).await?;
                    Ok(Value::Null)
                })
            }
            Await::QueueGet { obj } => {
                let object = object(obj);
                Box::pin(async move { object.get(&machine).await })
            }
            Await::QueuePut { obj, value } => {
                let (object, item) = (object(obj), self.evaluate(value)?);
                Box::pin(async move { object.put(&machine, item).await })
            }
            Await::QueueJoin { obj } => {
                let object = object(obj);
                Box::pin(async move { object.queue_join(&machine).await })
            }
        })
    }

    /// Evaluates an operand; a coroutine gets a unit of its own.
    fn operand(self: &Rc<Self>, node: &Await, anonymous: bool) -> Result<Operand, Exception> {
        Ok(match node {
            Await::Join { task } => Operand::Task(self.evaluate(task)?.task()),
            Await::Gather { aws, return_exceptions } => {
                let children = self.children(aws)?;
                Operand::Future(gather(&self.machine, children, *return_exceptions != 0))
            }
            Await::Shield { aw } => {
                let inner = self.operand(aw, false)?.spawned(&self.machine);
                Operand::Future(shielded(&self.machine, inner))
            }
            Await::Call(Call { function, args, name }) => {
                let arguments = self.evaluate_all(args)?;
                let unit = self.unit.begin(name.as_ref().unwrap_or(function), anonymous);
                let body = self.machine.call(&unit, function, arguments);
                Operand::Coroutine(unit, body)
            }
            other => {
                let body = self.awaiting(other)?;
                Operand::Coroutine(self.unit.begin(other.operation(), anonymous), body)
            }
        })
    }

    /// The children of a gather: all operands are evaluated before the first task is created.
    fn children(self: &Rc<Self>, nodes: &[Await]) -> Result<Vec<Rc<Job>>, Exception> {
        let mut operands = Vec::new();
        for node in nodes {
            if let Await::Spread { tasks } = node {
                let tasks = self.evaluate(tasks)?;
                operands.extend(tasks.list().iter().map(|task| Operand::Task(task.task())));
            } else {
                operands.push(self.operand(node, false)?);
            }
        }
        Ok(operands.into_iter().map(|operand| operand.spawned(&self.machine)).collect())
    }

    pub(crate) fn begin_completions(&self, jobs: &[Rc<Job>], deadline: Option<Instant>) {
        let tasks = as_completed(jobs.iter().map(|job| job.task()));
        self.completions.borrow_mut().push(Rc::new(Completions {
            tasks: RefCell::new(Some(tasks)),
            deadline,
            expired: Cell::new(false),
        }));
    }

    pub(crate) fn end_completions(&self) {
        self.completions.borrow_mut().pop();
    }

    /// The next task of the innermost loop over `as_completed`. Once its time is over, what ends is
    /// too late, even if this is asked for later still.
    pub(crate) async fn next_completed(&self) -> Ending {
        let completions = self.completions.borrow().last().cloned().expect("it is in such a loop");
        if completions.expired.get() {
            return Err(Kind::TimeoutError.into());
        }
        let mut tasks = completions.tasks.take().expect("a frame awaits one thing at a time");
        let next = timeout_scope(completions.deadline, async |_| tasks.next().await);
        let next = self.machine.wait(next).await;
        completions.tasks.replace(Some(tasks));
        if let Ok(task) = next? {
            let job = self.machine.job_of(task.expect("it is asked for as often"));
            let is_late = |deadline| job.ended().is_some_and(|(at, _)| at > deadline);
            if !completions.deadline.is_some_and(is_late) {
                return job.look();
            }
        }
        completions.expired.set(true);
        Err(Kind::TimeoutError.into())
    }
}

impl Operand {
    /// As a task: as the one it is, or as a new one.
    fn spawned(self, machine: &Rc<Machine>) -> Rc<Job> {
        match self {
            Self::Task(job) => job,
            Self::Coroutine(unit, body) => machine.spawn(unit, body),
            Self::Future(future) => machine.spawn(Unit::unnamed(), future),
        }
    }

    /// Awaited by the task that polls it.
    fn in_this_task(self, machine: Rc<Machine>) -> Coroutine {
        match self {
            Self::Task(job) => Box::pin(async move { join(&machine, &job).await }),
            Self::Coroutine(_, future) | Self::Future(future) => future,
        }
    }
}

async fn join(machine: &Machine, job: &Rc<Job>) -> Ending {
    let task = job.task();
    if task == dacapo::task::current() {
        return Err(Kind::RuntimeError.into());
    }
    let joined = machine.wait(task.join()).await;
    if task.is_finished() {
        job.seen.set(true);
    }
    job.joined(joined?)
}

fn gather(machine: &Rc<Machine>, jobs: Vec<Rc<Job>>, return_exceptions: bool) -> Coroutine {
    let machine = Rc::clone(machine);
    let tasks: Vec<_> = jobs.iter().map(|job| job.task()).collect();
    if return_exceptions {
        let gathered = dacapo::gather(&tasks);
        let gathering = machine.errors_wanted(&jobs);
        return Box::pin(async move {
            gathering.begin(machine.current_job());
            machine.wait(gathered).await?;
            let result = |job: &Rc<Job>| job.outcome().unwrap_or_else(Value::Exception);
            Ok(jobs.iter().map(result).collect())
        });
    }
    jobs.iter().for_each(|job| job.seen.set(true));
    let gathered = try_gather(&tasks);
    Box::pin(async move {
        if let Err(task) = machine.wait(gathered).await? {
            return Err(machine.job_of(task).error());
        }
        let result = |job: &Rc<Job>| job.outcome().expect("a gather ends with what fails");
        Ok(jobs.iter().map(result).collect())
    })
}

fn shielded(machine: &Rc<Machine>, job: Rc<Job>) -> Coroutine {
    let machine = Rc::clone(machine);
    let shielded = shield(job.task().join());
    Box::pin(async move {
        let ended = machine.wait(shielded).await;
        if job.task().is_finished() {
            job.seen.set(true);
        }
        job.joined(ended?)
    })
}

/// A coroutine as operand runs within the task that waits, as it does from Python 3.12 on.
async fn wait_for(machine: Rc<Machine>, operand: Operand, ms: Option<i64>) -> Ending {
    let Some(ms) = ms else { return operand.in_this_task(machine).await };
    let operand = match operand {
        Operand::Task(job) if ms <= 0 => return wait_for_no_time(&machine, &job).await,
        // It must not start, so a wait that only the deadline ends takes its place.
        Operand::Coroutine(..) if ms <= 0 => Box::pin(pending()),
        operand => operand.in_this_task(Rc::clone(&machine)),
    };
    let operand = async {
        match operand.await {
            Err(exception) if exception.is_cancelled() => {
                match exception.to_cancelled().raise().await {}
            }
            ending => ending,
        }
    };
    let duration = Duration::from_millis(ms.try_into().unwrap_or(0));
    match machine.wait(dacapo::time::wait_for(duration, operand)).await? {
        Ok(ending) => ending,
        Err(Elapsed { .. }) => Err(Kind::TimeoutError.into()),
    }
}

/// A task that has not ended by now is cancelled before it has another turn, and waited for.
async fn wait_for_no_time(machine: &Machine, job: &Rc<Job>) -> Ending {
    if !job.task().is_finished() {
        job.task().cancel();
        machine.wait(wait([job.task()])).await?;
        if job.task().is_cancelled() {
            return Err(Kind::TimeoutError.into());
        }
    }
    job.look()
}

async fn wait_until(
    machine: Rc<Machine>,
    jobs: Vec<Rc<Job>>,
    return_when: ReturnWhen,
    ms: Option<i64>,
) -> Ending {
    if jobs.is_empty() {
        return Err(Kind::ValueError.into());
    }
    let mut waiting = wait(jobs.iter().map(|job| job.task())).until(match return_when {
        ReturnWhen::FirstCompleted => WaitUntil::FirstCompleted,
        ReturnWhen::FirstException => WaitUntil::FirstException,
        ReturnWhen::AllCompleted => WaitUntil::AllCompleted,
    });
    if let Some(ms) = ms {
        waiting = waiting.timeout(Duration::from_millis(ms.try_into().unwrap_or(0)));
    }
    let ended = machine.wait(waiting).await;
    if return_when == ReturnWhen::FirstException {
        // It checks each task that ends while others run for an error.
        let mut ended: Vec<_> = jobs.iter().filter(|job| job.ended().is_some()).collect();
        ended.sort_by_key(|job| job.ended());
        if ended.len() == jobs.len() {
            ended.pop();
        }
        ended.iter().for_each(|job| job.seen.set(true));
    }
    let (done, pending) = ended?;
    let list = |tasks: Vec<Task>| -> Value {
        tasks.into_iter().map(|task| Value::Task(machine.job_of(task))).collect()
    };
    Ok([list(done), list(pending)].into_iter().collect())
}
