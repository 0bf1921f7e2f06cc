#[path = "../../scenarios/event_listener_waker.rs"]
mod event_listener_waker;
#[path = "../../support/mod.rs"]
mod support;

use support::{Failure, found};

#[test]
fn event_listener_waker() {
    found(
        "event_listener_waker",
        event_listener_waker::scenario,
        Failure::is_stuck,
        "migrations waits for something",
    );
}
