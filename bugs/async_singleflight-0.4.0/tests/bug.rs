#[path = "../../scenarios/singleflight_leader.rs"]
mod singleflight_leader;
#[path = "../../support/mod.rs"]
mod support;

use support::{FailureKind, found};

#[test]
fn singleflight_leader() {
    found(
        "singleflight_leader",
        singleflight_leader::scenario,
        FailureKind::Stuck,
        "patient waits for something",
    );
}
