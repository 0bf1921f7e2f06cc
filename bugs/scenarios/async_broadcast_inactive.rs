//! async-broadcast 0.3.2: when an inactive receiver is dropped last, the channel is never closed.
//!
//! Fixed in 0.3.3 ("close channel if the last receiver to drop is inactive").
//!
//! The destructor of a receiver closes the channel if it was the last one of any kind; that of an
//! inactive receiver does not. A sender waits for ever, or meets the crate's own assertion that there
//! must be a receiver to wait for.
//!
//! Invariant: `broadcast` fails once no receiver of any kind is left. Here a radio station plays to
//! one listener and to one who has switched the sound off, until both have gone to bed.

use std::time::Duration;

use async_broadcast::{Receiver, broadcast};
use dacapo::task::spawn_named;
use dacapo::time::{sleep, timeout};

const SONG: Duration = Duration::from_secs(180);
const EVENING: Duration = Duration::from_secs(400);

async fn listen(mut radio: Receiver<u32>) {
    while radio.recv().await.is_ok() {}
}

pub async fn scenario() {
    let (station, radio) = broadcast(8);
    let muted = radio.clone().deactivate();
    spawn_named("muted", async move {
        sleep(EVENING).await;
        drop(muted);
    });
    spawn_named("listener", timeout(EVENING, listen(radio)));
    let programme = spawn_named("station", async move {
        for song in 0.. {
            sleep(SONG).await;
            if station.broadcast(song).await.is_err() {
                break;
            }
        }
    });
    programme.await.unwrap();
}
