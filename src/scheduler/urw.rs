use std::ops::Range;
use std::rc::Rc;

use super::probe::Probe;
use super::seeded::{Policy, Seeded, draw, seeded_scheduler};
use super::weights::Weights;
use super::{Choice, Step};
use crate::rng::Draws;
use crate::schedule::Answer;
use crate::trace::{TaskId, TaskNames};

/// A uniform random walk: each *schedule* is as likely as the others, rather than each option.
///
/// A task is chosen with a probability proportional to the steps that are left for it and for the
/// tasks that it has yet to spawn. So short tasks do not outrun a long one, and an order does not
/// become less likely with the number of choices it takes: H. Zhao et al. 2025, "Selectively
/// Uniform Concurrency Testing" (*URW* there; its *SURW* selects steps by what they access, which
/// is unknown for a poll). The numbers of steps come from the first run, by the names of the tasks.
/// Differences: a step beyond the measured ones counts as one, and steps that wait for each other
/// are not accounted for.
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
    /// measures the program. If the range leaves seed 0 out, it runs anyway, before the others.
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
    /// The weights of the ready tasks, and of the task that had the last step.
    weights: Weights,
    /// By task: the steps that are left for it and for what it has yet to spawn.
    left: Vec<u64>,
    /// The task that had the last step, while it is not ready again. Most tasks are ready before
    /// the next choice, and then the weights change only once.
    last: Option<TaskId>,
}

impl UrwPolicy {
    /// Adds the tasks up to this one.
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
            // The task was dropped while it was in the ready queue.
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
