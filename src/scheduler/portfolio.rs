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

/// Several schedulers in turn. This is the default of a test.
///
/// No single scheduler finds all bugs quickly. A random walk rarely starves a task, and priorities
/// rarely produce a wide reordering. So the seeds are shared among
/// [`Urw`](super::Urw), [`Sticky`](super::Sticky), [`Pct`](super::Pct), [`Random`](super::Random),
/// [`Sparse`](super::Sparse) and [`Pos`](super::Pos), and a report names the scheduler that found
/// the bug. A seed means the same run whatever the other seeds are. The first run is first in,
/// first out.
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
    /// measures the program. If the range leaves seed 0 out, it runs anyway, before the others.
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
    member: Member,
    urw: UrwPolicy,
    pct2: PctPolicy,
    pct3: PctPolicy,
    pos: PosPolicy,
    random: RandomPolicy,
    sparse: SparsePolicy,
    sticky: StickyPolicy,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Member {
    Urw,
    Pct2,
    Pct3,
    Pos,
    Random,
    Sparse,
    Sticky,
}

/// The members, by the seed. The shares were tuned on the zoo in `tests/zoo`.
const MEMBERS: [Member; 11] = [
    Member::Urw,
    Member::Sticky,
    Member::Urw,
    Member::Pct3,
    Member::Random,
    Member::Urw,
    Member::Sparse,
    Member::Pct2,
    Member::Urw,
    Member::Sticky,
    Member::Pos,
];

impl Default for Rotation {
    fn default() -> Self {
        Self {
            member: MEMBERS[0],
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

/// Calls the current policy. A match is cheaper than a virtual call here, because most policies do
/// little or nothing in a step.
macro_rules! current {
    ($rotation:ident.$act:ident($($argument:expr),*)) => {
        match $rotation.member {
            Member::Urw => $rotation.urw.$act($($argument),*),
            Member::Pct2 => $rotation.pct2.$act($($argument),*),
            Member::Pct3 => $rotation.pct3.$act($($argument),*),
            Member::Pos => $rotation.pos.$act($($argument),*),
            Member::Random => $rotation.random.$act($($argument),*),
            Member::Sparse => $rotation.sparse.$act($($argument),*),
            Member::Sticky => $rotation.sticky.$act($($argument),*),
        }
    };
}

impl Policy for Rotation {
    fn name(&self) -> &str {
        match self.member {
            Member::Urw => "portfolio (uniform random walk)",
            Member::Pct2 => "portfolio (PCT of depth 2)",
            Member::Pct3 => "portfolio (PCT of depth 3)",
            Member::Pos => "portfolio (partial order sampling)",
            Member::Random => "portfolio (random walk)",
            Member::Sparse => "portfolio (few deviations)",
            Member::Sticky => "portfolio (sticky random walk)",
        }
    }

    fn select(&mut self, seed: u64) -> u64 {
        let (round, place) = (seed / MEMBERS.len() as u64, (seed % MEMBERS.len() as u64) as usize);
        self.member = MEMBERS[place];
        let runs = |members: &[Member]| {
            members.iter().filter(|member| **member == self.member).count() as u64
        };
        round * runs(&MEMBERS) + runs(&MEMBERS[..place])
    }

    fn asks_about_tasks(&self) -> bool {
        self.urw.asks_about_tasks()
    }

    fn is_chance(&self) -> bool {
        self.member == Member::Random
    }

    fn asks_about_uses(&self) -> bool {
        self.member == Member::Pos
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
