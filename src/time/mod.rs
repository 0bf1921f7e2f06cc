//! Virtual time: it stands still while any task is ready, and jumps when none is.
//!
//! The names and meanings are those of `tokio::time`.

mod interval;
mod sleep;
mod timeout;
mod timeout_scope;
mod woken;

pub use interval::{Interval, MissedTickBehavior, interval, interval_at};
pub use sleep::{Sleep, sleep, sleep_until};
pub use timeout::{Elapsed, Timeout, timeout, timeout_at};
pub use timeout_scope::{ScopeClosed, TimeoutScope, timeout_scope, wait_for};

pub(crate) use woken::Woken;

use crate::executor;
pub use crate::instant::Instant;

impl Instant {
    /// The present moment of the run.
    ///
    /// # Panics
    ///
    /// Outside of a run.
    #[track_caller]
    pub fn now() -> Self {
        executor::with("Instant::now", |executor| executor.now())
    }

    /// The virtual time from this moment until now.
    ///
    /// # Panics
    ///
    /// Outside of a run.
    #[track_caller]
    pub fn elapsed(self) -> std::time::Duration {
        Self::now() - self
    }
}
