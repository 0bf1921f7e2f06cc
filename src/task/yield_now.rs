use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use crate::executor;
use crate::session::Place;

/// Yields to the other ready tasks; asyncio's `sleep(0)`.
///
/// It also works outside of a run.
///
/// # Cancel safety
///
/// If you drop the future, nothing is lost.
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

impl YieldNow {
    /// The same, reported at another place than where it was made.
    pub(crate) fn at(mut self, place: Place) -> Self {
        self.place = place;
        self
    }
}

impl Future for YieldNow {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.yielded {
            return Poll::Ready(());
        }
        self.yielded = true;
        give_way(cx.waker(), self.place)
    }
}

/// Apart, so that the other half of all polls takes few instructions.
#[inline(never)]
fn give_way(waker: &Waker, place: Place) -> Poll<()> {
    let gave_way = executor::try_current(|executor| executor.give_way(waker, place));
    if gave_way != Some(true) {
        // The waker of some combinator.
        waker.wake_by_ref();
    }
    Poll::Pending
}
