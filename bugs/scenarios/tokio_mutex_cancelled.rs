//! tokio 0.2.3, `sync::Mutex`: a `lock` that is cancelled takes the mutex with it.
//!
//! Fixed in 0.2.4 (tokio-rs/tokio#1898).
//! A task that is cancelled while it waits for the lock leaves its place in the queue behind. The next
//! unlock hands the lock to that place, where no task is, and the mutex is never free again.
//!
//! Invariant: every waiter gets the lock. Here a request that may be waiting is cancelled, because its
//! client has hung up, and the next request must still be served.

use std::rc::Rc;
use std::time::Duration;

use dacapo::task::spawn_named;
use dacapo::time::sleep;
use tokio::sync::Mutex;

async fn request(served: Rc<Mutex<u32>>) {
    *served.lock().await += 1;
}

async fn audit(served: Rc<Mutex<u32>>) {
    let _nobody_else = served.lock().await;
    sleep(Duration::from_secs(3)).await;
}

pub async fn scenario() {
    let served = Rc::new(Mutex::new(0));
    let first = spawn_named("request", request(Rc::clone(&served)));
    spawn_named("audit", audit(Rc::clone(&served)));
    sleep(Duration::from_secs(1)).await;
    first.abort();
    request(served).await;
}
