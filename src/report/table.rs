//! Distinct outcomes in a table.

use super::grouped;

/// One outcome.
pub(crate) struct Row {
    pub(crate) outcome: String,
    pub(crate) runs: usize,
    pub(crate) least: String,
}

/// The outcomes, a line each.
pub(crate) fn table(rows: impl IntoIterator<Item = Row>, total: usize) -> String {
    let mut cells = vec![["outcome", "schedules", "share", "least schedule"].map(str::to_owned)];
    for row in rows {
        let share = 100.0 * row.runs as f64 / total.max(1) as f64;
        cells.push([row.outcome, grouped(row.runs), format!("{share:.1}%"), row.least]);
    }
    let width = |column: usize| cells.iter().map(|row| row[column].chars().count()).max();
    let [outcome, runs, share] = [0, 1, 2].map(|column| width(column).unwrap_or(0));
    let lines = cells.iter().map(|[a, b, c, d]| {
        let line = format!("{a:<outcome$}  {b:>runs$}  {c:>share$}  {d}");
        format!("{}\n", line.trim_end())
    });
    lines.collect()
}
