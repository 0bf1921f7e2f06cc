//! The least schedule that fails in the same way.

pub(crate) mod edits;
pub(crate) mod endless;
pub(crate) mod numbers;
pub(crate) mod processes;

use std::collections::HashSet;
use std::rc::Rc;

use self::edits::{Edits, fingerprint};
use self::numbers::Numbers;
use crate::explore::subject::follow::{Account, Asked, Follow};
use crate::explore::subject::{Sample, Subject};
use crate::failure::{Failure, FailureKind};
use crate::faults::Faults;
use crate::question::Question;
use crate::schedule::{Answer, Lasting, Schedule};
use crate::trace::{Event, Trace};

/// A failing run, and how many runs it took to get from the first one to this.
pub(crate) struct Shrunk {
    pub(crate) sample: Sample,
    pub(crate) runs: usize,
    pub(crate) steps: usize,
    /// Whether the search ended because nothing simpler fails, and not because of the bound.
    pub(crate) finished: bool,
    /// The simplest run that failed in another way.
    pub(crate) other: Option<(Schedule, Failure)>,
}

/// Looks for simpler schedules with the same failure, in the order of [`Schedule::cmp_simplicity`],
/// within `max_runs` runs and [`MAX_STEPS`] steps.
///
/// First, half of what is left is cut off the end, as often as that still fails. Then these kinds of
/// edits are tried in turn, until none helps:
///
/// 0. leave out [faults](crate::Faults), one kind at a time, with the answers about it;
/// 1. make one answer last and drop all later answers, or all others: holding back one task can replace a
///    dozen single turns;
/// 2. set deviations to 0, in chunks of half, a quarter, … of them (delta debugging: Zeller and
///    Hildebrandt 2002, "Simplifying and isolating failure-inducing input"), and in pairs, since one
///    may have to undo another;
/// 3. tell the same order of steps in another way: with one answer that lasts, others may not be needed;
/// 4. remove answers, which moves the rest forward, also in such chunks;
/// 5. make single answers smaller, by bisection, even at a later place, and numbers of the program in
///    sum (see [`Numbers`]);
/// 6. move a deviation forward, by swapping it with a 0 before it.
///
/// If more than one deviation is left, all schedules with a single answer that lasts are tried, unless
/// there are too many.
///
/// The list of choices is edited, never the run (see [`Edits`]). What is kept is the schedule that the
/// run really had, which may be simpler than the candidate.
pub(crate) fn shrink(subject: &mut Subject<'_>, first: Sample, max_runs: usize) -> Shrunk {
    let max_steps = MAX_STEPS.max(20 * first.steps);
    let found = first.clone();
    let mut shrunk = shrink_while(subject, first, [max_runs, max_steps], |least, sample| {
        failures(least, sample).is_some_and(|[least, failure]| least.is_same(failure))
    });
    let is_equal = |[found, least]: [&Failure; 2]| found.is_equal_in_words(least);
    if failures(&found, &shrunk.sample).is_some_and(is_equal) {
        return shrunk;
    }
    // The message has changed on the way, in numbers only. The one that was found is preferred if it has a schedule
    // that is as simple, with its numbers.
    let bounds = [max_runs.saturating_sub(shrunk.runs), max_steps.saturating_sub(shrunk.steps)];
    let exact = shrink_while(subject, found, bounds, |least, sample| {
        failures(least, sample).is_some_and(|[least, failure]| {
            least.is_same(failure) && least.is_equal_in_words(failure)
        })
    });
    shrunk.runs += exact.runs;
    shrunk.steps += exact.steps;
    let cost = |schedule: &Schedule| {
        let options = schedule.answers().iter().map(|answer| u64::from(answer.option()));
        (schedule.deviations(), options.sum::<u64>())
    };
    if cost(&exact.sample.schedule) <= cost(&shrunk.sample.schedule) {
        shrunk.sample = exact.sample;
    }
    shrunk
}

/// How two runs failed, if both did.
fn failures<'a>(a: &'a Sample, b: &'a Sample) -> Option<[&'a Failure; 2]> {
    Some([a.outcome.as_ref().err()?, b.outcome.as_ref().err()?])
}

