//! What dacapo can do with its own tasks, it can do with those of tokio.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use dacapo::Faults;
use dacapo::scheduler::{CancelSweep, Random};
use tokio::sync::{Notify, Semaphore, mpsc};
use tokio::time::sleep;

use crate::support::{assert_parts, check_all, check_fails, check_outcomes, millis};

macro_rules! assert_snapshot {
    ($name:expr, $story:expr, $value:expr $(,)?) => {
        insta::with_settings!({
            snapshot_path => concat!(env!("CARGO_MANIFEST_DIR"), "/tests/snapshots"),
            prepend_module_to_snapshot => false,
            omit_expression => true,
            description => $story,
            filters => [
                (r"(?m)^how it came to the panic at .*\n(?:  .*\n)+\n", ""),
                (r"hash [0-9a-f]{16}", "hash HASH"),
                (r"(look at it +)\S*/dacapo/", "${1}target/dacapo/"),
                (r"(cargo (?:test|run) -p [\w-]+)(?: --all-features| --release| --features[ =]\S+)+", "$1"),
                (r"(tests)/([\w/]+)\.rs:\d+(:\d+)?", "$1/$2.rs:LINE")],
        }, {
            insta::assert_snapshot!($name, $value)
        })
    };
}

/// A cache that asks twice if two clients come at once.
async fn asks_twice() {
    let asked = Arc::new(AtomicU32::new(0));
    let cache = Arc::new(tokio::sync::Mutex::new(None));
    let clients = [1, 2].map(|_| {
        let (asked, cache) = (Arc::clone(&asked), Arc::clone(&cache));
        tokio::spawn(async move {
            if cache.lock().await.is_none() {
                asked.fetch_add(1, Ordering::Relaxed);
                sleep(millis(20)).await;
                *cache.lock().await = Some("page");
            }
        })
    });
    let [first, second] = clients;
    first.await.unwrap();
    second.await.unwrap();
    // The first client mostly needs no more than a turn, if the second comes late.
    assert_eq!(asked.load(Ordering::Relaxed), 1);
}

#[test]
fn a_failure_is_shrunk_and_explained() {
    let error = check_fails(async || {
        let (sender, mut receiver) = mpsc::channel(4);
        let stop = Arc::new(Notify::new());
        let stopped = Arc::clone(&stop);
        let worker = tokio::spawn(async move {
            let mut sum = 0;
            loop {
                tokio::select! {
                    Some(n) = receiver.recv() => sum += n,
                    () = stopped.notified() => break sum,
                }
            }
        });
        let noise = tokio::spawn(async { sleep(millis(3)).await });
        for n in [1, 2, 3] {
            sender.send(n).await.unwrap();
        }
        stop.notify_one();
        noise.await.unwrap();
        assert_eq!(worker.await.unwrap(), 6, "the worker stopped with messages in its queue");
    });
    assert_snapshot!(
        "select_stops_early",
        "A worker stops although messages are in its queue, because select looks at the stop signal first.",
        error.to_string()
    );
}

#[test]
fn a_run_that_always_fails_fails_first_in_first_out() {
    let error = check_fails(asks_twice);
    assert_eq!(error.schedule().to_string(), "d1:");
    assert_parts(&error.to_string(), &["features.rs", "left: 2"]);
}

/// A permit is lost if the task is cancelled between taking it and giving it back.
#[test]
fn a_sweep_cancels_at_each_await() {
    let error =
        dacapo_tokio::builder().fresh_process(false).try_check(CancelSweep::new(), async || {
            let permits = Arc::new(Semaphore::new(1));
            let used = Arc::clone(&permits);
            let task = tokio::spawn(async move {
                used.acquire().await.unwrap().forget();
                sleep(millis(1)).await;
                used.add_permits(1);
            });
            let _ = task.await.is_err();
            assert_eq!(permits.available_permits(), 1, "a permit is lost");
        });
    assert_parts(&error.unwrap_err().to_string(), &["a permit is lost", "main/1", "cancelled"]);
}

#[test]
fn faults_happen_to_tasks_of_tokio() {
    let builder =
        dacapo_tokio::builder().fresh_process(false).faults(Faults::none().cancellations(1));
    let error = builder.try_check(Random::seeds(0..200), async || {
        let (sender, receiver) = tokio::sync::oneshot::channel();
        tokio::spawn(async move {
            sleep(millis(1)).await;
            sender.send(7).unwrap();
        });
        assert_eq!(receiver.await, Ok(7));
    });
    assert_parts(&error.unwrap_err().to_string(), &["RecvError", "main/1"]);
}

#[test]
fn an_exhaustive_search_counts_orders_of_select() {
    check_all(2, &["'a'", "'b'"], async || {
        tokio::select! {
            () = std::future::ready(()) => 'a',
            () = std::future::ready(()) => 'b',
        }
    });
    check_all(1, &["'a'"], async || {
        tokio::select! {
            biased;
            () = std::future::ready(()) => 'a',
            () = std::future::ready(()) => 'b',
        }
    });
}

#[test]
fn the_page_shows_tasks_of_tokio() {
    let error = check_fails(asks_twice);
    let run = dacapo_tokio::builder().replay(error.schedule().clone(), asks_twice);
    let page = run.trace().html().title("asks twice").to_string();
    assert_parts(&page, &["<!doctype html>", "asks twice"]);
    for name in ["main/1", "main/2"] {
        assert!(page.contains(name), "{name}");
    }
}

/// Timers and channels of tokio, `select!`, tasks and sets: the same seed, the same trace.
#[test]
fn each_seed_gives_one_trace() {
    check_outcomes(&["12", "13", "14", "15", "16"], async || {
        let (sender, mut receiver) = mpsc::channel(2);
        let mut set = tokio::task::JoinSet::new();
        for n in 0..4 {
            let sender = sender.clone();
            set.spawn(async move {
                sleep(millis(n % 2)).await;
                sender.send(n).await.unwrap();
                tokio::task::yield_now().await;
            });
        }
        drop(sender);
        let mut seen = 0;
        let mut turns = 0;
        loop {
            tokio::select! {
                Some(n) = receiver.recv() => seen += n,
                Some(joined) = set.join_next() => joined.unwrap(),
                else => break,
            }
            turns += 1;
        }
        assert_eq!((seen, turns), (6, 8));
        turns + dacapo::choose("extra", 5) + 4
    });
}
