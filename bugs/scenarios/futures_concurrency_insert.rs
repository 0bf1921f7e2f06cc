//! futures-concurrency 7.4.0, `FutureGroup`: a future in a place that was used before is not polled.
//!
//! Fixed in 7.4.1 ("fix readiness bug in Group types").
//! A group polls its members that are marked as ready. `insert` does not set the mark. A new slot has it
//! from the start, but the slot of a member that has ended has lost it.
//!
//! Invariant: every future that is put into the group completes. Here notes are pushed to a server, and
//! pushed again if another device was first.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use dacapo::task::spawn_named;
use dacapo::time::sleep;
use futures_concurrency::future::FutureGroup;
use futures_util::StreamExt;

const ROUND_TRIP: Duration = Duration::from_millis(80);

/// Sets the next version, unless another device has done so meanwhile.
async fn push(version: Rc<Cell<u32>>) -> Result<(), Rc<Cell<u32>>> {
    let seen = version.get();
    sleep(ROUND_TRIP).await;
    if version.get() != seen {
        return Err(version);
    }
    version.set(seen + 1);
    Ok(())
}

pub async fn scenario() {
    let versions = [Rc::new(Cell::new(1)), Rc::new(Cell::new(1))];
    let mut pushes = FutureGroup::new();
    for version in &versions {
        pushes.insert(Box::pin(push(Rc::clone(version))));
    }
    let version = Rc::clone(&versions[0]);
    let phone = spawn_named("phone", async move {
        sleep(ROUND_TRIP).await;
        version.set(version.get() + 1);
    });
    while let Some(pushed) = pushes.next().await {
        if let Err(version) = pushed {
            pushes.insert(Box::pin(push(version)));
        }
    }
    phone.await.unwrap();
    assert_eq!(versions.map(|version| version.get()), [3, 2]);
}
