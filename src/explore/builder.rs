use std::fmt;
use std::time::Duration;

use super::error::CheckError;
#[cfg(feature = "macros")]
use super::outside::env::Env;
use super::outside::test_id::TestId;
use super::run::Run;
use super::search::check::check;
use super::search::outcomes::{Report, explore};
use super::settings::Settings;
use super::subject::Subject;
use super::termination::Termination;
use crate::executor::Engine;
use crate::faults::Faults;
use crate::instant::Instant;
use crate::schedule::Schedule;
use crate::scheduler::{Fifo, Replay, Scheduler};

/// Makes runs with limits and settings other than the default ones.
///
/// ```
/// let run = dacapo::Builder::new().max_steps(50).run(async || {
///     loop {
///         dacapo::task::yield_now().await;
///     }
/// });
/// assert_eq!(run.failure().unwrap().kind(), dacapo::FailureKind::Limit);
/// ```
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until it makes a run"]
pub struct Builder {
    settings: Settings,
}

impl Default for Builder {
    fn default() -> Self {
        Self::new()
    }
}

impl Builder {
    /// The default settings, which [`run`](crate::run), [`check`](crate::check) and the others use.
    pub fn new() -> Self {
        Self { settings: Settings::DEFAULT }
    }

    #[cfg(feature = "proptest")]
    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The most steps (polls of a task) that one run may take. A run that needs more fails, because it
    /// may never end. 1,000,000 by default.
    pub fn max_steps(mut self, max_steps: usize) -> Self {
        self.settings.limits.max_steps = max_steps;
        self
    }

    /// The most steps in a row in which no task is spawned or ends and the code notes nothing, as with
    /// [`trace!`](crate::trace!). A run that makes no progress for so long fails, because it may never end: tasks may wait
    /// for each other in loops (a livelock). It may be noticed up to a sixteenth later. 250,000 by default.
    ///
    /// ```
    /// use dacapo::{Builder, FailureKind, task::yield_now};
    ///
    /// let run = Builder::new().max_idle_steps(100).run(async || loop {
    ///     yield_now().await;
    /// });
    /// assert_eq!(run.failure().unwrap().kind(), FailureKind::Limit);
    /// ```
    pub fn max_idle_steps(mut self, max_idle_steps: usize) -> Self {
        self.settings.limits.max_idle_steps = max_idle_steps.max(1);
        self
    }

    /// The most virtual time that one run may take. A run that would move its clock further fails, because it may
    /// never end. 100 years of 365 days by default.
    ///
    /// ```
    /// use std::time::Duration;
    /// use dacapo::{Builder, FailureKind, time::sleep};
    ///
    /// let builder = Builder::new().max_time(Duration::from_secs(60));
    /// let run = builder.run(async || sleep(Duration::from_secs(3600)).await);
    /// assert_eq!(run.failure().unwrap().kind(), FailureKind::Limit);
    /// ```
    pub fn max_time(mut self, max_time: Duration) -> Self {
        self.settings.limits.latest = Instant::START + max_time;
        self
    }

    /// The most choices that one step (one poll of a task) may ask for, with [`choose`](crate::choose) or
    /// otherwise. A step that asks for more fails the run, because it may never end:
    /// `while choose("again", 2) == 0 {}`. 100,000 by default.
    pub fn max_choices(mut self, max_choices: usize) -> Self {
        self.settings.limits.max_choices = max_choices;
        self
    }

    /// The most tasks that may be alive at once in a run, including tasks that have ended and whose
    /// handle is kept. A run that needs more fails. 100,000 by default.
    pub fn max_tasks(mut self, max_tasks: usize) -> Self {
        self.settings.limits.max_tasks = max_tasks;
        self
    }

    /// How many records a trace keeps, the last ones. A record takes 16 bytes. The start of each step is one
    /// record, and so is every other event. A longer trace says how many events it dropped, and no longer
    /// knows tasks that had ended by then, not even their names. 100,000 by default.
    pub fn max_events(mut self, max_events: usize) -> Self {
        self.settings.limits.max_events = max_events;
        self
    }

    /// The most runs that may be spent on shrinking a failing schedule. 5,000 by default. They may
    /// also not take more than 3,000,000 steps together, or twenty times those of the run that
    /// failed. [`explore`](Builder::explore) spends at most 64 on each outcome.
    pub fn max_shrink_runs(mut self, max_shrink_runs: usize) -> Self {
        self.settings.max_shrink_runs = max_shrink_runs;
        self
    }

