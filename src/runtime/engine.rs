//! One run after another.

use std::cell::Cell;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use super::answers::{Again, Answers};
use super::core::{Core, Shows};
use super::ledger::Entry;
use super::limits::Limits;
use super::marks::Marks;
use super::places::{Standing, Survey};
use super::waker::RunId;
use super::{RUNTIME, Runtime, try_current, unwind};
use crate::failure::Failure;
use crate::faults::FaultKind;
use crate::instant::Instant;
use crate::schedule::Schedule;
use crate::scheduler::Scheduler;
use crate::trace::Trace;

/// Makes runs, one after another, in memory that it keeps.
pub(crate) struct Engine {
    /// Of the last run; during one, the thread has it.
    core: Box<Core>,
    limits: Limits,
    /// Of the run that was made again, if one was.
    before: Before,
}

/// What is kept of a run while it is made again.
#[derive(Default)]
struct Before {
    answers: Rc<Answers>,
    /// Of the random values, if any were drawn.
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

/// What the closure that is main is called for.
#[derive(Clone, Copy)]
enum Call {
    /// To be polled.
    Poll,
    /// To drop the future.
    Drop,
    /// To judge the output, if there is one.
    Judge,
    /// To drop the output.
    Forget,
}

impl Engine {
    pub(crate) fn new(limits: Limits) -> Self {
        unwind::install_hook();
        Self { core: Box::default(), limits, before: Before::default() }
    }

    /// Makes one run of `body`, with the answers of a scheduler that was prepared for it. `judge` makes
    /// of its output what is wanted, still inside of the run.
    #[track_caller]
    pub(crate) fn run<T, R>(
        &mut self,
        scheduler: Box<dyn Scheduler>,
        seed: u64,
        body: impl AsyncFnOnce() -> T,
        judge: impl FnOnce(T) -> R,
    ) -> (Raw<R>, Box<dyn Scheduler>) {
        let call = Cell::new(Call::Poll);
        let (mut output, mut judge, mut judged) = (None, Some(judge), None);
        // The body is called in the first poll, so that it may spawn, and may panic.
        let mut main = pin!(Some(async { body().await }));
        let mut main = |cx: &mut Context<'_>| {
            match call.get() {
                Call::Poll => {
                    let main = main.as_mut().as_pin_mut();
                    let main = main.expect("dacapo bug: main is polled after its end");
                    return main.poll(cx).map(|value| output = Some(value));
                }
                Call::Drop => main.set(None),
                Call::Judge => {
                    judged = output.take().zip(judge.take()).map(|(output, judge)| judge(output))
                }
                Call::Forget => output = None,
            }
            Poll::Ready(())
        };
        let (raw, scheduler) = self.run_main(scheduler, seed, &mut main, &call);
        let outcome = raw.outcome.map(|()| judged.expect("dacapo bug: main ended without output"));
        let Raw { elapsed, steps, choices, .. } = raw;
        (Raw { outcome, elapsed, steps, choices }, scheduler)
    }

