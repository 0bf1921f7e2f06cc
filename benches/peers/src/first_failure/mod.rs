//! How many schedules it takes to the first failure of a program.

mod madsim;
mod shuttle;

use crate::programs::Program;
use crate::quiet::Panic;
use crate::search::{self, Make};
use crate::world::{self, Executor};

/// A simulator, and the order in which it runs tasks.
#[derive(Clone, Copy)]
pub enum Way {
    Dacapo(Make),
    Shuttle {
        scheduler: shuttle::Make,
        /// See [`Executor::Shuttle`].
        yields: bool,
    },
    Madsim,
}

pub use self::shuttle::{Make as ShuttleMake, warm_up};

/// The end of a search.
pub enum Found {
    Nothing,
    /// A failure, with the schedule of this number, from 1 on. dacapo does not tell of its panic here.
    Failure(u64, Option<Panic>),
}

impl Way {
    /// Whether it can run the program at all.
    pub fn runs(self, program: &Program) -> bool {
        !(program.timed && matches!(self, Self::Shuttle { .. }))
    }

    /// Runs the program, or its fixed twin, under at most this many schedules, or to its first failure.
    pub fn search(self, program: &'static Program, fixed: bool, nth: u64, most: u64) -> Found {
        match self {
            Self::Dacapo(make) => world::on(Executor::Dacapo, || {
                let count = search::search(program, fixed, make, nth, most);
                count.map_or(Found::Nothing, |count| Found::Failure(count, None))
            }),
            Self::Shuttle { scheduler, yields } => world::on(Executor::Shuttle { yields }, || {
                shuttle::search(program, fixed, scheduler, nth, most)
            }),
            Self::Madsim => {
                world::on(Executor::Madsim, || madsim::search(program, fixed, nth, most))
            }
        }
    }
}
