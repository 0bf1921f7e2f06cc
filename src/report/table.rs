//! Distinct outcomes in a table.

use super::grouped;

/// One outcome.
pub(crate) struct Row {
    pub(crate) outcome: String,
    pub(crate) fails: bool,
    pub(crate) runs: usize,
    pub(crate) least: String,
}

/// How many outcomes are shown.
const ROWS: usize = 100;

/// The outcomes, a line each. If there are very many, failures are shown before others, and frequent outcomes
/// before rare ones.
pub(crate) fn table(rows: impl IntoIterator<Item = Row>, total: usize) -> String {
    let mut cells = vec![["outcome", "schedules", "share", "least schedule"].map(str::to_owned)];
    let mut rows: Vec<Row> = rows.into_iter().collect();
    let left_out = leave_out(&mut rows);
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
    let mut text: String = lines.collect();
    if let Some((outcomes, runs)) = left_out {
        let (outcomes, runs) = (grouped(outcomes), grouped(runs));
        text += &format!(
            "… and {outcomes} more outcomes, of {runs} schedules; Report::outcomes has all\n"
        );
    }
    text
}

/// Removes rows if there are too many. Returns how many, and how many runs ended so.
fn leave_out(rows: &mut Vec<Row>) -> Option<(usize, usize)> {
    if rows.len() <= ROWS {
        return None;
    }
    // As numbers that others sort too: a sort of one more type is much to compile.
    let rank = |row: &Row| (u64::from(!row.fails) << 63) + (u64::MAX >> 1) - row.runs as u64;
    let mut ranks: Vec<u64> = rows.iter().map(rank).collect();
    ranks.sort_unstable();
    let last = ranks[ROWS - 1];
    // Of those that are equal to the last one, the first are shown.
    let mut room = ROWS - ranks.iter().take_while(|rank| **rank < last).count();
    let (all, mut runs) = (rows.len(), 0);
    rows.retain(|row| {
        let is_last = rank(row) == last;
        let is_shown = rank(row) < last || is_last && room > 0;
        room -= usize::from(is_shown && is_last);
        runs += if is_shown { 0 } else { row.runs };
        is_shown
    });
    Some((all - rows.len(), runs))
}
