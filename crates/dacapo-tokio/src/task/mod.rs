//! tokio's tasks. In a run, they are tasks of dacapo.

mod abort_handle;
mod blocking;
mod id;
mod join_error;
mod join_handle;
pub mod join_set;
mod local;
mod spawn;
mod yield_now;

#[doc(no_inline)]
pub use tokio::task::*;

pub use abort_handle::AbortHandle;
pub use blocking::{block_in_place, spawn_blocking};
pub use id::{Id, id, try_id};
pub use join_error::JoinError;
pub use join_handle::JoinHandle;
pub use join_set::JoinSet;
pub use local::{LocalEnterGuard, LocalSet, spawn_local};
pub use spawn::spawn;
pub use yield_now::yield_now;

pub(crate) use blocking::spawn_blocking_at;
pub(crate) use spawn::spawn_at;
