//! The primitives of a program: the library's, under their names in the language.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use dacapo::sync::{
    Barrier, BoundedSemaphore, Condition, Event, LifoQueue, Lock, PriorityQueue, Queue, Semaphore,
};

use crate::machine::{Ending, Machine};
use crate::program::{Declaration, Name};
use crate::value::{Exception, Kind, Ranked, Value};

pub(crate) enum Object {
    Lock(Arc<Lock>),
    Event(Event),
    Semaphore(Semaphore),
    BoundedSemaphore(BoundedSemaphore),
    Condition(Condition),
    Barrier(Barrier),
    Queue(Queue<Value>),
    PriorityQueue(PriorityQueue<Ranked>),
    LifoQueue(LifoQueue<Value>),
}

/// The same call for each of the three kinds of queues.
macro_rules! queue {
    ($object:expr, $queue:ident => $call:expr) => {
        match $object {
            Self::Queue($queue) => $call,
            Self::PriorityQueue($queue) => $call,
            Self::LifoQueue($queue) => $call,
            _ => invalid(),
        }
    };
}

impl Object {
    pub(crate) fn declared(declarations: &BTreeMap<Name, Declaration>) -> BTreeMap<Name, Rc<Self>> {
        let mut locks = BTreeMap::new();
        for (name, declaration) in declarations {
            if let Declaration::Lock {} = declaration {
                locks.insert(Name::clone(name), Arc::new(Lock::new()));
            }
        }
        let make = |(name, declaration): (&Name, &Declaration)| {
            let object = match declaration {
                Declaration::Lock {} => Self::Lock(Arc::clone(&locks[name])),
                Declaration::Event {} => Self::Event(Event::new()),
                Declaration::Semaphore { value } => Self::Semaphore(Semaphore::new(*value)),
                Declaration::BoundedSemaphore { value } => {
                    Self::BoundedSemaphore(BoundedSemaphore::new(*value))
                }
                Declaration::Condition { lock: None } => Self::Condition(Condition::new()),
                Declaration::Condition { lock: Some(lock) } => {
                    Self::Condition(Condition::with_lock(Arc::clone(&locks[lock])))
                }
                Declaration::Barrier { parties } => Self::Barrier(Barrier::new(*parties)),
                Declaration::Queue { maxsize } => Self::Queue(Queue::new(*maxsize)),
                Declaration::PriorityQueue { maxsize } => {
                    Self::PriorityQueue(PriorityQueue::new(*maxsize))
                }
                Declaration::LifoQueue { maxsize } => Self::LifoQueue(LifoQueue::new(*maxsize)),
            };
            (Name::clone(name), Rc::new(object))
        };
        declarations.iter().map(make).collect()
    }

    pub(crate) async fn acquire(&self, machine: &Machine) -> Ending {
        match self {
            Self::Lock(lock) => machine.wait(lock.acquire()).await?,
            Self::Semaphore(semaphore) => {
                let permit = machine.wait(semaphore.acquire()).await?;
                permit.expect("no program closes a semaphore").forget();
            }
            Self::BoundedSemaphore(semaphore) => machine.wait(semaphore.acquire()).await?.forget(),
            Self::Condition(condition) => machine.wait(condition.acquire()).await?,
            _ => invalid(),
        }
        Ok(Value::Integer(1))
    }

    pub(crate) fn release(&self) -> Result<(), Exception> {
        match self {
            Self::Lock(lock) => lock.release().map_err(|_| Kind::RuntimeError.into()),
            Self::Semaphore(semaphore) => {
                semaphore.add_permits(1);
                Ok(())
            }
            Self::BoundedSemaphore(semaphore) => {
                semaphore.release().map_err(|_| Kind::ValueError.into())
            }
            Self::Condition(condition) => {
                condition.release().map_err(|_| Kind::RuntimeError.into())
            }
            _ => invalid(),
        }
    }

    pub(crate) fn is_locked(&self) -> bool {
        match self {
            Self::Lock(lock) => lock.is_locked(),
            Self::Semaphore(semaphore) => semaphore.is_locked(),
            Self::BoundedSemaphore(semaphore) => semaphore.is_locked(),
            Self::Condition(condition) => condition.is_locked(),
            _ => invalid(),
        }
    }

