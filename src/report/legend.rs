//! What the marks in a picture mean.

/// A line for each mark, after an empty one; empty if there is none.
pub(super) fn legend<M: AsRef<str>, T: AsRef<str>>(marks: &[(M, T)]) -> String {
    let lines =
        marks.iter().map(|(mark, meaning)| format!("{}  {}\n", mark.as_ref(), meaning.as_ref()));
    let lines: String = lines.collect();
    if lines.is_empty() { lines } else { format!("\n{lines}") }
}
