//! postage 0.4.1, `oneshot`: a receiver is not told that the sender has gone.
//!
//! Fixed in 0.5.0 (austinjones/postage-rs#44).
//!
//! Dropping the sender notes that it has gone, and does not wake the receiver, which notices only if it
//! has not begun to wait yet.
//!
//! Invariant: the receiver of a sender that was dropped gets `None`. Here a printer has run out of paper,
//! and drops the job together with the means to answer.

use dacapo::task::spawn_named;
use postage::oneshot;
use postage::prelude::Stream;

pub async fn scenario() {
    let (done, mut printed) = oneshot::channel::<u32>();
    spawn_named("printer", async move { drop(done) });
    let clerk = spawn_named("clerk", async move { printed.recv().await });
    assert_eq!(clerk.await.unwrap(), None);
}
