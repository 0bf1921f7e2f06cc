#[path = "../../scenarios/async_channel_notification.rs"]
mod async_channel_notification;
#[path = "../../support/mod.rs"]
mod support;

use support::passes;

#[test]
fn async_channel_notification() {
    passes("async_channel_notification", async_channel_notification::scenario);
}
