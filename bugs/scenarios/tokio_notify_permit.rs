//! tokio 1.4.0, `sync::Notify`: a waiter that is cancelled takes the permit of another with it.
//!
//! Fixed in 1.5.0 (tokio-rs/tokio#3652).
//!
//! `notify_waiters` takes a waiter off the list and wakes it. If it is cancelled before it runs, its
//! destructor finds the list empty and says that no permit is stored, even if `notify_one` has stored
//! one in the meantime.
//!
//! Invariant: one `notify_one` wakes one waiter, now or later. Here a taxi stand hears the news of the
//! day, then a fare is called out; the driver who stood there goes off duty at that very moment, and the
//! next driver should get the fare.

use std::rc::Rc;
use std::time::Duration;

use dacapo::task::spawn_named;
use dacapo::time::{sleep, timeout};
use tokio::sync::Notify;

const SHIFT: Duration = Duration::from_secs(8 * 3600);

pub async fn scenario() {
    let stand = Rc::new(Notify::new());
    spawn_named("dispatcher", {
        let stand = Rc::clone(&stand);
        async move {
            sleep(SHIFT).await;
            stand.notify_waiters(); // news, for every driver there
            stand.notify_one(); // a fare, for one of them or for the next
        }
    });
    let tired = spawn_named("tired driver", {
        let stand = Rc::clone(&stand);
        // The driver goes home then in any case.
        async move { timeout(SHIFT, stand.notified()).await.is_ok() }
    });
    tired.await.unwrap();
    stand.notified().await;
}
