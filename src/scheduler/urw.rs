use std::ops::Range;
use std::rc::Rc;

use super::probe::Probe;
use super::seeded::{Policy, Seeded, draw, seeded_scheduler};
use super::weights::Weights;
use super::{Choice, Step};
use crate::rng::Draws;
use crate::schedule::Answer;
use crate::trace::{TaskId, TaskNames};

/// A uniform random walk: each *schedule* is as likely as the others, instead of each option.
///
/// A task is chosen in proportion to the steps that are left of it, and of the tasks that it has yet to
/// spawn; so a long task is not outrun by short ones, and an order is not the less likely the more
/// choices it takes: H. Zhao et al. 2025, "Selectively Uniform Concurrency Testing" (there *URW*; its
/// *SURW* selects steps by what they access, which is not known of a poll). The numbers of steps are those
/// of a first run, first in, first out, by the names of the tasks. Where this departs from it: a step
/// more than was measured counts as one; steps that wait for each other are not accounted for.
///
/// ```
/// use dacapo::scheduler::Urw;
///
/// dacapo::check(Urw::seeds(0..100), async || {
///     // … what must hold under every schedule
/// });
/// ```
#[derive(Clone, Debug)]
pub struct Urw(Seeded<UrwPolicy>);

impl Urw {
    /// One run for each of these seeds, in their order, after a first one that measures.
    ///
    /// # Panics
    ///
    /// If the range is empty.
    #[track_caller]
    pub fn seeds(seeds: Range<u64>) -> Self {
        Self(Seeded::new(UrwPolicy::default(), seeds))
    }
}

seeded_scheduler!(Urw);

#[derive(Clone, Debug, Default)]
pub(super) struct UrwPolicy {
    probe: Rc<Probe>,
    weights: Weights,
    /// By task: the steps that are left of it, and of what it has yet to spawn.
    left: Vec<u64>,
}

impl UrwPolicy {
    /// Learns of the tasks up to this one.
    fn meet(&mut self, task: TaskId, names: &TaskNames) {
        for id in self.left.len() as u32..=task.as_u32() {
            let id = TaskId(id);
            let measured = self.probe.get(names.signature(id));
            let steps = measured.map_or(1, |measured| measured.steps_in_all());
            self.left.push(steps);
            if id != TaskId::MAIN
                && let Some(parent) = self.left.get_mut(names.parent(id).as_u32() as usize)
            {
                *parent = parent.saturating_sub(steps);
            }
        }
    }
}

impl Policy for UrwPolicy {
    fn name(&self) -> &str {
        "uniform random walk"
    }

    fn asks_about_tasks(&self) -> bool {
        true
    }

    fn begin(&mut self, _: u64, probe: &Rc<Probe>, _: &mut Draws) {
        self.probe = Rc::clone(probe);
        self.weights.clear();
        self.left.clear();
    }

    fn ready(&mut self, task: TaskId, names: &TaskNames, _: &mut Draws) {
        self.meet(task, names);
        self.weights.set(task, self.left[task.as_u32() as usize].max(1));
    }

    fn choose(&mut self, choice: &Choice<'_>, draws: &mut Draws) -> Answer {
        while let total @ 1.. = self.weights.total() {
            let number = draws.below(total);
            let task = self.weights.find(number);
            self.weights.set(task, 0);
            if let Some(place) = choice.place_of(task) {
                return Answer::from_place(place);
            }
        }
        draw(choice, draws)
    }

    fn step(&mut self, step: &Step<'_>, _: &mut Draws) {
        self.weights.set(step.task(), 0);
        if let Some(left) = self.left.get_mut(step.task().as_u32() as usize) {
            *left = left.saturating_sub(1);
        }
    }
}
