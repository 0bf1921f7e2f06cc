use std::fmt;

use super::{Choice, Divergence, Plan, RunEnd, Scheduler};
use crate::schedule::{Answer, Schedule};

/// One run with the answers of a recorded schedule.
///
/// It is tolerant. An answer that is too large for its choice becomes the largest possible one, and
/// every answer past the end of the schedule is 0. So a schedule still replays *something* after
/// the program was edited, and [`Run::divergence`](crate::Run::divergence) tells where it first did
/// not fit. A [`strict`](Replay::strict) replay fails there instead.
///
/// ```
/// use dacapo::scheduler::Replay;
///
/// // A schedule that was found once, kept as a test.
/// dacapo::check(Replay::strict("d1:"), async || dacapo::task::yield_now().await);
/// ```
#[derive(Clone, Debug)]
pub struct Replay {
    schedule: Schedule,
    next: usize,
    diverged: Option<Divergence>,
    strict: bool,
    done: bool,
}

impl Replay {
    /// Replays a [`Schedule`], or the text of one.
    ///
    /// # Panics
    ///
    /// If the text is malformed. The message says where, and what was expected.
    #[track_caller]
    pub fn new<S: TryInto<Schedule, Error: fmt::Display>>(schedule: S) -> Self {
        let schedule = match schedule.try_into() {
            Ok(schedule) => schedule,
            Err(error) => panic!("dacapo: {error}"),
        };
        Self { schedule, next: 0, diverged: None, strict: false, done: false }
    }

    /// The same, except that a run that does not fit the schedule fails.
    ///
    /// # Panics
    ///
    /// As [`new`](Replay::new).
    #[track_caller]
    pub fn strict<S: TryInto<Schedule, Error: fmt::Display>>(schedule: S) -> Self {
        Self { strict: true, ..Self::new(schedule) }
    }
}

impl Scheduler for Replay {
    fn name(&self) -> &str {
        "replay"
    }

    fn next_run(&mut self) -> Option<Plan> {
        (!std::mem::replace(&mut self.done, true)).then(|| Plan::of_schedule(&self.schedule))
    }

    fn choose(&mut self, choice: &Choice<'_>) -> Answer {
        let given = self.schedule.answers().get(self.next).copied().unwrap_or_default();
        let answer = given.option() as usize;
        let largest = choice.options() - 1;
        if answer > largest && self.diverged.is_none() {
            let options = choice.options();
            self.diverged = Some(Divergence::too_large(self.next, answer, options, self.strict));
        }
        self.next += 1;
        Answer::new(answer.min(largest) as u32, given.lasting())
    }

    fn end_run(&mut self) -> RunEnd {
        let unused = self.schedule.answers().len().saturating_sub(self.next);
        let short = (unused > 0).then_some(Divergence::unused(self.next, unused, self.strict));
        RunEnd { divergence: self.diverged.or(short), ..RunEnd::default() }
    }
}
