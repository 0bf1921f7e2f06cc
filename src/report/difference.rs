//! Where two runs that should be the same part.

/// The first line in which the texts of two traces differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Difference {
    /// The lines before it, a few of them.
    pub(crate) before: Vec<String>,
    pub(crate) first: String,
    pub(crate) second: String,
}

/// How many equal lines are shown before the first that differs.
const CONTEXT: usize = 3;

/// Compares two traces by their texts. One of them may come from another process.
pub(crate) fn difference(first: &str, second: &str) -> Option<Difference> {
    let (mut a, mut b) = (first.lines(), second.lines());
    let mut before = Vec::new();
    loop {
        match (a.next(), b.next()) {
            (None, None) => return None,
            (Some(a), Some(b)) if a == b => before.push(a.to_owned()),
            (a, b) => {
                let text = |line: Option<&str>| line.unwrap_or("(the run has ended)").to_owned();
                before.drain(..before.len().saturating_sub(CONTEXT));
                return Some(Difference { before, first: text(a), second: text(b) });
            }
        }
    }
}
