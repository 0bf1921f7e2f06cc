use std::fmt;

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
    Missing { before: usize },
}

impl Divergence {
    /// An answer that its choice does not have.
    pub(super) fn too_large(choice: usize, answer: usize, options: usize, strict: bool) -> Self {
        Self { choice, kind: Kind::TooLarge { answer, options }, strict }
    }

    /// The end of a run that came before that of its schedule.
    pub(super) fn unused(choice: usize, answers: usize, strict: bool) -> Self {
        Self { choice, kind: Kind::Unused { answers }, strict }
    }

    /// A choice that had `before` options in an earlier run with the same answers so far.
    pub(super) fn other_options(choice: usize, before: usize, now: usize) -> Self {
        Self { choice, kind: Kind::OtherOptions { before, now }, strict: false }
    }

    /// The end of a run that came before a choice that had `before` options in an earlier run with the same
    /// answers so far.
    pub(super) fn missing(choice: usize, before: usize) -> Self {
        Self { choice, kind: Kind::Missing { before }, strict: false }
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
        matches!(self.kind, Kind::OtherOptions { .. } | Kind::Missing { .. })
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
            Kind::Missing { before } => write!(
                f,
                "choice {choice}: it had {before} options before, and now, after the same answers, \
                 the run ends without it"
            ),
        }
    }
}
