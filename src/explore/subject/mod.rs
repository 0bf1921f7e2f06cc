//! The body under test, with its types hidden.

pub(crate) mod budget;
pub(crate) mod follow;
mod leak;
pub(crate) mod steer;

use std::backtrace::Backtrace;
use std::rc::Rc;

use self::budget::Budget;
use self::follow::{Account, Recorder};
use self::leak::leak;
use self::steer::Steer;
use crate::executor::{Engine, Raw};
use crate::explore::clock::Deadline;
use crate::explore::run::strictly;
use crate::failure::{Failure, Kind};
use crate::faults::Faults;
use crate::question::Question;
use crate::report::own_frames;
use crate::schedule::Schedule;
use crate::scheduler::{Completeness, Divergence, Fifo, Plan, Replay, RunEnd, Scheduler};
use crate::session::{Holdings, Limits, Marks, Standing, Witness};
use crate::trace::Trace;

type RunBody<'a> =
    dyn FnMut(&mut Engine, Box<dyn Scheduler>, &Plan) -> (Raw<Judged>, Box<dyn Scheduler>) + 'a;

/// What the output of a body comes to: a text, or the text of an error.
type Judged = Result<String, String>;

/// A body that can be run any number of times.
///
/// Searching, shrinking and confirming know it only as this: schedules go in, samples come out.
pub(crate) struct Subject<'a> {
    engine: Engine,
    run: Box<RunBody<'a>>,
    first_holdings: FirstHoldings,
    deadline: Deadline,
    /// Whether backtraces are wanted of runs that are shown.
    with_backtraces: bool,
    /// Those of the last run that was shown, each with the place of its panic.
    backtraces: Vec<(String, Backtrace)>,
}

/// What primitives hold at the end of a run in which nothing is cancelled, if runs are compared with that.
enum FirstHoldings {
    NotCompared,
    Unknown,
    Known(Vec<Holdings>),
}

/// What is kept of one run out of many. Its trace stays in the subject until the next run.
#[derive(Clone, Debug)]
pub(crate) struct Sample {
    pub(crate) outcome: Result<String, Failure>,
    pub(crate) schedule: Schedule,
    /// Of its events and its outcome. Whether it was shown makes no difference.
    pub(crate) hash: u64,
    /// Of the values that the code under test noted, if the run was shown.
    pub(crate) values: u64,
    pub(crate) steps: usize,
    pub(crate) choices: usize,
    pub(crate) divergence: Option<Divergence>,
    /// How many of all schedules its scheduler has run.
    pub(crate) completeness: Completeness,
    /// The seed of its random values, if any were drawn.
    pub(crate) drawn: Option<u64>,
    /// The question of each answer. Empty if no faults were on.
    pub(crate) questions: Vec<Question>,
}

/// What tells outcomes apart: a text, and for a failure which bug it is, since two bugs may have one title.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct OutcomeKey {
    pub(crate) text: String,
    pub(crate) bug: Option<String>,
}

impl Sample {
    /// What tells outcomes apart.
    pub(crate) fn key(&self) -> OutcomeKey {
        match &self.outcome {
            Ok(text) => OutcomeKey { text: text.clone(), bug: None },
            Err(failure) => OutcomeKey { text: failure.title(), bug: Some(failure.identity()) },
        }
    }

    /// Whether the run ended because it took too many steps.
    pub(crate) fn is_endless(&self) -> bool {
        self.outcome.as_ref().is_err_and(Failure::is_endless)
    }

    /// How the run ended, in words.
    pub(crate) fn ending(&self) -> String {
        match &self.outcome {
            Ok(text) if text.is_empty() => "passed".to_owned(),
            Ok(text) => text.clone(),
            Err(failure) => failure.to_string(),
        }
    }
}

impl<'a> Subject<'a> {
    pub(crate) fn new<T>(
        limits: Limits,
        body: &'a impl AsyncFn() -> T,
        judge: impl Fn(T) -> Judged + 'a,
    ) -> Self {
        let run = move |engine: &mut Engine, scheduler: Box<dyn Scheduler>, plan: &Plan| {
            engine.run(scheduler, plan, body, &judge)
        };
        let first_holdings = FirstHoldings::NotCompared;
        Self {
            engine: Engine::new(limits),
            run: Box::new(run),
            first_holdings,
            deadline: Deadline::default(),
            with_backtraces: false,
            backtraces: Vec::new(),
        }
    }

