//! futures-util 0.3.23, `stream::select`: the merged stream ends when one of its inputs does.
//!
//! Fixed in 0.3.24 (rust-lang/futures-rs#2635).
//!
//! The inputs are polled in turns. If the second in turn has ended while the first has merely nothing to
//! give yet, the merged stream says that it has ended too.
//!
//! Invariant: every item of both inputs comes out. Here two stations of a rally report the cars that
//! pass them.

use dacapo::task::{spawn_named, yield_now};
use futures_channel::mpsc::unbounded;
use futures_util::stream::{StreamExt, select};

pub async fn scenario() {
    let (start, starts) = unbounded();
    let (finish, finishes) = unbounded();
    spawn_named("start", async move {
        for car in ["start 1", "start 2"] {
            start.unbounded_send(car).unwrap();
            yield_now().await;
        }
    });
    spawn_named("finish", async move {
        for car in ["finish 1", "finish 2"] {
            finish.unbounded_send(car).unwrap();
            yield_now().await;
        }
    });
    let mut passed: Vec<_> = select(starts, finishes).collect().await;
    passed.sort();
    assert_eq!(passed, ["finish 1", "finish 2", "start 1", "start 2"], "cars got lost");
}
