#[path = "../../support/mod.rs"]
mod support;
#[path = "../../scenarios/tokio_mutex_cancelled.rs"]
mod tokio_mutex_cancelled;

use support::{Failure, found};

#[test]
fn tokio_mutex_cancelled() {
    found(
        "tokio_mutex_cancelled",
        tokio_mutex_cancelled::scenario,
        Failure::is_stuck,
        "main waits for something",
    );
}
