use std::ops::Range;
use std::rc::Rc;

use super::probe::Probe;
use super::seeded::{Policy, Seeded, seeded_scheduler};
use super::{Choice, Step};
use crate::rng::Draws;
use crate::trace::{TaskId, TaskNames};

/// First in, first out, but for one or two tasks that are held back for a while.
///
/// Most bugs need one task to come too late, and all others as usual. Which task is held, and from
/// which of its steps on, goes through all that a first run has shown, in a shuffled order, before
/// anything comes again; for how long is drawn: short or long with equal probability, up to the end of
/// all others. With two tasks the second one is drawn. It is delay bounding (M. Emmi, S. Qadeer,
/// Z. Rakamarić 2011, "Delay-Bounded Scheduling") with delays that are long at once, where
/// [`DelayBounded`](super::DelayBounded) would have to add up many.
///
/// ```
/// use dacapo::scheduler::Hold;
///
/// dacapo::check(Hold::seeds(0..100), async || {
///     // … what must hold under every schedule
/// });
/// ```
#[derive(Clone, Debug)]
pub struct Hold(Seeded<HoldPolicy>);

impl Hold {
    /// One run for each of these seeds, in their order, after a first one, first in, first out.
    ///
    /// # Panics
    ///
    /// If the range is empty.
    #[track_caller]
    pub fn seeds(seeds: Range<u64>) -> Self {
        Self(Seeded::new(HoldPolicy::default(), seeds))
    }
}

seeded_scheduler!(Hold);

#[derive(Clone, Debug, Default)]
pub(super) struct HoldPolicy {
    held: Vec<Held>,
    /// By task: its place in `held`, if it is there.
    known: Vec<Option<u8>>,
}

#[derive(Clone, Copy, Debug)]
struct Held {
    signature: u64,
    /// Steps that it has before it is held.
    steps: u64,
    /// Choices in which it is passed over.
    choices: u64,
}

impl Held {
    /// The n-th of all steps that were measured, and a number of choices.
    fn new(mut nth: u64, probe: &Probe, draws: &mut Draws) -> Self {
        let mut found = (0, 0);
        for (signature, measured) in probe.tasks() {
            found = (signature, nth);
            match nth.checked_sub(measured.steps) {
                None => break,
                Some(rest) => nth = rest,
            }
        }
        // Twice what was measured, or for good, are as likely as any other order of magnitude.
        let magnitudes = u64::from(64 - probe.choices().leading_zeros()) + 2;
        let choices = match draws.below(magnitudes) {
            0 => u64::MAX,
            magnitude => 1 + draws.below(1 << (magnitude - 1)),
        };
        Self { signature: found.0, steps: found.1, choices }
    }

    fn is_held(&self) -> bool {
        self.steps == 0 && self.choices > 0
    }
}

impl Policy for HoldPolicy {
    fn name(&self) -> &str {
        "holding back"
    }

    fn begin(&mut self, nth: u64, probe: &Rc<Probe>, draws: &mut Draws) {
        self.held.clear();
        self.known.clear();
        let steps = probe.steps().max(1);
        // Multiples of a number without a common divisor go through all places; those of about the
        // golden section lie far apart.
        let mut stride = (steps as f64 * 0.618) as u64;
        while gcd(stride.max(1), steps) > 1 {
            stride += 1;
        }
        let place = u128::from(nth) * u128::from(stride.max(1)) % u128::from(steps);
        self.held.push(Held::new(place as u64, probe, draws));
        if draws.below(3) == 0 {
            let other = draws.below(steps);
            self.held.push(Held::new(other, probe, draws));
        }
    }

    fn ready(&mut self, task: TaskId, names: &TaskNames, _: &mut Draws) {
        for id in self.known.len() as u32..=task.as_u32() {
            let signature = names.signature(TaskId(id));
            let place = self.held.iter().position(|held| held.signature == signature);
            self.known.push(place.map(|place| place as u8));
        }
    }

    fn choose(&mut self, choice: &Choice<'_>, _: &mut Draws) -> usize {
        let mut chosen = 0;
        // Only the tasks that are held can stand before the first that is not.
        for place in 0..choice.options().min(self.held.len() + 1) {
            let task = choice.label(place).task().map_or(0, |task| task.as_u32() as usize);
            let known = self.known.get(task).copied().flatten();
            match known.and_then(|known| self.held.get_mut(usize::from(known))) {
                Some(held) if held.is_held() => {
                    held.choices = held.choices.saturating_sub(1);
                }
                _ => {
                    chosen = place;
                    break;
                }
            }
        }
        chosen
    }

    fn step(&mut self, step: &Step<'_>, _: &mut Draws) {
        let known = self.known.get(step.task().as_u32() as usize).copied().flatten();
        if let Some(held) = known.and_then(|known| self.held.get_mut(usize::from(known))) {
            held.steps = held.steps.saturating_sub(1);
        }
    }
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}
