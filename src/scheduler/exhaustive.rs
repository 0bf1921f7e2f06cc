use super::{Choice, Completeness, Divergence, Plan, RunEnd, Scheduler};
use crate::schedule::Answer;

/// Every possible schedule, once each.
///
/// It counts through the answers like an odometer: after a run, the last answer that can grow grows
/// by one, and the answers after it are forgotten. (This is the method of A. Kladov's "Generate All
/// the Things", with the answers kept from run to run.) The first run is first in, first out.
///
/// The number of schedules grows fast: three tasks that yield twice each have 1,680. After
/// [`max_runs`](Exhaustive::max_runs) the search stops, and the report says so.
///
/// [Random values](crate::rand) are no part of a schedule's answers: all runs draw them from seed 0, and the
/// report says so. To have all values tried, ask for them with [`choose`](crate::choose).
///
/// ```
/// use dacapo::scheduler::Exhaustive;
///
/// let report = dacapo::explore(Exhaustive::new(), async || dacapo::choose("door", 3));
/// assert_eq!(report.runs(), 3);
/// assert!(report.is_complete());
/// ```
#[derive(Clone, Debug)]
pub struct Exhaustive {
    /// The answers of this run, each with its number of options.
    path: Vec<(usize, usize)>,
    /// How many choices of this run have been answered.
    next: usize,
    runs: u64,
    max_runs: u64,
    /// Whether there is a schedule that has not been run.
    is_left: bool,
    diverged: Option<Divergence>,
}

impl Exhaustive {
    /// Runs all schedules, up to 100,000.
    pub fn new() -> Self {
        Self {
            path: Vec::new(),
            next: 0,
            runs: 0,
            max_runs: 100_000,
            is_left: true,
            diverged: None,
        }
    }

    /// Stops after this many runs; 100,000 by default.
    pub fn max_runs(self, max_runs: u64) -> Self {
        Self { max_runs, ..self }
    }

    /// Advances the odometer by one. Returns `false` if all its wheels are back at 0.
    fn advance(&mut self) -> bool {
        while let Some((answer, options)) = self.path.pop() {
            if answer + 1 < options {
                self.path.push((answer + 1, options));
                return true;
            }
        }
        false
    }
}

impl Default for Exhaustive {
    fn default() -> Self {
        Self::new()
    }
}

impl Scheduler for Exhaustive {
    fn name(&self) -> &str {
        "exhaustive"
    }

    fn next_run(&mut self) -> Option<Plan> {
        if !self.is_left || self.runs == self.max_runs {
            return None;
        }
        self.runs += 1;
        self.next = 0;
        Some(Plan::new())
    }

    fn choose(&mut self, choice: &Choice<'_>) -> Answer {
        let now = choice.options();
        if let Some(&(_, before)) = self.path.get(self.next)
            && before != now
        {
            let diverged = Divergence::other_options(self.next, before, now);
            self.diverged.get_or_insert(diverged);
            self.path.truncate(self.next);
        }
        if self.next == self.path.len() {
            self.path.push((0, now));
        }
        self.next += 1;
        Answer::from_place(self.path[self.next - 1].0)
    }

    fn end_run(&mut self) -> RunEnd {
        if let Some(&(_, before)) = self.path.get(self.next) {
            self.diverged.get_or_insert(Divergence::missing(self.next, before));
            self.path.truncate(self.next);
        }
        self.is_left = self.advance();
        // If the same answers led to other choices, there may be schedules that were not found.
        let completeness = match self.is_left || self.diverged.is_some() {
            true => Completeness::Partial,
            false => Completeness::Complete,
        };
        RunEnd { divergence: self.diverged, completeness }
    }
}
