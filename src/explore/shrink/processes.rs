//! The least schedule of a failure that only fresh processes repeat: each run is made in one of its own.

use std::collections::HashSet;
use std::rc::Rc;

use super::edits::{Edits, fingerprint};
use super::numbers::Numbers;
use crate::explore::clock::Deadline;
use crate::explore::confirm::answer::Answer as Told;
use crate::explore::subject::follow::Asked;
use crate::schedule::{Answer, Schedule};

/// A failing run of another process, and how many runs it took to get there.
pub(crate) struct ShrunkElsewhere {
    pub(crate) least: Told,
    pub(crate) runs: usize,
    /// Whether the search ended because nothing simpler fails, and not because of a bound.
    pub(crate) finished: bool,
}

/// Looks for simpler schedules with the same bug, as [`shrink`](super::shrink) does, within `max_runs` runs and the
/// deadline. `make` has another process make a run. What was asked in a run is not known, so some edits are left out.
pub(crate) fn shrink_in_processes(
    make: &mut dyn FnMut(&Schedule) -> Option<Told>,
    first: Told,
    max_runs: usize,
    deadline: Deadline,
) -> ShrunkElsewhere {
    let tried = HashSet::new();
    let mut shrinker = Shrinker { make, least: first, tried, runs: 0, max_runs, deadline };
    shrinker.try_answers(Vec::new());
    shrinker.cut();
    loop {
        let before = shrinker.least.schedule.clone();
        shrinker.make_lasting();
        shrinker.zero_chunks();
        shrinker.zero_pairs();
        shrinker.delete_chunks();
        shrinker.lower();
        shrinker.move_forward();
        if shrinker.least.schedule == before || shrinker.exhausted() {
            break;
        }
    }
    let finished = !shrinker.exhausted();
    ShrunkElsewhere { least: shrinker.least, runs: shrinker.runs, finished }
}

struct Shrinker<'a> {
    make: &'a mut dyn FnMut(&Schedule) -> Option<Told>,
    least: Told,
    tried: HashSet<u64>,
    runs: usize,
    max_runs: usize,
    deadline: Deadline,
}

impl Edits for Shrinker<'_> {
    fn answers(&self) -> &[Answer] {
        self.least.schedule.answers()
    }

    fn try_answers(&mut self, answers: Vec<Answer>) -> bool {
        let least = &self.least.schedule;
        let candidate = Schedule::new(answers).with_seed(least.seed()).with_faults(least.faults());
        let is_simpler = candidate.cmp_simplicity(least).is_lt();
        if self.exhausted() || !is_simpler || !self.tried.insert(fingerprint(&candidate)) {
            return false;
        }
        self.runs += 1;
        let Some(told) = (self.make)(&candidate) else { return false };
        let is_same = told.bug == self.least.bug;
        let is_less = told.schedule.cmp_simplicity(&self.least.schedule).is_lt();
        if is_same && is_less {
            self.least = told;
        }
        is_same && is_less
    }

    fn exhausted(&self) -> bool {
        self.runs >= self.max_runs || self.deadline.is_over()
    }

    fn may_last(&self) -> bool {
        true
    }

    fn asked(&mut self, _: &[Answer]) -> Rc<[Asked]> {
        Rc::from([])
    }
}
