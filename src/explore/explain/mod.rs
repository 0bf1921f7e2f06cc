//! Why a run fails: the nearest run that passes, and the two turns whose order makes the difference.

mod odds;
mod turns;

use std::collections::HashSet;
use std::ops::Range;

use self::odds::odds;
use self::turns::{Path, Turn, Turns, parting};
use crate::explore::subject::budget::Budget;
use crate::explore::subject::steer::{Order, Record, Steer};
use crate::explore::subject::{Sample, Subject};
use crate::question::Question;
use crate::report::{Explanation, Proof, Scene, Stance, Why};
use crate::schedule::{Answer, Lasting, Schedule};
use crate::session::Standing;
use crate::trace::Trace;

/// How many runs may be spent on the search for one that passes.
const NEAREST: usize = 200;
/// The most answers to one choice that are tried.
const ANSWERS: u32 = 12;
/// How far from a deviation another answer counts as near.
const NEAR: usize = 3;
/// How many pairs of turns are swapped to see whether their order decides.
const PAIRS: usize = 8;
/// The fewest runs from which anything can be concluded.
const FEWEST: usize = 8;
/// The steps that each part of an explanation may take: a second or so, unoptimised.
const STEPS: usize = 500_000;

/// Explains the failure of the least schedule, which has this trace, in at most `max_runs` runs. `None`
/// if a run takes more than may be spent.
///
/// What passes is sought by single answers: deviations undone, made smaller, or moved, the last one
/// first; then any one answer changed, from the last choice that still leaves a way out backwards; then
/// what a random walk has found. Between the two runs lies a list of orders, each with one more pair of
/// neighbouring turns swapped; the swap from which on it passes is the explanation. (This is what Choi
/// and Zeller 2002, "Isolating failure-inducing thread schedules", do with delta debugging.)
pub(crate) fn explain(
    subject: &mut Subject<'_>,
    least: &Sample,
    trace: &Trace,
    max_runs: usize,
) -> Option<Explanation> {
    let told = |why, passing, chances| {
        Some(Explanation::new(trace, &least.schedule, why, passing, chances))
    };
    let fits = |steps: usize| max_runs >= FEWEST && steps <= STEPS / FEWEST;
    if max_runs > 0 && least.choices == 0 {
        return told(Why::Unchosen { drawn: least.drawn }, None, None);
    }
    if !fits(least.steps) {
        return None;
    }
    let mut first = Budget { runs: 1, steps: STEPS };
    let failing = Attempt::make(subject, &least.schedule, &mut first);
    if failing.sample.hash != least.hash || !fits(STEPS - first.steps) {
        return None;
    }
    let few = max_runs.div_ceil(10);
    let budget = Budget { runs: max_runs - few, steps: STEPS };
    let odds = odds(subject, least, &failing.record, budget);
    let budget = Budget { runs: few, steps: STEPS };
    let tried = HashSet::new();
    let mut hashes = odds.hashes;
    hashes.insert(failing.sample.hash);
    let mut search = Search { subject, failing, budget, tried, hashes, is_single: false };
    let why = match search.nearest(odds.open, odds.passing.as_ref()) {
        Some(passing) => search.why(&passing, trace),
        // All that there are, or as many as tell something: not the first few, for want of time.
        None => {
            let is_enough = odds.runs + search.tried.len() >= FEWEST;
            let runs = search.hashes.len();
            let mut choices = search.failing.record.choices.iter();
            let only_orders = choices.all(|choice| choice.question == Question::Next);
            is_enough.then_some((Why::Always { runs, only_orders }, None))
        }
    };
    let (why, passing) = why?;
    told(why, passing, odds.chances)
}

/// A run and what it did.
struct Attempt {
    sample: Sample,
    record: Record,
}

impl Attempt {
    fn make(subject: &mut Subject<'_>, schedule: &Schedule, budget: &mut Budget) -> Self {
        Self::steered(subject, Steer::along(schedule), budget)
    }

