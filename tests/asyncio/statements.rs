//! Blocks of statements.

use std::rc::Rc;
use std::time::Duration;

use dacapo::future::{TaskError, TaskGroup, task_group};
use dacapo::time::{Elapsed, Instant, timeout_scope};
use futures::future::LocalBoxFuture;

use crate::frame::Frame;
use crate::machine::{Failed, now};
use crate::program::{Block, Call, Handler, Name, Operation, Statement};
use crate::value::{Exception, Kind, Value};

/// How a block ends: normally, or by leaving it.
pub(crate) type Flow = Result<(), Exit>;

pub(crate) enum Exit {
    Raise(Exception),
    Return(Value),
    Break,
    Continue,
    StopIteration,
}

impl From<Exception> for Exit {
    fn from(exception: Exception) -> Self {
        Self::Raise(exception)
    }
}

impl From<Kind> for Exit {
    fn from(kind: Kind) -> Self {
        Self::Raise(kind.into())
    }
}

/// Whether a loop goes on after a turn of its body that ended like this.
fn goes_on(flow: Flow) -> Result<bool, Exit> {
    match flow {
        Ok(()) | Err(Exit::Continue) => Ok(true),
        Err(Exit::Break) => Ok(false),
        Err(exit) => Err(exit),
    }
}

/// Awaits the body of a block of the library, which must see a CancelledError as a cancellation.
/// Everything else goes through it as a value.
async fn unwinding(body: impl Future<Output = Flow>) -> Flow {
    match body.await {
        Err(Exit::Raise(exception)) if exception.is_cancelled() => {
            match exception.to_cancelled().raise().await {}
        }
        flow => flow,
    }
}

impl Frame {
    pub(crate) fn block<'a>(self: &'a Rc<Self>, block: &'a Block) -> LocalBoxFuture<'a, Flow> {
        Box::pin(async move {
            for statement in block {
                self.execute(statement).await?;
            }
            Ok(())
        })
    }

    async fn execute(self: &Rc<Self>, Statement { bind, operation }: &Statement) -> Flow {
        let bind = bind.as_ref();
        match operation {
            Operation::Await(node) => {
                let value = self.awaiting(node)?.await?;
                self.bind(bind, value);
            }
            Operation::NextCompleted {} => {
                let value = self.next_completed().await?;
                self.bind(bind, value);
            }
            Operation::Yield { value } => self.yield_value(self.evaluate(value)?).await?,
            Operation::If { cond, then, otherwise } => {
                let branch = if self.evaluate(cond)?.is_true() { then } else { otherwise };
                self.block(branch).await?;
            }
            Operation::Repeat { n, var, body } => {
                for turn in 0..self.evaluate(n)?.integer() {
                    self.bind(var.as_ref(), Value::Integer(turn));
                    if !goes_on(self.block(body).await)? {
                        break;
                    }
                }
            }
            Operation::For { var, list, body } => {
                for item in self.evaluate(list)?.list() {
                    self.set(var, item.clone());
                    if !goes_on(self.block(body).await)? {
                        break;
                    }
                }
            }
            Operation::Try { body, handlers, otherwise, finally } => {
                let flow = self.protected(body, handlers, otherwise).await;
                self.block(finally).await?;
                flow?;
            }
            Operation::With { obj, body } => self.with(obj, bind, body).await?,
            Operation::Timeout { ms, at, body } => {
                let deadline = match at {
                    Some(at) => self.evaluate(at)?.optional().map(|at| instant(at, 0)),
                    None => self.evaluate(ms)?.optional().map(after),
                };
                self.timeout(deadline, bind, body).await?;
            }
            Operation::TaskGroup { body } => self.task_group(bind, body).await?,
            Operation::AsyncWith { enter, exit, args, body } => {
                self.async_with(enter, exit, self.evaluate_all(args)?, bind, body).await?;
            }
            Operation::AsyncFor { var, generator, args, body } => {
                self.async_for(var, generator, args, body).await?;
            }
            Operation::AsyncIter { var, next, args, body } => {
                self.async_iter(var, next, self.evaluate_all(args)?, body).await?;
            }
            Operation::AsCompleted { tasks, ms, body } => {
                let tasks = self.evaluate(tasks)?.distinct_tasks();
                let deadline = self.evaluate(ms)?.optional().map(after);
                let turns = tasks.len();
                self.begin_completions(&tasks, deadline);
                let flow = self.turns(turns, body).await;
                self.end_completions();
                flow?;
            }
            simple => {
                let value = self.execute_at_once(simple)?;
                self.bind(bind, value);
            }
        }
        Ok(())
    }

