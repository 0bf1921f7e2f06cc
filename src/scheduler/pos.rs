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
/// The ready task with the highest priority runs, and gets a new priority for its next step. When a
/// step uses a primitive of [`sync`](crate::sync), the steps that are about to use the same
/// primitive get new priorities too. So the order of steps that race is drawn again each time, and
/// the order of steps that do not race is drawn once: X. Yuan, J. Yang, R. Gu 2018, "Partial Order
/// Aware Concurrency Sampling". Differences: what a step will use is known only if its task waits
/// for a primitive, and only while about a hundred tasks do. Cells and primitives of other crates
/// are unknown, and treated as if they did not race.
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
    /// measures the program. If the range leaves seed 0 out, it runs anyway, before the others.
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

/// With more tasks than this, what they are about to use is forgotten, because each step looks at
/// all of them.
const MOST: usize = 128;

#[derive(Clone, Debug, Default)]
pub(super) struct PosPolicy {
    ranking: Ranking,
    /// By task: the primitive that it waited for at the end of its last step.
    awaits: Vec<Option<u32>>,
    /// Ready tasks that are about to use a primitive, and some that have had their step since.
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
