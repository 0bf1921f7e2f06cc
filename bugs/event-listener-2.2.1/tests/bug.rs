#[path = "../../scenarios/event_listener_waker.rs"]
mod event_listener_waker;
#[path = "../../support/mod.rs"]
mod support;

use support::passes;

#[test]
fn event_listener_waker() {
    passes("event_listener_waker", event_listener_waker::scenario);
}
