//! The fixed releases pass, with the seeds that dacapo tries by default and under every schedule.

use dacapo::scheduler::{Exhaustive, Random};

#[path = "../../scenarios/mod.rs"]
mod scenarios;

use scenarios::{
    deadpool_max_size, event_listener_waker, flume_order, tokio_mutex_cancelled,
    tokio_rwlock_downgrade,
};

#[track_caller]
fn check(scenario: impl AsyncFn() + Copy) {
    dacapo::check(Random::default(), scenario);
    dacapo::check(Exhaustive::new(), scenario);
}

#[test]
fn deadpool_max_size() {
    check(deadpool_max_size::scenario);
}

#[test]
fn event_listener_waker() {
    check(event_listener_waker::scenario);
}

#[test]
fn flume_order() {
    check(flume_order::scenario);
}

#[test]
fn tokio_mutex_cancelled() {
    check(tokio_mutex_cancelled::scenario);
}

#[test]
fn tokio_rwlock_downgrade() {
    check(tokio_rwlock_downgrade::scenario);
}
