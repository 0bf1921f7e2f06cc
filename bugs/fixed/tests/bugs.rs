//! The fixed releases pass, with the seeds that dacapo tries by default and under every schedule.

use dacapo::scheduler::{Exhaustive, Random};

#[path = "../../scenarios/deadpool_max_size.rs"]
mod deadpool_max_size;
#[path = "../../scenarios/event_listener_waker.rs"]
mod event_listener_waker;
#[path = "../../scenarios/flume_order.rs"]
mod flume_order;
#[path = "../../scenarios/tokio_mutex_cancelled.rs"]
mod tokio_mutex_cancelled;
#[path = "../../scenarios/tokio_rwlock_downgrade.rs"]
mod tokio_rwlock_downgrade;

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
