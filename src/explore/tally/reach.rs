//! How much of what can happen the runs of a search have seen so far.

use crate::explore::subject::Sample;
use crate::extent::{Drawn, Extent};
use crate::failure::FailureKind;
use crate::scheduler::Completeness;

/// How much of what can happen the runs of a search have seen so far.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Reach {
    completeness: Completeness,
    drawn: Drawn,
    limited: bool,
}

impl Reach {
    /// Adds the next run.
    pub(crate) fn add(&mut self, sample: &Sample) {
        self.completeness = sample.completeness;
        self.drawn.add(sample.drawn);
        let failure = sample.outcome.as_ref().err();
        self.limited |= failure.is_some_and(|failure| failure.kind() == FailureKind::Limit);
    }

    /// Whether the scheduler aims at more runs than it has made.
    pub(crate) fn is_partial(&self) -> bool {
        self.completeness == Completeness::Partial
    }

    pub(crate) fn extent(&self) -> Extent {
        let all_schedules = self.completeness == Completeness::Complete;
        Extent { all_schedules, drawn: self.drawn, limited: self.limited }
    }
}
