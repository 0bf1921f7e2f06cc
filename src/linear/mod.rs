//! Whether what clients have seen of a system can be explained as if one thing was done after another: the
//! linearizability of Herlihy and Wing (1990). There is no executor in here.

mod items;
mod minimal;
mod model;
mod operation;
mod search;
mod table;
mod verdict;

pub use model::Model;
pub(crate) use operation::{End, Moment, Operation};
pub use verdict::LinearizeError;
pub(crate) use verdict::{NOT_LINEARIZABLE, linearize};
