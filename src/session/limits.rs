use super::DriverFactory;
use crate::faults::Faults;

/// What one run may use.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) max_steps: usize,
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
    /// A run that needs more is more likely a bug than a test. Without optimisation, a million polls take
    /// a good part of a second, and nobody reads a hundred thousand events.
    pub(crate) const DEFAULT: Self = Self {
        max_steps: 1_000_000,
        max_choices: 100_000,
        max_tasks: 100_000,
        max_events: 100_000,
        faults: Faults::none(),
        records_holdings: false,
        driver: None,
    };
}
