use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use pin_project_lite::pin_project;

use super::sleep::{Sleep, sleep, sleep_until};
use super::woken::Woken;
use crate::executor;
use crate::instant::Instant;
use crate::question::Question;

/// Awaits `future`, but no longer than `duration`.
///
/// When the time is up, the future is dropped. If the future was woken at that very instant, the
/// scheduler chooses whether it is polled once more or dropped. Real timeouts do either, and your code
/// must handle both. A future that is done when it is first polled never times out.
///
/// # Errors
///
/// [`Elapsed`] if the time was up first.
///
/// # Cancel safety
///
/// If you drop it, `future` is dropped where it waits. This is as safe as dropping `future` itself.
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
    Timeout { future, sleep: sleep(duration), after: duration, woken: None }
}

/// Awaits `future` until `deadline` at most. Otherwise as [`timeout`].
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
    let sleep = sleep_until(deadline);
    Timeout { future, sleep, after: deadline - Instant::now(), woken: None }
}

pin_project! {
    /// The future of [`timeout`] and [`timeout_at`].
    #[derive(Debug)]
    #[must_use = "futures do nothing unless they are awaited"]
    pub struct Timeout<F> {
        #[pin]
        future: F,
        sleep: Sleep,
        // The time that it allows, for the trace.
        after: Duration,
        woken: Option<Woken>,
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
        // Only what was woken has anything to win or to lose at the deadline.
        if Woken::take(this.woken) && this.sleep.is_elapsed() {
            let answer =
                executor::try_current(|executor| executor.ask_current(Question::Timeout, 2));
            if answer == Some(1) {
                executor::try_current(|executor| executor.record_timeout(*this.after));
                return Poll::Ready(Err(Elapsed(())));
            }
        }
        let notes = executor::try_current(executor::Executor::notes).unwrap_or_default();
        let waker = Woken::update(this.woken, cx.waker());
        if let Poll::Ready(output) = this.future.poll(&mut Context::from_waker(waker)) {
            return Poll::Ready(Ok(output));
        }
        let late = Pin::new(this.sleep).poll(cx).map(|()| Err(Elapsed(())));
        if late.is_ready() {
            executor::try_current(|executor| {
                executor.forget_notes(notes);
                executor.record_timeout(*this.after);
            });
        }
        late
    }
}

/// The time of a [`timeout`] was up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Elapsed(());

impl Elapsed {
    pub(crate) fn new() -> Self {
        Self(())
    }
}

impl fmt::Display for Elapsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("deadline has elapsed")
    }
}

impl std::error::Error for Elapsed {}
