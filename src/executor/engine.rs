//! Makes one run after another.

use std::backtrace::Backtrace;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll};

use super::core::Core;
use super::turns::Main;
use super::unwind::PanicNote;
use super::waker::RunId;
use super::{EXECUTOR, Executor, try_current, unwind};
use crate::failure::Failure;
use crate::faults::Faults;
use crate::instant::Instant;
use crate::question::Question;
use crate::schedule::Schedule;
use crate::scheduler::{Plan, Scheduler};
use crate::session::{
    ActiveFaults, Again, Answers, Driver, Holdings, Limits, Marks, Shows, Standing, Survey, Witness,
};
use crate::trace::Trace;

/// Makes runs in memory that it keeps.
pub(crate) struct Engine {
    /// The state of the last run. During a run, the thread has it.
    core: Box<Core>,
    limits: Limits,
    driver: Option<Rc<dyn Driver>>,
    /// The run that was made again, if one was.
    before: Before,
}

/// What is kept of a run while it is made again.
#[derive(Default)]
struct Before {
    answers: Rc<Answers>,
    /// The seed of the random values, if any were drawn.
    seed: u64,
    trace: Trace,
}

/// What came out of a run.
pub(crate) struct Raw<T> {
    pub(crate) outcome: Result<T, Failure>,
    pub(crate) elapsed: Instant,
    pub(crate) steps: usize,
    pub(crate) choices: usize,
}

/// The future of a body, then its output, then what was made of that.
struct Body<'a, F, T, J, R> {
    future: Pin<&'a mut Option<F>>,
    output: Option<T>,
    judge: Option<J>,
    judged: Option<R>,
}

impl<F: Future<Output = T>, T, J: FnOnce(T) -> R, R> Main for Body<'_, F, T, J, R> {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let future = self.future.as_mut().as_pin_mut();
        let future = future.expect("dacapo bug: main is polled after its end");
        future.poll(cx).map(|output| self.output = Some(output))
    }

    fn drop_future(&mut self) {
        self.future.set(None);
    }

    fn judge(&mut self) {
        if let (Some(output), Some(judge)) = (self.output.take(), self.judge.take()) {
            self.judged = Some(judge(output));
        }
    }

    fn forget(&mut self) {
        self.output = None;
    }
}

impl Engine {
    pub(crate) fn new(limits: Limits) -> Self {
        unwind::install_hook();
        let driver = limits.driver.map(|make| make());
        Self { core: Box::default(), limits, driver, before: Before::default() }
    }

    /// Makes one run of `body` with the answers of a scheduler that was prepared for it. `judge` turns the
    /// output into what the caller wants, still inside of the run.
    #[track_caller]
    pub(crate) fn run<T, R>(
        &mut self,
        scheduler: Box<dyn Scheduler>,
        plan: &Plan,
        body: impl AsyncFnOnce() -> T,
        judge: impl FnOnce(T) -> R,
    ) -> (Raw<R>, Box<dyn Scheduler>) {
        // The body is called in the first poll, so that it may spawn, and may panic.
        let future = pin!(Some(async { body().await }));
        let mut main = Body { future, output: None, judge: Some(judge), judged: None };
        let (raw, scheduler) = self.run_main(scheduler, plan, &mut main);
        let judged = main.judged;
        let outcome = raw.outcome.map(|()| judged.expect("dacapo bug: main ended without output"));
        let Raw { elapsed, steps, choices, .. } = raw;
        (Raw { outcome, elapsed, steps, choices }, scheduler)
    }

    /// The same with the types of the body hidden: this is most of it, and each test has a body.
    #[track_caller]
    fn run_main(
        &mut self,
        scheduler: Box<dyn Scheduler>,
        plan: &Plan,
        main: &mut dyn Main,
    ) -> (Raw<()>, Box<dyn Scheduler>) {
        assert!(
            try_current(|_| ()).is_none(),
            "dacapo: a run inside a run; await the inner code, or spawn it as a task"
        );
        self.core.begin(scheduler, plan, self.limits);
        let failure = EXECUTOR.with(|executor| {
            let entered = Entered::new(executor, &mut self.core, self.driver.clone());
            let mut failure = None;
            let mut make = || failure = executor.make_run(main);
            match &self.driver {
                None => make(),
                Some(driver) => driver.around(&mut make),
            }
            entered.leave();
            failure
        });
        let session = &mut self.core.session;

        if let Some(mistake) = session.mistake.take() {
            panic!("{mistake}");
        }
        let outcome = failure.map_or(Ok(()), Err);
        session.trace.finish();
        if let Err(failure) = &outcome {
            session.trace.hash_bytes(failure.without_place().as_bytes());
        }
        let (elapsed, steps, choices) = (session.now, session.steps, session.choices());
        let scheduler = session.scheduler.take().expect("dacapo bug: the scheduler is gone");
        (Raw { outcome, elapsed, steps, choices }, scheduler)
    }

    /// A scheduler that makes the last run again, and its plan. That run is kept meanwhile; see
    /// [`before`](Engine::before).
    pub(crate) fn again(&mut self) -> (Box<dyn Scheduler>, Plan) {
        let Self { core, before, .. } = self;
        let session = &mut core.session;
        before.seed = session.seed_used();
        std::mem::swap(&mut session.trace, &mut before.trace);
        // Nothing else has them any more.
        let answers = Rc::get_mut(&mut before.answers).expect("dacapo bug: answers are in use");
        std::mem::swap(&mut session.answers, answers);
        let plan = Plan::new().with_value_seed(session.seed).with_faults(session.faults.declared());
        (Box::new(Again::new(Rc::clone(&before.answers))), plan)
    }

