//! How often marked places were met.

use crate::trace::printable;

/// The widest that a label is shown.
const WIDTH: usize = 60;

/// For each label, in how many runs its condition held, and in how many it was looked at. Empty if there
/// are none.
pub(crate) fn marks<'a>(marks: impl IntoIterator<Item = (&'a str, usize, usize)>) -> String {
    let rows = marks.into_iter().map(|(label, held, evaluated)| {
        [printable(label, WIDTH), held.to_string(), evaluated.to_string()]
    });
    let mut rows: Vec<_> = rows.collect();
    if rows.is_empty() {
        return String::new();
    }
    rows.insert(0, ["mark", "true in", "of"].map(str::to_owned));
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max();
    let [label, held, evaluated] = [0, 1, 2].map(|column| width(column).unwrap_or(0));
    let lines = rows.iter().map(|[a, b, c]| format!("{a:<label$}  {b:>held$}  {c:>evaluated$}\n"));
    lines.collect()
}
