#[path = "../../scenarios/async_channel_notification.rs"]
mod async_channel_notification;
#[path = "../../support/mod.rs"]
mod support;

use support::{Failure, found};

#[test]
fn async_channel_notification() {
    found(
        "async_channel_notification",
        async_channel_notification::scenario,
        Failure::is_stuck,
        "apprentice waits for something",
    );
}
