use std::future::Future;
use std::panic::Location;
use std::time::Duration;

use super::sleep::sleep_until;
use crate::instant::Instant;

/// Ticks every `period` of virtual time, at once for the first time.
///
/// Ticks that were missed are made up for without a wait, as tokio does by default.
///
/// # Panics
///
/// If `period` is zero: time would not pass. Outside of a run.
///
/// ```
/// use std::time::Duration;
///
/// let run = dacapo::run(async || {
///     let mut ticks = dacapo::time::interval(Duration::from_millis(10));
///     for _ in 0..4 {
///         ticks.tick().await;
///     }
/// });
/// assert_eq!(run.elapsed(), Duration::from_millis(30));
/// ```
#[track_caller]
pub fn interval(period: Duration) -> Interval {
    assert!(!period.is_zero(), "dacapo: the period of an interval must be longer than zero");
    Interval { next: Instant::now(), period }
}

/// What [`interval`] returns.
#[derive(Debug)]
pub struct Interval {
    next: Instant,
    period: Duration,
}

impl Interval {
    /// Waits for the next tick, and returns the instant for which it was set.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost if it is dropped: the tick is still to come.
    ///
    /// # Panics
    ///
    /// Outside of a run.
    #[track_caller]
    pub fn tick(&mut self) -> impl Future<Output = Instant> {
        let place = Location::caller();
        async move {
            sleep_until(self.next).at(place).await;
            let tick = self.next;
            self.next += self.period;
            tick
        }
    }

    /// The time between two ticks.
    pub fn period(&self) -> Duration {
        self.period
    }

    /// Sets the next tick to one period from now.
    ///
    /// # Panics
    ///
    /// Outside of a run.
    #[track_caller]
    pub fn reset(&mut self) {
        self.next = Instant::now() + self.period;
    }
}