    /// From now on, fails each run at whose end primitives hold more than at the end of an ordinary run.
    pub(crate) fn compare_holdings(&mut self) {
        if let FirstHoldings::NotCompared = self.first_holdings {
            self.engine.record_holdings();
            self.first_holdings = FirstHoldings::Unknown;
        }
    }

    /// How many primitives an ordinary run uses, if runs are compared with that.
    pub(crate) fn watched(&self) -> Option<usize> {
        match &self.first_holdings {
            FirstHoldings::Known(first) => Some(first.len()),
            FirstHoldings::NotCompared | FirstHoldings::Unknown => None,
        }
    }

    /// Sets when runs that are not needed for a report end.
    pub(crate) fn set_deadline(&mut self, deadline: Deadline) {
        self.deadline = deadline;
    }

    /// Whether it is too late for more runs that are not needed for a report.
    pub(crate) fn is_late(&self) -> bool {
        self.deadline.is_over()
    }

    /// Makes the run for which `scheduler` was prepared, and hands the scheduler back.
    pub(crate) fn run(
        &mut self,
        scheduler: Box<dyn Scheduler>,
        plan: &Plan,
    ) -> (Sample, Box<dyn Scheduler>) {
        let (mut sample, scheduler) = self.run_only(scheduler, plan);
        sample.schedule = self.schedule();
        (sample, scheduler)
    }

    /// The schedule of the last run.
    pub(crate) fn schedule(&self) -> Schedule {
        self.engine.schedule()
    }

    /// The same, without the schedule in the sample: of most runs it is not wanted.
    pub(crate) fn run_only(
        &mut self,
        mut scheduler: Box<dyn Scheduler>,
        plan: &Plan,
    ) -> (Sample, Box<dyn Scheduler>) {
        if plan.compares_holdings() {
            self.compare_holdings();
        }
        if let FirstHoldings::Unknown = self.first_holdings {
            // A run of its own, since this one may be the replay of a cancellation.
            let ordinary = Plan::new().with_faults(Faults::none());
            (self.run)(&mut self.engine, Box::new(Fifo::new()), &ordinary);
            self.first_holdings = FirstHoldings::Known(self.engine.holdings().to_vec());
        }
        let raw;
        (raw, scheduler) = (self.run)(&mut self.engine, scheduler, plan);
        let RunEnd { divergence, completeness } = scheduler.end_run();
        let outcome = match raw.outcome {
            Ok(judged) => {
                let trace = self.engine.trace_mut();
                match &judged {
                    // Most runs pass, and have nothing to say.
                    Ok(text) if text.is_empty() => {}
                    Ok(text) => trace.hash_bytes(text.as_bytes()),
                    Err(text) => {
                        trace.hash_bytes(b"error");
                        trace.hash_bytes(text.as_bytes());
                    }
                }
                judged.map_err(|message| Failure::new(Kind::Error { message }))
            }
            Err(failure) => Err(failure),
        };
        let outcome = outcome.and_then(|text| self.leak().map_or(Ok(text), Err));
        let sample = Sample {
            outcome: strictly(outcome, divergence),
            schedule: Schedule::default(),
            hash: self.engine.trace().hash_of_events(),
            values: self.engine.trace().hash_of_values(),
            steps: raw.steps,
            choices: raw.choices,
            divergence,
            completeness,
            drawn: self.engine.drawn(),
            questions: self.engine.questions().to_vec(),
        };
        (sample, scheduler)
    }

    /// What the last run has left behind, if that matters.
    fn leak(&mut self) -> Option<Failure> {
        let FirstHoldings::Known(first) = &self.first_holdings else { return None };
        let now = self.engine.holdings().to_vec();
        let failure = leak(first, &now, self.engine.trace_mut())?;
        self.engine.trace_mut().hash_bytes(failure.to_string().as_bytes());
        Some(failure)
    }

    /// Makes the one run of a scheduler.
    pub(crate) fn run_once(&mut self, mut scheduler: impl Scheduler + 'static) -> Sample {
        let plan = scheduler.next_run().expect("dacapo bug: a scheduler was made for a run");
        self.run(Box::new(scheduler), &plan).0
    }

