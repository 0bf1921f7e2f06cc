//! flume 0.10.10: one sender, one receiver, and the messages come out of order.
//!
//! Fixed in 0.10.11 (zesterer/flume#98).
//!
//! A `recv_async` that is polled again without a message, as in a select loop or under a timeout, puts
//! itself into the list of waiting receivers once more. While that list is not empty, a sent message
//! goes to the front of the queue: of two messages in a row, the second overtakes the first.
//!
//! Invariant: one sender, one receiver, first in, first out.

use std::time::Duration;

use dacapo::task::{spawn_named, yield_now};
use dacapo::time::{sleep, timeout};
use flume::{Receiver, RecvError};

const HEARTBEAT: Duration = Duration::from_secs(10);

/// What the sensor measured, or an error when it has been switched off.
async fn next_reading(readings: &Receiver<u32>) -> Result<u32, RecvError> {
    let mut reading = readings.recv_async();
    loop {
        match timeout(HEARTBEAT, &mut reading).await {
            Ok(reading) => return reading,
            // Nothing for so long: a real program would send a sign of life here.
            Err(_) => continue,
        }
    }
}

pub async fn scenario() {
    let (sensor, readings) = flume::unbounded();
    spawn_named("sensor", async move {
        sleep(HEARTBEAT + HEARTBEAT / 2).await;
        for reading in 1..=3 {
            sensor.send(reading).unwrap();
            yield_now().await;
        }
    });
    let mut received = Vec::new();
    while let Ok(reading) = next_reading(&readings).await {
        received.push(reading);
    }
    assert_eq!(received, [1, 2, 3], "readings out of order");
}
