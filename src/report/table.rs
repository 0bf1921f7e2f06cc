//! Distinct outcomes in a table.

use super::grouped;
use crate::trace::printable;

/// One outcome.
pub(crate) struct Row<'a> {
    pub(crate) outcome: &'a str,
    pub(crate) runs: usize,
    pub(crate) least: String,
}

/// The widest that the text of an outcome is shown.
const WIDTH: usize = 100;

/// The outcomes, a line each. What is long is cut.
pub(crate) fn table<'a>(rows: impl IntoIterator<Item = Row<'a>>, total: usize) -> String {
    let mut cells = vec![["outcome", "schedules", "share", "least schedule"].map(str::to_owned)];
    for row in rows {
        let outcome = printable(row.outcome, WIDTH);
        let share = 100.0 * row.runs as f64 / total.max(1) as f64;
        cells.push([outcome, grouped(row.runs), format!("{share:.1}%"), row.least]);
    }
    let width = |column: usize| cells.iter().map(|row| row[column].chars().count()).max();
    let [outcome, runs, share] = [0, 1, 2].map(|column| width(column).unwrap_or(0));
    let lines = cells.iter().map(|[a, b, c, d]| {
        let line = format!("{a:<outcome$}  {b:>runs$}  {c:>share$}  {d}");
        format!("{}\n", line.trim_end())
    });
    lines.collect()
}
