//! futures-util 0.3.30, `AsyncBufReadExt::read_line`: a call that is cancelled takes the text with it.
//!
//! Fixed in 0.3.31 (rust-lang/futures-rs#2884).
//!
//! `read_line` appends to a string. It takes the string's contents while it works, and gives them back
//! when it is done, but not when it is dropped before that.
//!
//! Invariant: a cancelled call leaves what the string held before. Here the log of a weather station is
//! collected below a heading, from a station that is sometimes late.

use std::io;
use std::time::Duration;

use dacapo::task::spawn_named;
use dacapo::time::{sleep, timeout};
use futures_channel::mpsc::{UnboundedReceiver, unbounded};
use futures_util::{AsyncBufReadExt, StreamExt, TryStreamExt};

const INTERVAL: Duration = Duration::from_secs(600);

async fn collect(lines: UnboundedReceiver<&'static str>) -> String {
    let mut log = String::from("# today\n");
    let mut lines = lines.map(io::Result::Ok).into_async_read();
    loop {
        let read = timeout(INTERVAL, lines.read_line(&mut log)).await;
        // If the station is late, a real program would say so.
        if read.is_ok_and(|read| read.unwrap() == 0) {
            return log;
        }
    }
}

pub async fn scenario() {
    let (station, lines) = unbounded();
    spawn_named("station", async move {
        for line in ["cloudy\n", "rain\n"] {
            sleep(INTERVAL).await;
            station.unbounded_send(line).unwrap();
        }
    });
    let log = spawn_named("collector", collect(lines)).await.unwrap();
    assert_eq!(log, "# today\ncloudy\nrain\n", "the log has lost lines");
}
