//! Which failures are one bug: what shrinking keeps to, and what a search tells apart.

use std::rc::Rc;

use crate::support::{assert_parts, assert_snapshot};
use dacapo::scheduler::{Exhaustive, Random};
use dacapo::sync::Semaphore;
use dacapo::task::{JoinHandle, spawn, yield_now};
use dacapo::{Builder, CheckError, FailureKind, choose};

fn found<T: dacapo::Termination>(seed: u64, body: impl AsyncFn() -> T) -> CheckError {
    let seeds = Random::seeds(seed..seed + 10_000);
    Builder::new().fresh_process(false).try_check(seeds, body).unwrap_err()
}

/// Two errors, of which the second one is simpler to get.
async fn transfer() -> Result<(), &'static str> {
    let (a, b) = (choose("a", 2), choose("b", 4));
    match (a, b) {
        (1, 3) => Err("E42: debited twice"),
        (_, 1) => Err("E7: no such user"),
        _ => Ok(()),
    }
}

#[test]
fn shrinking_keeps_to_the_error_that_was_found() {
    let mut both = 0;
    for seed in 0..20 {
        let error = found(seed, transfer);
        let report = error.to_string();
        match error.failure().title() {
            title if title.contains("E42") => {
                assert_eq!(error.schedule().to_string(), "d1:1.3", "{report}");
                both += usize::from(report.contains("E7: no such user"));
            }
            title if title.contains("E7") => {
                assert_eq!(error.schedule().to_string(), "d1:0.1", "{report}");
            }
            title => panic!("{title}"),
        }
    }
    assert!(both > 0, "no report mentions the other error");
}

/// Three workers with some permits among them.
fn workers<F: Future<Output = ()> + 'static>(
    permits: usize,
    work: fn(u32, Rc<Semaphore>) -> F,
) -> Vec<JoinHandle<()>> {
    let permits = Rc::new(Semaphore::new(permits));
    (0..3).map(|n| spawn(work(n, Rc::clone(&permits)))).collect()
}

async fn unwrap(workers: Vec<JoinHandle<()>>) {
    for worker in workers {
        worker.await.unwrap();
    }
}

/// Workers that panic at one place, whose handles are unwrapped.
async fn unwrapped_workers() {
    unwrap(workers(1, |n, permits| async move {
        let held = permits.acquire().await;
        yield_now().await;
        drop(held);
        assert!(choose("breaks", 4) != 3, "worker {n} broke");
    }))
    .await;
}

#[test]
fn the_first_panic_is_the_failure_whichever_handle_tells_it() {
    for seed in 0..10 {
        let error = found(seed, unwrapped_workers);
        assert_eq!(error.schedule().deviations(), 1, "{error}");
    }
}

/// Workers that need two permits each and take them one by one.
async fn stuck_workers() {
    let workers = workers(2, |_, permits| async move {
        let _first = permits.acquire().await;
        yield_now().await;
        let _second = permits.acquire().await;
    });
    if choose("wait", 2) == 0 {
        unwrap(workers).await;
    }
}

#[test]
fn a_deadlock_is_one_whichever_of_the_workers_it_catches() {
    for seed in 0..10 {
        let error = found(seed, stuck_workers);
        assert_eq!(error.failure().kind(), FailureKind::Stuck, "{error}");
        assert!(error.schedule().deviations() <= 1, "{error}");
    }
}

async fn one_title_two_bugs() {
    let (sum, paid) = (choose("sum", 2), choose("paid", 2));
    assert_eq!(sum, 0);
    assert_eq!(paid, 0);
}

#[test]
fn two_assertions_with_one_title_are_two_outcomes() {
    let report = dacapo::explore(Exhaustive::new(), one_title_two_bugs);
    assert_snapshot!(
        "two_bugs_with_one_title",
        "Two assertions whose panics have the same first line are two outcomes.",
        format!("{report}\n{}", report.behaviours()),
    );
    for outcome in report.failures() {
        let run = dacapo::replay(outcome.least().clone(), one_title_two_bugs);
        assert!(run.failure().unwrap().is_same(outcome.failure().unwrap()), "{outcome}");
    }
}

#[test]
fn numbers_in_a_message_do_not_stop_shrinking() {
    let error = found(0, async || {
        let lost = (0..6).filter(|_| choose("lost", 2) == 1).count();
        if lost > 0 { Err(format!("{lost} of 6 were lost")) } else { Ok(()) }
    });
    assert_eq!(error.schedule().deviations(), 1, "{error}");
    assert_parts(&error.to_string(), &["1 of 6 were lost", "first seen"]);
}
