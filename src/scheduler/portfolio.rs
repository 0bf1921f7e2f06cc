use std::ops::Range;
use std::rc::Rc;

use super::pct::PctPolicy;
use super::pos::PosPolicy;
use super::probe::Probe;
use super::random::RandomPolicy;
use super::seeded::{Policy, Seeded, seeded_scheduler};
use super::sparse::SparsePolicy;
use super::sticky::StickyPolicy;
use super::urw::UrwPolicy;
use super::{Choice, Step};
use crate::rng::Draws;
use crate::schedule::Answer;
use crate::trace::{TaskId, TaskNames};

/// Several ways to search, in turn: the default of a test.
///
/// No single way finds all bugs soon. A random walk hardly ever starves a task; priorities hardly ever
/// bring a wide reordering about. So the seeds are dealt out to [`Urw`](super::Urw),
/// [`Sticky`](super::Sticky), [`Pct`](super::Pct), [`Random`](super::Random),
/// [`Sparse`](super::Sparse) and [`Pos`](super::Pos), and what finds a bug is named in the report. A seed means
/// the same run whatever the other seeds are. The first run, before them, is first in, first out.
///
/// ```
/// use dacapo::scheduler::Portfolio;
///
/// dacapo::check(Portfolio::seeds(0..100), async || {
///     // … what must hold under every schedule
/// });
/// ```
#[derive(Clone, Debug)]
pub struct Portfolio(Seeded<Rotation>);

impl Portfolio {
    /// One run for each of these seeds, in their order. The run of seed 0 is first in, first out, and
    /// measures the program. If the range leaves it out, it is made all the same, before the others.
    ///
    /// # Panics
    ///
    /// If the range is empty.
    #[track_caller]
    pub fn seeds(seeds: Range<u64>) -> Self {
        Self(Seeded::new(Rotation::default(), seeds))
    }
}

/// The seeds 0 to 999.
impl Default for Portfolio {
    fn default() -> Self {
        Self::seeds(0..1000)
    }
}

seeded_scheduler!(Portfolio);

#[derive(Clone, Debug)]
struct Rotation {
    turn: Turn,
    urw: UrwPolicy,
    pct2: PctPolicy,
    pct3: PctPolicy,
    pos: PosPolicy,
    random: RandomPolicy,
    sparse: SparsePolicy,
    sticky: StickyPolicy,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    Urw,
    Pct2,
    Pct3,
    Pos,
    Random,
    Sparse,
    Sticky,
}

/// Whose turn it is, by the seed. The shares were weighed on the zoo of `tests/zoo`.
const TURNS: [Turn; 11] = [
    Turn::Urw,
    Turn::Sticky,
    Turn::Urw,
    Turn::Pct3,
    Turn::Random,
    Turn::Urw,
    Turn::Sparse,
    Turn::Pct2,
    Turn::Urw,
    Turn::Sticky,
    Turn::Pos,
];

impl Default for Rotation {
    fn default() -> Self {
        Self {
            turn: TURNS[0],
            urw: UrwPolicy::default(),
            pct2: PctPolicy::new(2),
            pct3: PctPolicy::new(3),
            pos: PosPolicy::default(),
            random: RandomPolicy,
            sparse: SparsePolicy::default(),
            sticky: StickyPolicy::default(),
        }
    }
}

/// Has the policy whose turn it is do something. To tell them apart here is less than to call one that is not
/// known, as most of them do little or nothing in a step.
macro_rules! current {
    ($rotation:ident.$act:ident($($argument:expr),*)) => {
        match $rotation.turn {
            Turn::Urw => $rotation.urw.$act($($argument),*),
            Turn::Pct2 => $rotation.pct2.$act($($argument),*),
            Turn::Pct3 => $rotation.pct3.$act($($argument),*),
            Turn::Pos => $rotation.pos.$act($($argument),*),
            Turn::Random => $rotation.random.$act($($argument),*),
            Turn::Sparse => $rotation.sparse.$act($($argument),*),
            Turn::Sticky => $rotation.sticky.$act($($argument),*),
        }
    };
}

impl Policy for Rotation {
    fn name(&self) -> &str {
        match self.turn {
            Turn::Urw => "portfolio (uniform random walk)",
            Turn::Pct2 => "portfolio (PCT of depth 2)",
            Turn::Pct3 => "portfolio (PCT of depth 3)",
            Turn::Pos => "portfolio (partial order sampling)",
            Turn::Random => "portfolio (random walk)",
            Turn::Sparse => "portfolio (few deviations)",
            Turn::Sticky => "portfolio (sticky random walk)",
        }
    }

    fn turn(&mut self, seed: u64) -> u64 {
        let (round, place) = (seed / TURNS.len() as u64, (seed % TURNS.len() as u64) as usize);
        self.turn = TURNS[place];
        let turns = |turns: &[Turn]| turns.iter().filter(|turn| **turn == self.turn).count() as u64;
        round * turns(&TURNS) + turns(&TURNS[..place])
    }

    fn asks_about_tasks(&self) -> bool {
        self.urw.asks_about_tasks()
    }

    fn is_chance(&self) -> bool {
        self.turn == Turn::Random
    }

    fn asks_about_uses(&self) -> bool {
        self.turn == Turn::Pos
    }

    fn begin(&mut self, nth: u64, probe: &Rc<Probe>, draws: &mut Draws) {
        current!(self.begin(nth, probe, draws));
    }

    #[inline]
    fn choose(&mut self, choice: &Choice<'_>, draws: &mut Draws) -> Answer {
        current!(self.choose(choice, draws))
    }

    #[inline]
    fn ready(&mut self, task: TaskId, names: &TaskNames, draws: &mut Draws) {
        current!(self.ready(task, names, draws));
    }

    #[inline]
    fn step(&mut self, step: &Step<'_>, draws: &mut Draws) {
        current!(self.step(step, draws));
    }
}
