use super::{Choice, Divergence, Scheduler};

/// Every possible schedule, once each.
///
/// It counts through the answers as an odometer does: the run is made, then the last answer that can
/// grow grows by one, and what came after it is forgotten. (This is the method of A. Kladov's
/// "Generate All the Things", with the answers kept from run to run.) The first run is first in, first
/// out.
///
/// The number of schedules grows fast: three tasks that yield twice each have 1,680. After
/// [`max_runs`](Exhaustive::max_runs) the search stops, and the report says so.
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
    /// The answers of this run, each with the number of options that there were.
    path: Vec<(usize, usize)>,
    /// How many choices of this run have been answered.
    next: usize,
    runs: u64,
    max_runs: u64,
    complete: bool,
    diverged: Option<Divergence>,
}

impl Exhaustive {
    /// All schedules, up to 100,000 of them.
    pub fn new() -> Self {
        Self {
            path: Vec::new(),
            next: 0,
            runs: 0,
            max_runs: 100_000,
            complete: false,
            diverged: None,
        }
    }

    /// Stops after this many runs; 100,000 by default.
    pub fn max_runs(self, max_runs: u64) -> Self {
        Self { max_runs, ..self }
    }

    /// Turns the odometer by one; `false` if all its wheels are back at 0.
    fn advance(&mut self) -> bool {
        // A run that took another path may have ended before it reached all kept answers.
        self.path.truncate(self.next);
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

    fn next_run(&mut self) -> Option<u64> {
        if self.runs > 0 && !self.advance() {
            // A path that changed under the same answers may hide others.
            self.complete = self.diverged.is_none();
            return None;
        }
        if self.runs == self.max_runs {
            return None;
        }
        self.runs += 1;
        self.next = 0;
        Some(0)
    }

    fn choose(&mut self, choice: &Choice<'_>) -> usize {
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
        self.path[self.next - 1].0
    }

    fn is_exhaustive(&self) -> bool {
        true
    }

    fn is_complete(&self) -> bool {
        self.complete
    }

    fn divergence(&self) -> Option<Divergence> {
        self.diverged
    }
}
