use std::future::Future;
use std::panic::Location;
use std::time::Duration;

use super::sleep::sleep_until;
use crate::instant::Instant;

/// A tick that is no later than this is not missed. It is tokio's number, so that code behaves under
/// tokio as it does here.
const TOLERANCE: Duration = Duration::from_millis(5);

/// Creates an interval that ticks every `period` of virtual time, at once for the first time.
///
/// A tick that comes more than 5 ms late is missed; see [`MissedTickBehavior`].
///
/// # Panics
///
/// Panics if `period` is zero, and outside of a run.
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
    check(period);
    interval_at(Instant::now(), period)
}

/// Creates an interval that ticks at `start` for the first time, and then every `period` of virtual
/// time.
///
/// If `start` is in the past, the ticks since then are missed; see [`MissedTickBehavior`].
///
/// # Panics
///
/// Panics if `period` is zero.
///
/// ```
/// use std::time::Duration;
/// use dacapo::time::{Instant, interval_at};
///
/// let run = dacapo::run(async || {
///     let start = Instant::now() + Duration::from_millis(50);
///     let mut ticks = interval_at(start, Duration::from_millis(10));
///     ticks.tick().await;
///     ticks.tick().await;
/// });
/// assert_eq!(run.elapsed(), Duration::from_millis(60));
/// ```
#[track_caller]
pub fn interval_at(start: Instant, period: Duration) -> Interval {
    check(period);
    Interval { next: start, period, missed: MissedTickBehavior::Burst }
}

#[track_caller]
fn check(period: Duration) {
    assert!(!period.is_zero(), "dacapo: the period of an interval must be longer than zero");
}

/// How an [`Interval`] goes on after a missed tick, as in tokio.
///
/// A tick is missed if [`Interval::tick`] returns more than 5 ms after the instant for which the tick was
/// set, usually because the task was busy. It returns that instant all the same. The behavior decides
/// when the next tick is due.
///
/// ```
/// use std::time::Duration;
/// use dacapo::time::{Instant, MissedTickBehavior, interval, sleep};
///
/// async fn ticks(behavior: MissedTickBehavior) -> [u128; 4] {
///     let mut ticks = interval(Duration::from_millis(50));
///     ticks.set_missed_tick_behavior(behavior);
///     ticks.tick().await;
///     // The ticks at 50 and 100 ms are missed.
///     sleep(Duration::from_millis(120)).await;
///     let mut times = [0; 4];
///     for time in &mut times {
///         ticks.tick().await;
///         *time = Instant::now().since_start().as_millis();
///     }
///     times
/// }
///
/// let times = |behavior| dacapo::run(async move || ticks(behavior).await).unwrap();
/// assert_eq!(times(MissedTickBehavior::Burst), [120, 120, 150, 200]);
/// assert_eq!(times(MissedTickBehavior::Delay), [120, 170, 220, 270]);
/// assert_eq!(times(MissedTickBehavior::Skip), [120, 150, 200, 250]);
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum MissedTickBehavior {
    /// Ticks without a wait until it has caught up.
    #[default]
    Burst,
    /// Ticks one period after the late tick, and every period from then on.
    Delay,
    /// Leaves out the missed ticks and keeps to multiples of the period since the start.
    Skip,
}

impl MissedTickBehavior {
    /// The instant of the tick after the one that was due at `due` and comes at `now`.
    fn next(self, due: Instant, now: Instant, period: Duration) -> Instant {
        if now <= due + TOLERANCE {
            return due + period;
        }
        match self {
            Self::Burst => due + period,
            Self::Delay => now + period,
            Self::Skip => {
                let late = (now - due).as_nanos() % period.as_nanos();
                // Less than the time on the clock, which is a `u64`.
                now + (period - Duration::from_nanos(u64::try_from(late).unwrap_or(0)))
            }
        }
    }
}

/// Interval returned by [`interval`] and [`interval_at`].
#[derive(Debug)]
pub struct Interval {
    next: Instant,
    period: Duration,
    missed: MissedTickBehavior,
}

impl Interval {
    /// Waits for the next tick, and returns the instant for which it was set.
    ///
    /// If that instant has passed, it returns without a wait. The next tick is then due as the
    /// [`MissedTickBehavior`] says.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, no tick is lost: the next call waits for the same tick.
    ///
    /// # Panics
    ///
    /// Panics outside of a run.
    #[track_caller]
    pub fn tick(&mut self) -> impl Future<Output = Instant> {
        let place = Location::caller();
        async move {
            sleep_until(self.next).at(place).await;
            let tick = self.next;
            self.next = self.missed.next(tick, Instant::now(), self.period);
            tick
        }
    }

    /// Returns the time between two ticks.
    pub fn period(&self) -> Duration {
        self.period
    }

    /// Returns what happens after a missed tick.
    pub fn missed_tick_behavior(&self) -> MissedTickBehavior {
        self.missed
    }

    /// Sets what happens after a missed tick. The default is [`MissedTickBehavior::Burst`].
    pub fn set_missed_tick_behavior(&mut self, behavior: MissedTickBehavior) {
        self.missed = behavior;
    }

    /// Sets the next tick to one period from now.
    ///
    /// # Panics
    ///
    /// Panics outside of a run.
    ///
    /// ```
    /// use std::time::Duration;
    /// use dacapo::time::{interval, sleep};
    ///
    /// let run = dacapo::run(async || {
    ///     let mut ticks = interval(Duration::from_millis(100));
    ///     ticks.tick().await;
    ///     sleep(Duration::from_millis(50)).await;
    ///     ticks.reset();
    ///     ticks.tick().await;
    /// });
    /// assert_eq!(run.elapsed(), Duration::from_millis(150));
    /// ```
    #[track_caller]
    pub fn reset(&mut self) {
        self.reset_after(self.period);
    }

    /// Sets the next tick to now.
    ///
    /// # Panics
    ///
    /// Panics outside of a run.
    #[track_caller]
    pub fn reset_immediately(&mut self) {
        self.reset_at(Instant::now());
    }

    /// Sets the next tick to `after` from now.
    ///
    /// # Panics
    ///
    /// Panics outside of a run.
    #[track_caller]
    pub fn reset_after(&mut self, after: Duration) {
        self.reset_at(Instant::now() + after);
    }

    /// Sets the next tick to `deadline`. If that is in the past, the ticks since then are missed; see
    /// [`MissedTickBehavior`].
    pub fn reset_at(&mut self, deadline: Instant) {
        self.next = deadline;
    }
}
