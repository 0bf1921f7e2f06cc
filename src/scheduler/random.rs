use std::ops::Range;
use std::rc::Rc;

use super::probe::Probe;
use super::seeded::{Policy, assert_seeds, draw, left};
use super::{Choice, Plan, Scheduler};
use crate::rng::{Draws, Purpose, Stream};
use crate::schedule::Answer;

/// A random walk: one run per seed, in which each option is as likely as the others.
///
/// Options that have a [bias](super::Question::bias) are the exception: a [fault](crate::Faults)
/// happens once in eight times. The answers of a seed depend on that seed alone, not on the runs
/// before.
///
/// ```
/// use dacapo::scheduler::Random;
///
/// dacapo::check(Random::seeds(0..100), async || {
///     // … what must hold under every schedule
/// });
/// ```
#[derive(Clone, Debug)]
pub struct Random {
    seeds: Range<u64>,
    stream: Stream,
}

impl Random {
    /// One run for each of these seeds, in their order.
    ///
    /// # Panics
    ///
    /// If the range is empty, because a test without a run would always pass.
    #[track_caller]
    pub fn seeds(seeds: Range<u64>) -> Self {
        assert_seeds(&seeds);
        Self { seeds, stream: Stream::new(0, Purpose::Schedule) }
    }
}

/// The seeds 0 to 999.
impl Default for Random {
    fn default() -> Self {
        Self::seeds(0..1000)
    }
}

impl Scheduler for Random {
    fn name(&self) -> &str {
        "random walk"
    }

    fn next_run(&mut self) -> Option<Plan> {
        let seed = self.seeds.next()?;
        self.stream = Stream::new(seed, Purpose::Schedule);
        Some(Plan::of_seed(seed).with_runs_left(left(&self.seeds)))
    }

    fn choose(&mut self, choice: &Choice<'_>) -> Answer {
        choice.draw(|bound| self.stream.below(bound))
    }

    fn seeds(&mut self) -> Option<&mut Range<u64>> {
        Some(&mut self.seeds)
    }

    fn fork(&self) -> Option<Box<dyn Scheduler>> {
        Some(Box::new(self.clone()))
    }
}

/// The random walk as one policy of several.
#[derive(Clone, Debug)]
pub(super) struct RandomPolicy;

impl Policy for RandomPolicy {
    fn name(&self) -> &str {
        "random walk"
    }

    fn is_chance(&self) -> bool {
        true
    }

    fn begin(&mut self, _: u64, _: &Rc<Probe>, _: &mut Draws) {}

    #[inline]
    fn choose(&mut self, choice: &Choice<'_>, draws: &mut Draws) -> Answer {
        draw(choice, draws)
    }
}
