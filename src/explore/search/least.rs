//! A schedule for each outcome that one would like to read.

use crate::explore::shrink::shrink_while;
use crate::explore::subject::{OutcomeKey, Sample, Subject};
use crate::explore::tally::{Row, Tally};
use crate::schedule::Schedule;

/// The most runs that are spent on one outcome.
const MAX_RUNS: usize = 64;

/// Shrinks the least schedule that was seen of each outcome, as far as that is cheap: all together it
/// takes at most half as many runs as the search, and half as many steps.
pub(crate) fn shrink_all(subject: &mut Subject<'_>, tally: &mut Tally, max_runs: usize) {
    let (mut runs, mut steps) = (tally.runs / 2, tally.steps / 2);
    let simplest = Schedule::default();
    let mut left = tally.rows.values().filter(|row| row.least != simplest).count();
    for (key, row) in &mut tally.rows {
        if row.least == simplest {
            continue;
        }
        // What one outcome leaves over goes to those after it.
        let [share, max_steps] = [runs / left, steps / left];
        left -= 1;
        if share > 0 {
            let max_runs = share.min(max_runs).min(MAX_RUNS);
            let spent = shrink_row(subject, key, row, [max_runs, max_steps]);
            runs = runs.saturating_sub(spent[0]);
            steps = steps.saturating_sub(spent[1]);
        }
    }
}

/// Returns the runs and steps that it took.
fn shrink_row(
    subject: &mut Subject<'_>,
    key: &OutcomeKey,
    row: &mut Row,
    [max_runs, max_steps]: [usize; 2],
) -> [usize; 2] {
    if max_runs == 0 {
        return [0; 2];
    }
    let again = subject.replay(&row.least);
    let first = [1, again.steps];
    // A strict replay that did not fit cannot be seen again; neither can what is not deterministic.
    if again.key() != *key {
        return first;
    }
    let bounds = [max_runs - 1, max_steps.saturating_sub(again.steps)];
    let shrunk = shrink_while(subject, again, bounds, |a: &Sample, b: &Sample| a.key() == b.key());
    row.least = shrunk.sample.schedule;
    [first[0] + shrunk.runs, first[1] + shrunk.steps]
}
