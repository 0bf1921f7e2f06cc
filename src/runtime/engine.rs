//! One run after another.

use std::pin::pin;
use std::rc::Rc;
use std::task::Context;

use super::core::{Core, Shows};
use super::ledger::Entry;
use super::limits::Limits;
use super::marks::Marks;
use super::places::{Standing, Survey};
use super::{LOCAL, Runtime, try_current, unwind};
use crate::failure::Failure;
use crate::instant::Instant;
use crate::rude::RudeKind;
use crate::schedule::Schedule;
use crate::scheduler::Scheduler;
use crate::trace::Trace;

/// Makes runs, one after another, in memory that it keeps.
pub(crate) struct Engine {
    /// Absent during a run, and after one in which the scheduler panicked.
    core: Option<Core>,
    limits: Limits,
}

/// What came out of a run.
pub(crate) struct Raw<T> {
    pub(crate) outcome: Result<T, Failure>,
    pub(crate) schedule: Schedule,
    pub(crate) elapsed: Instant,
    pub(crate) steps: usize,
    pub(crate) choices: usize,
}

impl Engine {
    pub(crate) fn new(limits: Limits) -> Self {
        unwind::install_hook();
        Self { core: None, limits }
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
        assert!(
            try_current(|_| ()).is_none(),
            "dacapo: a run inside a run; await the inner code, or spawn it as a task"
        );
        let mut core = self.core.take().unwrap_or_else(|| Core::new(self.limits));
        core.begin(scheduler, seed);
        let runtime = Rc::new(Runtime::new(core));

        let mut output = None;
        let (failure, judged) = {
            let _entered = Entered::new(&runtime);
            // The body is called in the first poll, so that it may spawn, and may panic.
            let mut main = pin!(Some(async { body().await }));
            let mut poll_main = |cx: &mut Context<'_>| {
                let main = main.as_mut().as_pin_mut();
                main.expect("dacapo bug: main is polled after its end").poll(cx).map(|value| {
                    output = Some(value);
                })
            };
            let failure = runtime.drive(&mut poll_main);
            // That one was woken from outside explains whatever else is wrong.
            let failure = runtime.foreign_wake().or(failure);
            // All that is the user's is done with inside of the run: it may still call it, and panic.
            let dropped = runtime.catch_main(|| main.set(None)).err();
            let failed = failure.is_some() || dropped.is_some();
            let judged = runtime.catch_main(|| output.filter(|_| !failed).map(judge));
            let (judged, panicked) = match judged {
                Ok(judged) => (judged, None),
                Err(panicked) => (None, Some(panicked)),
            };
            // In this order, the cause comes before its consequences.
            let failure = failure.or(dropped).or(panicked).or_else(|| runtime.wind_down());
            (failure.or(runtime.shut_down()), judged)
        };
        let runtime = Rc::into_inner(runtime).expect("dacapo bug: the runtime outlives its run");
        let mut core = runtime.core.into_inner();

        if let Some(mistake) = core.mistake.take() {
            panic!("{mistake}");
        }
        let outcome = match (failure, judged) {
            (None, Some(output)) => Ok(output),
            (Some(kind), _) => Err(Failure::new(kind)),
            (None, None) => unreachable!("dacapo bug: main ended without output or failure"),
        };
        match &outcome {
            Ok(_) => core.trace.hash_bytes(b"ok"),
            Err(failure) => core.trace.hash_bytes(failure.without_place().as_bytes()),
        }
        let raw = Raw {
            outcome,
            schedule: Schedule::new(core.answers().iter().copied())
                .with_seed(core.seed_used())
                .with_rude(core.manners.declared),
            elapsed: core.now,
            steps: core.steps,
            choices: core.answers().len(),
        };
        let scheduler = core.scheduler.take().expect("dacapo bug: the scheduler is gone");
        self.core = Some(core);
        (raw, scheduler)
    }

    /// Has the next run noted where all tasks stand when these steps begin.
    pub(crate) fn survey(&mut self, steps: &[u64]) {
        self.core.get_or_insert_with(|| Core::new(self.limits)).survey = Some(Survey::of(steps));
    }

    /// Whether the next runs are made to be shown: then the values are kept that the code under test
    /// notes. The events and their hash are the same. Returns whether they were until now.
    pub(crate) fn show(&mut self, shown: bool) -> bool {
        let shows = if shown { Shows::Values } else { Shows::Nothing };
        std::mem::replace(&mut self.last().shows, shows) == Shows::Values
    }

    /// What was noted, each with its step.
    pub(crate) fn take_survey(&mut self) -> Vec<(u64, Standing)> {
        let survey = self.core.as_mut().and_then(|core| core.survey.take());
        survey.map(Survey::into_seen).unwrap_or_default()
    }

    /// The trace of the last run, which the next one overwrites.
    pub(crate) fn trace_mut(&mut self) -> &mut Trace {
        &mut self.last().trace
    }

    /// For each answer of the last run what kind of rudeness it was about; empty if there was none.
    pub(crate) fn rude_kinds(&mut self) -> &[Option<RudeKind>] {
        self.last().manners.kinds()
    }

    /// What the primitives of the last run held at its end, in the order of their first use, if accounts
    /// were kept.
    pub(crate) fn accounts(&mut self) -> &[Entry] {
        &self.last().accounts
    }

    /// The marks that the last run met.
    pub(crate) fn marks(&mut self) -> &Marks {
        &self.last().marks
    }

    fn last(&mut self) -> &mut Core {
        self.core.get_or_insert_with(|| Core::new(self.limits))
    }
}

/// Makes a run the one that is going on in this thread, until it is dropped.
struct Entered<'a>(&'a Runtime);

impl<'a> Entered<'a> {
    fn new(runtime: &'a Rc<Runtime>) -> Self {
        LOCAL.with(|local| *local.current.borrow_mut() = Some(Rc::clone(runtime)));
        Self(runtime)
    }
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        self.0.outside.end();
        LOCAL.with(|local| local.current.take());
    }
}
