use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use pin_project_lite::pin_project;

use super::sleep::{Sleep, sleep, sleep_until};
use crate::instant::Instant;
use crate::runtime;
use crate::scheduler::ChoiceKind;

/// Awaits `future`, but no longer than `duration`.
///
/// When the time is up the future is dropped. Should it have been woken at that very instant, it is
/// a choice of the scheduler whether it is polled once more or dropped as it is: real timeouts do
/// either, and code is to be right under both. A future that is done when it is first polled
/// never times out.
///
/// # Errors
///
/// [`Elapsed`] if the time was up first.
///
/// # Cancel safety
///
/// Dropping it drops `future` where it stands, which is as safe as that future is.
///
/// # Panics
///
/// Outside of a run.
///
/// ```
/// use std::time::Duration;
/// use dacapo::time::{sleep, timeout};
///
/// let run = dacapo::run(async || {
///     let slow = sleep(Duration::from_secs(5));
///     assert!(timeout(Duration::from_secs(1), slow).await.is_err());
/// });
/// assert_eq!(run.elapsed(), Duration::from_secs(1));
/// ```
#[track_caller]
pub fn timeout<F: Future>(duration: Duration, future: F) -> Timeout<F> {
    Timeout { future, sleep: sleep(duration), polled: false }
}

/// Awaits `future`, but not beyond `deadline`; in all else as [`timeout`].
///
/// # Errors
///
/// [`Elapsed`] if the time was up first.
///
/// # Cancel safety
///
/// As [`timeout`].
///
/// # Panics
///
/// Outside of a run.
#[track_caller]
pub fn timeout_at<F: Future>(deadline: Instant, future: F) -> Timeout<F> {
    Timeout { future, sleep: sleep_until(deadline), polled: false }
}

pin_project! {
    /// The future of [`timeout`] and [`timeout_at`].
    #[derive(Debug)]
    #[must_use = "futures do nothing unless they are awaited"]
    pub struct Timeout<F> {
        #[pin]
        future: F,
        sleep: Sleep,
        polled: bool,
    }
}

impl<F> Timeout<F> {
    /// The future within.
    pub fn into_inner(self) -> F {
        self.future
    }
}

impl<F: Future> Future for Timeout<F> {
    type Output = Result<F::Output, Elapsed>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let first = !std::mem::replace(this.polled, true);
        // Only what was woken besides the timer itself has anything to win or to lose here.
        if !first && this.sleep.is_elapsed() {
            let give_up = runtime::try_current(|runtime| {
                runtime.woken_more_than_once() && runtime.choose(ChoiceKind::Timeout, 2) == 1
            });
            if give_up == Some(true) {
                return Poll::Ready(Err(Elapsed(())));
            }
        }
        if let Poll::Ready(output) = this.future.poll(cx) {
            return Poll::Ready(Ok(output));
        }
        Pin::new(this.sleep).poll(cx).map(|()| Err(Elapsed(())))
    }
}

/// The time of a [`timeout`] was up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Elapsed(());

impl Elapsed {
    pub(super) fn new() -> Self {
        Self(())
    }
}

impl fmt::Display for Elapsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("deadline has elapsed")
    }
}

impl std::error::Error for Elapsed {}
