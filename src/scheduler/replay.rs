use std::fmt;

use super::{Choice, Plan, RunEnd, Scheduler};
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
            self.diverged = Some(Divergence {
                choice: self.next,
                kind: Kind::TooLarge { answer, options: choice.options() },
                strict: self.strict,
            });
        }
        self.next += 1;
        Answer::new(answer.min(largest) as u32, given.lasting())
    }

    fn end_run(&mut self) -> RunEnd {
        let unused = self.schedule.answers().len().saturating_sub(self.next);
        let short = (unused > 0).then_some(Divergence {
            choice: self.next,
            kind: Kind::Unused { answers: unused },
            strict: self.strict,
        });
        RunEnd { divergence: self.diverged.or(short), ..RunEnd::default() }
    }
}

/// Where a run first took another path than its schedule was recorded on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Divergence {
    choice: usize,
    kind: Kind,
    strict: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    TooLarge { answer: usize, options: usize },
    Unused { answers: usize },
    OtherOptions { before: usize, now: usize },
}

impl Divergence {
    /// A choice that had `before` options in an earlier run with the same answers so far.
    pub(super) fn other_options(choice: usize, before: usize, now: usize) -> Self {
        Self { choice, kind: Kind::OtherOptions { before, now }, strict: false }
    }

    /// The number of the choice, counted from 0 as in a trace.
    pub fn choice(&self) -> usize {
        self.choice
    }

    /// Whether this makes the run a failure.
    pub(crate) fn is_failure(&self) -> bool {
        self.strict
    }

    /// Whether the same answers have led to two different runs.
    pub(crate) fn is_nondeterminism(&self) -> bool {
        matches!(self.kind, Kind::OtherOptions { .. })
    }
}

impl fmt::Display for Divergence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let choice = self.choice;
        match self.kind {
            Kind::TooLarge { answer, options } => write!(
                f,
                "choice {choice}: the schedule answers {answer}, but the choice has only \
                 {options} options"
            ),
            Kind::Unused { answers } => write!(
                f,
                "choice {choice}: the run ended before it, but the schedule has {answers} more \
                 answer{}",
                if answers == 1 { "" } else { "s" }
            ),
            Kind::OtherOptions { before, now } => write!(
                f,
                "choice {choice}: it had {before} options before, and now, after the same answers, \
                 it has {now}"
            ),
        }
    }
}