    /// The statements that never suspend, and what they give.
    fn execute_at_once(self: &Rc<Self>, operation: &Operation) -> Result<Value, Exit> {
        let object = |name: &str| self.machine.object(name);
        match operation {
            Operation::Log { label, value } => {
                let value = self.evaluate(value)?;
                self.machine.log(&self.unit, label, &value);
            }
            Operation::Set { var, value } => self.set(var, self.evaluate(value)?),
            Operation::Spawn(Call { function, args, name }) => {
                let arguments = self.evaluate_all(args)?;
                let unit = self.unit.begin(name.as_ref().unwrap_or(function), false);
                let body = self.machine.call(&unit, function, arguments);
                return Ok(Value::Task(self.machine.spawn(unit, body)));
            }
            Operation::TgSpawn { tg, function, args, name } => {
                let arguments = self.evaluate_all(args)?;
                let unit = self.unit.begin(name.as_ref().unwrap_or(function), false);
                let body = self.machine.call(&unit, function, arguments);
                let group = self.group(tg);
                let spawn = |name: &str, task| group.spawn_named(name, task);
                let task = self.machine.try_spawn(unit, body, spawn)?;
                task.seen.set(true);
                return Ok(Value::Task(task));
            }
            Operation::Cancel { task, msg } => {
                let job = self.evaluate(task)?.task();
                let requested = match self.evaluate(msg)? {
                    Value::Text(message) => job.task().cancel_with(&message),
                    _ => job.task().cancel(),
                };
                if !requested {
                    job.seen.set(true);
                }
                return Ok(Value::truth(requested));
            }
            Operation::Uncancel { task } => {
                let left = match task {
                    Some(task) => self.evaluate(task)?.task().task().uncancel(),
                    None => dacapo::cancel::uncancel(),
                };
                return Ok(Value::length(left));
            }
            Operation::Reschedule { scope, ms } => {
                let deadline = self.evaluate(ms)?.optional().map(after);
                let rescheduled = self.scope(scope).reschedule(deadline);
                rescheduled.map_err(|_| Kind::RuntimeError)?;
            }
            Operation::Release { obj } => object(obj).release()?,
            Operation::EventSet { obj } => object(obj).event().set(),
            Operation::EventClear { obj } => object(obj).event().clear(),
            Operation::Notify { obj, n } => {
                let n = n.as_ref().map_or(Ok(Value::Integer(1)), |n| self.evaluate(n))?;
                object(obj).notify(Some(n.count()))?;
            }
            Operation::NotifyAll { obj } => object(obj).notify(None)?,
            Operation::QueuePutNowait { obj, value } => {
                object(obj).put_nowait(self.evaluate(value)?)?;
            }
            Operation::QueueGetNowait { obj } => return Ok(object(obj).get_nowait()?),
            Operation::TaskDone { obj } => object(obj).task_done()?,
            Operation::Raise { kind, msg } => {
                let exception = match self.evaluate(msg)? {
                    Value::Text(message) => Exception::with_message(*kind, message),
                    _ => Exception::new(*kind),
                };
                return Err(exception.into());
            }
            Operation::Reraise {} => {
                let handled = self.handled.borrow();
                return Err(handled.last().expect("it is in a handler").clone().into());
            }
            Operation::RaiseValue { value } => {
                return Err(self.evaluate(value)?.exception().clone().into());
            }
            Operation::Return { value } => return Err(Exit::Return(self.evaluate(value)?)),
            Operation::StopIteration {} => return Err(Exit::StopIteration),
            Operation::Break {} => return Err(Exit::Break),
            Operation::Continue {} => return Err(Exit::Continue),
            other => unreachable!("{other:?} is executed above"),
        }
        Ok(Value::Null)
    }

    async fn turns(self: &Rc<Self>, n: usize, body: &Block) -> Flow {
        for _ in 0..n {
            if !goes_on(self.block(body).await)? {
                break;
            }
        }
        Ok(())
    }

