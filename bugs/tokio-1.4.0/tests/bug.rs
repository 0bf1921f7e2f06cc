#[path = "../../support/mod.rs"]
mod support;
#[path = "../../scenarios/tokio_notify_permit.rs"]
mod tokio_notify_permit;

use support::{FailureKind, found};

#[test]
fn tokio_notify_permit() {
    found(
        "tokio_notify_permit",
        tokio_notify_permit::scenario,
        FailureKind::Stuck,
        "main waits for something",
    );
}
