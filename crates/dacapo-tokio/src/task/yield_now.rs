use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use crate::driver;

/// Gives the other ready tasks a turn.
///
/// # Cancel safety
///
/// Nothing is lost if it is dropped.
#[track_caller]
pub fn yield_now() -> impl Future<Output = ()> + Send + Sync {
    YieldNow { sim: dacapo::task::yield_now(), is_done: false }
}

struct YieldNow {
    sim: dacapo::task::YieldNow,
    is_done: bool,
}

impl Future for YieldNow {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if driver::in_run() {
            return Pin::new(&mut self.sim).poll(cx);
        }
        if std::mem::replace(&mut self.is_done, true) {
            return Poll::Ready(());
        }
        // The first poll of tokio's registers a wake-up, and that is all there is to it.
        pin!(tokio::task::yield_now()).poll(cx)
    }
}