    fn steered(subject: &mut Subject<'_>, steer: Steer, budget: &mut Budget) -> Self {
        let (steer, record) = steer.recorded();
        let sample = subject.steer(steer, budget);
        let mut record = record.take();
        // What is dropped at the end of a run counts as a step, to a scheduler.
        record.steps.truncate(sample.steps);
        Self { sample, record }
    }

    fn passes(&self) -> bool {
        self.sample.outcome.is_ok()
    }

    /// All answers, also the usual ones at the end.
    fn answers(&self) -> Vec<Answer> {
        self.record.choices.iter().map(|choice| choice.answer).collect()
    }

    /// The first choice that the two runs have answered otherwise.
    fn parting(&self, other: &Self) -> Option<usize> {
        self.answers().iter().zip(&other.answers()).position(|(a, b)| a != b)
    }
}

struct Search<'a, 'b> {
    subject: &'a mut Subject<'b>,
    failing: Attempt,
    budget: Budget,
    /// Which single answers have been tried: the place of the choice, and the option in the lower half.
    tried: HashSet<u64>,
    /// Which runs there were, with those of the odds and the failing one.
    hashes: HashSet<u64>,
    /// Whether the last one of them was enough: the run that passes differs in nothing else.
    is_single: bool,
}

impl Search<'_, '_> {
    /// The run that passes and differs least.
    fn nearest(&mut self, open: usize, known: Option<&Schedule>) -> Option<Attempt> {
        let answers = self.failing.answers();
        let deviations: Vec<usize> =
            (0..answers.len()).rev().filter(|&place| answers[place].is_deviation()).collect();
        let single = self.nearest_single(&answers, &deviations, open);
        if single.is_some() {
            return single;
        }
        let passing = Attempt::make(self.subject, known?, &mut self.budget);
        if !passing.passes() {
            return None;
        }
        // What it does otherwise first may be enough; there may have been no time to try that.
        let first = self.failing.parting(&passing).and_then(|place| {
            self.change(&answers, place, passing.record.choices[place].answer.option())
        });
        Some(first.unwrap_or(passing))
    }

    /// The first run that passes with one answer changed: an unusual answer, or one near it.
    fn nearest_single(
        &mut self,
        answers: &[Answer],
        deviations: &[usize],
        open: usize,
    ) -> Option<Attempt> {
        for &place in deviations {
            if let Some(passing) = self.change_any(answers, place, 0..1) {
                return Some(passing);
            }
        }
        for &place in deviations {
            let smaller = 1..answers[place].option() + 1;
            if let Some(passing) = self.change_any(answers, place, smaller) {
                return Some(passing);
            }
        }
        for &place in deviations {
            for near in (place.saturating_sub(NEAR)..=place + NEAR).rev() {
                if let Some(passing) = self.change_any(answers, near, 0..ANSWERS) {
                    return Some(passing);
                }
            }
        }
        // What comes after the last way out cannot help.
        for place in (0..open.min(answers.len())).rev() {
            if let Some(passing) = self.change_any(answers, place, 0..ANSWERS) {
                return Some(passing);
            }
        }
        None
    }

    /// The first run that passes with one of these answers in that place.
    fn change_any(
        &mut self,
        answers: &[Answer],
        place: usize,
        options: Range<u32>,
    ) -> Option<Attempt> {
        for option in options {
            if self.tried.len() >= NEAREST || self.budget.is_spent() {
                break;
            }
            if let Some(passing) = self.change(answers, place, option) {
                return Some(passing);
            }
        }
        None
    }

    /// Makes the run with one answer changed, if it has not been made; returns it if it passes.
    fn change(&mut self, answers: &[Answer], place: usize, option: u32) -> Option<Attempt> {
        let choice = self.failing.record.choices.get(place)?;
        let answer = Answer::from(option);
        let is_other = choice.answer != answer && option < choice.options;
        if !is_other || !self.tried.insert((place as u64) << 32 | u64::from(option)) {
            return None;
        }
        let mut answers = answers.to_vec();
        answers[place] = answer;
        let seed = self.failing.sample.schedule.seed();
        let faults = self.failing.sample.schedule.faults();
        let schedule = Schedule::new(answers).with_seed(seed).with_faults(faults);
        let attempt = Attempt::make(self.subject, &schedule, &mut self.budget);
        self.hashes.insert(attempt.sample.hash);
        self.is_single = attempt.passes();
        attempt.passes().then_some(attempt)
    }

