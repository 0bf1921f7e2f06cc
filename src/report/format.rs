//! Small pieces of text that several reports need.

use std::fmt;

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
pub(super) fn in_order(tasks: &[TaskId]) -> Vec<TaskId> {
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

/// A word and a sentence in each line.
pub(super) fn facts(f: &mut fmt::Formatter<'_>, facts: &[(&'static str, String)]) -> fmt::Result {
    let width = facts.iter().map(|(word, _)| word.len()).max().unwrap_or(0);
    facts.iter().try_for_each(|(word, text)| writeln!(f, "{word:<width$}   {text}"))
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
