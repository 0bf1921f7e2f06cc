//! Several futures at once.

mod gather;
mod join;

pub use gather::{Gather, gather};
pub use join::{Join, join};
