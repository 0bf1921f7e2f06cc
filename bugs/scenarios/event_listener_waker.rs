//! event-listener 2.2.0: a listener that is handed to another task wakes the task it came from.
//!
//! Fixed in 2.2.1 ("always keep the last waker in `EventListener::poll()`").
//!
//! A listener keeps the waker of its first poll and ignores the wakers of later ones. Once it has moved
//! to another task, a notification wakes the wrong one, and the right one sleeps for ever.
//!
//! Invariant: a future wakes the task that polled it last. Here, a start-up that is tired of waiting
//! for its database leaves the rest to a background task, which still hears of the database.

use std::time::Duration;

use dacapo::task::spawn_named;
use dacapo::time::{sleep, timeout};
use event_listener::Event;

const WARM_UP: Duration = Duration::from_secs(5);

pub async fn scenario() {
    let event = Event::new();
    let mut ready = event.listen();
    spawn_named("database", async move {
        sleep(WARM_UP).await;
        event.notify(1);
    });
    if timeout(WARM_UP, &mut ready).await.is_err() {
        spawn_named("migrations", ready).await.unwrap();
    }
}
