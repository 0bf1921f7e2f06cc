//! Tests over inputs and schedules.

use super::Builder;
use super::subject::Subject;
use crate::schedule::Schedule;
use crate::scheduler::Scheduler;

/// Makes at most so many runs of `body`; returns the schedule of the last one, or `None` if the scheduler
/// makes none.
pub(crate) fn last_schedule(
    builder: &Builder,
    mut scheduler: Box<dyn Scheduler>,
    runs: usize,
    body: impl AsyncFn(),
) -> Option<Schedule> {
    let mut subject = Subject::new(builder.limits, &body, |()| Ok(String::new()));
    let mut last = None;
    for _ in 0..runs {
        let Some(seed) = scheduler.next_run() else { break };
        let sample;
        (sample, scheduler) = subject.run(scheduler, seed);
        last = Some(sample.schedule);
    }
    last
}