    /// The difference between the run that fails and one that passes.
    fn why(&mut self, passing: &Attempt, trace: &Trace) -> Option<(Why, Option<Schedule>)> {
        let place = self.failing.parting(passing)?;
        let failing = self.failing.record.choices[place];
        let instead = passing.record.choices[place].answer.option();
        let schedule = Some(passing.sample.schedule.clone());
        if failing.question != Question::Next {
            let step = failing.step as u64 + 1;
            let alone = self.is_single;
            return Some((Why::Answer { choice: place, step, instead, alone }, schedule));
        }
        let Some(turns) = self.turns(passing) else { return Some((Why::Passing, schedule)) };
        let (turns, proof, schedule) = match self.decide(turns) {
            Ok((turns, swapped)) => (turns, Proof::Swapped, Some(swapped)),
            Err(fails) => {
                let lasts = failing.answer.lasting() != Lasting::Once;
                // The answer that was taken instead is no other one than that of the failing run, or the usual one.
                let once = instead != 0;
                let is_told =
                    self.is_single && lasts && (!once || instead == failing.answer.option());
                let (choice, step) = (place, failing.step as u64 + 1);
                let proof = match is_told {
                    true => Proof::NotLasting { choice, step, once },
                    false => Proof::Other { fails },
                };
                (turns, proof, schedule)
            }
        };
        let why = match self.scene(turns, trace, passing) {
            Some(scene) => Why::Order { scene, proof },
            None => Why::Passing,
        };
        Some((why, schedule))
    }

    /// The two turns of which it was seen that the run passes if they are swapped and no others: these, or two of the
    /// same tasks between them. Otherwise, whether a run in which these were swapped was seen to fail.
    fn decide(&mut self, turns: Turns) -> Result<(Turns, Schedule), bool> {
        let steps = self.failing.record.steps.clone();
        let mut fails = false;
        for pair in turns.pairs_between(&steps).into_iter().take(PAIRS) {
            let mut passing = None;
            let is_decided = pair.swaps(&steps).into_iter().all(|(order, prefix)| {
                if self.budget.is_spent() {
                    return false;
                }
                let attempt = self.in_order(order.clone());
                let is_swapped = attempt.record.steps.get(..prefix) == order.get(..prefix);
                if is_swapped && attempt.passes() {
                    passing.get_or_insert(attempt.sample.schedule);
                    return true;
                }
                fails |= is_swapped && pair == turns;
                // Another turn may depend on the one that was put off.
                !is_swapped
            });
            if let (true, Some(schedule)) = (is_decided, passing) {
                return Ok((pair, schedule));
            }
        }
        Err(fails)
    }

    /// The two turns whose order decides.
    fn turns(&mut self, passing: &Attempt) -> Option<Turns> {
        let found = self.narrow(passing);
        // Of several that decide, those matter that are not in their usual order: a probe that looks
        // between two writes comes too early for the second one, but it is the first that has moved.
        let usual = self.usual();
        let is_unusual =
            |turns: &Turns| usual.as_ref().is_none_or(|usual| usual.record.has(turns.swapped()));
        let unusual = found.filter(&is_unusual).or_else(|| {
            let usual = usual.as_ref().filter(|usual| usual.passes())?;
            self.narrow(usual).filter(is_unusual)
        });
        // What the runs differ in first, if nothing is any plainer.
        unusual.or(found).or_else(|| {
            let [fails, passes] = [&self.failing.record.steps, &passing.record.steps];
            Turns::at_parting(fails, passes)
        })
    }

