#[path = "../../support/mod.rs"]
mod support;
#[path = "../../scenarios/tokio_duplex_closed.rs"]
mod tokio_duplex_closed;
#[path = "../../scenarios/tokio_notify_permit.rs"]
mod tokio_notify_permit;

use support::{FailureKind, found, passes};

#[test]
fn tokio_notify_permit() {
    passes("tokio_notify_permit", tokio_notify_permit::scenario);
}

#[test]
fn tokio_duplex_closed() {
    found(
        "tokio_duplex_closed",
        tokio_duplex_closed::scenario,
        FailureKind::Stuck,
        "camera waits for something",
    );
}
