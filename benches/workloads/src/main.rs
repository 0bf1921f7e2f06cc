//! One workload on dacapo or on the floor, for a profiler:
//!
//! ```sh
//! cd benches/workloads && cargo build --release
//! valgrind --tool=callgrind target/release/workloads yield random 50
//! ```
//!
//! The last argument divides the size; 1 if it is left out. Of several workloads or worlds, apart by
//! commas, each is run once.

#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "it tells what it did")]

use workloads::world::dacapo::{Dacapo, Fifo, Pct, Portfolio, Random};
use workloads::world::floor::Floor;
use workloads::{Workload, cpu};

/// Does this many operations of a workload.
type Run = fn(Workload, u64) -> u64;

const WORLDS: [(&str, Run); 5] = [
    ("floor", |workload, size| workload.run::<Floor>(size)),
    ("random", |workload, size| workload.run::<Dacapo<Random>>(size)),
    ("fifo", |workload, size| workload.run::<Dacapo<Fifo>>(size)),
    ("pct", |workload, size| workload.run::<Dacapo<Pct>>(size)),
    ("portfolio", |workload, size| workload.run::<Dacapo<Portfolio>>(size)),
];

fn main() {
    let mut arguments = std::env::args().skip(1);
    let workloads = arguments.next().unwrap_or_else(|| names(Workload::ALL.map(Workload::name)));
    let worlds = arguments.next().unwrap_or_else(|| names(WORLDS.map(|(name, _)| name)));
    let divisor = arguments.next().map_or(Ok(1), |text| text.parse());
    let divisor: u64 = divisor.expect("the third argument divides the size");
    for name in workloads.split(',') {
        let workload = Workload::ALL.into_iter().find(|workload| workload.name() == name);
        let workload = workload.unwrap_or_else(|| panic!("no workload is called {name:?}"));
        for name in worlds.split(',') {
            let world = WORLDS.iter().find(|(world, _)| *world == name);
            let (_, run) = world.unwrap_or_else(|| panic!("no world is called {name:?}"));
            let (count, time) = cpu::timed(|| run(workload, workload.size() / divisor));
            let nanos = time.as_nanos() as f64 / count as f64;
            println!("{} {name}: {count} operations, {nanos:.1} ns each", workload.name());
        }
    }
}

fn names<const N: usize>(names: [&str; N]) -> String {
    names.join(",")
}
