//! What schedulers that draw from a seed have in common: a first run that measures, seeds, and an
//! end that is fair.

use std::ops::Range;
use std::rc::Rc;

use super::probe::Probe;
use super::{Choice, Plan, Progress, Step};
use crate::faults::Faults;
use crate::rng::Draws;
use crate::schedule::Answer;
use crate::trace::{TaskId, TaskNames};

/// How to choose among tasks in one run. A policy knows only the probe and its draws, so that its
/// answers depend on the seed alone and not on the runs before.
pub(super) trait Policy {
    fn name(&self) -> &str;

    /// Selects one of several policies for the nth seed that draws. Returns which run of that
    /// policy it is, from 0.
    fn select(&mut self, seed: u64) -> u64 {
        seed
    }

    /// Whether it asks the probe about tasks, so that the probe has to keep them.
    fn asks_about_tasks(&self) -> bool {
        false
    }

    /// Whether it is pure chance, and needs nothing but the choices.
    fn is_chance(&self) -> bool {
        false
    }

    /// Whether it needs to know which primitives a step uses.
    fn asks_about_uses(&self) -> bool {
        false
    }

    /// Prepares for a run, the `nth` of this policy.
    fn begin(&mut self, nth: u64, probe: &Rc<Probe>, draws: &mut Draws);

    /// Chooses one of two or more ready tasks.
    fn choose(&mut self, choice: &Choice<'_>, draws: &mut Draws) -> Answer;

    /// A task was added to the ready queue.
    #[inline]
    fn ready(&mut self, task: TaskId, names: &TaskNames, draws: &mut Draws) {
        let _ = (task, names, draws);
    }

    /// A task had a step, even if there was no choice but this task.
    #[inline]
    fn step(&mut self, step: &Step<'_>, draws: &mut Draws) {
        let _ = (step, draws);
    }
}

/// Makes an ordinary run first, which measures the program, and then one run for each seed.
///
/// The measuring run is that of seed 0, so that a search of 1,000 seeds makes 1,000 runs. It comes
/// first even if seed 0 is not in the range, because the runs of all other seeds depend on it.
///
/// A run that becomes a few times as long as the measured one goes on as a random walk, which is
/// fair: a policy with priorities may run a task for ever that yields until another task has done
/// something. If a run reaches the step limit all the same, the program is the reason, unless its
/// ordinary run takes a third of the limit already.
#[derive(Clone, Debug)]
pub(super) struct Seeded<P> {
    pub(super) policy: P,
    seeds: Range<u64>,
    run: Run,
    guide: Guide,
    draws: Draws,
    probe: Rc<Probe>,
    /// How many steps are left until the run goes on as a random walk.
    steps_left: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Run {
    Start,
    Probe,
    Seed(Seed),
}

/// A seed that draws: any but 0, which is the measuring run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Seed {
    /// Its number among the seeds that draw, from 0.
    number: u64,
    /// Which run of its policy it is, from 0.
    nth: u64,
}

/// What answers. An ordinary step looks at nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Guide {
    /// Always 0, in the measuring run.
    Usual,
    /// The policy, which is prepared at the first event: a process skips runs that others make.
    Unprepared,
    Policy,
    /// A random walk, in a run that has become long, or if the policy is nothing else.
    Chance,
}

/// A run goes on as a random walk after this many times the measured number of steps, plus
/// [`FAIR_AFTER`].
const FAIR_AFTER_TIMES: u64 = 2;
const FAIR_AFTER: u64 = 1000;

impl<P: Policy> Seeded<P> {
    /// # Panics
    ///
    /// If the range is empty.
    #[track_caller]
    pub(super) fn new(policy: P, seeds: Range<u64>) -> Self {
        assert_seeds(&seeds);
        Self {
            policy,
            seeds,
            run: Run::Start,
            guide: Guide::Usual,
            draws: Draws::new(0, 0),
            probe: Rc::default(),
            steps_left: 0,
        }
    }

    pub(super) fn name(&self) -> &str {
        match self.run {
            Run::Start | Run::Seed(..) => self.policy.name(),
            Run::Probe => "first in, first out",
        }
    }

    pub(super) fn next_run(&mut self) -> Option<Plan> {
        if self.run == Run::Start {
            self.run = Run::Probe;
            if self.seeds.start == 0 {
                self.seeds.next();
            }
            let plan = Plan::new().with_faults(Faults::none()).observing_steps();
            return Some(plan.with_runs_left(left(&self.seeds)));
        }
        if self.run == Run::Probe {
            self.probe_mut().finish();
        }
        let seed = self.seeds.next()?;
        let number = seed.saturating_sub(1);
        self.run = Run::Seed(Seed { number, nth: self.policy.select(number) });
        self.guide = Guide::Unprepared;
        let plan = Plan::of_seed(seed).with_runs_left(left(&self.seeds));
        Some(match self.policy.is_chance() {
            true => plan,
            false if self.policy.asks_about_uses() => plan.observing_uses(),
            false => plan.observing_steps(),
        })
    }