    /// How long one step (one poll of a task) may take, in real time. 20 seconds by default. A step that takes
    /// longer ends the process with a report, because a thread that never comes back cannot be stopped otherwise.
    ///
    /// Give [`Duration::MAX`] to turn this off, such as for a debugger.
    pub fn max_step_time(mut self, max_step_time: Duration) -> Self {
        self.settings.max_step_time = max_step_time;
        self
    }

    /// How long shrinking a failure may take, in real time. 10 seconds by default. The report says if it was cut
    /// short; then a slower or busier machine may find another schedule.
    pub fn max_shrink_time(mut self, max_shrink_time: Duration) -> Self {
        self.settings.max_shrink_time = max_shrink_time;
        self
    }

    /// How long explaining a failure may take, in real time. 5 seconds by default. The report says if it was cut
    /// short.
    pub fn max_explain_time(mut self, max_explain_time: Duration) -> Self {
        self.settings.max_explain_time = max_explain_time;
        self
    }

    /// The most runs that may be spent on explaining a failure. 4,000 by default, with about 1,000,000 steps
    /// in total. A tenth of them searches for the nearest run that passes, where about ten are usually enough.
    /// The others are random continuations, 64 from each choice of the run. They show from where on the failure
    /// is inevitable. There is no explanation if this is less than eight, or if eight runs take too many steps.
    pub fn max_explain_runs(mut self, max_explain_runs: usize) -> Self {
        self.settings.max_explain_runs = max_explain_runs;
        self
    }

    /// Repeats the first eight passing runs of a search and then every n-th, to check that the test is
    /// deterministic. 0 turns this off. The default is every 16th, half as many from run 2048 on, a quarter from
    /// run 4096 on, and so on, which costs about 6 % of the time at most. A failing run is always repeated.
    pub fn recheck_every(mut self, n: usize) -> Self {
        self.settings.recheck_every = Some(n);
        self
    }

    /// Whether [`check`](Builder::check) confirms a failure in a fresh process, by running the test's
    /// binary once more, and whether `DACAPO_JOBS` may share a search among such processes. `true` by
    /// default.
    ///
    /// Set it to `false` if the test draws the inputs of its body itself, as under proptest, because another
    /// process draws other inputs.
    pub fn fresh_process(mut self, fresh_process: bool) -> Self {
        self.settings.fresh_process = fresh_process;
        self
    }

    /// Labels of [`reachable!`](crate::reachable) or [`sometimes!`](crate::sometimes) that some run of a
    /// [`check`](Builder::check) must meet, in addition to labels given before. If no run meets one, the
    /// check fails. An [`explore`](Builder::explore) lists them in its report even if they were never
    /// met.
    ///
    /// ```
    /// use dacapo::scheduler::Random;
    ///
    /// #[dacapo::test(Random::seeds(0..100), expect = ["late", "in time"])]
    /// async fn replies() {
    ///     match dacapo::choose("delay", 2) {
    ///         0 => dacapo::reachable!("in time"),
    ///         _ => dacapo::reachable!("late"),
    ///     }
    /// }
    /// ```
    pub fn expect<L: Into<String>>(mut self, labels: impl IntoIterator<Item = L>) -> Self {
        self.settings.expected.extend(labels.into_iter().map(Into::into));
        self
    }

    /// Which faults the runs of a search may inject. None by default. The report and the schedule show which
    /// of them a failure needs.
    ///
    /// A scheduler that works from seeds enables some of the kinds in each run, drawn from its seed, because one
    /// fault can hide what another causes. Other schedulers enable all of them in each run. A replay has the
    /// faults of its schedule, and [`run`](Builder::run) has none.
    ///
    /// ```
    /// use std::rc::Rc;
    /// use dacapo::{Faults, sync::Lock};
    ///
    /// #[dacapo::test(faults = Faults::harmless().cancellations(1))]
    /// async fn the_lock_comes_back() {
    ///     let lock = Rc::new(Lock::new());
    ///     let user = Rc::clone(&lock);
    ///     let task = dacapo::spawn(async move { drop(user.lock().await) });
    ///     drop(lock.lock().await);
    ///     let _ = task.await; // it may have been cancelled
    ///     assert!(!lock.is_locked());
    /// }
    /// ```
    pub fn faults(mut self, faults: Faults) -> Self {
        self.settings.limits.faults = faults;
        self
    }

    /// Surrounds each run with a driver. Not part of the stable interface.
    #[doc(hidden)]
    pub fn driver(mut self, make: fn() -> std::rc::Rc<dyn crate::session::Driver>) -> Self {
        self.settings.limits.driver = Some(make);
        self
    }

