//! The faults that are on in a run, and the choices that they add.

use super::Session;
use crate::faults::Faults;
use crate::instant::Instant;
use crate::question::Question;
use crate::rng::{Purpose, Stream};
use crate::scheduler::Plan;
use crate::trace::{Asked, Detail, Subject};

/// The state of faults in one run.
#[derive(Default)]
pub(crate) struct ActiveFaults {
    /// The faults of this run, as its schedule says.
    declared: Faults,
    /// The faults that may still happen: none once main has ended, and no more cancellations than are allowed.
    left: Faults,
    /// The question of each answer. Empty if the run has no faults.
    questions: Vec<Question>,
    /// The scheduler was told of the step that is ending.
    told: bool,
}

impl ActiveFaults {
    pub(crate) fn begin(&mut self, plan: &Plan, allowed: Faults) {
        self.declared = Self::declared_by(plan, allowed);
        self.left = self.declared;
        self.questions.clear();
        self.told = false;
    }

    /// The faults of a run of which the test allows these.
    pub(crate) fn declared_by(plan: &Plan, allowed: Faults) -> Faults {
        plan.faults().unwrap_or_else(|| match plan.seed() {
            // Each run has a subset: one kind of fault may hide what another brings about (A. Groce et al. 2012,
            // "Swarm Testing").
            Some(seed) if !allowed.is_none() => {
                let mut stream = Stream::new(seed, Purpose::Faults);
                allowed.some(|| stream.below(2) == 1)
            }
            _ => allowed,
        })
    }

    pub(crate) fn declared(&self) -> Faults {
        self.declared
    }

    pub(crate) fn note(&mut self, question: Question) {
        if !self.declared.is_none() {
            self.questions.push(question);
        }
    }

    /// A fault has happened.
    pub(crate) fn happened(&mut self, fault: Question) {
        self.left = self.left.less_one(fault);
    }

    /// Whether a fault may have happened in this run.
    pub(crate) fn is_declared(&self) -> bool {
        !self.declared.is_none()
    }

    /// Whether a fault may still happen.
    pub(crate) fn is_on(&self) -> bool {
        !self.left.is_none()
    }

    /// The question of each answer of the run. Empty if the run has no faults.
    pub(crate) fn questions(&self) -> &[Question] {
        &self.questions
    }

    /// The scheduler learns of the step before it ends.
    pub(crate) fn set_told(&mut self) {
        self.told = true;
    }

    pub(crate) fn take_told(&mut self) -> bool {
        std::mem::take(&mut self.told)
    }

    /// No fault happens from now on.
    pub(crate) fn end(&mut self) {
        self.left = Faults::none();
    }
}

/// How late the clock is if there is no later deadline.
const LATE_NANOS: u64 = 1_000_000;

impl Session {
    /// Whether this fault may still happen.
    pub(crate) fn has_fault(&self, fault: Question) -> bool {
        self.faults.left.has(fault)
    }

    /// The time to which the clock jumps for its next deadline. `later` gives the deadline after a time.
    pub(crate) fn maybe_late(
        &mut self,
        next: Instant,
        later: impl FnOnce(Instant) -> Option<Instant>,
    ) -> Instant {
        let asked = Asked::new(Question::LateTimer, Subject::Clock, Detail::Deadline(next));
        if self.ask(asked, 2) == 0 {
            return next;
        }
        later(next).unwrap_or(next + std::time::Duration::from_nanos(LATE_NANOS))
    }
}