    /// Prepares for the run of a seed, when it begins.
    fn prepare(&mut self) {
        if let (Run::Seed(Seed { number, nth }), Guide::Unprepared) = (self.run, self.guide) {
            let is_chance = self.policy.is_chance();
            self.guide = if is_chance { Guide::Chance } else { Guide::Policy };
            self.draws = Draws::new(number, nth);
            self.steps_left = FAIR_AFTER + FAIR_AFTER_TIMES * self.probe.steps();
            self.policy.begin(nth, &self.probe, &mut self.draws);
        }
    }

    /// Whether the measuring run is over.
    pub(super) fn has_measured(&self) -> bool {
        matches!(self.run, Run::Seed(_))
    }

    pub(super) fn seeds(&mut self) -> &mut Range<u64> {
        &mut self.seeds
    }

    // The short way of most steps. Everything else is in functions of its own, so that registers
    // need not be saved.

    #[inline]
    pub(super) fn choose(&mut self, choice: &Choice<'_>) -> Answer {
        if self.guide == Guide::Policy && choice.is_among_tasks() {
            return self.policy.choose(choice, &mut self.draws);
        }
        self.choose_otherwise(choice)
    }

    #[inline(never)]
    fn choose_otherwise(&mut self, choice: &Choice<'_>) -> Answer {
        self.prepare();
        match self.guide {
            Guide::Usual => {
                if choice.is_among_tasks() {
                    self.probe_mut().choice();
                }
                Answer::USUAL
            }
            Guide::Policy if choice.is_among_tasks() => self.policy.choose(choice, &mut self.draws),
            _ => draw(choice, &mut self.draws),
        }
    }

    #[inline]
    pub(super) fn observe(&mut self, progress: &Progress<'_>) {
        match progress {
            Progress::Ready { task, names } => self.ready(*task, names),
            Progress::Step(step) => self.step(step),
        }
    }

    #[inline]
    fn ready(&mut self, task: TaskId, names: &TaskNames) {
        if self.guide == Guide::Policy {
            return self.policy.ready(task, names, &mut self.draws);
        }
        self.ready_otherwise(task, names);
    }

    #[inline(never)]
    fn ready_otherwise(&mut self, task: TaskId, names: &TaskNames) {
        self.prepare();
        match self.guide {
            Guide::Policy => self.policy.ready(task, names, &mut self.draws),
            Guide::Usual if self.policy.asks_about_tasks() => self.probe_mut().ready(task, names),
            _ => {}
        }
    }

    #[inline]
    fn step(&mut self, step: &Step<'_>) {
        if self.guide == Guide::Policy {
            self.steps_left -= 1;
            if self.steps_left == 0 {
                return self.leave_to_chance(step);
            }
            self.policy.step(step, &mut self.draws);
            if step.is_ready() {
                self.policy.ready(step.task(), step.names(), &mut self.draws);
            }
        } else {
            self.step_otherwise(step);
        }
    }

    #[cold]
    #[inline(never)]
    fn leave_to_chance(&mut self, step: &Step<'_>) {
        self.guide = Guide::Chance;
        self.policy.step(step, &mut self.draws);
    }

    #[inline(never)]
    fn step_otherwise(&mut self, step: &Step<'_>) {
        if self.guide == Guide::Usual {
            self.probe_mut().step(step.task());
            if step.is_ready() {
                self.ready_otherwise(step.task(), step.names());
            }
        }
    }

    fn probe_mut(&mut self) -> &mut Probe {
        // Policies share it only after it is finished.
        Rc::make_mut(&mut self.probe)
    }
}

/// A random answer, with the bias of the question.
pub(super) fn draw(choice: &Choice<'_>, draws: &mut Draws) -> Answer {
    choice.draw(|bound| draws.below(bound.into()) as u32)
}

/// # Panics
///
/// If there is no seed, because a test without a run would always pass.
#[track_caller]
pub(super) fn assert_seeds(seeds: &Range<u64>) {
    assert!(
        !seeds.is_empty(),
        "dacapo: the seed range {}..{} is empty, so nothing would be run; give one with at least one \
         seed, such as 0..1000",
        seeds.start,
        seeds.end
    );
}

/// How many seeds are left.
pub(super) fn left(seeds: &Range<u64>) -> u64 {
    seeds.end.saturating_sub(seeds.start)
}

/// Implements [`Scheduler`](super::Scheduler) for a type with one field, a [`Seeded`].
macro_rules! seeded_scheduler {
    ($scheduler:ty) => {
        impl crate::scheduler::Scheduler for $scheduler {
            fn name(&self) -> &str {
                self.0.name()
            }

            fn next_run(&mut self) -> Option<crate::scheduler::Plan> {
                self.0.next_run()
            }

            fn choose(&mut self, choice: &crate::scheduler::Choice<'_>) -> crate::schedule::Answer {
                self.0.choose(choice)
            }

            fn observe(&mut self, progress: &crate::scheduler::Progress<'_>) {
                self.0.observe(progress);
            }

            fn seeds(&mut self) -> Option<&mut std::ops::Range<u64>> {
                Some(self.0.seeds())
            }

            fn fork(&self) -> Option<Box<dyn crate::scheduler::Scheduler>> {
                self.0.has_measured().then(|| Box::new(self.clone()) as Box<_>)
            }
        }
    };
}
pub(super) use seeded_scheduler;
