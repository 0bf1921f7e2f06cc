//! async-channel 1.7.1: a receiver that is not being polled swallows what wakes the others.
//!
//! Fixed in 1.8.0 (smol-rs/async-channel#49).
//! A send wakes a receiver only if none is woken already. A `recv` that is kept across other work stays
//! woken until it is polled again, and no other receiver is woken in that time.
//!
//! Invariant: two messages and two receivers, and both get one. Here a chef, tired of waiting for an
//! order, first looks at what becomes of the apprentice's.

use std::pin::pin;
use std::time::Duration;

use async_channel::{Receiver, unbounded};
use dacapo::task::{JoinHandle, spawn_named};
use dacapo::time::{sleep, timeout};

const PATIENCE: Duration = Duration::from_secs(60);

async fn chef(
    orders: Receiver<&'static str>,
    apprentice: JoinHandle<&'static str>,
) -> [&'static str; 2] {
    let mut own = pin!(orders.recv());
    match timeout(PATIENCE, &mut own).await {
        Ok(own) => [own.unwrap(), apprentice.await.unwrap()],
        Err(_) => {
            let other = apprentice.await.unwrap();
            [own.await.unwrap(), other]
        }
    }
}

pub async fn scenario() {
    // The restaurant stays open: closing the channel would wake everybody.
    let (counter, orders) = unbounded();
    let waiter = counter.clone();
    spawn_named("waiter", async move {
        sleep(PATIENCE).await;
        waiter.send("soup").await.unwrap();
        waiter.send("fish").await.unwrap();
    });
    let apprentice = spawn_named("apprentice", {
        let orders = orders.clone();
        async move { orders.recv().await.unwrap() }
    });
    let mut cooked = spawn_named("chef", chef(orders, apprentice)).await.unwrap();
    cooked.sort();
    assert_eq!(cooked, ["fish", "soup"]);
}
