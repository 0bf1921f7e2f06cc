#[path = "../../scenarios/singleflight_leader.rs"]
mod singleflight_leader;
#[path = "../../support/mod.rs"]
mod support;

use support::passes;

#[test]
fn singleflight_leader() {
    passes("singleflight_leader", singleflight_leader::scenario);
}
