use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use pin_project_lite::pin_project;
use tokio::time::Instant;

use crate::driver;

/// Waits until some time has passed.
///
/// # Panics
///
/// As [`tokio::time::sleep`].
#[track_caller]
pub fn sleep(duration: Duration) -> Sleep {
    driver::in_tokio_run("sleep");
    Sleep { inner: tokio::time::sleep(duration), place: Location::caller() }
}

/// Waits until a moment.
///
/// # Panics
///
/// As [`tokio::time::sleep_until`].
#[track_caller]
pub fn sleep_until(deadline: Instant) -> Sleep {
    driver::in_tokio_run("sleep_until");
    Sleep { inner: tokio::time::sleep_until(deadline), place: Location::caller() }
}

pin_project! {
    /// The future of [`sleep`] and [`sleep_until`]: tokio's, which tells a run what it waits for.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless you `.await` or poll them"]
    pub struct Sleep {
        #[pin]
        inner: tokio::time::Sleep,
        place: &'static Location<'static>,
    }
}

impl Sleep {
    /// Returns the moment that it waits for.
    pub fn deadline(&self) -> Instant {
        self.inner.deadline()
    }

    /// Returns whether that moment has come and was noticed.
    pub fn is_elapsed(&self) -> bool {
        self.inner.is_elapsed()
    }

    /// Waits for another moment from now on.
    pub fn reset(self: Pin<&mut Self>, deadline: Instant) {
        self.project().inner.reset(deadline);
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.project();
        let deadline = this.inner.deadline();
        let polled = this.inner.poll(cx);
        if polled.is_pending() && driver::in_run() {
            dacapo::driver::wait_until(driver::since_start(deadline), this.place);
        }
        polled
    }
}