/// The same for what any run did: `same` tells whether another one, given second, did so too. The
/// bounds are runs and steps.
pub(crate) fn shrink_while(
    subject: &mut Subject<'_>,
    first: Sample,
    [max_runs, max_steps]: [usize; 2],
    same: fn(&Sample, &Sample) -> bool,
) -> Shrunk {
    // If a task is held back for ever, a task that waits for it in a loop never gets anywhere, so that a
    // run without a bug becomes endless.
    let may_last =
        !first.outcome.as_ref().is_err_and(|failure| failure.kind() == FailureKind::Limit);
    let mut shrinker = Shrinker {
        subject,
        least: first,
        same,
        tried: HashSet::new(),
        runs: 0,
        max_runs,
        steps: 0,
        max_steps,
        may_last,
        asked: None,
        other: None,
    };
    // The usual order, and the usual random values, first.
    shrinker.try_answers(Vec::new());
    let seedless = shrinker.least.schedule.clone().with_seed(0);
    shrinker.try_schedule(seedless);
    shrinker.cut();
    loop {
        let before = shrinker.least.schedule.clone();
        shrinker.leave_out_faults();
        shrinker.make_lasting();
        shrinker.zero_chunks();
        shrinker.leave_out_faults();
        shrinker.retell();
        shrinker.zero_pairs();
        shrinker.delete_chunks();
        shrinker.lower();
        shrinker.trade();
        shrinker.leave_out_repetitions();
        shrinker.move_forward();
        if shrinker.least.schedule == before {
            shrinker.try_few();
        }
        if shrinker.least.schedule == before || shrinker.exhausted() {
            break;
        }
    }
    let finished = !shrinker.exhausted();
    Shrunk {
        sample: shrinker.least,
        runs: shrinker.runs,
        steps: shrinker.steps,
        finished,
        other: shrinker.other,
    }
}

struct Shrinker<'a, 'b> {
    subject: &'a mut Subject<'b>,
    least: Sample,
    same: fn(&Sample, &Sample) -> bool,
    /// Hashes of the candidates: the lists themselves can be long, and are many.
    tried: HashSet<u64>,
    runs: usize,
    max_runs: usize,
    steps: usize,
    max_steps: usize,
    /// Whether answers may be made to last.
    may_last: bool,
    /// What was asked in the run of this schedule.
    asked: Option<(Schedule, Rc<[Asked]>)>,
    /// The simplest run that failed in another way.
    other: Option<(Schedule, Failure)>,
}

/// How many steps all candidates may take together, or twenty times those of the first run. Without it,
/// runs that end at their limit of steps would take minutes.
const MAX_STEPS: usize = 3_000_000;

/// What was asked in a run, if its trace is whole.
fn asked(trace: &Trace) -> Option<Rc<[Asked]>> {
    let asked = trace.events().filter_map(|(_, event)| match event {
        Event::Choice { asked, options, .. } => Some(Asked { question: asked.question, options }),
        _ => None,
    });
    (trace.dropped() == 0).then(|| asked.collect())
}

impl Edits for Shrinker<'_, '_> {
    fn answers(&self) -> &[Answer] {
        self.least.schedule.answers()
    }

    /// Runs a candidate with the random values of the least run; keeps it if it is simpler and fails
    /// in the same way.
    fn try_answers(&mut self, answers: Vec<Answer>) -> bool {
        let lasting = |answers: &[Answer]| {
            answers.iter().filter(|answer| answer.lasting() != Lasting::Once).count()
        };
        if self.exhausted() || (!self.may_last && lasting(&answers) > lasting(self.answers())) {
            return false;
        }
        let seed = self.least.schedule.seed();
        let faults = self.least.schedule.faults();
        let candidate = Schedule::new(answers).with_seed(seed).with_faults(faults);
        self.tried.insert(fingerprint(&candidate)) && self.try_schedule(candidate)
    }

    fn exhausted(&self) -> bool {
        self.runs >= self.max_runs || self.steps >= self.max_steps || self.subject.is_late()
    }

    fn may_last(&self) -> bool {
        self.may_last
    }

    fn asked(&mut self, answers: &[Answer]) -> Rc<[Asked]> {
        let seed = self.least.schedule.seed();
        let faults = self.least.schedule.faults();
        let schedule = Schedule::new(answers.iter().copied()).with_seed(seed).with_faults(faults);
        match &self.asked {
            Some((known, asked)) if *known == schedule => Rc::clone(asked),
            _ if self.exhausted() => Rc::new([]),
            _ => {
                let asked: Rc<[Asked]> = self.account(schedule.clone()).choices.into();
                self.asked = Some((schedule, Rc::clone(&asked)));
                asked
            }
        }
    }
}

