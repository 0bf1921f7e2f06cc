#[path = "../../scenarios/async_channel_notification.rs"]
mod async_channel_notification;
#[path = "../../support/mod.rs"]
mod support;

use support::{FailureKind, found};

#[test]
fn async_channel_notification() {
    found(
        "async_channel_notification",
        async_channel_notification::scenario,
        FailureKind::Stuck,
        "apprentice waits for something",
    );
}
