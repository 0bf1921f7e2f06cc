use std::ops::Range;
use std::rc::Rc;

use super::hold::HoldPolicy;
use super::pct::PctPolicy;
use super::pos::PosPolicy;
use super::probe::Probe;
use super::random::RandomPolicy;
use super::seeded::{Policy, Seeded, seeded_scheduler};
use super::urw::UrwPolicy;
use super::{Choice, Step};
use crate::rng::Stream;
use crate::trace::{TaskId, TaskNames};

/// Several ways to search, in turn: the default of a test.
///
/// No single way finds all bugs soon. A random walk hardly ever starves a task; priorities hardly ever
/// bring a wide reordering about; so the seeds are dealt out to [`Hold`](super::Hold),
/// [`Urw`](super::Urw), [`Pos`](super::Pos) and [`Pct`](super::Pct), and what finds a bug is named in the
/// report. A seed means the same run whatever the other seeds are. The first run is first in, first out.
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
    /// One run for each of these seeds, in their order, after a first one, first in, first out.
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
    turn: usize,
    hold: HoldPolicy,
    urw: UrwPolicy,
    pos: PosPolicy,
    pct: [PctPolicy; 2],
    random: RandomPolicy,
}

/// Whose turn it is, by the seed.
const TURNS: usize = 6;

impl Default for Rotation {
    fn default() -> Self {
        Self {
            turn: 0,
            hold: HoldPolicy::default(),
            urw: UrwPolicy::default(),
            pos: PosPolicy::default(),
            pct: [2, 3].map(PctPolicy::new),
            random: RandomPolicy,
        }
    }
}

impl Rotation {
    fn current(&self) -> &dyn Policy {
        match self.turn {
            0 => &self.urw,
            1 => &self.hold,
            2 => &self.pct[0],
            3 => &self.pos,
            4 => &self.random,
            _ => &self.pct[1],
        }
    }

    fn current_mut(&mut self) -> &mut dyn Policy {
        match self.turn {
            0 => &mut self.urw,
            1 => &mut self.hold,
            2 => &mut self.pct[0],
            3 => &mut self.pos,
            4 => &mut self.random,
            _ => &mut self.pct[1],
        }
    }
}

impl Policy for Rotation {
    fn name(&self) -> &str {
        self.current().name()
    }

    fn begin(&mut self, seed: u64, probe: &Rc<Probe>, stream: &mut Stream) {
        self.turn = (seed % TURNS as u64) as usize;
        self.current_mut().begin(seed / TURNS as u64, probe, stream);
    }

    fn choose(&mut self, choice: &Choice<'_>, stream: &mut Stream) -> usize {
        self.current_mut().choose(choice, stream)
    }

    fn ready(&mut self, task: TaskId, names: &TaskNames, stream: &mut Stream) {
        self.current_mut().ready(task, names, stream);
    }

    fn step(&mut self, step: &Step<'_>, stream: &mut Stream) {
        self.current_mut().step(step, stream);
    }
}