impl Shrinker<'_, '_> {
    fn try_schedule(&mut self, candidate: Schedule) -> bool {
        if self.exhausted() || candidate.cmp_simplicity(&self.least.schedule).is_ge() {
            return false;
        }
        self.runs += 1;
        let sample = self.subject.replay(&candidate);
        self.keep_if_simpler(sample)
    }

    fn keep_if_simpler(&mut self, sample: Sample) -> bool {
        // A step may ask for very many choices.
        self.steps += sample.steps.max(sample.choices);
        let same = (self.same)(&self.least, &sample);
        let simpler = sample.schedule.cmp_simplicity(&self.least.schedule).is_lt();
        if same && simpler {
            self.asked = asked(self.subject.trace()).map(|asked| (sample.schedule.clone(), asked));
            self.least = sample;
        } else if !same && let Err(failure) = sample.outcome {
            let is_simplest =
                |(other, _): &(Schedule, Failure)| sample.schedule.cmp_simplicity(other).is_lt();
            if self.other.as_ref().is_none_or(is_simplest) {
                self.other = Some((sample.schedule, failure));
            }
        }
        same && simpler
    }

    /// Leaves out what did not happen, and then also what did, a kind at a time.
    fn leave_out_faults(&mut self) {
        let happened = |fault: Question| {
            let asked = self.answers().iter().zip(&self.least.questions);
            asked.filter(|(answer, of)| answer.is_deviation() && **of == fault).count()
        };
        let faults = self.least.schedule.faults();
        let needed = faults.kinds().fold(Faults::none(), |needed, kind| {
            let most = if kind.row().is_counted { usize::MAX } else { 1 };
            needed.with(kind, happened(kind).min(most) as u32)
        });
        if needed != faults {
            self.try_schedule(self.with_faults(needed));
        }
        for kind in self.least.schedule.faults().kinds() {
            let without = self.least.schedule.faults().without(kind);
            self.try_schedule(self.with_faults(without));
        }
    }

    /// The least schedule in a run with only these faults. Answers to all other faults go. If they were
    /// 0, the rest happens as before.
    fn with_faults(&self, faults: Faults) -> Schedule {
        let schedule = &self.least.schedule;
        let asked = self.least.questions.iter().copied().chain(std::iter::repeat(Question::Next));
        let mut left = faults;
        let kept = self.answers().iter().zip(asked).filter(|(answer, of)| {
            if !of.is_fault() {
                return true;
            }
            let is_asked = left.has(*of);
            if answer.is_deviation() {
                left = left.less_one(*of);
            }
            is_asked
        });
        Schedule::new(kept.map(|(&answer, _)| answer))
            .with_seed(schedule.seed())
            .with_faults(faults)
    }

    /// Makes the run that was asked for by steps, with some answers that last, and keeps what it had to
    /// answer for that, if it is simpler.
    fn retell(&mut self) {
        const MOST: usize = 200;
        let few = (3..=MOST).contains(&self.deviations().len());
        if !self.may_last || !few || self.exhausted() {
            return;
        }
        let account = Rc::new(self.account(self.least.schedule.clone()));
        let mut from = 0;
        while let Some(place) = self.deviations().into_iter().find(|&place| place >= from) {
            from = place + 1;
            for how in [Lasting::Hold, Lasting::Ahead] {
                if self.exhausted() {
                    return;
                }
                // The same steps make the same choices, so what lasts already stays in its place.
                let answers = self.answers().iter();
                let mut lasting: Vec<Lasting> = answers.map(|answer| answer.lasting()).collect();
                if std::mem::replace(&mut lasting[place], how) == how {
                    continue;
                }
                self.runs += 1;
                let follow = Follow::new(Rc::clone(&account), lasting);
                let sample = self.subject.run_once(follow);
                if self.keep_if_simpler(sample) {
                    break;
                }
            }
        }
    }

    fn account(&mut self, schedule: Schedule) -> Account {
        let account = self.subject.account(&schedule);
        self.runs += 1;
        self.steps += account.steps.len();
        account
    }
}
