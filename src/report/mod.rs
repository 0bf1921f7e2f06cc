//! What people read: text made from traces, failures and outcomes. Nothing in here runs anything.

mod acts;
mod columns;
mod compact;
mod deviations;
mod difference;
mod effort;
mod explanation;
mod failure;
mod faults;
mod html;
mod json;
mod legend;
mod log;
mod marbles;
mod marks;
mod mermaid;
mod perfetto;
mod progress;
mod sentence;
#[cfg(feature = "serde")]
mod serialize;
mod story;
mod table;
mod words;

pub(crate) use deviations::deviations;
pub(crate) use difference::{Difference, difference};
pub(crate) use effort::EffortReport;
pub use explanation::Explanation;
pub(crate) use explanation::{Chances, Scene, Stance, Why};
pub(crate) use failure::{FailureReport, NondeterminismReport, USUAL_CAUSES, shorten, shrunk};
pub(crate) use faults::cancelled_at;
pub use html::Html;
pub(crate) use marks::marks;
pub(crate) use progress::{Findings, Stage, stage};
pub(crate) use sentence::sentence;
pub(crate) use table::{Row, table};

use crate::trace::TaskId;

/// `1 run`, `2 runs`.
pub(crate) fn count(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

/// `12,300`: the same number, easier to read.
pub(crate) fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// These tasks in the order of spawning, each once.
fn in_order(tasks: &[TaskId]) -> Vec<TaskId> {
    // As numbers that others sort too: a sort of one more type is much to compile.
    let mut ids: Vec<u64> = tasks.iter().map(|task| task.as_u32().into()).collect();
    ids.sort_unstable();
    ids.dedup();
    ids.into_iter().map(|id| TaskId(id as u32)).collect()
}

/// Puts the same indentation before each line.
pub(crate) fn indent(text: &str, by: &str) -> String {
    text.lines().map(|line| format!("{by}{line}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_stand_in_groups_of_three() {
        let numbers = [0, 12, 123, 1_234, 12_345, 123_456, 1_234_567];
        let texts = ["0", "12", "123", "1,234", "12,345", "123,456", "1,234,567"];
        assert_eq!(numbers.map(grouped), texts);
    }
}
