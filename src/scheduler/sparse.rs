use std::ops::Range;
use std::rc::Rc;

use super::Choice;
use super::probe::Probe;
use super::seeded::{Policy, Seeded, seeded_scheduler};
use crate::rng::Draws;
use crate::schedule::{Answer, Lasting};

/// First in, first out, except for one, two or three answers.
///
/// A shrunk bug is mostly one answer: a task that is held back, or stays ahead, from some choice
/// on. This scheduler tries such answers directly. At random places, among as many choices as the
/// first run had, a random option is taken: for that choice only, or holding back the tasks before
/// it, or staying ahead (see [`Lasting`]). It is random delay bounding (M. Emmi, S. Qadeer, Z.
/// Rakamarić 2011, "Delay-Bounded Scheduling"), where a delay may last.
/// [`DelayBounded`](super::DelayBounded) tries all of them.
///
/// ```
/// use dacapo::scheduler::Sparse;
///
/// dacapo::check(Sparse::seeds(0..100), async || {
///     // … what must hold under every schedule
/// });
/// ```
#[derive(Clone, Debug)]
pub struct Sparse(Seeded<SparsePolicy>);

impl Sparse {
    /// One run for each of these seeds, in their order. The run of seed 0 is first in, first out, and
    /// measures the program. If the range leaves seed 0 out, it runs anyway, before the others.
    ///
    /// # Panics
    ///
    /// If the range is empty.
    #[track_caller]
    pub fn seeds(seeds: Range<u64>) -> Self {
        Self(Seeded::new(SparsePolicy::default(), seeds))
    }
}

seeded_scheduler!(Sparse);

#[derive(Clone, Debug, Default)]
pub(super) struct SparsePolicy {
    /// The choices that are not answered with 0, the last one first.
    places: Vec<u64>,
    choices: u64,
}

impl Policy for SparsePolicy {
    fn name(&self) -> &str {
        "few deviations"
    }

    fn begin(&mut self, _: u64, probe: &Rc<Probe>, draws: &mut Draws) {
        self.choices = 0;
        self.places.clear();
        let deviations = [1, 1, 1, 2, 2, 3][draws.below(6) as usize];
        self.places.extend((0..deviations).map(|_| draws.below(probe.choices())));
        self.places.sort_unstable();
        self.places.reverse();
    }

    #[inline(never)]
    fn choose(&mut self, choice: &Choice<'_>, draws: &mut Draws) -> Answer {
        let now = self.choices;
        self.choices += 1;
        if self.places.last() != Some(&now) {
            return Answer::USUAL;
        }
        while self.places.last() == Some(&now) {
            self.places.pop();
        }
        let others = choice.options() as u64 - 1;
        let (first, lasting) = match draws.below(3) {
            0 => (1, Lasting::Once),
            1 => (1, Lasting::Hold),
            // The first task may stay ahead too.
            _ => (0, Lasting::Ahead),
        };
        Answer::new((first + draws.below(others + 1 - first)) as u32, lasting)
    }
}
