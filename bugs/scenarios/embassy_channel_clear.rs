//! embassy-sync 0.6.2, `Channel::clear`: there is room, and the senders that wait for it are not woken.
//!
//! Fixed in 0.7.0 ("fix channels to wake senders on `clear()`").
//!
//! `clear` empties the queue, and unlike a receive it wakes no sender that waits for room.
//!
//! Invariant: a sender goes on once there is room. Here the readings of a sensor are thrown away when an
//! operator calibrates it, just when the queue has become full.

use std::rc::Rc;
use std::time::Duration;

use dacapo::task::spawn_named;
use dacapo::time::sleep;
use embassy_sync::blocking_mutex::raw::NoopRawMutex;
use embassy_sync::channel::Channel;

const PERIOD: Duration = Duration::from_secs(1);

pub async fn scenario() {
    let readings = Rc::new(Channel::<NoopRawMutex, u32, 2>::new());
    spawn_named("operator", {
        let readings = Rc::clone(&readings);
        async move {
            sleep(3 * PERIOD).await;
            readings.clear();
        }
    });
    let sensor = spawn_named("sensor", async move {
        for reading in 1..=3 {
            sleep(PERIOD).await;
            readings.send(reading).await;
        }
    });
    sensor.await.unwrap();
}
