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
    /// One run for each of these seeds, in their order. The run of seed 0 is first in, first out, and
    /// measures the program. If the range leaves it out, it is made all the same, before the others.
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
    /// Those of tasks that are ready, and of the one that had the last step.
    weights: Weights,
    /// By task: the steps that are left of it, and of what it has yet to spawn.
    left: Vec<u64>,
    /// The task that had the last step, as long as it is not ready again. Most are before the next choice, and
    /// then there is but one change of the weights.
    last: Option<TaskId>,
}

impl UrwPolicy {
    /// Learns of the tasks up to this one.
    #[cold]
    #[inline(never)]
    fn meet(&mut self, task: TaskId, names: &TaskNames) {
        for id in self.left.len() as u32..=task.as_u32() {
            let id = TaskId(id);
            let measured = self.probe.get(id, names.signature(id));
            let steps = measured.map_or(1, |measured| measured.steps_in_all());
            self.left.push(steps);
            if id != TaskId::MAIN
                && let Some(parent) = self.left.get_mut(names.parent(id).as_u32() as usize)
            {
                *parent = parent.saturating_sub(steps);
            }
        }
    }

    /// The task that had the last step is not ready again.
    #[inline(never)]
    fn forget_last(&mut self) {
        if let Some(last) = self.last.take() {
            self.weights.set(last, 0);
        }
    }

    #[inline(never)]
    fn set_last(&mut self, task: TaskId) {
        self.forget_last();
        self.last = Some(task);
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
        self.last = None;
    }

    #[inline(never)]
    fn ready(&mut self, task: TaskId, names: &TaskNames, _: &mut Draws) {
        let place = task.as_u32() as usize;
        if place >= self.left.len() {
            self.meet(task, names);
        }
        if self.last == Some(task) {
            self.last = None;
        }
        self.weights.set(task, self.left[place].max(1));
    }

    #[inline(never)]
    fn choose(&mut self, choice: &Choice<'_>, draws: &mut Draws) -> Answer {
        if self.last.is_some() {
            self.forget_last();
        }
        while let total @ 1.. = self.weights.total() {
            let task = self.weights.find(draws.below(total));
            if let Some(place) = choice.place_of(task) {
                self.last = Some(task);
                return Answer::from_place(place);
            }
            // It was dropped as it stood in the line.
            self.weights.set(task, 0);
        }
        draw(choice, draws)
    }

    #[inline]
    fn step(&mut self, step: &Step<'_>, _: &mut Draws) {
        let task = step.task();
        if let Some(left) = self.left.get_mut(task.as_u32() as usize) {
            *left = left.saturating_sub(1);
        }
        if self.last != Some(task) {
            self.set_last(task);
        }
    }
}
