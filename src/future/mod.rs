//! Several futures at once.

mod as_completed;
mod catch_unwind;
mod ends;
mod gather;
mod gatherable;
mod gathering;
mod join;
mod select;
mod shield;
mod task_group;
mod wait;
mod with_resource;

pub use as_completed::{AsCompleted, AsCompletedTimeout, as_completed};
pub use gather::{Gather, TryGather, gather, try_gather};
pub use join::{Join, join};
#[doc(hidden)]
pub use select::{Branch, Select};
#[doc(hidden)]
pub use shield::Joinable;
pub use shield::{Shield, shield};
pub use task_group::{GroupClosed, GroupError, TaskError, TaskGroup, task_group};
pub use wait::{Wait, WaitUntil, wait};
pub use with_resource::{Exit, with_resource};
