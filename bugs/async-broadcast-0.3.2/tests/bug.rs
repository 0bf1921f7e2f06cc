#[path = "../../scenarios/async_broadcast_inactive.rs"]
mod async_broadcast_inactive;
#[path = "../../support/mod.rs"]
mod support;

use support::{FailureKind, found};

#[test]
fn async_broadcast_inactive() {
    found(
        "async_broadcast_inactive",
        async_broadcast_inactive::scenario,
        FailureKind::Panic,
        "inner.inactive_receiver_count != 0",
    );
}
