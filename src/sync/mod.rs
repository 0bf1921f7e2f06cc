//! Synchronization between tasks: asyncio's primitives, and tokio's semaphore.
//!
//! All of them are fair: they serve tasks in the order in which these began to wait. An operation that
//! need not wait completes at once, without giving other tasks a turn. If a waiter is dropped after it
//! was granted something, that goes to the next waiter.
//!
//! They work on any executor, inside and outside of a run. Inside a run, traces and reports name what a
//! task waits for. The primitives of other crates, such as `tokio::sync` (channels, `Notify`, `RwLock`,
//! …), `async-lock` and `futures`, run under dacapo unchanged. Reports only cannot say what a task waits
//! for in one of those.

mod barrier;
mod bounded_semaphore;
mod channel;
mod condition;
mod event;
mod faults;
mod lock;
mod queue;
mod resource;
mod semaphore;
mod store;
mod wait_queue;

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
