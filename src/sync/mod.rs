//! Synchronization between tasks, with the names of `tokio::sync`.
//!
//! These work outside of a run as well, on any executor. Inside one, a task that waits is reported
//! with what it waits for. The primitives of other crates, such as `tokio::sync`, `async-lock` and
//! `futures`, run under dacapo too; it only cannot say what a task waits for there.

mod semaphore;

pub use semaphore::{
    Acquire, AcquireError, OwnedSemaphorePermit, Semaphore, SemaphorePermit, TryAcquireError,
};
