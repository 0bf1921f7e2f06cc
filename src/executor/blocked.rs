//! Why a run cannot go on: what each task waits for.

use super::Executor;
use super::core::Core;
use super::tasks::Task;
use crate::failure::{Blocked, Failure, Kind, Limit};
use crate::session::{Limits, show_place};
use crate::trace::{TaskId, Wait};

impl Core {
    /// The failure of a run that stops here because it has reached its limit of steps, or made no progress for
    /// too long: no task was spawned or has ended, and the code noted nothing.
    pub(super) fn step_limit(&mut self) -> Option<Failure> {
        let Limits { max_steps, max_idle_steps, .. } = self.session.limits;
        let steps = self.session.steps;
        if steps >= max_steps {
            return Some(self.limit_of(Limit::Steps, max_steps));
        }
        let (progress, last) = (self.progress(), self.last_progress);
        match progress.is_idle_since(last) {
            true if steps - last.steps >= max_idle_steps => {
                return Some(self.limit_of(Limit::Idle, max_idle_steps));
            }
            true => {}
            false => self.last_progress = progress,
        }
        self.session.stops_at =
            steps.saturating_add(self.session.limits.until_look()).min(max_steps);
        None
    }

    /// The failure of a run whose clock would move past its limit.
    pub(super) fn time_limit(&self) -> Failure {
        let most = self.session.limits.latest.since_start();
        let seconds = usize::try_from(most.as_secs()).unwrap_or(usize::MAX);
        self.limit_of(Limit::Time, seconds)
    }

    fn limit_of(&self, limit: Limit, value: usize) -> Failure {
        let session = &self.session;
        let last = session.trace.events().last();
        let task = session.name(last.map_or(TaskId::MAIN, |(position, _)| position.task));
        Failure::new(Kind::Limit { limit, value, task, others: self.all_blocked() })
    }

    /// What all tasks wait for that have not ended, in the order of spawning.
    fn all_blocked(&self) -> Vec<Blocked> {
        let tasks = self.in_order().into_iter().filter_map(|key| self.task(key));
        tasks
            .filter(|task| !task.has_ended() && !task.traits.helper)
            .map(|task| self.blocked(task))
            .collect()
    }

    fn blocked(&self, task: &Task) -> Blocked {
        let known = task.known_waits().filter(|awaited| awaited.wait != Wait::Turn);
        let mut waits: Vec<_> =
            known.map(|awaited| self.session.trace.describe_wait(awaited.wait)).collect();
        let places = match waits.as_slice() {
            [] => vec![task.awaited.place],
            _ => task.known_waits().map(|awaited| awaited.place).collect(),
        };
        if task.more_waits() > 0 {
            let plural = if task.more_waits() == 1 { "" } else { "s" };
            waits.push(format!("for {} more thing{plural}", task.more_waits()));
        }
        Blocked {
            task: self.session.name(task.id),
            waits,
            places: places.into_iter().map(|place| place.map(show_place)).collect(),
            spawned: task.spawned.map(show_place),
            is_ready: task.is_ready(),
        }
    }
}

impl Executor {
    /// The failure of a run in which no task is ready and no timer is set.
    pub(super) fn stuck(&self) -> Failure {
        Failure::new(Kind::Stuck { blocked: self.core().all_blocked() })
    }
}