    /// As [`dacapo::run`](crate::run).
    ///
    /// # Panics
    ///
    /// As [`dacapo::run`](crate::run).
    #[track_caller]
    pub fn run<T>(&self, body: impl AsyncFnOnce() -> T) -> Run<T> {
        self.run_once(Fifo::new(), body)
    }

    /// As [`dacapo::replay`](crate::replay).
    ///
    /// # Panics
    ///
    /// As [`dacapo::replay`](crate::replay).
    #[track_caller]
    pub fn replay<S, T>(&self, schedule: S, body: impl AsyncFnOnce() -> T) -> Run<T>
    where
        S: TryInto<Schedule, Error: fmt::Display>,
    {
        self.run_once(Replay::new(schedule), body)
    }

    #[track_caller]
    fn run_once<T>(
        &self,
        mut scheduler: impl Scheduler + 'static,
        body: impl AsyncFnOnce() -> T,
    ) -> Run<T> {
        let mut engine = Engine::new(self.settings.limits);
        engine.show(true);
        let plan = scheduler.next_run().expect("dacapo bug: a scheduler was made for a run");
        let (raw, mut scheduler) = engine.run(Box::new(scheduler), &plan, body, |output| output);
        let schedule = engine.schedule();
        let divergence = scheduler.end_run().divergence;
        Run::new(raw, schedule, std::mem::take(engine.trace_mut()), divergence)
    }

    /// As [`dacapo::explore`](crate::explore).
    ///
    /// # Panics
    ///
    /// As [`dacapo::explore`](crate::explore).
    #[track_caller]
    pub fn explore<S, T>(&self, scheduler: S, body: impl AsyncFn() -> T) -> Report
    where
        S: Scheduler + 'static,
        T: fmt::Debug,
    {
        let subject = Subject::new(self.settings.limits, &body, |output| Ok(format!("{output:?}")));
        explore(&self.settings, subject, Box::new(scheduler))
    }

    /// As [`dacapo::check`](crate::check).
    ///
    /// # Panics
    ///
    /// As [`dacapo::check`](crate::check).
    #[track_caller]
    pub fn check<S, T>(&self, scheduler: S, body: impl AsyncFn() -> T)
    where
        S: Scheduler + 'static,
        T: Termination,
    {
        self.check_test(&TestId::infer(), scheduler, body);
    }

    /// As [`dacapo::try_check`](crate::try_check).
    ///
    /// # Errors
    ///
    /// As [`dacapo::try_check`](crate::try_check).
    ///
    /// # Panics
    ///
    /// As [`dacapo::try_check`](crate::try_check).
    #[track_caller]
    pub fn try_check<S, T>(&self, scheduler: S, body: impl AsyncFn() -> T) -> Result<(), CheckError>
    where
        S: Scheduler + 'static,
        T: Termination,
    {
        self.try_check_test(&TestId::infer(), scheduler, body)
    }

    /// `check` for a test whose name is known.
    #[track_caller]
    pub(crate) fn check_test<S, T>(&self, test: &TestId, scheduler: S, body: impl AsyncFn() -> T)
    where
        S: Scheduler + 'static,
        T: Termination,
    {
        if let Err(error) = self.try_check_test(test, scheduler, body) {
            panic!("{error}");
        }
    }

    /// Makes one run, first in, first out, for a test whose name is known; or searches, if the environment
    /// asks for that.
    #[cfg(feature = "macros")]
    #[track_caller]
    pub(crate) fn run_test<S, T>(self, test: &TestId, scheduler: S, body: impl AsyncFn() -> T)
    where
        S: Scheduler + 'static,
        T: Termination,
    {
        let env = Env::read();
        match env.search || env.seeds.is_some() {
            true => self.check_test(test, scheduler, body),
            false => self.recheck_every(0).check_test(test, Fifo::new(), body),
        }
    }

    #[track_caller]
    fn try_check_test<S, T>(
        &self,
        test: &TestId,
        scheduler: S,
        body: impl AsyncFn() -> T,
    ) -> Result<(), CheckError>
    where
        S: Scheduler + 'static,
        T: Termination,
    {
        let subject = Subject::new(self.settings.limits, &body, |output: T| {
            output.report().map(|()| String::new())
        });
        check(&self.settings, subject, Box::new(scheduler), test, None)
            .inspect_err(|_| test.note_failure())
    }
}
