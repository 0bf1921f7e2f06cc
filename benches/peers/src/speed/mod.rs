//! The simulators that are measured, and the worlds that `workloads` does not have.

mod facade;
mod madsim;
mod shuttle;
mod smol;
mod tokio;
mod turmoil;

pub use facade::Facade;
pub use madsim::Madsim;
pub use shuttle::{Random as ShuttleRandom, Shuttle};
pub use smol::Smol;
pub use tokio::Paused;
pub use turmoil::Turmoil;
use workloads::Workload;
use workloads::world::dacapo::{Dacapo, Fifo, Pct, Portfolio, Random};
use workloads::world::floor::Floor;
use workloads::world::raw;

/// How a peer runs a workload.
#[derive(Clone, Copy)]
pub enum Part {
    /// Does this many operations, and returns their number.
    Runs(fn(u64) -> u64),
    /// They cannot be done, and why.
    Cannot(&'static str),
}

/// A simulator or runtime that is measured.
pub struct Peer {
    pub name: &'static str,
    /// Whether it is dacapo; then it is held against the others.
    pub is_dacapo: bool,
    /// Whether dacapo is held against it.
    pub is_rival: bool,
    part: fn(Workload) -> Part,
}

impl Peer {
    pub fn part(&self, workload: Workload) -> Part {
        (self.part)(workload)
    }

    const fn rival(name: &'static str, part: fn(Workload) -> Part) -> Self {
        Self { name, is_dacapo: false, is_rival: true, part }
    }

    const fn dacapo(name: &'static str, part: fn(Workload) -> Part) -> Self {
        Self { name, is_dacapo: true, is_rival: false, part }
    }

    const fn measure(name: &'static str, part: fn(Workload) -> Part) -> Self {
        Self { name, is_dacapo: false, is_rival: false, part }
    }
}

/// A world that runs all workloads.
macro_rules! all {
    ($world:ty) => {
        |workload| match workload {
            Workload::Yield => Part::Runs(|size| Workload::Yield.run::<$world>(size)),
            Workload::Spawn => Part::Runs(|size| Workload::Spawn.run::<$world>(size)),
            Workload::Crowd => Part::Runs(|size| Workload::Crowd.run::<$world>(size)),
            Workload::Abort => Part::Runs(|size| Workload::Abort.run::<$world>(size)),
            Workload::Empty => Part::Runs(|size| Workload::Empty.run::<$world>(size)),
            Workload::Sleep => Part::Runs(|size| Workload::Sleep.run::<$world>(size)),
            Workload::Semaphore => Part::Runs(|size| Workload::Semaphore.run::<$world>(size)),
            Workload::Queue => Part::Runs(|size| Workload::Queue.run::<$world>(size)),
            Workload::Simulation => Part::Runs(|size| Workload::Simulation.run::<$world>(size)),
        }
    };
}

/// A world that has no virtual time.
macro_rules! timeless {
    ($world:ty) => {
        |workload| match workload {
            Workload::Sleep => Part::Cannot("no time"),
            other => {
                let all: fn(Workload) -> Part = all!($world);
                all(other)
            }
        }
    };
}

/// The floor is the first.
pub const PEERS: [Peer; 14] = [
    Peer::measure("floor", all!(Floor)),
    Peer::measure("raw", |workload| match workload {
        Workload::Yield => Part::Runs(raw::yields),
        _ => Part::Cannot("no tasks"),
    }),
    Peer::dacapo("dacapo, random", all!(Dacapo<Random>)),
    Peer::dacapo("dacapo, portfolio", all!(Dacapo<Portfolio>)),
    Peer::dacapo("dacapo, PCT", all!(Dacapo<Pct>)),
    Peer::dacapo("dacapo, FIFO", all!(Dacapo<Fifo>)),
    Peer::dacapo("dacapo-tokio, random", all!(Facade)),
    Peer::rival("madsim", all!(Madsim)),
    Peer::rival("madsim, its test macro", |workload| match workload {
        Workload::Simulation => Part::Runs(madsim::as_its_test_macro),
        _ => Part::Cannot("as above"),
    }),
    Peer::rival("tokio, paused clock", all!(Paused)),
    Peer::rival("turmoil", all!(Turmoil)),
    Peer::rival("shuttle, random", timeless!(Shuttle<shuttle::Random>)),
    Peer::rival("shuttle, PCT", |workload| match workload {
        // It panics if a run has nothing to choose.
        Workload::Empty => Part::Cannot("refused"),
        other => {
            let others: fn(Workload) -> Part = timeless!(Shuttle<shuttle::Pct>);
            others(other)
        }
    }),
    Peer::rival("smol", timeless!(Smol)),
];
