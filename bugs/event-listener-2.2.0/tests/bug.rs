#[path = "../../scenarios/event_listener_waker.rs"]
mod event_listener_waker;
#[path = "../../support/mod.rs"]
mod support;

use support::{FailureKind, found};

#[test]
fn event_listener_waker() {
    found(
        "event_listener_waker",
        event_listener_waker::scenario,
        FailureKind::Stuck,
        "migrations waits for something",
    );
}
