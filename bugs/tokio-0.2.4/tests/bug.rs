#[path = "../../support/mod.rs"]
mod support;
#[path = "../../scenarios/tokio_mutex_cancelled.rs"]
mod tokio_mutex_cancelled;

use support::passes;

#[test]
fn tokio_mutex_cancelled() {
    passes("tokio_mutex_cancelled", tokio_mutex_cancelled::scenario);
}
