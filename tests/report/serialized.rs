//! Runs and reports as data.
#![cfg(feature = "serde")]

use std::rc::Rc;

use crate::support::{assert_snapshot, millis};
use dacapo::scheduler::{Exhaustive, Random};
use dacapo::sync::{Lock, Queue, Semaphore};
use dacapo::task::{spawn_named, yield_now};
use dacapo::time::{sleep, timeout};
use dacapo::{Faults, Schedule, explore, replay, run, try_check};
use serde::Serialize;

/// The text, with a line for each part that is one of many.
fn json(value: &impl Serialize) -> String {
    let text = serde_json::to_string(value).unwrap();
    ["{\"time_ns\":", "{\"text\":", "{\"label\":", "{\"task\":"]
        .iter()
        .fold(text, |text, start| text.replace(start, &format!("\n  {start}")))
}

/// A little of everything that can happen.
async fn everything() -> u32 {
    let semaphore = Rc::new(Semaphore::new(1));
    let (lock, queue) = (Rc::new(Lock::new()), Rc::new(Queue::<u32>::new(1)));
    let (held, permit) = (lock.lock().await, semaphore.acquire().await);
    let other = (semaphore.clone(), lock.clone(), queue.clone());
    let worker = spawn_named("worker", async move {
        dacapo::trace!("begins");
        drop(other.0.acquire().await);
        drop(other.1.lock().await);
        dacapo::trace!("got", other.2.get().await);
        std::future::pending::<()>().await;
    });
    yield_now().await;
    drop((held, permit));
    let _ = timeout(millis(2), sleep(millis(2))).await;
    queue.put(7).await.unwrap();
    sleep(millis(1)).await;
    worker.abort();
    drop(worker.await);
    dacapo::choose("answer", 3) as u32
}

#[test]
fn a_run_as_data() {
    let run = replay("d1:0x9", everything);
    assert_snapshot!("json_run", "A run with a little of everything, serialized.", json(&run));
}

#[test]
fn failures_and_searches_as_data() {
    let stuck = run(async || {
        let semaphore = Semaphore::new(0);
        drop(semaphore.acquire().await);
    });
    assert_snapshot!(
        "json_failure",
        "A failure that is stuck, serialized.",
        json(stuck.failure().unwrap())
    );

    let report = explore(Exhaustive::new(), async || {
        let n = dacapo::choose("n", 3);
        dacapo::sometimes!("two", n == 2);
        assert_ne!(n, 1, "one");
        n
    });
    assert_snapshot!(
        "json_report",
        "What a search has found, serialized: two outcomes that pass, one that fails, and a mark.",
        json(&report)
    );

    let error = try_check(Random::seeds(0..100), async || {
        let last = Rc::new(std::cell::Cell::new(0));
        let tasks = [1, 2].map(|n| {
            let last = last.clone();
            async move { last.set(n) }
        });
        drop(dacapo::gather(tasks).await);
        assert_eq!(last.get(), 2);
    });
    let error: serde_json::Value = serde_json::to_value(error.unwrap_err()).unwrap();
    assert_eq!(error["schedule"], "d1:1");
    assert_eq!(error["failure"]["kind"], "panic");
    assert_eq!(error["explanation"]["tasks"], serde_json::json!(["main/2", "main/1"]));

    assert_eq!(json(&Schedule::default().with_faults(Faults::none())), r#""d1:""#);
}
