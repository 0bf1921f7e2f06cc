//! Tests over inputs and schedules: a search that goes from input to input, and what is simpler.

use std::cell::{Cell, RefCell};
use std::ops::Range;
use std::rc::Rc;

use super::check::check;
use crate::explore::outside::case::{Drawing, Edit, Input, Shown};
use crate::explore::outside::test_id::TestId;
use crate::explore::settings::Settings;
use crate::explore::shrink::shrink;
use crate::explore::subject::{Sample, Subject};
use crate::report::count;
use crate::schedule::{Answer, Schedule};
use crate::scheduler::{Choice, Completeness, Plan, Progress, RunEnd, Scheduler};

/// The arguments of a test, with their types hidden.
pub(crate) trait Arguments {
    /// How many there are.
    fn len(&self) -> usize;

    /// Draws one, from a seed, by its number.
    ///
    /// # Errors
    ///
    /// If its strategy gives up, with the reason.
    fn draw(&self, argument: usize, seed: u64) -> Result<(), String>;

    /// As proptest's `ValueTree::simplify`.
    fn simplify(&self, argument: usize) -> bool;

    /// As proptest's `ValueTree::complicate`.
    fn complicate(&self, argument: usize) -> bool;

    /// What the values look like.
    fn shown(&self) -> Shown;
}

/// How long a property is searched and shrunk.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Effort {
    /// How many inputs to try.
    pub(crate) inputs: u32,
    pub(crate) max_rejected: u32,
    /// The most simpler inputs that are tried.
    pub(crate) max_shrink_tries: u32,
    /// From which the seeds of the inputs are made.
    pub(crate) seed: u64,
}

/// A test that draws its arguments.
pub(crate) struct Property {
    arguments: Box<dyn Arguments>,
    effort: Effort,
    /// Makes the scheduler of one input.
    scheduler: Box<dyn Fn() -> Box<dyn Scheduler>>,
    /// The seeds of the first input, if the scheduler works from seeds. The next input has as many after
    /// them.
    seeds: RefCell<Range<u64>>,
    /// Which input it is, and how it was shrunk.
    seed: Cell<u64>,
    nth: Cell<u32>,
    edits: RefCell<Vec<Vec<Edit>>>,
    /// Why the body has rejected the input, if some run has.
    rejected: RefCell<Option<String>>,
}

/// Looks for an input and a schedule under which `body` fails.
#[track_caller]
pub(crate) fn check_property<T>(
    settings: &Settings,
    test: &TestId,
    property: Rc<Property>,
    body: impl AsyncFn() -> T,
    judge: impl Fn(T) -> Result<String, String>,
) {
    assert!(
        property.effort.inputs > 0,
        "dacapo: `cases` is 0 (of `proptest_config`, or PROPTEST_CASES), so nothing would be tested; let \
         there be at least 1"
    );
    let subject = Subject::new(settings.limits, &body, judge);
    let seeds = property.seeds.borrow().clone();
    let inputs = Inputs {
        property: Rc::clone(&property),
        tried: 0,
        rejected: 0,
        runs: 0,
        seeds,
        scheduler: None,
    };
    if let Err(error) = check(settings, subject, Box::new(inputs), test, Some(&*property)) {
        test.note_failure();
        panic!("{error}");
    }
}

impl Property {
    pub(crate) fn new(
        arguments: Box<dyn Arguments>,
        effort: Effort,
        scheduler: Box<dyn Fn() -> Box<dyn Scheduler>>,
    ) -> Self {
        let seeds = scheduler().seeds().cloned().unwrap_or_default();
        Self {
            arguments,
            effort,
            scheduler,
            seeds: RefCell::new(seeds),
            seed: Cell::new(0),
            nth: Cell::new(0),
            edits: RefCell::default(),
            rejected: RefCell::default(),
        }
    }

    /// The body has found that the present input is none for it.
    pub(crate) fn reject(&self, why: String) {
        *self.rejected.borrow_mut() = Some(why);
    }

    /// Draws the input of a seed, unshrunk.
    fn draw(&self, seed: u64) -> Result<(), String> {
        self.seed.set(seed);
        *self.edits.borrow_mut() = vec![Vec::new(); self.arguments.len()];
        self.rejected.take();
        (0..self.arguments.len()).try_for_each(|argument| self.arguments.draw(argument, seed))
    }

    /// Simplifies or complicates one argument, and notes that.
    fn edit(&self, argument: usize, edit: Edit) -> bool {
        self.edits.borrow_mut()[argument].push(edit);
        match edit {
            Edit::Simplify => self.arguments.simplify(argument),
            Edit::Complicate => self.arguments.complicate(argument),
        }
    }

