use std::future::{Future, IntoFuture};
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use pin_project_lite::pin_project;
use tokio::time::{Instant, error::Elapsed};

use crate::driver;

/// Requires a future to complete within some time.
///
/// # Panics
///
/// As [`tokio::time::timeout`].
#[track_caller]
pub fn timeout<F: IntoFuture>(duration: Duration, future: F) -> Timeout<F::IntoFuture> {
    driver::in_tokio_run("timeout");
    Timeout {
        deadline: Instant::now().checked_add(duration),
        inner: tokio::time::timeout(duration, future.into_future()),
        place: Location::caller(),
    }
}

/// Requires a future to complete before a moment.
///
/// # Panics
///
/// As [`tokio::time::timeout_at`].
#[track_caller]
pub fn timeout_at<F: IntoFuture>(deadline: Instant, future: F) -> Timeout<F::IntoFuture> {
    driver::in_tokio_run("timeout_at");
    Timeout {
        deadline: Some(deadline),
        inner: tokio::time::timeout_at(deadline, future.into_future()),
        place: Location::caller(),
    }
}

pin_project! {
    /// The future of [`timeout`] and [`timeout_at`]: tokio's, which tells a run what it waits for.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless you `.await` or poll them"]
    pub struct Timeout<T> {
        #[pin]
        inner: tokio::time::Timeout<T>,
        // Absent if it is too late for tokio's clock.
        deadline: Option<Instant>,
        place: &'static Location<'static>,
    }
}

impl<T> Timeout<T> {
    /// Returns the future.
    pub fn get_ref(&self) -> &T {
        self.inner.get_ref()
    }

    /// Returns the future.
    pub fn get_mut(&mut self) -> &mut T {
        self.inner.get_mut()
    }

    /// Returns the future, without the timeout.
    pub fn into_inner(self) -> T {
        self.inner.into_inner()
    }
}

impl<T: Future> Future for Timeout<T> {
    type Output = Result<T::Output, Elapsed>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let polled = this.inner.poll(cx);
        if polled.is_pending()
            && driver::in_run()
            && let Some(deadline) = *this.deadline
        {
            dacapo::driver::wait_until(driver::since_start(deadline), this.place);
        }
        polled
    }
}
