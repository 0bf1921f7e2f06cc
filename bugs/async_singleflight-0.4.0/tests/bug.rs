#[path = "../../scenarios/singleflight_leader.rs"]
mod singleflight_leader;
#[path = "../../support/mod.rs"]
mod support;

use support::{Failure, found};

#[test]
fn singleflight_leader() {
    found(
        "singleflight_leader",
        singleflight_leader::scenario,
        Failure::is_stuck,
        "patient waits for something",
    );
}
