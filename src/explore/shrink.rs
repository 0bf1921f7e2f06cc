//! The least schedule that fails in the same way.

use std::collections::BTreeSet;

use super::subject::{Sample, Subject};
use crate::failure::Failure;
use crate::schedule::Schedule;
use crate::trace::mix;

/// A failing run, and how many runs it took to get from the first one to this.
pub(super) struct Shrunk {
    pub(super) sample: Sample,
    pub(super) runs: usize,
    /// Whether the search ended because nothing simpler fails, and not because of the bound.
    pub(super) finished: bool,
}

/// Looks for simpler schedules with the same failure, in the order of
/// [`Schedule::cmp_simplicity`], in at most `max_runs` runs and so many steps as [`MAX_STEPS`] says.
///
/// Four kinds of steps, tried in turn until none helps:
///
/// 1. set deviations to 0, in chunks of half, a quarter, … of them (delta debugging: Zeller and
///    Hildebrandt 2002, "Simplifying and isolating failure-inducing input");
/// 2. take out answers, which moves what follows forward, also in such chunks;
/// 3. make single answers smaller;
/// 4. move a deviation forward, by swapping it with a 0 before it.
///
/// As in Hypothesis (MacIver and Donaldson 2020, "Test-case reduction via test-case generation") it is
/// the list of choices that is edited, never the run, so each candidate is a run that can happen.
/// What is kept is the schedule that the run really had, which may be simpler than the candidate.
pub(super) fn shrink(subject: &mut Subject<'_>, first: Sample, max_runs: usize) -> Shrunk {
    let max_steps = MAX_STEPS.max(20 * first.steps);
    let mut shrinker = Shrinker {
        subject,
        least: first,
        tried: BTreeSet::new(),
        runs: 0,
        max_runs,
        steps: 0,
        max_steps,
    };
    // The usual order, and the usual random values, first.
    shrinker.try_answers(Vec::new());
    let seedless = shrinker.least.schedule.clone().with_seed(0);
    shrinker.try_schedule(seedless);
    loop {
        let before = shrinker.least.schedule.clone();
        shrinker.zero_chunks();
        shrinker.delete_chunks();
        shrinker.lower();
        shrinker.move_forward();
        if shrinker.least.schedule == before || shrinker.exhausted() {
            break;
        }
    }
    let finished = !shrinker.exhausted();
    Shrunk { sample: shrinker.least, runs: shrinker.runs, finished }
}

struct Shrinker<'a, 'b> {
    subject: &'a mut Subject<'b>,
    least: Sample,
    /// Hashes of the candidates: the lists themselves can be long, and are many.
    tried: BTreeSet<u64>,
    runs: usize,
    max_runs: usize,
    steps: usize,
    max_steps: usize,
}

/// How many steps all candidates together may take, or twenty times those of the first run. Runs that
/// end at their limit of steps would else take minutes.
const MAX_STEPS: usize = 10_000_000;

impl Shrinker<'_, '_> {
    fn exhausted(&self) -> bool {
        self.runs >= self.max_runs || self.steps >= self.max_steps
    }

    fn answers(&self) -> &[u32] {
        self.least.schedule.answers()
    }

    fn failure(&self) -> Option<&Failure> {
        self.least.outcome.as_ref().err()
    }

    /// Runs a candidate with the random values of the least run; keeps it if it is simpler and fails
    /// in the same way.
    fn try_answers(&mut self, answers: Vec<u32>) -> bool {
        let seed = self.least.schedule.seed();
        let candidate = Schedule::new(answers).with_seed(seed);
        let hash =
            candidate.answers().iter().fold(seed, |hash, &answer| mix(hash, u64::from(answer) + 1));
        !self.exhausted() && self.tried.insert(hash) && self.try_schedule(candidate)
    }

    fn try_schedule(&mut self, candidate: Schedule) -> bool {
        if self.exhausted() || candidate.cmp_simplicity(&self.least.schedule).is_ge() {
            return false;
        }
        self.runs += 1;
        let sample = self.subject.replay(&candidate);
        self.steps += sample.steps;
        let same = match (self.failure(), &sample.outcome) {
            (Some(least), Err(failure)) => least.is_same(failure),
            _ => false,
        };
        let simpler = sample.schedule.cmp_simplicity(&self.least.schedule).is_lt();
        if same && simpler {
            self.least = sample;
        }
        same && simpler
    }

    fn deviations(&self) -> Vec<usize> {
        let answers = self.answers().iter().enumerate();
        answers.filter(|&(_, &answer)| answer != 0).map(|(place, _)| place).collect()
    }

    fn zero_chunks(&mut self) {
        let mut chunk = self.deviations().len();
        while chunk > 0 && !self.exhausted() {
            // From the end: what comes late is more often beside the point.
            let mut end = self.deviations().len();
            while end > 0 && !self.exhausted() {
                let places = self.deviations();
                let start = end.saturating_sub(chunk);
                let mut answers = self.answers().to_vec();
                for &place in &places[start..end] {
                    answers[place] = 0;
                }
                self.try_answers(answers);
                // The run may have become much shorter.
                end = start.min(self.deviations().len());
            }
            chunk /= 2;
        }
    }

    fn delete_chunks(&mut self) {
        let mut chunk = self.answers().len() / 2;
        while chunk > 0 && !self.exhausted() {
            let mut end = self.answers().len();
            while end > 0 && !self.exhausted() {
                let start = end.saturating_sub(chunk);
                let mut answers = self.answers().to_vec();
                answers.drain(start..end);
                self.try_answers(answers);
                end = start.min(self.answers().len());
            }
            chunk /= 2;
        }
    }

    fn lower(&mut self) {
        for place in self.deviations() {
            // 1 is nearly always either enough or the beginning of a short climb.
            let mut lower = 1;
            while !self.exhausted()
                && self.answers().get(place).is_some_and(|&answer| lower < answer)
            {
                let mut answers = self.answers().to_vec();
                answers[place] = lower;
                if self.try_answers(answers) {
                    break;
                }
                lower = if lower < 8 { lower + 1 } else { lower * 2 };
            }
        }
    }

    fn move_forward(&mut self) {
        for place in self.deviations() {
            let mut place = place;
            while !self.exhausted()
                && place > 0
                && self.answers().get(place).is_some_and(|&answer| answer != 0)
            {
                if self.answers()[place - 1] != 0 {
                    break;
                }
                let mut answers = self.answers().to_vec();
                answers.swap(place - 1, place);
                if !self.try_answers(answers) {
                    break;
                }
                place -= 1;
            }
        }
    }
}
