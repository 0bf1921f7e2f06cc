use std::cell::{Cell, RefCell};
use std::fmt;
use std::rc::Rc;

use super::{Choice, Completeness, Divergence, Plan, Question, RunEnd, Scheduler};
use crate::faults::Faults;
use crate::schedule::Answer;
use crate::trace::{Moment, printable};

/// One run for each await at which something can be cancelled, and for each way to cancel it there.
///
/// The first run is ordinary, and shows which awaits there are. Each other run is ordinary except
/// for one cancellation: a task other than main is cancelled at one of its awaits, after it has
/// begun to wait, or after it was woken and before it is polled. Its future is dropped, or the task
/// is asked to [`cancel`](crate::cancel), where that makes a difference. If futures are
/// [marked](crate::cancel::point), only these are dropped, at their awaits.
///
/// A run also fails if primitives of [`sync`](crate::sync) hold more at its end than in an ordinary
/// run: permits that were not returned, locks that were not released, items that were lost. The
/// body has to cope with tasks that end cancelled.
///
/// ```
/// use dacapo::scheduler::CancelSweep;
///
/// let report = dacapo::explore(CancelSweep::new(), async || {
///     let task = dacapo::spawn(async {
///         dacapo::task::yield_now().await; // dropped before it is polled again
///         std::future::pending::<()>().await; // dropped while it waits
///     });
///     dacapo::time::sleep(std::time::Duration::from_secs(1)).await;
///     task.is_finished()
/// });
/// let ended: Vec<_> = report.outcomes().iter().map(|end| (end.text(), end.runs())).collect();
/// assert_eq!(ended, [("false", 1), ("true", 2)]);
/// ```
#[derive(Clone, Debug)]
pub struct CancelSweep {
    stage: Stage,
    /// The number of options of each choice that can cancel, in the order of the first run.
    options: Vec<usize>,
    /// The same for choices about marked futures, until it is known whether there are any.
    marked_options: Vec<usize>,
    /// Whether only marked futures are cancelled.
    marked: bool,
    tried: Rc<RefCell<Tried>>,
    /// How many choices of this run could cancel, and how many there were.
    met: usize,
    asked: usize,
    max_runs: usize,
    runs: Rc<Cell<usize>>,
    diverged: Option<Divergence>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    First,
    /// Gives this answer to the choice of this number, of those that can cancel.
    Cancels(usize, usize),
    End,
}

/// How many awaits of each task can be cancelled, in the order in which the tasks came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tried {
    awaits: Vec<Awaits>,
    marked: Vec<Awaits>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Awaits {
    of: String,
    count: usize,
    /// Whether the last await was seen when it began.
    begun: bool,
}

impl Tried {
    fn meet(&mut self, of: String, is_marked: bool, moment: Moment) {
        let known = if is_marked { &mut self.marked } else { &mut self.awaits };
        let place = known.iter().position(|awaits| awaits.of == of).unwrap_or_else(|| {
            known.push(Awaits { of, count: 0, begun: false });
            known.len() - 1
        });
        let awaits = &mut known[place];
        // An await that was woken in its own poll did not wait, and is met only when it goes on.
        let is_new = moment == Moment::Waiting || !awaits.begun;
        awaits.count += usize::from(is_new);
        awaits.begun = moment == Moment::Waiting;
    }

    /// The names of tasks, or the labels of marked futures, each with its number of awaits.
    fn awaits(&self) -> impl Iterator<Item = (&str, usize)> {
        let all = if self.marked.is_empty() { &self.awaits } else { &self.marked };
        all.iter().map(|awaits| (awaits.of.as_str(), awaits.count))
    }
}

/// What a [`CancelSweep`] has cancelled so far. Its text (`Display`) is a line for each task.
#[derive(Clone, Debug)]
pub struct Swept {
    tried: Rc<RefCell<Tried>>,
    runs: Rc<Cell<usize>>,
}

impl Swept {
    /// The tasks whose awaits are cancelled, or the labels of [marked](crate::cancel::point) futures, each
    /// with its number of awaits, in the order in which they come up. Empty if there was nothing to cancel.
    pub fn awaits(&self) -> Vec<(String, usize)> {
        self.tried.borrow().awaits().map(|(of, count)| (of.to_owned(), count)).collect()
    }

    /// How many runs the sweep has made.
    pub fn runs(&self) -> usize {
        self.runs.get()
    }
}

/// The longest name that is shown, in characters.
const NAME: usize = 80;

impl fmt::Display for Swept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = |count| if count == 1 { "" } else { "s" };
        for (of, awaits) in self.awaits() {
            writeln!(f, "{}: {awaits} await{}", printable(&of, NAME), plural(awaits))?;
        }
        writeln!(f, "{} run{}", self.runs(), plural(self.runs()))
    }
}

