//! How many schedules each scheduler needs to find the bugs of the zoo, as a table in Markdown:
//!
//! ```sh
//! cargo bench --bench zoo > benches/zoo.md
//! ```
//!
//! With the name of a program, or a part of it, only those.
#![allow(
    unreachable_pub,
    dead_code,
    reason = "other simulators run the programs too, each what it can"
)]
#![allow(missing_docs, clippy::print_stdout, reason = "a bench prints a table")]

#[path = "../tests/zoo/programs/mod.rs"]
mod programs;
mod search;
#[path = "../tests/zoo/world.rs"]
mod world;

use dacapo::scheduler::{Pct, Portfolio, Pos, Random, Sparse, Sticky, Urw};
use search::{MOST, Make, SEARCHES, search};

const SCHEDULERS: [(&str, Make); 8] = [
    ("portfolio", |seeds| Box::new(Portfolio::seeds(seeds))),
    ("random", |seeds| Box::new(Random::seeds(seeds))),
    ("sticky", |seeds| Box::new(Sticky::seeds(seeds))),
    ("PCT 2", |seeds| Box::new(Pct::seeds(seeds).depth(2))),
    ("PCT 3", |seeds| Box::new(Pct::seeds(seeds).depth(3))),
    ("POS", |seeds| Box::new(Pos::seeds(seeds))),
    ("URW", |seeds| Box::new(Urw::seeds(seeds))),
    ("sparse", |seeds| Box::new(Sparse::seeds(seeds))),
];

/// The middle one and the last, in words.
fn median_and_worst(mut counts: Vec<u64>) -> (u64, u64) {
    counts.sort_unstable();
    (counts[counts.len() / 2], counts[counts.len() - 1])
}

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with('-')).collect();
    let heads: Vec<_> = SCHEDULERS.iter().map(|(name, _)| format!(" {name} |")).collect();
    println!("| program |{}", heads.concat());
    println!("|---|{}", "---|".repeat(heads.len()));
    let mut medians = vec![Vec::new(); SCHEDULERS.len()];
    let mut beaten = Vec::new();
    for program in programs::all() {
        if !wanted.is_empty() && !wanted.iter().any(|part| program.name.contains(part.as_str())) {
            continue;
        }
        let mut row = Vec::new();
        let mut cells = String::new();
        for (at, &(_, make)) in SCHEDULERS.iter().enumerate() {
            let counts = (0..SEARCHES)
                .map(|nth| search(program, false, make, nth, MOST).unwrap_or(u64::MAX));
            let (median, worst) = median_and_worst(counts.collect());
            let text =
                |count: u64| if count == u64::MAX { "–".to_owned() } else { count.to_string() };
            cells += &format!(" {} ({}) |", text(median), text(worst));
            medians[at].push(median);
            row.push(median);
        }
        println!("| {} |{cells}", program.name);
        let best = row[1..].iter().min().copied().unwrap_or(u64::MAX);
        beaten.push(row[0] as f64 / best as f64);
    }
    let all: Vec<_> = medians.into_iter().map(|counts| median_and_worst(counts).0).collect();
    let cells: Vec<_> = all.iter().map(|median| format!(" {median} |")).collect();
    println!("| *median of the medians* |{}", cells.concat());
    beaten.sort_by(f64::total_cmp);
    println!(
        "\nportfolio / best single one: median {:.1}, worst {:.1}",
        beaten[beaten.len() / 2],
        beaten[beaten.len() - 1]
    );
}
