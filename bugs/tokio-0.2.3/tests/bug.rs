#[path = "../../support/mod.rs"]
mod support;
#[path = "../../scenarios/tokio_mutex_cancelled.rs"]
mod tokio_mutex_cancelled;

use support::{FailureKind, found};

#[test]
fn tokio_mutex_cancelled() {
    found(
        "tokio_mutex_cancelled",
        tokio_mutex_cancelled::scenario,
        FailureKind::Stuck,
        "main waits for something",
    );
}
