#[path = "../../scenarios/postage_oneshot_dropped.rs"]
mod postage_oneshot_dropped;
#[path = "../../support/mod.rs"]
mod support;

use support::{FailureKind, found};

#[test]
fn postage_oneshot_dropped() {
    found(
        "postage_oneshot_dropped",
        postage_oneshot_dropped::scenario,
        FailureKind::Stuck,
        "clerk waits for something",
    );
}
