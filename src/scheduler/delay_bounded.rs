use std::collections::VecDeque;

use super::{Choice, Completeness, Divergence, Plan, RunEnd, Scheduler};
use crate::schedule::Answer;

/// Every schedule with at most a given number of deviations from first in, first out, those with
/// the fewest first.
///
/// So the first failure needs the fewest deviations, and only its answers can be shrunk. This is
/// delay bounding (M. Emmi, S. Qadeer, Z. Rakamarić 2011, "Delay-Bounded Scheduling"), where each
/// answer that is not 0 counts as one delay, however many tasks it passes over.
///
/// ```
/// use dacapo::scheduler::DelayBounded;
///
/// let report = dacapo::explore(DelayBounded::new(1), async || {
///     [(); 3].map(|()| dacapo::choose("coin", 2))
/// });
/// assert_eq!(report.runs(), 4); // none heads, or one of three
/// ```
#[derive(Clone, Debug)]
pub struct DelayBounded {
    delays: usize,
    runs: u64,
    max_runs: u64,
    /// Whether a run had choices for which no deviation was left.
    cut: bool,
    /// Whether there is a schedule within the bound that has not been run; it is the current one.
    is_left: bool,
    /// The current schedule: its answers up to the last deviation, and the numbers of options after
    /// that.
    current: Node,
    next: usize,
    /// Schedules that may get one more deviation, in the order in which they were run.
    frontier: VecDeque<Node>,
    diverged: Option<Divergence>,
}

/// A schedule, and the deviations that can be added to it.
#[derive(Clone, Debug, Default)]
struct Node {
    /// The last one is not 0.
    answers: Vec<u32>,
    deviations: usize,
    /// How many options the choice of the last answer had.
    last_options: u32,
    /// The numbers of options of the choices after these answers.
    options: Vec<u32>,
    /// The next deviation to add: the place after the answers, and the answer.
    place: usize,
    answer: u32,
}

impl Node {
    fn new(answers: Vec<u32>, deviations: usize, last_options: u32) -> Self {
        Self { answers, deviations, last_options, options: Vec::new(), place: 0, answer: 1 }
    }

    /// The next schedule with one more deviation.
    fn next(&mut self) -> Option<Node> {
        let mut options = *self.options.get(self.place)?;
        while self.answer >= options {
            self.place += 1;
            self.answer = 1;
            options = *self.options.get(self.place)?;
        }
        let mut answers = self.answers.clone();
        answers.resize(answers.len() + self.place, 0);
        answers.push(self.answer);
        self.answer += 1;
        Some(Node::new(answers, self.deviations + 1, options))
    }
}

impl DelayBounded {
    /// Runs all schedules with at most `delays` deviations, up to 100,000.
    ///
    /// It keeps the answers and the numbers of options of each schedule that may get another
    /// deviation, four bytes for each choice.
    pub fn new(delays: usize) -> Self {
        Self {
            delays,
            runs: 0,
            max_runs: 100_000,
            cut: false,
            is_left: true,
            current: Node::new(Vec::new(), 0, 0),
            next: 0,
            frontier: VecDeque::new(),
            diverged: None,
        }
    }

    /// Stops after this many runs; 100,000 by default.
    pub fn max_runs(self, max_runs: u64) -> Self {
        Self { max_runs, ..self }
    }

    /// The next schedule to run, those with fewer deviations first.
    fn advance(&mut self) -> Option<Node> {
        let last = std::mem::take(&mut self.current);
        if last.deviations < self.delays {
            self.frontier.push_back(last);
        }
        while let Some(first) = self.frontier.front_mut() {
            match first.next() {
                Some(next) => return Some(next),
                None => _ = self.frontier.pop_front(),
            }
        }
        None
    }
}

impl Scheduler for DelayBounded {
    fn name(&self) -> &str {
        "delay bounded"
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
        let options = u32::try_from(choice.options()).unwrap_or(u32::MAX);
        let place = self.next;
        self.next += 1;
        let Some(&answer) = self.current.answers.get(place) else {
            if self.current.deviations < self.delays {
                self.current.options.push(options);
            } else {
                self.cut = true;
            }
            return Answer::USUAL;
        };
        let is_last = place + 1 == self.current.answers.len();
        if is_last && self.current.last_options != options {
            let before = self.current.last_options as usize;
            let diverged = Divergence::other_options(place, before, choice.options());
            self.diverged.get_or_insert(diverged);
        }
        Answer::from(answer.min(options - 1))
    }

    fn end_run(&mut self) -> RunEnd {
        let last = self.current.answers.len();
        if self.next < last {
            let before = self.current.last_options as usize;
            self.diverged.get_or_insert(Divergence::missing(last - 1, before));
        }
        let next = self.advance();
        self.is_left = next.is_some();
        self.current = next.unwrap_or_default();
        let completeness = match () {
            () if self.is_left => Completeness::Partial,
            // There are schedules beyond the bound, or there may be.
            () if self.cut || self.diverged.is_some() => Completeness::Sampled,
            () => Completeness::Complete,
        };
        RunEnd { divergence: self.diverged, completeness }
    }
}