    /// Draws one argument anew, and shrinks it in this way.
    fn redraw(&self, argument: usize, edits: &[Edit]) -> Result<(), String> {
        self.edits.borrow_mut()[argument].clear();
        self.arguments.draw(argument, self.seed.get())?;
        for &edit in edits {
            self.edit(argument, edit);
        }
        Ok(())
    }

    /// The scheduler of the present input.
    fn scheduler(&self) -> Box<dyn Scheduler> {
        let mut scheduler = (self.scheduler)();
        if let Some(own) = scheduler.seeds() {
            let Range { start, end } = *self.seeds.borrow();
            let seeds = end.saturating_sub(start);
            // Seed 0 may be the ordinary run, which is made for each input anyway.
            let first = start.max(1).wrapping_add(seeds.wrapping_mul(self.nth.get().into()));
            *own = first..first.saturating_add(seeds);
        }
        scheduler
    }
}

/// The search: all runs of one input after those of another.
struct Inputs {
    property: Rc<Property>,
    tried: u32,
    rejected: u32,
    /// Of the present input.
    runs: usize,
    /// The seeds of the first input.
    seeds: Range<u64>,
    scheduler: Option<Box<dyn Scheduler>>,
}

impl Inputs {
    fn current_mut(&mut self) -> &mut dyn Scheduler {
        self.scheduler.as_deref_mut().expect("dacapo bug: no input was drawn")
    }

    /// Goes on to another input; returns whether there is one.
    fn advance(&mut self) -> bool {
        let Property { effort, nth, .. } = &*self.property;
        if self.tried >= effort.inputs {
            return false;
        }
        let number = self.tried + self.rejected;
        nth.set(number);
        if let Err(reason) = self.property.draw(effort.seed.rotate_left(32) ^ u64::from(number)) {
            panic!("dacapo: a strategy gives no value: {reason}");
        }
        self.tried += 1;
        self.runs = 0;
        self.property.seeds.replace(self.seeds.clone());
        self.scheduler = Some(self.property.scheduler());
        true
    }

    /// If the first run of an input has rejected it, it does not count.
    fn look_at_the_last_run(&mut self) {
        let rejected = self.property.rejected.take();
        if let (1, Some(why)) = (self.runs, rejected) {
            self.scheduler = None;
            self.rejected += 1;
            self.tried -= 1;
            let Effort { inputs, max_rejected, .. } = self.property.effort;
            assert!(
                self.rejected <= max_rejected,
                "dacapo: {} inputs were rejected, the last one by {why}; only {} of {inputs} were tried. \
                 Let the strategies draw what the test can use, or raise `max_global_rejects`",
                self.rejected,
                self.tried,
            );
        }
    }
}

impl Scheduler for Inputs {
    fn name(&self) -> &str {
        self.scheduler.as_deref().map_or("inputs", |scheduler| scheduler.name())
    }

    fn next_run(&mut self) -> Option<Plan> {
        self.look_at_the_last_run();
        loop {
            if let Some(plan) = self.scheduler.as_deref_mut().and_then(Scheduler::next_run) {
                self.runs += 1;
                return Some(plan);
            }
            if !self.advance() {
                return None;
            }
        }
    }

    fn choose(&mut self, choice: &Choice<'_>) -> Answer {
        self.current_mut().choose(choice)
    }

    fn observe(&mut self, progress: &Progress<'_>) {
        self.current_mut().observe(progress);
    }

    fn end_run(&mut self) -> RunEnd {
        // All schedules of one input are not all runs there are.
        RunEnd { completeness: Completeness::default(), ..self.current_mut().end_run() }
    }

    fn seeds(&mut self) -> Option<&mut Range<u64>> {
        Some(&mut self.seeds)
    }
}

impl Drawing for Property {
    fn compares_holdings(&self) -> bool {
        (self.scheduler)().next_run().is_some_and(|plan| plan.compares_holdings())
    }

    fn load(&self, input: &Input) -> Result<Option<Shown>, String> {
        self.draw(input.seed)?;
        for (argument, edits) in input.edits.iter().enumerate().take(self.arguments.len()) {
            self.redraw(argument, edits)?;
        }
        Ok(Some(self.shown()).filter(|shown| !input.looks_like(shown)))
    }

    fn input(&self) -> Input {
        Input::new(self.seed.get(), self.edits.borrow().clone(), self.shown().check())
    }

    fn shown(&self) -> Shown {
        self.arguments.shown()
    }

