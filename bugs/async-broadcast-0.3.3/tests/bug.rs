#[path = "../../scenarios/async_broadcast_inactive.rs"]
mod async_broadcast_inactive;
#[path = "../../support/mod.rs"]
mod support;

use support::passes;

#[test]
fn async_broadcast_inactive() {
    passes("async_broadcast_inactive", async_broadcast_inactive::scenario);
}
