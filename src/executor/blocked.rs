//! Why a run cannot go on: what each task waits for.

use super::Executor;
use super::core::Core;
use super::tasks::Task;
use crate::failure::{Blocked, Failure, Kind, Limit};
use crate::session::show_place;
use crate::trace::TaskId;

impl Core {
    /// The failure of a run that has reached its limit of steps.
    pub(super) fn step_limit(&self) -> Failure {
        let session = &self.session;
        let last = session.trace.events().last();
        let task = session.name(last.map_or(TaskId::MAIN, |(position, _)| position.task));
        Failure::new(Kind::Limit { limit: Limit::Steps, value: session.limits.max_steps, task })
    }

    fn blocked(&self, task: &Task) -> Blocked {
        let known = task.known_waits();
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
        }
    }
}

impl Executor {
    /// The failure of a run in which no task is ready and no timer is set.
    pub(super) fn stuck(&self) -> Failure {
        let core = self.core();
        let tasks = core.in_order().into_iter().filter_map(|key| core.task(key));
        let blocked = tasks
            .filter(|task| !task.has_ended() && !task.traits.helper)
            .map(|task| core.blocked(task));
        Failure::new(Kind::Stuck { blocked: blocked.collect() })
    }
}
