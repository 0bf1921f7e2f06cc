//! The least schedule of a run that never ends, without making many runs that never end.

use super::{Shrunk, shrink};
use crate::explore::subject::{Sample, Subject};
use crate::schedule::Schedule;

/// The fewest steps after which a run counts as endless meanwhile.
const FEWEST: usize = 1000;
/// By how much that grows if a run that counted as endless has an end.
const GROWTH: usize = 8;

/// A least schedule, and the limit of steps at which it was sought, if that was reduced.
pub(crate) struct Endless {
    pub(crate) shrunk: Shrunk,
    pub(crate) limit: Option<usize>,
}

/// Shrinks at a reduced limit of steps, of at least twice what the usual order takes. What that comes to is made with the
/// limits of the test, and if it has an end there, all is done once more at a higher limit. So what is kept fails as
/// the first run did, at the cost of few runs as long as that.
pub(crate) fn shrink_endless(subject: &mut Subject<'_>, first: Sample, max_runs: usize) -> Endless {
    let simplest =
        Schedule::default().with_seed(first.schedule.seed()).with_faults(first.schedule.faults());
    let usual = subject.replay(&simplest);
    let mut runs = 1;
    if usual.is_endless() {
        let steps = usual.steps;
        let shrunk = Shrunk { sample: usual, runs, steps, finished: true, other: None };
        return Endless { shrunk, limit: Some(FEWEST.min(steps)) };
    }
    let mut limit = FEWEST.max(2 * usual.steps);
    while limit < first.steps / 2 && runs < max_runs && !subject.is_late() {
        let mut shrunk = subject.within_steps(limit, |subject| {
            let start = subject.replay(&first.schedule);
            shrink(subject, start, max_runs - runs)
        });
        let least = subject.replay(&shrunk.sample.schedule);
        runs += shrunk.runs + 2;
        if least.is_endless() {
            (shrunk.sample, shrunk.runs) = (least, runs);
            return Endless { shrunk, limit: Some(limit) };
        }
        limit *= GROWTH;
    }
    let mut shrunk = shrink(subject, first, max_runs.saturating_sub(runs));
    shrunk.runs += runs;
    Endless { shrunk, limit: None }
}
