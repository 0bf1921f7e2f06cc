//! Primitives and combinators: by example, by laws, and when a future is dropped.

#[path = "../support/mod.rs"]
mod support;

mod basics;
mod combinators;
mod drops;
mod laws;
mod primitives;
mod select;
