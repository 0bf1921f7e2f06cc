#[path = "../../support/mod.rs"]
mod support;
#[path = "../../scenarios/tokio_broadcast_resubscribe.rs"]
mod tokio_broadcast_resubscribe;

use support::passes;

#[test]
fn tokio_broadcast_resubscribe() {
    passes("tokio_broadcast_resubscribe", tokio_broadcast_resubscribe::scenario);
}
