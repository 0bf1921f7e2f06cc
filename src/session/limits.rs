use super::DriverFactory;
use crate::faults::Faults;
use crate::instant::Instant;

/// What one run may use.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) max_steps: usize,
    /// In a row, without progress.
    pub(crate) max_idle_steps: usize,
    /// The latest that the clock may be.
    pub(crate) latest: Instant,
    /// Choices in one step, besides the choice of the task.
    pub(crate) max_choices: usize,
    /// Alive at once.
    pub(crate) max_tasks: usize,
    /// Kept in the trace.
    pub(crate) max_events: usize,
    /// Faults that may happen in it.
    pub(crate) faults: Faults,
    /// Whether to record what primitives hold.
    pub(crate) records_holdings: bool,
    /// What surrounds each run, if anything does.
    pub(crate) driver: Option<DriverFactory>,
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}

impl Limits {
    /// After how many steps it is looked again whether the run makes progress.
    pub(crate) fn until_look(self) -> usize {
        (self.max_idle_steps / 16).max(1)
    }

    /// A run that needs more is more likely a bug than a test. Without optimisation, a million polls take
    /// a good part of a second, and nobody reads a hundred thousand events.
    pub(crate) const DEFAULT: Self = Self {
        max_steps: 1_000_000,
        max_idle_steps: 250_000,
        latest: Instant::from_nanos(100 * 365 * 24 * 60 * 60 * 1_000_000_000),
        max_choices: 100_000,
        max_tasks: 100_000,
        max_events: 100_000,
        faults: Faults::none(),
        records_holdings: false,
        driver: None,
    };
}
