//! A failure in one line, for a file that keeps many.

use super::deviations;
use crate::failure::Failure;
use crate::trace::{Trace, printable};

/// How many deviations are told.
const DEVIATIONS: usize = 3;
/// The longest that a sentence is, in characters.
const WIDTH: usize = 300;

/// What was out of the ordinary in a run, and how that ended.
pub(crate) fn sentence(trace: &Trace, failure: &Failure) -> String {
    let deviations = deviations(trace);
    let mut parts: Vec<&str> =
        deviations.iter().take(DEVIATIONS).map(|(_, what)| what.as_str()).collect();
    let more = deviations.len().saturating_sub(DEVIATIONS);
    let rest = format!("and {more} more");
    match (deviations.len(), more) {
        (0, _) => parts.push("first in, first out"),
        (_, 0) => {}
        _ => parts.push(&rest),
    }
    let title = failure.title();
    parts.push(&title);
    printable(&parts.join("; "), WIDTH)
}