    pub(crate) fn event(&self) -> &Event {
        match self {
            Self::Event(event) => event,
            _ => invalid(),
        }
    }

    pub(crate) fn is_barrier(&self) -> bool {
        matches!(self, Self::Barrier(_))
    }

    pub(crate) fn barrier(&self) -> &Barrier {
        match self {
            Self::Barrier(barrier) => barrier,
            _ => invalid(),
        }
    }

    pub(crate) async fn barrier_wait(&self, machine: &Machine) -> Ending {
        match machine.wait(self.barrier().wait()).await? {
            Ok(index) => Ok(Value::Integer(i64::try_from(index).expect("there are few parties"))),
            Err(_) => Err(Kind::BrokenBarrierError.into()),
        }
    }

    /// Waits to be notified once.
    pub(crate) async fn condition_wait(&self, machine: &Machine) -> Ending {
        let Self::Condition(condition) = self else { invalid() };
        match machine.wait(condition.wait_locked()).await? {
            Ok(()) => Ok(Value::Integer(1)),
            Err(_) => Err(Kind::RuntimeError.into()),
        }
    }

    /// Wakes `n` waiters, or all.
    pub(crate) fn notify(&self, n: Option<usize>) -> Result<(), Exception> {
        let Self::Condition(condition) = self else { invalid() };
        let notified = match n {
            Some(n) => condition.notify(n),
            None => condition.notify_all(),
        };
        notified.map_err(|_| Kind::RuntimeError.into())
    }

    pub(crate) async fn put(&self, machine: &Machine, item: Value) -> Ending {
        let put = match self {
            Self::Queue(queue) => machine.wait(queue.put(item)).await?.is_ok(),
            Self::PriorityQueue(queue) => machine.wait(queue.put(Ranked(item))).await?.is_ok(),
            Self::LifoQueue(queue) => machine.wait(queue.put(item)).await?.is_ok(),
            _ => invalid(),
        };
        assert!(put, "no program shuts a queue down");
        Ok(Value::Null)
    }

    pub(crate) fn put_nowait(&self, item: Value) -> Result<(), Exception> {
        let put = match self {
            Self::Queue(queue) => queue.put_nowait(item).is_ok(),
            Self::PriorityQueue(queue) => queue.put_nowait(Ranked(item)).is_ok(),
            Self::LifoQueue(queue) => queue.put_nowait(item).is_ok(),
            _ => invalid(),
        };
        if put { Ok(()) } else { Err(Kind::QueueFull.into()) }
    }

    pub(crate) async fn get(&self, machine: &Machine) -> Ending {
        let item = match self {
            Self::Queue(queue) => machine.wait(queue.get()).await?.ok(),
            Self::PriorityQueue(queue) => {
                machine.wait(queue.get()).await?.ok().map(|Ranked(item)| item)
            }
            Self::LifoQueue(queue) => machine.wait(queue.get()).await?.ok(),
            _ => invalid(),
        };
        Ok(item.expect("no program shuts a queue down"))
    }

    pub(crate) fn get_nowait(&self) -> Ending {
        let item = match self {
            Self::Queue(queue) => queue.get_nowait().ok(),
            Self::PriorityQueue(queue) => queue.get_nowait().ok().map(|Ranked(item)| item),
            Self::LifoQueue(queue) => queue.get_nowait().ok(),
            _ => invalid(),
        };
        item.ok_or_else(|| Kind::QueueEmpty.into())
    }

    pub(crate) async fn queue_join(&self, machine: &Machine) -> Ending {
        queue!(self, queue => machine.wait(queue.join()).await?);
        Ok(Value::Null)
    }

    pub(crate) fn task_done(&self) -> Result<(), Exception> {
        queue!(self, queue => queue.task_done().map_err(|_| Kind::ValueError.into()))
    }

    pub(crate) fn queue_len(&self) -> usize {
        queue!(self, queue => queue.len())
    }

    pub(crate) fn queue_is_full(&self) -> bool {
        queue!(self, queue => queue.is_full())
    }
}

#[track_caller]
fn invalid() -> ! {
    panic!("the program is invalid: it asks of an object what that cannot do")
}