    fn shrink(
        &self,
        subject: &mut Subject<'_>,
        first: Sample,
        max_runs: usize,
    ) -> (Sample, Option<String>) {
        let max_steps = MAX_STEPS.max(20 * first.steps);
        let mut shrinker = Shrinker {
            property: self,
            subject,
            least: first,
            tries: 0,
            runs: 0,
            steps: 0,
            max_steps,
        };
        // One with few deviations fits other inputs more often. It need not be the least.
        let few_runs = max_runs / 10;
        shrinker.shrink_schedule(few_runs);
        for round in 0..MAX_ROUNDS {
            let before = (self.shown(), shrinker.least.schedule.clone());
            for argument in 0..self.arguments.len() {
                shrinker.shrink_argument(argument, round > 0);
            }
            shrinker.shrink_schedule(few_runs);
            // The first round has gone through all that proptest proposes; one more has found nothing.
            if round > 0 && before == (self.shown(), shrinker.least.schedule.clone()) {
                break;
            }
        }
        let cost = match shrinker.tries {
            // There is no argument, or none that could be simpler.
            0 => None,
            1 => Some("the input in 1 try".to_owned()),
            tries => Some(format!("the input in {tries} tries")),
        };
        let cost = cost.map(|cost| format!("{cost} ({})", count(shrinker.runs, "run")));
        (shrinker.least, cost)
    }
}

/// How many steps may be spent on simpler inputs, or twenty times those of the first run.
const MAX_STEPS: usize = 3_000_000;

/// How often all arguments are gone through.
const MAX_ROUNDS: usize = 4;

/// Looks for the least input.
struct Shrinker<'a, 'b> {
    property: &'a Property,
    subject: &'a mut Subject<'b>,
    /// A failing run with the least input so far.
    least: Sample,
    tries: u32,
    runs: usize,
    steps: usize,
    max_steps: usize,
}

impl Shrinker<'_, '_> {
    fn exhausted(&self) -> bool {
        self.tries >= self.property.effort.max_shrink_tries
            || self.steps >= self.max_steps
            || self.subject.is_late()
    }

    fn shrink_schedule(&mut self, max_runs: usize) {
        let shrunk = shrink(self.subject, self.least.clone(), max_runs);
        self.runs += shrunk.runs;
        self.least = shrunk.sample;
    }

    /// Has proptest shrink one argument, which it does until it knows no simpler value. If it has done so
    /// before, it begins once more from what was drawn: with what the others have become, or with another
    /// schedule, it may end elsewhere.
    fn shrink_argument(&mut self, argument: usize, anew: bool) {
        let property = self.property;
        let (before, least) = (property.shown(), self.least.clone());
        let edits = || property.edits.borrow()[argument].clone();
        let first = edits();
        // It was drawn before, so it can be drawn again.
        let redraw =
            |edits: &[Edit]| property.redraw(argument, edits).expect("dacapo bug: drawn once only");
        if anew {
            redraw(&[]);
        }
        let mut failed = None;
        let mut more = !self.exhausted() && property.edit(argument, Edit::Simplify);
        while more && !self.exhausted() {
            more = match self.fail() {
                Some(sample) => {
                    self.least = sample;
                    failed = Some(edits());
                    property.edit(argument, Edit::Simplify)
                }
                None => property.edit(argument, Edit::Complicate),
            };
        }
        // Back to the last value that failed.
        if let Some(failed) = failed {
            redraw(&failed);
            if !anew || property.shown().is_simpler(&before) {
                return;
            }
        }
        redraw(&first);
        self.least = least;
    }

    /// Whether a run with the present input fails: first with the schedule of the least, and then with those of
    /// a search.
    fn fail(&mut self) -> Option<Sample> {
        self.tries += 1;
        let schedule = self.least.schedule.clone();
        let replayed = self.subject.replay(&schedule);
        if self.is_found(&replayed) {
            return Some(replayed);
        }
        let mut scheduler = self.property.scheduler();
        let mut is_first = true;
        while let Some(plan) = scheduler.next_run() {
            self.property.rejected.take();
            let sample;
            (sample, scheduler) = self.subject.run(scheduler, &plan);
            if self.is_found(&sample) {
                return Some(sample);
            }
            // Every run would be.
            if std::mem::take(&mut is_first) && self.property.rejected.take().is_some() {
                return None;
            }
            if self.steps >= self.max_steps || self.subject.is_late() {
                return None;
            }
        }
        None
    }

    fn is_found(&mut self, sample: &Sample) -> bool {
        self.runs += 1;
        self.steps += sample.steps;
        match (&self.least.outcome, &sample.outcome) {
            (Err(least), Err(failure)) => least.is_akin(failure),
            _ => false,
        }
    }
}

/// Makes at most `runs` runs of `body`. Returns the schedule of the last one, or `None` if the scheduler
/// makes none.
pub(crate) fn last_schedule(
    settings: &Settings,
    mut scheduler: Box<dyn Scheduler>,
    runs: usize,
    body: impl AsyncFn(),
) -> Option<Schedule> {
    let mut subject = Subject::new(settings.limits, &body, |()| Ok(String::new()));
    let mut last = None;
    for _ in 0..runs {
        let Some(plan) = scheduler.next_run() else { break };
        let sample;
        (sample, scheduler) = subject.run(scheduler, &plan);
        last = Some(sample.schedule);
    }
    last
}
