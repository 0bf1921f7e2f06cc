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
#[path = "../tests/zoo/world.rs"]
mod world;

use std::cell::Cell;
use std::ops::Range;
use std::rc::Rc;

use dacapo::schedule::Answer;
use dacapo::scheduler::{
    Choice, Pct, Portfolio, Pos, Random, Scheduler, Sparse, Step, Sticky, Urw,
};
use dacapo::task::Id;
use dacapo::trace::TaskNames;
use programs::Program;

/// Independent searches, each with seeds of its own.
const SEARCHES: u64 = 20;
/// Where a search gives up.
const MOST: u64 = 20_000;

type Make = fn(Range<u64>) -> Box<dyn Scheduler>;

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

/// Ends a search with its first failure.
struct UntilFailure {
    scheduler: Box<dyn Scheduler>,
    started: u64,
    passed: Rc<Cell<u64>>,
}

impl Scheduler for UntilFailure {
    fn name(&self) -> &str {
        self.scheduler.name()
    }

    fn next_run(&mut self) -> Option<u64> {
        if self.started > self.passed.get() {
            return None;
        }
        self.started += 1;
        self.scheduler.next_run()
    }

    fn choose(&mut self, choice: &Choice<'_>) -> usize {
        self.scheduler.choose(choice)
    }

    fn answer(&mut self, choice: &Choice<'_>) -> Answer {
        self.scheduler.answer(choice)
    }

    fn watches(&self) -> bool {
        self.scheduler.watches()
    }

    fn ready(&mut self, task: Id, names: &TaskNames) {
        self.scheduler.ready(task, names);
    }

    fn step(&mut self, step: &Step<'_>) {
        self.scheduler.step(step);
    }
}

/// How many schedules it takes to the first failure.
fn search(program: &Program, fixed: bool, make: Make, nth: u64) -> Option<u64> {
    let start = nth * 1_000_000;
    let passed = Rc::new(Cell::new(0));
    let scheduler = make(start..start + MOST);
    let until = UntilFailure { scheduler, started: 0, passed: Rc::clone(&passed) };
    let builder = dacapo::Builder::new().recheck_every(0).max_steps(100_000);
    let report = builder.explore(until, async || {
        if fixed {
            program.fixed().await
        } else {
            program.broken().await
        }
        passed.set(passed.get() + 1);
    });
    let failed = report.failures().next().is_some();
    failed.then_some(report.runs() as u64)
}

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
            let counts =
                (0..SEARCHES).map(|nth| search(program, false, make, nth).unwrap_or(u64::MAX));
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
