//! tokio 1.20.4, `sync::broadcast`: a receiver that subscribes after the end waits for ever.
//!
//! Fixed in 1.21.0 (tokio-rs/tokio#4867).
//!
//! When the last sender goes, the end of the channel is written into the queue like a message. A
//! receiver made by `resubscribe` begins behind what is in the queue, which includes the end.
//!
//! Invariant: every receiver sees the end of the channel. Here one tunes in to a match late, possibly
//! when it is over.

use dacapo::task::{spawn_named, yield_now};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::broadcast::{self, Receiver};

const GOALS: u32 = 4;

async fn listen(mut radio: Receiver<u32>) {
    while !matches!(radio.recv().await, Err(RecvError::Closed)) {}
}

pub async fn scenario() {
    let (commentator, radio) = broadcast::channel(GOALS as usize);
    spawn_named("commentator", async move {
        for goal in 1..=GOALS {
            commentator.send(goal).unwrap();
            yield_now().await;
        }
    });
    let fan = spawn_named("fan", listen(radio.resubscribe()));
    let latecomer = spawn_named("latecomer", async move { listen(radio.resubscribe()).await });
    fan.await.unwrap();
    latecomer.await.unwrap();
}
