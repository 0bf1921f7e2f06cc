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

use std::collections::BTreeMap;

use dacapo::scheduler::{Pct, Portfolio, Pos, Random, Sparse, Sticky, Urw};
use programs::Program;
use search::{MOST, Make, SEARCHES, base_seed, drawing, search};

const SCHEDULERS: [(&str, Make); 8] = [
    ("portfolio", |seeds| Box::new(Portfolio::seeds(drawing(seeds)))),
    ("random", |seeds| Box::new(Random::seeds(seeds))),
    ("sticky", |seeds| Box::new(Sticky::seeds(drawing(seeds)))),
    ("PCT 2", |seeds| Box::new(Pct::seeds(drawing(seeds)).depth(2))),
    ("PCT 3", |seeds| Box::new(Pct::seeds(drawing(seeds)).depth(3))),
    ("POS", |seeds| Box::new(Pos::seeds(drawing(seeds)))),
    ("URW", |seeds| Box::new(Urw::seeds(drawing(seeds)))),
    ("sparse", |seeds| Box::new(Sparse::seeds(drawing(seeds)))),
];

/// The middle one and the last.
fn median_and_worst(mut counts: Vec<u64>) -> (u64, u64) {
    counts.sort_unstable();
    (counts[counts.len() / 2], counts[counts.len() - 1])
}

/// A number of schedules, or none found.
fn text(count: u64) -> String {
    if count == u64::MAX { "–".to_owned() } else { count.to_string() }
}

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with('-')).collect();
    let is_wanted = |program: &&Program| {
        wanted.is_empty() || wanted.iter().any(|part| program.name.contains(part.as_str()))
    };
    let all: Vec<&Program> = programs::all().filter(is_wanted).collect();

    println!("# Runs to the first failure\n");
    println!(
        "Made by `cargo bench --bench zoo > benches/zoo.md`. The programs are in `tests/zoo/programs`.\n"
    );
    let heads = SCHEDULERS.map(|(name, _)| format!(" {name} |"));
    println!("| program |{}", heads.concat());
    println!("|---|{}", "---|".repeat(heads.len()));
    let mut medians = vec![Vec::new(); SCHEDULERS.len()];
    let (mut worst_of_all, mut ratios) = (0, Vec::new());
    for program in &all {
        let cells = SCHEDULERS.iter().zip(&mut medians).map(|(&(_, make), medians)| {
            let counts = (0..SEARCHES)
                .map(|nth| search(program, false, make, nth, MOST).unwrap_or(u64::MAX));
            let (median, worst) = median_and_worst(counts.collect());
            medians.push(median);
            (median, worst)
        });
        let cells: Vec<(u64, u64)> = cells.collect();
        let texts =
            cells.iter().map(|&(median, worst)| format!(" {} ({}) |", text(median), text(worst)));
        println!("| {} |{}", program.name, texts.collect::<String>());
        let best = cells[1..].iter().map(|&(median, _)| median).min().unwrap_or(u64::MAX);
        worst_of_all = worst_of_all.max(cells[0].1);
        ratios.push((cells[0].0 as f64 / best as f64, program.name));
    }
    let middle =
        medians.into_iter().map(|counts| format!(" {} |", text(median_and_worst(counts).0)));
    println!("| *median of the medians* |{}", middle.collect::<String>());

    println!(
        "\nRuns to the first failure: the median (and the worst) of {SEARCHES} searches, each with its"
    );
    println!("own seeds and at most {MOST} runs. – means that none was found.\n");
    ratios.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (worst_ratio, name) = ratios[ratios.len() - 1];
    println!("- The portfolio's worst search takes {} runs.", text(worst_of_all));
    println!(
        "- Median of the portfolio divided by that of the best single scheduler for the program: {:.1} in",
        ratios[ratios.len() / 2].0
    );
    println!("  the median, {worst_ratio:.1} at most (`{name}`).");
    shrinking(&all);
    let portfolio = SCHEDULERS[0].1;
    let failing = all.iter().filter(|program| search(program, true, portfolio, 0, MOST).is_some());
    println!(
        "- Fixed twins: {} programs, {MOST} runs of the portfolio each; {} fail.",
        all.len(),
        failing.count()
    );
}

/// How far the failures of all searches are shrunk.
fn shrinking(programs: &[&Program]) {
    let builder = dacapo::Builder::new().max_steps(100_000).recheck_every(0);
    let builder = builder.fresh_process(false).max_explain_runs(0);
    let (mut deviations, mut runs) = (BTreeMap::<usize, usize>::new(), Vec::new());
    for (program, nth) in
        programs.iter().flat_map(|program| (0..SEARCHES).map(move |nth| (program, nth)))
    {
        let seeds = Portfolio::seeds(drawing(base_seed(nth)..base_seed(nth) + MOST));
        let found = builder.try_check(seeds, async || program.broken().await);
        let Err(error) = found else { continue };
        *deviations.entry(error.schedule().deviations()).or_default() += 1;
        runs.push(error.shrink_runs() as u64);
    }
    let deviations =
        deviations.iter().map(|(deviations, failures)| format!("{failures} to {deviations}"));
    let (median, worst) = median_and_worst(runs);
    println!(
        "- Failures by the number of deviations left after shrinking: {}.",
        deviations.collect::<Vec<_>>().join(", ")
    );
    println!("  Shrinking takes {median} runs in the median, {worst} at most.");
}
