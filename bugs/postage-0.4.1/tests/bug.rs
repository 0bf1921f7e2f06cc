#[path = "../../scenarios/postage_oneshot_dropped.rs"]
mod postage_oneshot_dropped;
#[path = "../../support/mod.rs"]
mod support;

use support::{Failure, found};

#[test]
fn postage_oneshot_dropped() {
    found(
        "postage_oneshot_dropped",
        postage_oneshot_dropped::scenario,
        Failure::is_stuck,
        "clerk waits for something",
    );
}
