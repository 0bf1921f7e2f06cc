//! What people read: text made from traces, failures and outcomes. Nothing in here runs anything.

mod deviations;
mod difference;
mod explanation;
mod failure;
mod marks;
mod sentence;
mod story;
mod table;

pub(crate) use deviations::deviations;
pub(crate) use difference::{Difference, difference};
pub use explanation::Explanation;
pub(crate) use explanation::{Chances, Scene, Stance, Why};
pub(crate) use failure::{FailureReport, NondeterminismReport, USUAL_CAUSES, shorten, shrunk};
pub(crate) use marks::marks;
pub(crate) use sentence::sentence;
pub(crate) use story::story;
pub(crate) use table::{Row, table};

/// `1 run`, `2 runs`.
pub(crate) fn count(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

/// Puts the same indentation before each line.
pub(crate) fn indent(text: &str, by: &str) -> String {
    text.lines().map(|line| format!("{by}{line}\n")).collect()
}
