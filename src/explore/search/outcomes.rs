use std::collections::BTreeMap;
use std::fmt;

use super::least::shrink_all;
use crate::explore::confirm::recheck::Recheck;
use crate::explore::jobs::progress::Progress;
use crate::explore::jobs::{self, Jobs};
use crate::explore::outside::env::{Env, Errand};
use crate::explore::outside::test_id::TestId;
use crate::explore::settings::Settings;
use crate::explore::subject::{OutcomeKey, Subject};
use crate::explore::tally::Tally;
use crate::explore::tally::coverage::{Coverage, Mark};
use crate::explore::tally::reach::Reach;
use crate::explore::tally::traces::Traces;
use crate::extent::Extent;
use crate::failure::{Failure, Kind};
use crate::report::{EffortReport, Findings, Row, marks, shorten, table};
use crate::schedule::Schedule;
use crate::scheduler::{Divergence, Scheduler};
use crate::trace::printable;

/// What a search found: the different outcomes of all runs, in the order of their texts.
///
/// Its text (`Display`) is a table of them, with how many schedules led to each; [`behaviours`](Report::behaviours) is the set
/// alone, to be reviewed as a snapshot.
#[derive(Clone, Debug)]
pub struct Report {
    outcomes: Vec<Outcome>,
    effort: EffortReport,
    nondeterminism: Option<Failure>,
    marks: Vec<Mark>,
}

/// One way for a body to end.
#[derive(Clone, Debug)]
pub struct Outcome {
    text: String,
    /// How many bytes at the end of the text tell it apart from that of another bug. They are always shown.
    suffix: usize,
    runs: usize,
    first_seen: Schedule,
    least: Schedule,
    failure: Option<Failure>,
}

impl Outcome {
    /// The `Debug` text of what the body returned, or in one line how the run failed. If several bugs have
    /// the same line, such as two failed assertions, it ends with `(place 1 of 2)`, in the order of their
    /// places in the source; [`failure`](Outcome::failure) names the place.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// How many runs ended like this.
    pub fn runs(&self) -> usize {
        self.runs
    }

    /// The schedule of the first run that ended like this.
    pub fn first_seen(&self) -> &Schedule {
        &self.first_seen
    }

    /// The least schedule, by [`Schedule::cmp_simplicity`], that was found to end like this. The search
    /// itself may not have met it.
    pub fn least(&self) -> &Schedule {
        &self.least
    }

    /// Why these runs failed, if they did: the first of them.
    pub fn failure(&self) -> Option<&Failure> {
        self.failure.as_ref()
    }

    /// The text in one line of at most this many characters.
    fn in_one_line(&self, width: usize) -> String {
        let (text, suffix) = self.text.split_at(self.text.len() - self.suffix);
        format!("{}{suffix}", printable(text, width - suffix.len()))
    }
}

impl Report {
    fn new(mut tally: Tally, extent: Extent, difference: Option<String>) -> Self {
        let effort = EffortReport {
            runs: tally.runs,
            steps: tally.steps,
            choices: tally.choices,
            distinct: tally.distinct(),
            at_least: tally.distinct() == Traces::MAX,
            extent,
        };
        let mut bugs = BTreeMap::new();
        for key in tally.rows.keys().filter(|key| key.bug.is_some()) {
            *bugs.entry(key.text.clone()).or_insert(0) += 1;
        }
        // Bugs with the same text are neighbours.
        let mut before = (String::new(), 0);
        let outcomes = tally.rows.into_iter().map(|(OutcomeKey { mut text, bug }, row)| {
            let all = if bug.is_some() { bugs[&text] } else { 1 };
            let mut suffix = String::new();
            if all > 1 {
                let nth = if before.0 == text { before.1 + 1 } else { 1 };
                before = (text.clone(), nth);
                suffix = format!(" (place {nth} of {all})");
                text.push_str(&suffix);
            }
            Outcome {
                text,
                suffix: suffix.len(),
                runs: row.runs,
                first_seen: row.first_seen,
                least: row.least,
                failure: row.failure,
            }
        });
        let nondeterminism =
            difference.map(|difference| Failure::new(Kind::NotDeterministic { difference }));
        let marks = tally.coverage.into_marks();
        Self { outcomes: outcomes.collect(), effort, nondeterminism, marks }
    }

    /// The outcomes, in the order of their texts.
    pub fn outcomes(&self) -> &[Outcome] {
        &self.outcomes
    }

    /// How many runs were made.
    pub fn runs(&self) -> usize {
        self.effort.runs
    }

    /// How many steps (polls of a task) these runs took.
    pub fn steps(&self) -> usize {
        self.effort.steps
    }

    /// How many choices were answered in these runs.
    pub fn choices(&self) -> usize {
        self.effort.choices
    }

    /// How many different traces these runs had, by their [hashes](crate::Trace::hash). At most 1,048,576
    /// are told apart; that number means at least as many.
    pub fn distinct_traces(&self) -> usize {
        self.effort.distinct
    }

    /// The share, from 0.0 to 1.0, of runs that repeated an earlier one.
    ///
    /// When it is close to 1, more runs of this scheduler will find little that is new. A complete search
    /// has no repeats.
    ///
    /// ```
    /// use dacapo::scheduler::Random;
    ///
    /// let report = dacapo::explore(Random::seeds(0..100), async || dacapo::choose("door", 4));
    /// assert_eq!(report.distinct_traces(), 4);
    /// assert_eq!(report.repeats(), 0.96);
    /// ```
    pub fn repeats(&self) -> f64 {
        self.effort.repeats()
    }