    /// The schedule and the trace of the run that was made again.
    pub(crate) fn before(&self) -> (Schedule, &Trace) {
        let Before { answers, seed, trace } = &self.before;
        (self.core.session.schedule_of(answers, *seed), trace)
    }

    /// Sets the most steps that a run may take from now on. Returns the setting so far.
    pub(crate) fn set_max_steps(&mut self, max_steps: usize) -> usize {
        std::mem::replace(&mut self.limits.max_steps, max_steps)
    }

    /// Records what primitives hold in all runs from now on.
    pub(crate) fn record_holdings(&mut self) {
        self.limits.records_holdings = true;
    }

    /// Notes in the next run where all tasks stand when these steps begin.
    pub(crate) fn survey(&mut self, steps: &[u64]) {
        self.core.session.survey = Some(Survey::of(steps));
    }

    /// The faults that a run of this plan would have.
    pub(crate) fn faults_of(&self, plan: &Plan) -> Faults {
        ActiveFaults::declared_by(plan, self.limits.faults)
    }

    /// Tells a witness of each step of the next runs, before it.
    pub(crate) fn set_witness(&mut self, witness: Witness) {
        self.core.session.witness = Some(witness);
    }

    /// Sets whether the next runs are shown, so that the values are kept that the code under test notes. The
    /// events and their hash are the same. Returns the setting so far.
    pub(crate) fn show(&mut self, shown: bool) -> bool {
        let shows = if shown { Shows::Values } else { Shows::Nothing };
        std::mem::replace(&mut self.core.session.shows, shows) == Shows::Values
    }

    /// Collects the backtraces of panics in the next runs, or no more. Returns those that were collected, each with the
    /// place of its panic.
    pub(crate) fn collect_backtraces(&mut self, on: bool) -> Vec<(String, Backtrace)> {
        let collected = EXECUTOR.with(|executor| executor.catcher.collect_backtraces(on));
        let place = |(note, backtrace): (PanicNote, _)| Some((note.location?, backtrace));
        collected.into_iter().filter_map(place).collect()
    }

    /// What the survey has noted, each with its step.
    pub(crate) fn take_survey(&mut self) -> Vec<(u64, Standing)> {
        self.core.session.survey.take().map(Survey::into_seen).unwrap_or_default()
    }

    /// The schedule of the last run. It is made on demand, because runs may be long.
    pub(crate) fn schedule(&self) -> Schedule {
        self.core.session.schedule()
    }

    /// The seed of the last run's random values, if any were drawn.
    pub(crate) fn drawn(&self) -> Option<u64> {
        self.core.session.drawn()
    }

    /// The trace of the last run.
    pub(crate) fn trace(&self) -> &Trace {
        &self.core.session.trace
    }

    /// The trace of the last run, which the next one overwrites.
    pub(crate) fn trace_mut(&mut self) -> &mut Trace {
        &mut self.core.session.trace
    }

    /// The question of each answer of the last run. Empty if the run had no faults.
    pub(crate) fn questions(&self) -> &[Question] {
        self.core.session.faults.questions()
    }

    /// What the primitives of the last run held at its end, in the order of first use, if that was recorded.
    pub(crate) fn holdings(&self) -> &[Holdings] {
        &self.core.session.holdings
    }

    /// The marks that the last run met.
    pub(crate) fn marks(&self) -> &Marks {
        &self.core.session.marks
    }
}

impl Executor {
    /// Makes the run that was begun, to the end. Returns what went wrong.
    fn make_run(&self, main: &mut dyn Main) -> Option<Failure> {
        let failure = self.drive(main);
        // A wake-up from another thread explains whatever else is wrong.
        let failure = self.foreign_wake().or(failure);
        // Everything of the user is dropped inside of the run, because it may call the run, and panic.
        let dropped = self.catch_main(|| main.drop_future()).err();
        let panicked = match failure.is_some() || dropped.is_some() {
            true => self.catch_main(|| main.forget()).err(),
            false => self.catch_main(|| main.judge()).err(),
        };
        // In this order, the cause comes before its consequences.
        let failure = failure.or(dropped).or(panicked).or_else(|| self.wind_down());
        failure.or(self.shut_down())
    }
}

/// Makes a run the current one of this thread, until this is dropped.
struct Entered<'a> {
    executor: &'a Executor,
    /// Absent when the run has ended.
    core: Option<&'a mut Box<Core>>,
    has_driver: bool,
}

impl<'a> Entered<'a> {
    fn new(
        executor: &'a Executor,
        core: &'a mut Box<Core>,
        driver: Option<Rc<dyn Driver>>,
    ) -> Self {
        std::mem::swap(core, &mut *executor.core());
        let has_driver = driver.is_some();
        executor.sorts_wakes.set(driver.as_ref().is_some_and(|driver| driver.sorts_wakes()));
        if has_driver {
            executor.driver.replace(driver);
        }
        let number = executor.runs.get() + 1;
        executor.runs.set(number);
        executor.id.set(executor.outside.begin(number));
        let entered = Self { executor, core: Some(core), has_driver };
        executor.begin();
        entered
    }

    /// Ends the run, and gives back its memory.
    fn leave(mut self) {
        if let Some(core) = self.core.take() {
            std::mem::swap(core, &mut *self.executor.core());
        }
    }
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        self.executor.outside.end();
        self.executor.id.set(RunId::NONE);
        if self.has_driver {
            self.executor.driver.take();
        }
        if self.core.is_some() {
            // The scheduler has panicked. Destructors of what is left must not find a run.
            let left = std::mem::take(&mut *self.executor.core());
            drop(left);
        }
    }
}
