#[path = "../../support/mod.rs"]
mod support;
#[path = "../../scenarios/tokio_broadcast_resubscribe.rs"]
mod tokio_broadcast_resubscribe;

use support::{FailureKind, found};

#[test]
fn tokio_broadcast_resubscribe() {
    found(
        "tokio_broadcast_resubscribe",
        tokio_broadcast_resubscribe::scenario,
        FailureKind::Stuck,
        "latecomer waits for something",
    );
}
