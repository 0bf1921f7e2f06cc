//! The faults that are on in a run, and the choices that they add.

use super::Session;
use crate::faults::{FaultKind, Faults};
use crate::instant::Instant;
use crate::rng::{Purpose, Stream};
use crate::scheduler::{Choice, ChoiceKind, Plan};
use crate::trace::{Asked, TaskId};

/// The state of faults in one run.
#[derive(Default)]
pub(crate) struct ActiveFaults {
    /// The faults of this run, as its schedule says.
    declared: Faults,
    /// The faults that may still happen: none once main has ended, and no more cancellations than are allowed.
    left: Faults,
    /// For each answer of the run the kind of fault it was about. Empty if the run has no faults.
    kinds: Vec<Option<FaultKind>>,
    /// The scheduler was told of the step that is ending.
    told: bool,
}

impl ActiveFaults {
    pub(crate) fn begin(&mut self, plan: &Plan, allowed: Faults) {
        self.declared = plan.faults().unwrap_or_else(|| match plan.seed() {
            // Each run has a subset: one kind of fault may hide what another brings about (A. Groce et al. 2012,
            // "Swarm Testing").
            Some(seed) if !allowed.is_none() => {
                let mut stream = Stream::new(seed, Purpose::Faults);
                allowed.some(|| stream.below(2) == 1)
            }
            _ => allowed,
        });
        self.left = self.declared;
        self.kinds.clear();
        self.told = false;
    }

    pub(crate) fn declared(&self) -> Faults {
        self.declared
    }

    pub(crate) fn note(&mut self, asked: Asked) {
        if !self.declared.is_none() {
            self.kinds.push(asked.fault());
        }
    }

    /// Whether a fault may have happened in this run.
    pub(crate) fn is_declared(&self) -> bool {
        !self.declared.is_none()
    }

    /// Whether a fault may still happen.
    pub(crate) fn is_on(&self) -> bool {
        !self.left.is_none()
    }

    /// For each answer of the run the kind of fault it was about.
    pub(crate) fn kinds(&self) -> &[Option<FaultKind>] {
        &self.kinds
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
    /// Whether a fault of this kind may still happen.
    pub(crate) fn has_fault(&self, kind: FaultKind) -> bool {
        self.faults.left.has(kind)
    }

    /// Asks whether a fault happens, if its kind is on.
    pub(crate) fn ask_fault(&mut self, asked: Asked, options: usize) -> usize {
        let Some(fault) = asked.fault().filter(|&kind| self.has_fault(kind)) else { return 0 };
        let (kind, task) = match asked {
            Asked::Barge { task, .. } => (ChoiceKind::Barge, task),
            Asked::Spurious(task) => (ChoiceKind::Spurious, task),
            Asked::WakeAll(task) => (ChoiceKind::WakeAll, task),
            Asked::Late(_) => (ChoiceKind::LateTimer, TaskId::MAIN),
            Asked::Yield(task) => (ChoiceKind::Yield, task),
            Asked::Cancel { task, moment, .. } => (ChoiceKind::Cancel(moment), task),
            Asked::Point { task, label, moment } => {
                (ChoiceKind::Point(self.trace.label(label), moment), task)
            }
            Asked::Next { .. }
            | Asked::Timeout(_)
            | Asked::Deadline(_)
            | Asked::Select(_)
            | Asked::Value(_) => unreachable!("dacapo bug: {asked:?} is not a fault"),
        };
        let choice = Choice::of_task(kind, options, task, self.trace.names());
        let scheduler = self.scheduler.as_mut().expect("dacapo bug: a run without a scheduler");
        let answer = scheduler.choose(&choice).option();
        let answer = self.answered(asked, answer, options) as usize;
        if answer > 0 {
            self.faults.left = self.faults.left.less_one(fault);
        }
        answer
    }

    /// The time to which the clock jumps for its next deadline. `later` gives the deadline after a time.
    pub(crate) fn maybe_late(
        &mut self,
        next: Instant,
        later: impl FnOnce(Instant) -> Option<Instant>,
    ) -> Instant {
        if !self.has_fault(FaultKind::LateTimers) || self.ask_fault(Asked::Late(next), 2) == 0 {
            return next;
        }
        later(next).unwrap_or(next + std::time::Duration::from_nanos(LATE_NANOS))
    }
}
