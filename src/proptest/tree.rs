//! Schedules that shrink under proptest, which asks for one candidate after another.

use std::collections::BTreeMap;
use std::rc::Rc;

use ::proptest::strategy::ValueTree;

use crate::explore::{Asked, Edits, Numbers, fingerprint};
use crate::question::Question;
use crate::schedule::{Answer, Schedule};

/// A [`Schedule`] that proptest makes simpler, in the order of
/// [`cmp_simplicity`](Schedule::cmp_simplicity).
/// It tries the edits with which dacapo shrinks its own failures, as far as they can do without the
/// program. Each candidate is simpler than the last one that failed, and none comes twice.
#[derive(Clone, Debug)]
pub struct ScheduleTree {
    /// The simplest schedule that is known to fail.
    least: Schedule,
    /// What proptest looks at, if that is another one.
    candidate: Option<Schedule>,
    /// By [`fingerprint`]: what proptest has said of the candidates before.
    verdicts: BTreeMap<u64, bool>,
    /// The number of the edits that are being tried; as many as there are when nothing is left.
    pass: usize,
    /// The least schedule when these began, and when all of them were begun with.
    pass_start: Schedule,
    round_start: Schedule,
}

/// The edits. The first two are tried once.
const PASSES: [fn(&mut Rehearsal<'_>); 10] = [
    |edits| edits.begin(),
    |edits| edits.cut(),
    |edits| edits.leave_out_faults(),
    |edits| edits.make_lasting(),
    |edits| edits.zero_chunks(),
    |edits| edits.zero_pairs(),
    |edits| edits.delete_chunks(),
    |edits| edits.lower(),
    |edits| edits.move_forward(),
    |edits| edits.try_few(),
];
const ONCE: usize = 2;

impl ScheduleTree {
    pub(super) fn new(schedule: Schedule) -> Self {
        Self {
            least: schedule.clone(),
            candidate: None,
            verdicts: BTreeMap::new(),
            pass: 0,
            pass_start: schedule.clone(),
            round_start: schedule,
        }
    }

    /// Looks for the next candidate.
    fn advance(&mut self) -> bool {
        while let Some(edit) = PASSES.get(self.pass) {
            let mut rehearsal = Rehearsal {
                least: self.pass_start.clone(),
                verdicts: &self.verdicts,
                candidate: None,
            };
            edit(&mut rehearsal);
            self.candidate = rehearsal.candidate;
            if self.candidate.is_some() {
                return true;
            }
            self.pass += 1;
            self.pass_start = self.least.clone();
            if self.pass == PASSES.len() && self.round_start != self.least {
                self.pass = ONCE;
                self.round_start = self.least.clone();
            }
        }
        false
    }
}

impl ValueTree for ScheduleTree {
    type Value = Schedule;

    fn current(&self) -> Schedule {
        self.candidate.as_ref().unwrap_or(&self.least).clone()
    }

    fn simplify(&mut self) -> bool {
        if let Some(candidate) = self.candidate.take() {
            self.verdicts.insert(fingerprint(&candidate), true);
            self.least = candidate;
        }
        self.advance()
    }

    fn complicate(&mut self) -> bool {
        let Some(candidate) = self.candidate.take() else { return false };
        self.verdicts.insert(fingerprint(&candidate), false);
        // If nothing is left to try, `current` is the least again, which is another one too. To say that there
        // is none would end the shrinking of all that was drawn beside this.
        self.advance();
        true
    }
}

/// The edits are written as if their results were known at once. Here they become known later, so the
/// edits are made again from the beginning, with the results so far, up to the first candidate whose
/// result is not known.
struct Rehearsal<'a> {
    least: Schedule,
    verdicts: &'a BTreeMap<u64, bool>,
    candidate: Option<Schedule>,
}

impl Rehearsal<'_> {
    fn try_schedule(&mut self, candidate: Schedule) -> bool {
        if self.exhausted() || candidate.cmp_simplicity(&self.least).is_ge() {
            return false;
        }
        match self.verdicts.get(&fingerprint(&candidate)) {
            Some(true) => {
                self.least = candidate;
                true
            }
            Some(false) => false,
            None => {
                self.candidate = Some(candidate);
                false
            }
        }
    }

    /// The usual order, and the usual random values.
    fn begin(&mut self) {
        self.try_answers(Vec::new());
        self.try_schedule(self.least.clone().with_seed(0));
    }

    /// One kind of fault at a time, and one fault at a time of the kinds that are counted.
    fn leave_out_faults(&mut self) {
        for kind in self.least.faults().kinds() {
            let faults = self.least.faults();
            self.try_schedule(self.least.clone().with_faults(faults.without(kind)));
            while self.least.faults().has(kind) {
                let less = self.least.faults().less_one(kind);
                if less == self.least.faults()
                    || !self.try_schedule(self.least.clone().with_faults(less))
                {
                    break;
                }
            }
        }
    }
}

impl Edits for Rehearsal<'_> {
    fn answers(&self) -> &[Answer] {
        self.least.answers()
    }

    fn try_answers(&mut self, answers: Vec<Answer>) -> bool {
        let (seed, faults) = (self.least.seed(), self.least.faults());
        self.try_schedule(Schedule::new(answers).with_seed(seed).with_faults(faults))
    }

    fn exhausted(&self) -> bool {
        self.candidate.is_some()
    }

    fn may_last(&self) -> bool {
        true
    }

    /// The program is not known. Three ready tasks are often enough.
    fn asked(&mut self, answers: &[Answer]) -> Rc<[Asked]> {
        const MOST: usize = 16;
        let usual = !answers.iter().any(|answer| answer.is_deviation());
        let count = if usual { self.answers().len().min(MOST) } else { 0 };
        vec![Asked { question: Question::Next, options: 3 }; count].into()
    }
}