    /// Makes the last run once more.
    pub(crate) fn repeat(&mut self) -> Sample {
        let (again, plan) = self.engine.again();
        self.run_only(again, &plan).0
    }

    /// The schedule and the trace of the run before it was [repeated](Subject::repeat).
    pub(crate) fn before(&self) -> (Schedule, &Trace) {
        self.engine.before()
    }

    pub(crate) fn replay(&mut self, schedule: &Schedule) -> Sample {
        self.run_once(Replay::new(schedule.clone()))
    }

    /// The same for a run that is shown, with everything that the code under test notes.
    pub(crate) fn show(&mut self, schedule: &Schedule) -> Sample {
        let before = self.engine.show(true);
        self.engine.collect_backtraces(self.with_backtraces);
        let sample = self.replay(schedule);
        self.backtraces = self.engine.collect_backtraces(false);
        self.engine.show(before);
        sample
    }

    /// The faults that a run of this plan would have.
    pub(crate) fn faults_of(&self, plan: &Plan) -> Faults {
        self.engine.faults_of(plan)
    }

    /// Does something with runs that end after this many steps at most.
    pub(crate) fn within_steps<R>(&mut self, steps: usize, f: impl FnOnce(&mut Self) -> R) -> R {
        let before = self.engine.set_max_steps(steps);
        let result = f(self);
        self.engine.set_max_steps(before);
        result
    }

    /// The trace of a failing run that was just shown. Of a run that reached a limit of steps and has more events than
    /// are kept, it is the beginning, made once more: the end is like it.
    pub(crate) fn take_trace_to_show(&mut self, sample: &Sample) -> Trace {
        const STEPS: usize = 10_000;
        if self.trace().dropped() == 0 || !sample.is_endless() {
            return self.take_trace();
        }
        self.within_steps(STEPS, |subject| subject.show(&sample.schedule));
        self.take_trace()
    }

    /// Collects the backtraces of panics in runs that are shown.
    pub(crate) fn collect_backtraces(&mut self) {
        self.with_backtraces = true;
    }

    /// For each panic of a failure in the last run that was shown: its place, and the frames that are neither
    /// dacapo's nor std's.
    pub(crate) fn backtraces(&self, failure: &Failure) -> Vec<(String, String)> {
        let failure = failure.to_string();
        let of_failure = self.backtraces.iter().filter(|(place, _)| failure.contains(place));
        let own = of_failure
            .map(|(place, backtrace)| (place.clone(), own_frames(&backtrace.to_string())));
        own.filter(|(_, frames)| !frames.is_empty()).collect()
    }

    /// Tells a witness of each step from now on.
    pub(crate) fn set_witness(&mut self, witness: Witness) {
        self.engine.set_witness(witness);
    }

    /// Has all runs made to be shown.
    pub(crate) fn show_all(&mut self) {
        self.engine.show(true);
    }

    /// The marks that the last run met.
    pub(crate) fn marks(&mut self) -> &Marks {
        self.engine.marks()
    }

    /// Makes a run to give an account of it.
    pub(crate) fn account(&mut self, schedule: &Schedule) -> Account {
        let account = Rc::default();
        self.run_once(Recorder::new(Replay::new(schedule.clone()), Rc::clone(&account)));
        account.take()
    }

    /// Makes the one run for which this was prepared, at the expense of a budget.
    pub(crate) fn steer(&mut self, steer: Steer, budget: &mut Budget) -> Sample {
        let work = steer.work();
        let sample = self.run_once(steer);
        budget.spend(sample.steps + work.get());
        if self.is_late() {
            budget.runs = 0;
        }
        sample
    }

    /// Replays a schedule, and looks where all tasks stand when these steps begin.
    pub(crate) fn survey(&mut self, schedule: &Schedule, steps: &[u64]) -> Vec<(u64, Standing)> {
        self.engine.survey(steps);
        self.replay(schedule);
        self.engine.take_survey()
    }

    /// The trace of the last run.
    pub(crate) fn trace(&self) -> &Trace {
        self.engine.trace()
    }

    /// The same, to keep it.
    pub(crate) fn take_trace(&mut self) -> Trace {
        std::mem::take(self.engine.trace_mut())
    }
}