    /// The run first in, first out, if that is another one.
    fn usual(&mut self) -> Option<Attempt> {
        if self.failing.sample.schedule.deviations() == 0 || self.budget.is_spent() {
            return None;
        }
        let seed = self.failing.sample.schedule.seed();
        let faults = self.failing.sample.schedule.faults();
        let usual = Schedule::default().with_seed(seed).with_faults(faults);
        let attempt = Attempt::make(self.subject, &usual, &mut self.budget);
        Some(attempt)
    }

    /// The two neighbouring turns that have to be swapped, on the way from the order of the failing run
    /// to the order of one that passes, to make it pass.
    fn narrow(&mut self, passing: &Attempt) -> Option<Turns> {
        let path = Path::new(&self.failing.record.steps, &passing.record.steps);
        let mut fails = self.failing.record.steps.clone();
        let mut passes = passing.record.steps.clone();
        // How many turns are at their places. First a few of them: then most of the rest is as it was.
        let (mut low, mut high) = (parting(&fails, &passes)?, passes.len());
        let mut stride = 1;
        while high - low > 1 && !self.budget.is_spent() {
            let middle = low.midpoint(high).min(low + stride);
            stride *= 2;
            let attempt = self.in_order(path.order(middle, 0));
            match attempt.passes() {
                true => (high, passes) = (middle, attempt.record.steps),
                false => (low, fails) = (middle, attempt.record.steps),
            }
        }
        // How many others the next one has been taken past.
        let turn = low;
        let (mut low, mut high) = (0, path.distance(turn));
        while high - low > 1 && !self.budget.is_spent() {
            let middle = low.midpoint(high);
            let attempt = self.in_order(path.order(turn, middle));
            match attempt.passes() {
                true => (high, passes) = (middle, attempt.record.steps),
                false => (low, fails) = (middle, attempt.record.steps),
            }
        }
        // They must occur in the run that is reported.
        Turns::at_parting(&fails, &passes).filter(|turns| self.failing.record.has(*turns))
    }

    fn in_order(&mut self, order: Vec<u64>) -> Attempt {
        // To put them in order takes longer than to have them.
        self.budget.steps = self.budget.steps.saturating_sub(3 * order.len());
        let order = Order::new(order, &self.failing.record);
        let steer = Steer::in_order(order, &self.failing.sample.schedule);
        Attempt::steered(self.subject, steer, &mut self.budget)
    }

    /// The two turns as they are in the run that is reported, and where the tasks stood before them.
    fn scene(&mut self, turns: Turns, trace: &Trace, passing: &Attempt) -> Option<Scene> {
        let Turns { early, late } = turns;
        let record = &self.failing.record;
        let step = record.step_of(early)? as u64 + 1;
        // It may never have had that turn.
        let then = record.step_of(late).map_or(step, |step| step as u64 + 1);
        let mut choices = self.failing.record.choices.iter();
        let choice = choices
            .position(|choice| choice.question == Question::Next && choice.step as u64 + 1 == step);
        let seen = self.subject.survey(&self.failing.sample.schedule, &[step, then]);
        let early = stance(trace, early, step, &seen)?;
        let late = match stance(trace, late, then, &seen) {
            Some(late) => late,
            // It has a name only where it was spawned.
            None => {
                self.subject.replay(&passing.sample.schedule);
                let late = stance(self.subject.trace(), late, then, &[])?;
                Stance { is_spawned: false, ..late }
            }
        };
        Some(Scene { early, late, choice, step })
    }
}

/// A task by its name in a trace, and where it stood before a step.
fn stance(trace: &Trace, turn: Turn, step: u64, seen: &[(u64, Standing)]) -> Option<Stance> {
    let names = trace.names();
    let task = names.ids().find(|&id| names.signature(id) == turn.task)?;
    let standing = seen.iter().find(|(at, seen)| *at == step && seen.task == task).map(|s| s.1);
    Some(Stance { name: names.get(task).to_string(), is_spawned: true, standing })
}
