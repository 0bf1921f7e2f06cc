#[path = "../../support/mod.rs"]
mod support;
#[path = "../../scenarios/tokio_broadcast_resubscribe.rs"]
mod tokio_broadcast_resubscribe;

use support::{Failure, found};

#[test]
fn tokio_broadcast_resubscribe() {
    found(
        "tokio_broadcast_resubscribe",
        tokio_broadcast_resubscribe::scenario,
        Failure::is_stuck,
        "latecomer waits for something",
    );
}
