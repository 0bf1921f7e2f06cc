#[path = "../../scenarios/postage_oneshot_dropped.rs"]
mod postage_oneshot_dropped;
#[path = "../../support/mod.rs"]
mod support;

use support::passes;

#[test]
fn postage_oneshot_dropped() {
    passes("postage_oneshot_dropped", postage_oneshot_dropped::scenario);
}
