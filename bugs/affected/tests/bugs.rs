//! Each of these bugs was published, and dacapo finds it with the seeds that it tries by default.

use dacapo::scheduler::Random;
use dacapo::{Failure, Outcome};

#[path = "../../scenarios/mod.rs"]
mod scenarios;

use scenarios::{
    deadpool_max_size, event_listener_waker, flume_order, tokio_mutex_cancelled,
    tokio_rwlock_downgrade,
};

/// First in, first out, as an ordinary event loop runs it, the bug does not show. It is among the
/// outcomes of a search, and it is what a test reports.
#[track_caller]
fn check(scenario: impl AsyncFn() + Copy, is_kind: fn(&Failure) -> bool, message: &str) {
    dacapo::run(scenario).unwrap();

    let found = dacapo::explore(Random::default(), scenario);
    let mut failures = found.failures().filter_map(Outcome::failure);
    assert!(failures.any(|f| is_kind(f) && f.to_string().contains(message)), "{found}");

    let error = dacapo::try_check(Random::default(), scenario).unwrap_err();
    assert!(is_kind(error.failure()), "{error}");
    assert!(error.to_string().contains(message), "{error}");
    // The same failure and the same trace, here and in a fresh process.
    assert!(error.to_string().contains("again here and in a fresh process"), "{error}");
    println!("{error}");
}

#[test]
fn deadpool_max_size() {
    let message = "more connections in use than the pool may have: 2";
    check(deadpool_max_size::scenario, Failure::is_panic, message);
}

#[test]
fn event_listener_waker() {
    let message = "migrations waits for something that dacapo does not know";
    check(event_listener_waker::scenario, Failure::is_stuck, message);
}

#[test]
fn flume_order() {
    check(flume_order::scenario, Failure::is_panic, "readings out of order");
}

#[test]
fn tokio_mutex_cancelled() {
    let message = "main waits for something that dacapo does not know";
    check(tokio_mutex_cancelled::scenario, Failure::is_stuck, message);
}

#[test]
fn tokio_rwlock_downgrade() {
    check(
        tokio_rwlock_downgrade::scenario,
        Failure::is_panic,
        "the price was changed under a reader",
    );
}
