#[path = "../../scenarios/embassy_channel_clear.rs"]
mod embassy_channel_clear;
#[path = "../../support/mod.rs"]
mod support;

use support::{FailureKind, found};

#[test]
fn embassy_channel_clear() {
    found(
        "embassy_channel_clear",
        embassy_channel_clear::scenario,
        FailureKind::Stuck,
        "sensor waits for something",
    );
}
