//! tokio 0.3.1, `sync::RwLock`: after `downgrade`, a writer gets in beside the reader.
//!
//! Fixed in 0.3.2 (tokio-rs/tokio#2941).
//!
//! A writer holds all permits of the lock. `downgrade` gives back all but one, and then the destructor
//! of the write guard gives all of them back again: enough for another writer, while the first goes on
//! to read.
//!
//! Invariant: no writer while a reader is in. Here, a publisher announces the price that it has just
//! set, which must not change in the meantime.

use std::rc::Rc;

use dacapo::task::{spawn_named, yield_now};
use tokio::sync::RwLock;

pub async fn scenario() {
    let price = Rc::new(RwLock::new(100));
    let discount = spawn_named("discount", {
        let price = Rc::clone(&price);
        async move { *price.write().await -= 30 }
    });
    let publisher = spawn_named("publisher", async move {
        let mut price = price.write().await;
        *price += 5;
        let set = *price;
        let price = price.downgrade();
        yield_now().await;
        (set, *price)
    });
    discount.await.unwrap();
    let (set, published) = publisher.await.unwrap();
    assert_eq!(published, set, "the price was changed under a reader");
}
