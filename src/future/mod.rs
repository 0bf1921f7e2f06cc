//! Several futures at once.

mod as_completed;
mod gather;
mod gather_tasks;
mod join;
mod shield;
mod task_group;
mod wait;

pub use as_completed::{AsCompleted, as_completed};
pub use gather::{Gather, gather};
pub use gather_tasks::{GatherTasks, TryGatherTasks, gather_tasks, try_gather_tasks};
pub use join::{Join, join};
pub use shield::{Joinable, Shield, shield};
pub use task_group::{GroupClosed, GroupError, TaskError, TaskGroup, task_group};
pub use wait::{Wait, WaitUntil, wait};
