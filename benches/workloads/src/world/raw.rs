//! Polling one future in a loop, which is no simulator: it tells what the futures themselves cost.

use std::pin::pin;
use std::task::{Context, Waker};

use futures_lite::future::yield_now;

/// Yields this many times.
pub fn yields(size: u64) -> u64 {
    let mut future = pin!(async move {
        for _ in 0..size {
            yield_now().await;
        }
    });
    let mut context = Context::from_waker(Waker::noop());
    let mut polls = 0;
    while future.as_mut().poll(&mut context).is_pending() {
        polls += 1;
    }
    assert_eq!(polls, size);
    polls
}