    /// The same, with the types of the body hidden. It is most of it, and there is a body for each test.
    #[track_caller]
    fn run_main(
        &mut self,
        scheduler: Box<dyn Scheduler>,
        seed: u64,
        main: &mut dyn FnMut(&mut Context<'_>) -> Poll<()>,
        call: &Cell<Call>,
    ) -> (Raw<()>, Box<dyn Scheduler>) {
        assert!(
            try_current(|_| ()).is_none(),
            "dacapo: a run inside a run; await the inner code, or spawn it as a task"
        );
        self.core.begin(scheduler, seed, self.limits);
        let failure = RUNTIME.with(|runtime| {
            let entered = Entered::new(runtime, &mut self.core);
            let failure = runtime.drive(main);
            // That one was woken from outside explains whatever else is wrong.
            let failure = runtime.foreign_wake().or(failure);
            // All that is the user's is done with inside of the run: it may still call it, and panic.
            let mut main_is_to = |what| {
                call.set(what);
                runtime.catch_main(|| main(&mut Context::from_waker(Waker::noop()))).err()
            };
            let dropped = main_is_to(Call::Drop);
            let failed = failure.is_some() || dropped.is_some();
            let panicked = main_is_to(if failed { Call::Forget } else { Call::Judge });
            // In this order, the cause comes before its consequences.
            let failure = failure.or(dropped).or(panicked).or_else(|| runtime.wind_down());
            let failure = failure.or(runtime.shut_down());
            entered.leave();
            failure
        });
        let core = &mut self.core;

        if let Some(mistake) = core.mistake.take() {
            panic!("{mistake}");
        }
        let outcome = failure.map_or(Ok(()), Err);
        core.trace.finish();
        match &outcome {
            Ok(()) => core.trace.hash_bytes(b"ok"),
            Err(failure) => core.trace.hash_bytes(failure.without_place().as_bytes()),
        }
        let raw = Raw { outcome, elapsed: core.now, steps: core.steps, choices: core.choices() };
        let scheduler = core.scheduler.take().expect("dacapo bug: the scheduler is gone");
        (raw, scheduler)
    }

    /// What makes the last run again, and its seed. That run is kept meanwhile; see
    /// [`before`](Engine::before).
    pub(crate) fn again(&mut self) -> (Box<dyn Scheduler>, u64) {
        let Self { core, before, .. } = self;
        before.seed = core.seed_used();
        std::mem::swap(&mut core.trace, &mut before.trace);
        // Nobody else has them any more.
        let answers = Rc::get_mut(&mut before.answers).expect("dacapo bug: answers are in use");
        std::mem::swap(&mut core.answers, answers);
        let again = Again::new(Rc::clone(&before.answers), core.faults.declared);
        (Box::new(again), core.seed)
    }

    /// The schedule and the trace of the run that was made again.
    pub(crate) fn before(&self) -> (Schedule, &Trace) {
        let Before { answers, seed, trace } = &self.before;
        (self.core.schedule_of(answers, *seed), trace)
    }

    /// Has the next run noted where all tasks stand when these steps begin.
    pub(crate) fn survey(&mut self, steps: &[u64]) {
        self.core.survey = Some(Survey::of(steps));
    }

    /// Whether the next runs are made to be shown: then the values are kept that the code under test
    /// notes. The events and their hash are the same. Returns whether they were until now.
    pub(crate) fn show(&mut self, shown: bool) -> bool {
        let shows = if shown { Shows::Values } else { Shows::Nothing };
        std::mem::replace(&mut self.core.shows, shows) == Shows::Values
    }

    /// What was noted, each with its step.
    pub(crate) fn take_survey(&mut self) -> Vec<(u64, Standing)> {
        self.core.survey.take().map(Survey::into_seen).unwrap_or_default()
    }

    /// The schedule of the last run: long ones are worth the while only if somebody asks.
    pub(crate) fn schedule(&self) -> Schedule {
        self.core.schedule()
    }

    /// The trace of the last run.
    pub(crate) fn trace(&self) -> &Trace {
        &self.core.trace
    }

    /// The trace of the last run, which the next one overwrites.
    pub(crate) fn trace_mut(&mut self) -> &mut Trace {
        &mut self.core.trace
    }

    /// The kind of fault that each answer of the last run was about; empty if no faults were on.
    pub(crate) fn fault_kinds(&mut self) -> &[Option<FaultKind>] {
        self.core.faults.kinds()
    }

    /// What the primitives of the last run held at its end, in the order of their first use, if accounts
    /// were kept.
    pub(crate) fn accounts(&mut self) -> &[Entry] {
        &self.core.accounts
    }

    /// The marks that the last run met.
    pub(crate) fn marks(&mut self) -> &Marks {
        &self.core.marks
    }
}

/// Makes a run the one that is going on in this thread, until it is dropped.
struct Entered<'a> {
    runtime: &'a Runtime,
    /// Absent when the run has ended.
    core: Option<&'a mut Box<Core>>,
}

impl<'a> Entered<'a> {
    fn new(runtime: &'a Runtime, core: &'a mut Box<Core>) -> Self {
        std::mem::swap(core, &mut *runtime.core());
        let number = runtime.runs.get() + 1;
        runtime.runs.set(number);
        runtime.id.set(runtime.outside.begin(number));
        let entered = Self { runtime, core: Some(core) };
        runtime.begin();
        entered
    }

    /// Ends the run, and gives back what it was made with.
    fn leave(mut self) {
        if let Some(core) = self.core.take() {
            std::mem::swap(core, &mut *self.runtime.core());
        }
    }
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        self.runtime.outside.end();
        self.runtime.id.set(RunId::NONE);
        if self.core.is_some() {
            // The scheduler has panicked. Destructors of what is left are not to find a run.
            let left = std::mem::take(&mut *self.runtime.core());
            drop(left);
        }
    }
}
