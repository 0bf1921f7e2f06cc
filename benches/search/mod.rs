//! A search of dacapo for the first failure of a program of the zoo, as the benches count it.

use std::cell::Cell;
use std::ops::Range;
use std::rc::Rc;

use dacapo::schedule::Answer;
use dacapo::scheduler::{Choice, Plan, Progress, Scheduler};

use crate::programs::Program;

/// Independent searches, each with seeds of its own.
pub const SEARCHES: u64 = 20;
/// Where a search gives up.
pub const MOST: u64 = 20_000;

pub type Make = fn(Range<u64>) -> Box<dyn Scheduler>;

/// The first seed of a search.
pub fn base_seed(nth: u64) -> u64 {
    nth * 1_000_000
}

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

    fn next_run(&mut self) -> Option<Plan> {
        if self.started > self.passed.get() {
            return None;
        }
        self.started += 1;
        self.scheduler.next_run()
    }

    fn choose(&mut self, choice: &Choice<'_>) -> Answer {
        self.scheduler.choose(choice)
    }

    fn observe(&mut self, progress: &Progress<'_>) {
        self.scheduler.observe(progress);
    }
}

/// The seeds that draw, for a scheduler that works from a first run, the run of seed 0, which it makes
/// anyway.
pub fn drawing(seeds: Range<u64>) -> Range<u64> {
    seeds.start + 1..seeds.end + 1
}

/// How many schedules it takes to the first failure, at most.
pub fn search(program: &Program, fixed: bool, make: Make, nth: u64, most: u64) -> Option<u64> {
    let start = base_seed(nth);
    let passed = Rc::new(Cell::new(0));
    let scheduler = make(start..start + most);
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