impl CancelSweep {
    /// Sweeps all awaits, in at most 100,000 runs.
    pub fn new() -> Self {
        Self {
            stage: Stage::First,
            options: Vec::new(),
            marked_options: Vec::new(),
            marked: false,
            tried: Rc::default(),
            met: 0,
            asked: 0,
            max_runs: 100_000,
            runs: Rc::default(),
            diverged: None,
        }
    }

    /// Stops after this many runs; 100,000 by default.
    pub fn max_runs(self, max_runs: usize) -> Self {
        Self { max_runs, ..self }
    }

    /// What this sweep cancels, to be read when the check that gets the sweep is over.
    ///
    /// ```
    /// use dacapo::scheduler::CancelSweep;
    ///
    /// let sweep = CancelSweep::new();
    /// let swept = sweep.swept();
    /// dacapo::check(sweep, async || {
    ///     let _ = dacapo::task::spawn_named("worker", dacapo::task::yield_now()).await;
    /// });
    /// assert_eq!(swept.to_string(), "worker: 1 await\n2 runs\n");
    /// ```
    pub fn swept(&self) -> Swept {
        Swept { tried: Rc::clone(&self.tried), runs: Rc::clone(&self.runs) }
    }

    fn advance(&mut self) -> Stage {
        match self.stage {
            Stage::First => {
                self.marked = !self.marked_options.is_empty();
                if self.marked {
                    self.options = std::mem::take(&mut self.marked_options);
                }
                self.stage = Stage::Cancels(0, 0);
            }
            Stage::Cancels(..) | Stage::End => {}
        }
        match self.stage {
            Stage::Cancels(place, answer) => match self.options.get(place) {
                Some(&options) if answer + 1 < options => Stage::Cancels(place, answer + 1),
                Some(_) if place + 1 < self.options.len() => Stage::Cancels(place + 1, 1),
                _ => Stage::End,
            },
            stage => stage,
        }
    }
}

impl Default for CancelSweep {
    fn default() -> Self {
        Self::new()
    }
}

impl Scheduler for CancelSweep {
    fn name(&self) -> &str {
        "cancel sweep"
    }

    fn next_run(&mut self) -> Option<Plan> {
        let runs = self.runs.get();
        if runs == self.max_runs || self.stage == Stage::End {
            return None;
        }
        (self.met, self.asked) = (0, 0);
        self.runs.set(runs + 1);
        let plan = Plan::new().with_faults(self.faults()).comparing_holdings();
        Some(match self.runs_left() {
            Some(runs) => plan.with_runs_left(runs),
            None => plan,
        })
    }

    fn choose(&mut self, choice: &Choice<'_>) -> Answer {
        Answer::from_place(self.answer(choice))
    }

    fn end_run(&mut self) -> RunEnd {
        self.stage = self.advance();
        let completeness = match self.stage {
            Stage::End => Completeness::Sampled,
            Stage::First | Stage::Cancels(..) => Completeness::Partial,
        };
        RunEnd { divergence: self.diverged, completeness }
    }
}

impl CancelSweep {
    fn answer(&mut self, choice: &Choice<'_>) -> usize {
        self.asked += 1;
        let (is_marked, of) = match choice.question() {
            Question::Cancel => (false, choice.task_name().map(|name| name.to_string())),
            Question::Point => (true, choice.subject_label().map(|label| format!("{label:?}"))),
            _ => return 0,
        };
        let moment = choice.moment().unwrap_or(Moment::Waiting);
        let place = self.met;
        self.met += 1;
        match self.stage {
            Stage::First => {
                self.tried.borrow_mut().meet(of.unwrap_or_default(), is_marked, moment);
                let options = if is_marked { &mut self.marked_options } else { &mut self.options };
                options.push(choice.options());
                0
            }
            Stage::Cancels(here, answer) if here == place => {
                let (before, now) = (self.options[place], choice.options());
                if before != now {
                    let diverged = Divergence::other_options(self.asked - 1, before, now);
                    self.diverged.get_or_insert(diverged);
                }
                answer.min(now - 1)
            }
            _ => 0,
        }
    }

    fn faults(&self) -> Faults {
        match self.stage {
            Stage::First => Faults::none().cancellations(1).marked_cancellations(1),
            Stage::Cancels(..) if self.marked => Faults::none().marked_cancellations(1),
            Stage::Cancels(..) => Faults::none().cancellations(1),
            Stage::End => Faults::none(),
        }
    }

    fn runs_left(&self) -> Option<u64> {
        let Stage::Cancels(place, answer) = self.stage else { return None };
        let ways: usize = self.options[place..].iter().map(|options| options - 1).sum();
        let most = self.max_runs - self.runs.get();
        Some((ways - answer).min(most) as u64)
    }
}
