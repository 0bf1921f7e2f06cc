//! Synchronization between tasks, with the names and the behaviour of asyncio, and a semaphore with
//! the names of tokio.
//!
//! All are fair, and serve tasks in the order in which these began to wait. What can be had at once
//! is had without giving a turn away. Whoever is dropped while he waits hands on what was meant for
//! him, if he was given it already.
//!
//! These work outside of a run as well, on any executor. Inside one, a task that waits is reported
//! with what it waits for. The primitives of other crates, such as `tokio::sync`, `async-lock` and
//! `futures`, run under dacapo too; it only cannot say what a task waits for there.

mod barrier;
mod bounded_semaphore;
mod channel;
mod condition;
mod event;
mod faults;
mod line;
mod lock;
mod queue;
mod resource;
mod semaphore;
mod store;

pub use barrier::{Barrier, BrokenBarrierError};
pub use bounded_semaphore::{BoundedSemaphore, BoundedSemaphorePermit};
pub use condition::{Condition, NotLockedError};
pub use event::Event;
pub use lock::{Lock, LockGuard, ReleaseError};
pub use queue::{
    LifoQueue, PriorityQueue, PutError, Queue, QueueEmpty, QueueFull, QueueShutDown, TaskDoneError,
};
pub use semaphore::{
    Acquire, AcquireError, OwnedSemaphorePermit, Semaphore, SemaphorePermit, TryAcquireError,
};
