use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use crate::executor::{self, RunId, TimerKey};
use crate::instant::Instant;
use crate::session::Place;

/// Waits for `duration` of virtual time.
///
/// This takes no real time: when no task is ready, the clock jumps to the next deadline. A duration of
/// zero does not wait at all; see [`yield_now`](crate::task::yield_now). A duration that is too long for
/// the clock never ends.
///
/// # Cancel safety
///
/// If you drop the future, nothing is lost.
///
/// # Panics
///
/// Outside of a run.
///
/// ```
/// use std::time::Duration;
/// use dacapo::time::{Instant, sleep};
///
/// let run = dacapo::run(async || {
///     sleep(Duration::from_secs(3600)).await;
///     Instant::now().since_start()
/// });
/// assert_eq!(run.unwrap(), Duration::from_secs(3600));
/// ```
#[track_caller]
pub fn sleep(duration: Duration) -> Sleep {
    let (run, now) = executor::with("sleep", |executor| (executor.id(), executor.now()));
    Sleep { run, deadline: now + duration, timer: None, place: Location::caller() }
}

/// Waits until `deadline`.
///
/// # Cancel safety
///
/// If you drop the future, nothing is lost.
///
/// # Panics
///
/// Outside of a run.
#[track_caller]
pub fn sleep_until(deadline: Instant) -> Sleep {
    let run = executor::with("sleep_until", |executor| executor.id());
    Sleep { run, deadline, timer: None, place: Location::caller() }
}

/// The future of [`sleep`] and [`sleep_until`].
#[derive(Debug)]
#[must_use = "futures do nothing unless they are awaited"]
pub struct Sleep {
    run: RunId,
    deadline: Instant,
    timer: Option<TimerKey>,
    place: Place,
}

impl Sleep {
    /// The same, reported at another place than where it was made.
    pub(crate) fn at(mut self, place: Place) -> Self {
        self.place = place;
        self
    }

    /// The instant at which it ends.
    pub fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Whether its deadline has passed. It is `true` after the run has ended.
    pub fn is_elapsed(&self) -> bool {
        executor::try_with(self.run, |executor| executor.now() >= self.deadline).unwrap_or(true)
    }

    /// Moves the deadline. A task that is waiting will be woken at the new one.
    pub fn reset(&mut self, deadline: Instant) {
        self.deadline = deadline;
        if let Some(timer) = self.timer.take() {
            self.timer =
                executor::try_with(self.run, |executor| executor.move_timer(timer, deadline))
                    .flatten();
        }
    }

    fn cancel(&mut self) {
        if let Some(timer) = self.timer.take() {
            executor::try_with(self.run, |executor| executor.cancel_timer(timer));
        }
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Self { run, deadline, timer, place } = &mut *self;
        let over = executor::try_with(*run, |executor| {
            executor.poll_deadline(*deadline, timer, cx.waker(), place)
        });
        let over = over.expect(
            "dacapo: a sleep was awaited outside of the run in which it was made, whose clock it needs",
        );
        if over { Poll::Ready(()) } else { Poll::Pending }
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        self.cancel();
    }
}
