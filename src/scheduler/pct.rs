use std::ops::Range;
use std::rc::Rc;

use super::probe::Probe;
use super::ranking::Ranking;
use super::seeded::{Policy, Seeded, draw, seeded_scheduler};
use super::{Choice, Step};
use crate::rng::Draws;
use crate::schedule::Answer;
use crate::trace::{TaskId, TaskNames};

/// Probabilistic concurrency testing: random priorities that change at a few random moments.
///
/// The ready task with the highest priority runs. At each of `depth - 1` moments, drawn from all
/// choices of the run, the task that would run falls behind all others. A bug that needs `depth`
/// ordering constraints is found with a probability of at least 1 in *n k^(depth - 1)*, for *n*
/// tasks and *k* choices: S. Burckhardt et al. 2010, "A Randomized Scheduler with Probabilistic
/// Guarantees of Finding Bugs". Differences:
///
/// - only choices count, that is, steps with two or more ready tasks, and *k* is measured in the
///   first run instead of guessed;
/// - a task keeps its priority when it yields. If it lost it there, the tasks would run in turn;
/// - a run that becomes very long goes on as a random walk, which is fair.
///
/// ```
/// use dacapo::scheduler::Pct;
///
/// dacapo::check(Pct::seeds(0..100).depth(3), async || {
///     // … what must hold under every schedule
/// });
/// ```
#[derive(Clone, Debug)]
pub struct Pct(Seeded<PctPolicy>);

impl Pct {
    /// One run for each of these seeds, in their order, of depth 3. The run of seed 0 is first in, first out, and
    /// measures the program. If the range leaves seed 0 out, it runs anyway, before the others.
    ///
    /// # Panics
    ///
    /// If the range is empty.
    #[track_caller]
    pub fn seeds(seeds: Range<u64>) -> Self {
        Self(Seeded::new(PctPolicy::new(3), seeds))
    }

    /// For bugs that need this many ordering constraints: 2 for one reordering, 3 for two.
    ///
    /// # Panics
    ///
    /// If it is 0.
    #[track_caller]
    pub fn depth(mut self, depth: u32) -> Self {
        assert!(depth > 0, "dacapo: Pct::depth(0) constrains nothing; give 1 or more");
        self.0.policy = PctPolicy::new(depth);
        self
    }
}

seeded_scheduler!(Pct);

#[derive(Clone, Debug)]
pub(super) struct PctPolicy {
    depth: u32,
    name: String,
    ranking: Ranking,
    /// By task. Tasks that have fallen are below `depth`, the others above it. 0 is not drawn yet.
    priorities: Vec<u64>,
    /// The choices at which a task falls, the last one first.
    changes: Vec<u64>,
    choices: u64,
}

impl PctPolicy {
    pub(super) fn new(depth: u32) -> Self {
        Self {
            depth,
            name: format!("PCT of depth {depth}"),
            ranking: Ranking::default(),
            priorities: Vec::new(),
            changes: Vec::new(),
            choices: 0,
        }
    }
}

impl Policy for PctPolicy {
    fn name(&self) -> &str {
        &self.name
    }

    fn begin(&mut self, _: u64, probe: &Rc<Probe>, draws: &mut Draws) {
        self.ranking.clear();
        self.priorities.clear();
        self.choices = 0;
        self.changes.clear();
        self.changes.extend((1..self.depth).map(|_| draws.below(probe.choices())));
        self.changes.sort_unstable();
        self.changes.reverse();
    }

    #[inline(never)]
    fn ready(&mut self, task: TaskId, _: &TaskNames, draws: &mut Draws) {
        let place = task.as_u32() as usize;
        while self.priorities.len() <= place {
            let priority = u64::from(self.depth) + draws.rank() + 1;
            self.priorities.push(priority);
        }
        self.ranking.insert(task, self.priorities[place]);
    }

    #[inline(never)]
    fn choose(&mut self, choice: &Choice<'_>, draws: &mut Draws) -> Answer {
        let now = self.choices;
        self.choices += 1;
        let Some((mut task, mut place)) = self.ranking.pop(choice) else {
            return draw(choice, draws);
        };
        // The moments come in order, and at each later one the task falls deeper.
        while self.changes.last() == Some(&now) {
            self.changes.pop();
            let fallen = self.changes.len() as u64 + 1;
            self.priorities[task.as_u32() as usize] = fallen;
            self.ranking.insert(task, fallen);
            if let Some(next) = self.ranking.pop(choice) {
                (task, place) = next;
            }
        }
        Answer::from_place(place)
    }

    #[inline]
    fn step(&mut self, step: &Step<'_>, _: &mut Draws) {
        self.ranking.remove(step.task());
    }
}
