//! The runs of one program, and their expected outcomes.

use std::cell::Cell;
use std::fmt;
use std::ops::Range;
use std::rc::Rc;

use dacapo::Builder;
use dacapo::schedule::Answer;
use dacapo::scheduler::{Choice, Completeness, Exhaustive, Fifo, Plan, Random, RunEnd, Scheduler};
use serde_json::Value as Json;

use crate::compare::{canonical, difference};
use crate::corpus::{Order, Record};
use crate::driver;
use crate::program::Program;

/// The most runs of an exhaustive search, and of the random one after it.
const MAX_RUNS: u64 = 20_000;

pub(crate) struct Search {
    name: String,
    order: Order,
    program: Rc<Program>,
    /// The expected outcomes. The first one is from the oldest CPython.
    expected: Vec<Json>,
}

/// How the outcome of a program with races was found.
pub(crate) enum Found {
    First,
    Exhaustive,
    Random,
}

pub(crate) struct Missing {
    pub(crate) text: String,
    /// Whether the search was complete, so that no schedule gives it.
    pub(crate) complete: bool,
}

impl Search {
    pub(crate) fn new(record: Record) -> Self {
        let expected = record.expected().map(|outcome| canonical(record.order, outcome));
        Self {
            expected: expected.collect(),
            name: record.name,
            order: record.order,
            program: Rc::new(record.program),
        }
    }

    /// Whether all these runs give an expected outcome: first in, first out, and this many random ones.
    pub(crate) fn always(&self, seeds: u64) -> Result<(), String> {
        self.runs_of(Fifo::new())?;
        if seeds > 0 {
            self.runs_of(Random::seeds(0..seeds))?;
        }
        Ok(())
    }

    fn runs_of(&self, scheduler: impl Scheduler + 'static) -> Result<(), String> {
        let report = builder().explore(scheduler, async || self.run().await);
        let expected: Vec<_> = self.expected.iter().map(Json::to_string).collect();
        let wrong =
            report.outcomes().iter().find(|outcome| !expected.iter().any(|e| e == outcome.text()));
        match wrong {
            Some(outcome) => Err(self.describe(outcome.text(), &outcome.first_seen().to_string())),
            None => Ok(()),
        }
    }

    /// Whether some schedule gives the expected outcome.
    pub(crate) fn sometimes(&self) -> Result<Found, Missing> {
        let exhaustive = Exhaustive::new().max_runs(MAX_RUNS);
        let (runs, found, complete) = self.runs_until(exhaustive);
        if found {
            return Ok(if runs == 1 { Found::First } else { Found::Exhaustive });
        }
        if !complete && self.runs_until(Random::seeds(0..MAX_RUNS)).1 {
            return Ok(Found::Random);
        }
        let text = match self.runs_of(Fifo::new()) {
            Ok(()) => format!("{}: the first run is right, the same run later is not", self.name),
            Err(text) => text,
        };
        Err(Missing { text, complete })
    }

    /// Runs until the expected outcome is found. Returns the number of runs, whether it was found, and whether
    /// these were all schedules.
    fn runs_until(&self, scheduler: impl Scheduler + 'static) -> (usize, bool, bool) {
        let found = Rc::new(Cell::new(false));
        let scheduler = Until { scheduler, found: Rc::clone(&found) };
        let report = builder().explore(scheduler, async || {
            let is_right = self.expected.contains(&self.run().await.0);
            found.set(found.get() || is_right);
            is_right
        });
        (report.runs(), found.get(), report.is_complete())
    }

    async fn run(&self) -> Outcome {
        Outcome(canonical(self.order, &driver::outcome(&self.program).await))
    }

    fn describe(&self, actual: &str, schedule: &str) -> String {
        // A text that is no outcome says how the run failed.
        let actual = serde_json::from_str(actual).unwrap_or_else(|_| Json::from(actual));
        let difference = difference(&self.expected[self.expected.len() - 1], &actual);
        format!("{}, schedule {schedule}:\n{difference}", self.name)
    }
}

fn builder() -> Builder {
    Builder::new().recheck_every(0).max_events(0).max_steps(100_000)
}

/// Outcomes are compared by their `Debug` text, so that is their JSON.
struct Outcome(Json);

impl fmt::Debug for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// A scheduler that ends when something is found.
struct Until<S> {
    scheduler: S,
    found: Rc<Cell<bool>>,
}

impl<S: Scheduler> Scheduler for Until<S> {
    fn name(&self) -> &str {
        self.scheduler.name()
    }

    fn next_run(&mut self) -> Option<Plan> {
        if self.found.get() { None } else { self.scheduler.next_run() }
    }

    fn choose(&mut self, choice: &Choice<'_>) -> Answer {
        self.scheduler.choose(choice)
    }

    fn end_run(&mut self) -> RunEnd {
        let end = self.scheduler.end_run();
        match self.found.get() {
            true => RunEnd { completeness: Completeness::Sampled, ..end },
            false => end,
        }
    }

    fn seeds(&mut self) -> Option<&mut Range<u64>> {
        self.scheduler.seeds()
    }
}
