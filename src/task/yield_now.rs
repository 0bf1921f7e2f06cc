use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::runtime::{self, Place};
use crate::trace::Wait;

/// Gives the other ready tasks a turn; asyncio's `sleep(0)`.
///
/// It also works outside of a run.
///
/// # Cancel safety
///
/// Nothing is lost if it is dropped.
///
/// ```
/// dacapo::run(async || dacapo::task::yield_now().await).unwrap();
/// ```
#[track_caller]
pub fn yield_now() -> YieldNow {
    YieldNow { yielded: false, place: Location::caller() }
}

/// The future of [`yield_now`].
#[derive(Debug)]
#[must_use = "futures do nothing unless they are awaited"]
pub struct YieldNow {
    yielded: bool,
    place: Place,
}

impl Future for YieldNow {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if std::mem::replace(&mut self.yielded, true) {
            return Poll::Ready(());
        }
        runtime::try_current(|runtime| runtime.wait_on(Wait::Turn, self.place));
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}