    /// Whether every possible run was among them.
    ///
    /// This takes a scheduler that tries every schedule, such as [`Exhaustive`](crate::scheduler::Exhaustive).
    /// It also takes that no run drew [random values](crate::rand), which would differ with another seed,
    /// and that no run ended at a limit of the [`Builder`](crate::Builder). The inputs and the
    /// [faults](crate::Faults) that are on are taken as given.
    ///
    /// ```
    /// use dacapo::rand::Rng as _;
    /// use dacapo::scheduler::Exhaustive;
    ///
    /// let report = dacapo::explore(Exhaustive::new(), async || dacapo::rand::rng().next_u32() % 6);
    /// assert!(!report.is_complete());
    /// assert!(report.to_string().ends_with("all schedules, with random values from seed 0 only\n"));
    /// ```
    pub fn is_complete(&self) -> bool {
        self.effort.extent.is_complete()
    }

    /// The outcomes that are failures.
    pub fn failures(&self) -> impl Iterator<Item = &Outcome> {
        self.outcomes.iter().filter(|outcome| outcome.failure.is_some())
    }

    /// How a run differed when it was repeated. The search ends at the first such run.
    pub fn nondeterminism(&self) -> Option<&Failure> {
        self.nondeterminism.as_ref()
    }

    /// The set of outcomes, a line each, without numbers.
    ///
    /// A snapshot of it changes when the code can behave in another way, but not when more schedules or steps
    /// lead to the same outcomes. It says which outcomes are failures, and whether the search was incomplete.
    ///
    /// ```
    /// use dacapo::scheduler::Exhaustive;
    ///
    /// let report = dacapo::explore(Exhaustive::new(), async || {
    ///     let order = dacapo::choose("order", 3);
    ///     assert_ne!(order, 2, "nobody is served");
    ///     ["ann first", "bob first"][order]
    /// });
    /// assert_eq!(report.behaviours().to_string(), "\
    /// \"ann first\"
    /// \"bob first\"
    /// fails: main panicked: assertion `left != right` failed: nobody is served
    /// ");
    /// ```
    pub fn behaviours(&self) -> impl fmt::Display + '_ {
        fmt::from_fn(|f| {
            self.outcomes.iter().try_for_each(|outcome| writeln!(f, "{outcome}"))?;
            let untried = self.effort.extent.untried();
            if !untried.is_empty() {
                writeln!(f, "(there may be more: {})", untried.join("; "))?;
            }
            Ok(())
        })
    }

    /// What the runs met of the marks of [`sometimes!`](crate::sometimes) and
    /// [`reachable!`](crate::reachable), and of those [expected](crate::Builder::expect), in the order of their
    /// labels.
    pub fn marks(&self) -> &[Mark] {
        &self.marks
    }
}

/// The longest that the text of an outcome is shown, in characters.
const TEXT: usize = 300;
/// The same in a table.
const WIDTH: usize = 100;

/// Its text in one line, and whether it is a failure.
impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fails = if self.failure.is_some() { "fails: " } else { "" };
        write!(f, "{fails}{}", self.in_one_line(TEXT))
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows = self.outcomes.iter().map(|outcome| Row {
            outcome: outcome.in_one_line(WIDTH),
            fails: outcome.failure.is_some(),
            runs: outcome.runs,
            least: shorten(&outcome.least),
        });
        f.write_str(&table(rows, self.effort.runs))?;
        writeln!(f, "{}", self.effort)?;
        let rows = self.marks.iter();
        f.write_str(&marks(
            rows.map(|mark| (mark.label(), mark.runs_held(), mark.runs_evaluated())),
        ))?;
        self.nondeterminism.iter().try_for_each(|failure| writeln!(f, "{failure}"))
    }
}

#[track_caller]
pub(crate) fn explore(
    settings: &Settings,
    mut subject: Subject<'_>,
    mut scheduler: Box<dyn Scheduler>,
) -> Report {
    let env = Env::read();
    if let (Some(seeds), Some(own)) = (env.seeds.clone(), scheduler.seeds()) {
        *own = seeds;
    }
    let shares = matches!(env.errand, Errand::Share(_));
    let test = (env.jobs() > 1 || shares).then(TestId::infer_table);
    if let (Errand::Share(share), Some(test)) = (&env.errand, &test)
        && share.test == test.name()
    {
        jobs::work(settings, share, &mut subject, scheduler, None, false);
    }
    let mut progress = Progress::new(&env, "explore");
    let mut jobs = Jobs::new(settings, &env, test.as_ref(), None);
    let recheck = Recheck::new(settings);
    let mut tally = Tally::default();
    tally.coverage = Coverage::new(&settings.expected);
    let mut difference = None;
    let mut reach = Reach::default();
    while let Some(plan) = scheduler.next_run() {
        if let Some(rest) =
            jobs.make_rest(&mut subject, &*scheduler, &plan, tally.runs, &mut progress)
        {
            tally.merge(rest.tally);
            difference = rest.end.and_then(|end| end.difference);
            break;
        }
        let sample;
        (sample, scheduler) = subject.run(scheduler, &plan);
        reach.add(&sample);
        tally.count(&sample, subject.marks());
        let found = Findings::Outcomes(tally.rows.len());
        progress.tell(tally.runs, || plan.runs_left(), found);
        if recheck.is_due(tally.runs)
            && let Some(parting) = recheck.run(&mut subject, &sample)
        {
            difference = Some(parting.describe("").summary());
            break;
        }
        if let Some(divergence) = sample.divergence.filter(Divergence::is_nondeterminism) {
            difference = Some(divergence.to_string());
            break;
        }
        tally.add(tally.runs - 1, sample);
    }
    progress.end();
    let mut extent = reach.extent();
    extent.all_schedules &= difference.is_none();
    if difference.is_none() {
        shrink_all(&mut subject, &mut tally, settings.max_shrink_runs);
    }
    Report::new(tally, extent, difference)
}
