use std::ops::Range;
use std::rc::Rc;

use super::probe::Probe;
use super::ranking::Ranking;
use super::seeded::{Policy, Seeded, draw, seeded_scheduler};
use super::{Choice, Step};
use crate::rng::Draws;
use crate::schedule::Answer;
use crate::trace::{TaskId, TaskNames};

/// Partial order sampling: each step has a random priority of its own.
///
/// The ready task with the highest priority runs, and gets a new one for its next step. When a step
/// uses a primitive of [`sync`](crate::sync), the steps that are about to use the same one get new
/// priorities as well, so that the order of what races is drawn anew each time, while the order of
/// what does not race is drawn once: X. Yuan, J. Yang, R. Gu 2018, "Partial Order Aware Concurrency
/// Sampling". Where this departs from it: what a step will use is known only of steps that wait for a
/// primitive, and kept of some hundred of them. Nothing is known of cells and of other crates, and these are
/// taken not to race.
///
/// ```
/// use dacapo::scheduler::Pos;
///
/// dacapo::check(Pos::seeds(0..100), async || {
///     // … what must hold under every schedule
/// });
/// ```
#[derive(Clone, Debug)]
pub struct Pos(Seeded<PosPolicy>);

impl Pos {
    /// One run for each of these seeds, in their order. The run of seed 0 is first in, first out, and
    /// measures the program. If the range leaves it out, it is made all the same, before the others.
    ///
    /// # Panics
    ///
    /// If the range is empty.
    #[track_caller]
    pub fn seeds(seeds: Range<u64>) -> Self {
        Self(Seeded::new(PosPolicy::default(), seeds))
    }
}

seeded_scheduler!(Pos);

/// Of more tasks than these it is not kept what they are about to use: each step would look at all.
const MOST: usize = 128;

#[derive(Clone, Debug, Default)]
pub(super) struct PosPolicy {
    ranking: Ranking,
    /// By task: what it waited for at the end of its last step.
    awaits: Vec<Option<u32>>,
    /// Ready tasks that are about to use a primitive; with some that had their step meanwhile.
    about_to_use: Vec<(u32, TaskId)>,
}

impl Policy for PosPolicy {
    fn name(&self) -> &str {
        "partial order sampling"
    }

    fn asks_about_uses(&self) -> bool {
        true
    }

    fn begin(&mut self, _: u64, _: &Rc<Probe>, _: &mut Draws) {
        self.ranking.clear();
        self.awaits.clear();
        self.about_to_use.clear();
    }

    #[inline(never)]
    fn ready(&mut self, task: TaskId, _: &TaskNames, draws: &mut Draws) {
        self.ranking.insert(task, draws.rank());
        if let Some(&Some(primitive)) = self.awaits.get(task.as_u32() as usize) {
            self.about_to_use.push((primitive, task));
        }
    }

    #[inline(never)]
    fn choose(&mut self, choice: &Choice<'_>, draws: &mut Draws) -> Answer {
        match self.ranking.pop(choice) {
            Some((_, place)) => Answer::from_place(place),
            None => draw(choice, draws),
        }
    }

    #[inline(never)]
    fn step(&mut self, step: &Step<'_>, draws: &mut Draws) {
        let Self { ranking, awaits, about_to_use } = self;
        ranking.remove(step.task());
        let place = step.task().as_u32() as usize;
        if awaits.len() <= place && step.awaits().is_some() {
            awaits.resize(place + 1, None);
        }
        if let Some(known) = awaits.get_mut(place) {
            *known = step.awaits();
        }
        if step.used().is_empty() {
            return;
        }
        if about_to_use.len() > MOST {
            about_to_use.clear();
        }
        about_to_use.retain(|&(primitive, task)| {
            let ready = ranking.contains(task);
            if ready && step.used().contains(&primitive) {
                ranking.insert(task, draws.rank());
            }
            ready
        });
    }
}
