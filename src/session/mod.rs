//! What a run is, apart from how its tasks are polled.
//!
//! A [`Session`] asks the choices of a run and records the answers. It keeps the clock, the trace, marks, notes,
//! random values, limits, what primitives hold, active faults, and what went wrong. The layer above, `executor`,
//! owns a session, polls tasks, and lends the session to code that needs no more than this half.
//!
//! Nothing in here calls code of the user, except the scheduler.

mod answers;
mod choices;
mod clocks;
mod driver;
mod faults;
mod holdings;
mod limits;
mod locals;
mod marks;
mod notes;
mod places;
mod watch;

use self::clocks::Clocks;
use self::locals::Locals;
use self::watch::Watch;
use crate::failure::{Failure, Panicked};
use crate::instant::Instant;
use crate::rng::{Purpose, Stream};
use crate::schedule::Schedule;
use crate::scheduler::{Plan, Scheduler, TaskKey};
use crate::trace::{Record, TaskId, Trace};

pub(crate) use self::answers::{Again, Answers};
pub use self::driver::Driver;
pub(crate) use self::driver::DriverFactory;
pub(crate) use self::faults::ActiveFaults;
pub(crate) use self::holdings::{Holding, Holdings};
pub(crate) use self::limits::Limits;
pub(crate) use self::marks::Marks;
pub(crate) use self::notes::{Beginning, Shows};
pub(crate) use self::places::{Awaited, Place, Standing, Survey, show as show_place};

/// Called with the name of the task that is about to be polled, and where it was spawned.
pub(crate) type Witness = Box<dyn FnMut(&str, Option<Place>)>;

/// Everything that a run has apart from what is polled. It is kept from run to run for its memory.
#[derive(Default)]
pub(crate) struct Session {
    pub(crate) limits: Limits,
    pub(crate) scheduler: Option<Box<dyn Scheduler>>,
    pub(crate) trace: Trace,
    pub(crate) marks: Marks,
    pub(crate) faults: ActiveFaults,
    /// What each primitive holds, in the order of first use, if the limits ask for that.
    pub(crate) holdings: Vec<Holdings>,
    pub(crate) now: Instant,
    /// Present if a host has a clock of its own.
    pub(crate) clocks: Option<Clocks>,
    /// How many hosts there are besides the one of the test, which is number 0.
    pub(crate) hosts: u16,
    /// Empty between two runs.
    pub(crate) locals: Locals,
    pub(crate) steps: usize,
    /// The run stops after this many steps: at its limit, or at once if something went wrong.
    pub(crate) stops_at: usize,
    /// How often the code noted something.
    pub(crate) notes: u32,
    /// The task that is being polled or dropped.
    pub(crate) current: Option<TaskKey>,
    /// The first thing that went wrong without ending a task's poll.
    pub(crate) failure: Option<Failure>,
    /// The first few panics that a handle may still report.
    pub(crate) panics: Vec<(TaskId, Panicked)>,
    /// What the scheduler did wrong.
    pub(crate) mistake: Option<String>,
    pub(crate) answers: Answers,
    /// The last step in which something was asked, and how many answers there were before.
    asked: (usize, usize),
    /// How many questions were refused, because a step asked too many.
    pub(crate) refused: usize,
    pub(crate) seed: u64,
    /// Made at the first draw, which tells whether the seed matters.
    data: Option<Stream>,
    /// How many primitives have a number.
    resources: u32,
    pub(crate) watch: Watch,
    /// Present only in runs that are made for a report.
    pub(crate) survey: Option<Survey>,
    /// Told before each step, in a run that may not come to an end.
    pub(crate) witness: Option<Witness>,
    /// Whether a step of this run has more around it than a poll: faults, or a survey.
    pub(crate) is_observed: bool,
    /// Whether the text of noted values is wanted.
    pub(crate) shows: Shows,
}

impl Session {
    /// Prepares for a run. The run before may have ended in any way.
    pub(crate) fn begin(&mut self, scheduler: Box<dyn Scheduler>, plan: &Plan, limits: Limits) {
        self.limits = limits;
        self.watch.begin(plan);
        self.faults.begin(plan, self.limits.faults);
        self.is_observed =
            self.faults.is_declared() || self.survey.is_some() || self.witness.is_some();
        self.scheduler = Some(scheduler);
        self.trace.clear(self.limits.max_events);
        self.marks.clear();
        self.holdings.clear();
        self.now = Instant::START;
        (self.clocks, self.hosts) = (None, 0);
        self.notes = 0;
        (self.steps, self.stops_at) = (0, limits.max_steps.min(limits.until_look()));
        self.current = None;
        self.failure = None;
        self.panics.clear();
        self.mistake = None;
        self.answers.clear();
        (self.asked, self.refused) = ((0, 0), 0);
        self.seed = plan.value_seed();
        self.data = None;
        self.resources = 0;
    }

    /// Whether primitives may skip fault and holding checks.
    pub(crate) fn is_plain(&self) -> bool {
        !self.limits.records_holdings && !self.watch.has_uses() && !self.faults.is_declared()
    }

    /// Fails the run, unless something went wrong before.
    #[cold]
    pub(crate) fn fail(&mut self, failure: Failure) {
        self.failure.get_or_insert(failure);
        self.stops_at = 0;
    }

    #[inline]
    pub(crate) fn record(&mut self, record: Record) {
        self.trace.push(record);
    }

    /// How many choices there have been.
    pub(crate) fn choices(&self) -> usize {
        self.answers.len()
    }

    /// The schedule of the run so far.
    pub(crate) fn schedule(&self) -> Schedule {
        self.schedule_of(&self.answers, self.seed_used())
    }

    /// The schedule of a run with these answers and this seed, and the same faults.
    pub(crate) fn schedule_of(&self, answers: &Answers, seed: u64) -> Schedule {
        Schedule::new(answers.iter()).with_seed(seed).with_faults(self.faults.declared())
    }

    /// The seed of the random values, or 0 if none was drawn.
    pub(crate) fn seed_used(&self) -> u64 {
        self.drawn().unwrap_or(0)
    }

    /// The seed of the random values, if any was drawn.
    pub(crate) fn drawn(&self) -> Option<u64> {
        self.data.is_some().then_some(self.seed)
    }

    /// The random values of the code under test.
    pub(crate) fn data(&mut self) -> &mut Stream {
        self.data.get_or_insert_with(|| Stream::new(self.seed, Purpose::Data))
    }

    pub(crate) fn next_resource(&mut self) -> u32 {
        self.resources += 1;
        self.resources
    }

    /// The current task, or main between two turns.
    pub(crate) fn current_id(&self) -> TaskId {
        self.current.map_or(TaskId::MAIN, |key| key.id())
    }

    pub(crate) fn name(&self, task: TaskId) -> String {
        self.trace.names().get(task).to_string()
    }
}
