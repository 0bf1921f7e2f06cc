//! tokio-util 0.7.0, `CancellationToken`: a waiter that changes its task is not woken.
//!
//! Fixed in 0.7.1 (tokio-rs/tokio#4497).
//!
//! A `cancelled` future that is polled again stores the new waker if that would wake the *same* task as
//! the old one, which is the wrong way round. Once it has moved to another task, the old waker stays.
//!
//! Invariant: after `cancel` every waiter ends. Here a service watches for the order to stop while it
//! starts, and then leaves that to a task in the background.

use std::time::Duration;

use dacapo::task::spawn_named;
use dacapo::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

const START_UP: Duration = Duration::from_secs(10);

pub async fn scenario() {
    let token = CancellationToken::new();
    let order = token.clone();
    let mut stop = Box::pin(async move { order.cancelled().await });
    spawn_named("operator", async move {
        sleep(START_UP).await;
        token.cancel();
    });
    if timeout(START_UP, &mut stop).await.is_err() {
        spawn_named("shutdown", stop).await.unwrap();
    }
}
