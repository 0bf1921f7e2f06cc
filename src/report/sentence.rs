//! A failure in one line, for a file that keeps many.

use super::{Explanation, deviations};
use crate::failure::Failure;
use crate::trace::{Trace, printable};

/// How many deviations are told.
const DEVIATIONS: usize = 3;
/// The longest that a sentence is, in characters.
const WIDTH: usize = 300;

/// Why a run failed, or at least what was out of the ordinary in it, and how that ended.
pub(crate) fn sentence(
    trace: &Trace,
    failure: &Failure,
    explanation: Option<&Explanation>,
) -> String {
    let title = failure.title();
    if let Some(explanation) = explanation {
        return printable(&format!("{}; {title}", explanation.sentence()), WIDTH);
    }
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
    parts.push(&title);
    printable(&parts.join("; "), WIDTH)
}