    /// `try` without its `finally`.
    async fn protected(
        self: &Rc<Self>,
        body: &Block,
        handlers: &[Handler],
        otherwise: &Block,
    ) -> Flow {
        let exception = match self.block(body).await {
            Ok(()) => return self.block(otherwise).await,
            Err(Exit::Raise(exception)) => exception,
            Err(exit) => return Err(exit),
        };
        let Some(handler) = handlers.iter().find(|handler| exception.matches_any(&handler.kinds))
        else {
            return Err(exception.into());
        };
        self.bind(handler.bind.as_ref(), Value::Exception(exception.clone()));
        self.handled.borrow_mut().push(exception);
        let flow = self.block(&handler.body).await;
        self.handled.borrow_mut().pop();
        flow
    }

    async fn with(self: &Rc<Self>, name: &str, bind: Option<&Name>, body: &Block) -> Flow {
        let object = self.machine.object(name);
        if object.is_barrier() {
            let index = object.barrier_wait(&self.machine).await?;
            self.bind(bind, index);
            return self.block(body).await;
        }
        object.acquire(&self.machine).await?;
        self.bind(bind, Value::Null);
        let flow = self.block(body).await;
        object.release()?;
        flow
    }

    async fn timeout(
        self: &Rc<Self>,
        deadline: Option<Instant>,
        bind: Option<&Name>,
        body: &Block,
    ) -> Flow {
        let scope = timeout_scope(deadline, async |scope| {
            self.bind(bind, Value::Scope(scope.clone()));
            unwinding(self.block(body)).await
        });
        match self.machine.wait(scope).await? {
            Ok(flow) => flow,
            Err(Elapsed { .. }) => Err(Kind::TimeoutError.into()),
        }
    }

    async fn task_group(self: &Rc<Self>, bind: Option<&Name>, body: &Block) -> Flow {
        let group = task_group(async |group: &TaskGroup<Exception>| {
            self.bind(bind, Value::Group(group.clone()));
            match unwinding(self.block(body)).await {
                Err(Exit::Raise(exception)) => Err(exception),
                flow => Ok(flow),
            }
        });
        let errors = match self.machine.wait(group).await? {
            Ok(flow) => return flow,
            Err(errors) => errors.into_errors(),
        };
        let jobs = self.machine.jobs();
        let exception = |error| match error {
            TaskError::Error(exception) => exception,
            TaskError::Join(panic) => {
                let Failed(number) = *panic.into_panic().downcast().expect("it is a task of ours");
                jobs[number].error()
            }
        };
        Err(Exception::group(errors.into_iter().map(exception)).into())
    }

    async fn async_with(
        self: &Rc<Self>,
        enter: &str,
        exit: &str,
        mut arguments: Vec<Value>,
        bind: Option<&Name>,
        body: &Block,
    ) -> Flow {
        let entered = self.machine.call(&self.unit, enter, arguments.clone()).await?;
        self.bind(bind, entered);
        let flow = self.block(body).await;
        let (exception, raised) = match &flow {
            Err(Exit::Raise(exception)) => (Value::Exception(exception.clone()), true),
            _ => (Value::Null, false),
        };
        arguments.insert(0, exception);
        let swallow = self.machine.call(&self.unit, exit, arguments).await?.is_true();
        if raised && swallow { Ok(()) } else { flow }
    }

    async fn async_iter(
        self: &Rc<Self>,
        variable: &Name,
        next: &str,
        arguments: Vec<Value>,
        body: &Block,
    ) -> Flow {
        for index in 0.. {
            let arguments = [Value::Integer(index)].into_iter().chain(arguments.iter().cloned());
            match self.machine.activate(&self.unit, next, arguments.collect()).await {
                Exit::StopIteration => break,
                Exit::Return(value) => self.set(variable, value),
                exit => return Err(exit),
            }
            if !goes_on(self.block(body).await)? {
                break;
            }
        }
        Ok(())
    }
}

/// The instant `ms` milliseconds from now, or now if that is past.
fn after(ms: i64) -> Instant {
    instant(ms, now())
}

fn instant(ms: i64, from: u64) -> Instant {
    Instant::START + Duration::from_millis(from.saturating_add_signed(ms))
}
