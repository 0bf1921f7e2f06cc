//! Searches: for the first failure of a test, for all outcomes, and over inputs.

mod aftermath;
pub(crate) mod check;
mod elsewhere;
mod found;
mod least;
mod orphans;
pub(crate) mod outcomes;
mod picture;
#[cfg(feature = "proptest")]
pub(crate) mod property;
mod task;
mod verdicts;
