#[path = "../../scenarios/embassy_channel_clear.rs"]
mod embassy_channel_clear;
#[path = "../../support/mod.rs"]
mod support;

use support::passes;

#[test]
fn embassy_channel_clear() {
    passes("embassy_channel_clear", embassy_channel_clear::scenario);
}
