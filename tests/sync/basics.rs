//! The semaphore, by example; its laws are in `sync_laws`.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;

use crate::support::{assert_parts, millis, panic_of};
use dacapo::scheduler::Exhaustive;
use dacapo::sync::{Semaphore, TryAcquireError};
use dacapo::task::{spawn, yield_now};
use dacapo::time::sleep;
use dacapo::{explore, run};

#[test]
fn permits_go_to_waiters_in_their_order() {
    let report = explore(Exhaustive::new(), async || {
        let semaphore = Rc::new(Semaphore::new(1));
        let order = Rc::new(Cell::new(0));
        let permit = semaphore.acquire().await.unwrap();
        for n in 1..=3 {
            let (semaphore, order) = (semaphore.clone(), order.clone());
            spawn(async move {
                sleep(millis(n)).await;
                let _permit = semaphore.acquire().await.unwrap();
                order.set(order.get() * 10 + n);
            });
        }
        sleep(millis(5)).await;
        drop(permit);
        sleep(millis(5)).await;
        order.get()
    });
    assert_eq!(report.outcomes().len(), 1);
    assert_eq!(report.outcomes()[0].text(), "123");
}

#[test]
fn a_waiter_that_wants_more_is_not_overtaken() {
    run(async || {
        let semaphore = Rc::new(Semaphore::new(1));
        let held = semaphore.acquire().await.unwrap();
        let mut both = Box::pin(semaphore.acquire_many(2));
        assert!(futures::poll!(&mut both).is_pending());
        let mut one = Box::pin(semaphore.acquire());
        assert!(futures::poll!(&mut one).is_pending());
        drop(held);
        assert!(futures::poll!(&mut one).is_pending(), "the one permit is not for this waiter");
        assert_eq!(semaphore.try_acquire().unwrap_err(), TryAcquireError::NoPermits);
        drop(both);
        let permit = one.await.unwrap();
        assert_eq!(permit.num_permits(), 1);
    })
    .unwrap();
}

#[test]
fn a_permit_handed_to_a_waiter_that_is_dropped_is_handed_on() {
    run(async || {
        let semaphore = Semaphore::new(1);
        let held = semaphore.acquire().await.unwrap();
        let mut first = Box::pin(semaphore.acquire());
        let mut second = Box::pin(semaphore.acquire());
        assert!(futures::poll!(&mut first).is_pending());
        assert!(futures::poll!(&mut second).is_pending());
        drop(held);
        // It has the permit, and does not know it yet.
        drop(first);
        second.await.unwrap().forget();
        assert_eq!(semaphore.available_permits(), 0);
        semaphore.add_permits(2);
        assert_eq!(semaphore.available_permits(), 2);
    })
    .unwrap();
}

#[test]
fn closing_ends_all_waiting() {
    run(async || {
        let semaphore = Arc::new(Semaphore::new(1));
        let held = semaphore.clone().acquire_owned().await.unwrap();
        let mut served = Box::pin(semaphore.acquire());
        let mut waiting = Box::pin(semaphore.acquire());
        assert!(futures::poll!(&mut served).is_pending());
        assert!(futures::poll!(&mut waiting).is_pending());
        assert_eq!(held.num_permits(), 1);
        drop(held);
        semaphore.close();
        assert!(semaphore.is_closed());
        let permit = served.await.expect("it was served before the closing");
        assert_eq!(waiting.await.unwrap_err().to_string(), "semaphore closed");
        assert!(semaphore.acquire().await.is_err());
        assert_eq!(semaphore.try_acquire().unwrap_err(), TryAcquireError::Closed);
        drop(permit);
        assert_eq!(semaphore.available_permits(), 1);
    })
    .unwrap();
}

#[test]
fn it_works_outside_of_a_run() {
    futures::executor::block_on(async {
        let semaphore = Semaphore::new(1);
        let permit = semaphore.acquire().await.unwrap();
        let (waited, ()) = dacapo::future::join(semaphore.acquire(), async {
            yield_now().await;
            drop(permit);
        })
        .await;
        waited.unwrap().forget();
    });
}

#[test]
fn misuse_is_told() {
    assert_parts(&panic_of(|| Semaphore::new(usize::MAX)), &["MAX_PERMITS"]);
    let semaphore = Semaphore::new(1);
    assert_parts(&panic_of(|| semaphore.add_permits(usize::MAX)), &["MAX_PERMITS"]);
    let run = run(async || {
        let semaphore = Semaphore::new(1);
        let mut acquire = Box::pin(semaphore.acquire());
        drop((&mut acquire).await);
        drop(acquire.await);
    });
    assert_parts(&run.failure().unwrap().to_string(), &["`acquire` was polled after completion"]);
}
