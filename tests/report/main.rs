//! What people read: traces, reports, pictures, and the examples.

#[path = "../support/mod.rs"]
mod support;

mod examples;
mod long;
mod pictures;
mod reviewing;
mod serialized;
mod side_by_side;
mod traces;
