use std::ops::Range;
use std::rc::Rc;

use super::probe::Probe;
use super::seeded::{Policy, Seeded, draw, seeded_scheduler};
use super::{Choice, Step};
use crate::rng::Draws;
use crate::schedule::Answer;
use crate::trace::TaskId;

/// A random walk that tends to stay with the task that has just run.
///
/// A plain random walk among many tasks hardly ever runs one of them ten times in a row. Each seed
/// has another probability of staying: 1/2, 3/4, 7/8 or 15/16.
///
/// ```
/// use dacapo::scheduler::Sticky;
///
/// dacapo::check(Sticky::seeds(0..100), async || {
///     // … what must hold under every schedule
/// });
/// ```
#[derive(Clone, Debug)]
pub struct Sticky(Seeded<StickyPolicy>);

impl Sticky {
    /// One run for each of these seeds, in their order. The run of seed 0 is first in, first out, and
    /// measures the program. If the range leaves seed 0 out, it runs anyway, before the others.
    ///
    /// # Panics
    ///
    /// If the range is empty.
    #[track_caller]
    pub fn seeds(seeds: Range<u64>) -> Self {
        Self(Seeded::new(StickyPolicy::default(), seeds))
    }
}

seeded_scheduler!(Sticky);

#[derive(Clone, Debug, Default)]
pub(super) struct StickyPolicy {
    /// It leaves the task once in this many times.
    leave: u64,
    last: Option<TaskId>,
}

impl Policy for StickyPolicy {
    fn name(&self) -> &str {
        "sticky random walk"
    }

    fn begin(&mut self, _: u64, _: &Rc<Probe>, draws: &mut Draws) {
        self.leave = 2 << draws.below(4);
        self.last = None;
    }

    #[inline(never)]
    fn choose(&mut self, choice: &Choice<'_>, draws: &mut Draws) -> Answer {
        let stays = draws.below(self.leave) > 0;
        let last = self.last.filter(|_| stays).and_then(|task| choice.place_of(task));
        last.map_or_else(|| draw(choice, draws), Answer::from_place)
    }

    #[inline]
    fn step(&mut self, step: &Step<'_>, _: &mut Draws) {
        self.last = Some(step.task());
    }
}
