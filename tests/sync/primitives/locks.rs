//! Locks, semaphores and events.

use std::rc::Rc;

use dacapo::run;
use dacapo::sync::{BoundedSemaphore, Event, Lock, Semaphore};
use dacapo::task::JoinHandle;
use dacapo::time::{sleep, timeout};

use super::{check, join_all, one_by_one};
use crate::support::millis;

// The lock.

#[test]
fn a_lock_serves_in_the_order_of_asking() {
    check(
        async |log| {
            let lock = Rc::new(Lock::new());
            let guard = lock.lock().await;
            let tasks = one_by_one(&log, 3, |_| {
                let lock = lock.clone();
                async move {
                    let _guard = lock.lock().await;
                    sleep(millis(10)).await;
                }
            })
            .await;
            drop(guard);
            join_all(tasks).await;
            assert!(!lock.is_locked());
        },
        &["13 1", "23 2", "33 3"],
    );
}

#[test]
fn a_released_lock_is_free_but_no_task_overtakes() {
    run(async || {
        let lock = Lock::new();
        let guard = lock.lock().await;
        let mut waiter = Box::pin(lock.lock());
        assert!(futures::poll!(&mut waiter).is_pending());
        drop(guard);
        assert!(!lock.is_locked(), "the waiter did not take it yet");
        assert!(lock.try_lock().is_none());
        let mut third = Box::pin(lock.acquire());
        assert!(futures::poll!(&mut third).is_pending());
        let guard = waiter.await;
        assert!(guard.is_held() && lock.is_locked());
        drop(guard);
        third.await;
        lock.release().unwrap();
        assert_eq!(lock.release().unwrap_err().to_string(), "the lock is not taken");
    })
    .unwrap();
}

#[test]
fn a_lock_handed_to_a_dropped_waiter_goes_to_the_next() {
    for cancels in [false, true] {
        check(
            async |log| {
                let lock = Rc::new(Lock::new());
                let guard = lock.lock().await;
                let mut tasks = one_by_one(&log, 3, |_| {
                    let lock = lock.clone();
                    async move { drop(lock.lock().await) }
                })
                .await;
                drop(guard);
                // It has been woken, and did not run yet.
                let first = tasks.remove(0);
                if cancels {
                    first.cancel();
                } else {
                    first.abort();
                }
                join_all(tasks).await;
            },
            &["3 2", "3 3"],
        );
    }
}

#[test]
fn a_guard_gives_back_once_what_it_holds() {
    let lock = Lock::new();
    let guard = lock.try_lock().unwrap();
    lock.release().unwrap();
    drop(guard);
    assert!(lock.try_lock().is_some());
}

// Semaphores.

#[test]
fn a_semaphore_with_permits_left_still_queues() {
    run(async || {
        let semaphore = Semaphore::new(0);
        let mut first = Box::pin(semaphore.acquire());
        assert!(futures::poll!(&mut first).is_pending());
        semaphore.add_permits(2);
        assert_eq!(semaphore.available_permits(), 1, "one was taken on behalf of the waiter");
        assert!(semaphore.is_locked(), "a task waits");
        let mut second = Box::pin(semaphore.acquire());
        assert!(futures::poll!(&mut second).is_pending());
        assert_eq!(semaphore.available_permits(), 1);
        // When the first one resumes, and sees that there is one more, it wakes the second.
        let permit = first.await.unwrap();
        assert_eq!(semaphore.available_permits(), 0);
        second.await.unwrap().forget();
        drop(permit);
        assert!(!semaphore.is_locked());
    })
    .unwrap();
}

#[test]
fn a_bounded_semaphore_takes_back_what_it_had_and_no_more() {
    run(async || {
        let semaphore = BoundedSemaphore::new(2);
        let permit = semaphore.acquire().await;
        semaphore.try_acquire().unwrap().forget();
        assert!(semaphore.is_locked() && semaphore.try_acquire().is_none());
        semaphore.release().unwrap();
        drop(permit);
        assert_eq!(semaphore.available_permits(), 2);
        let error = semaphore.release().unwrap_err();
        assert_eq!(error.to_string(), "all permits of the semaphore are free");
        // A permit that was returned behind the back of its holder.
        let permit = semaphore.acquire().await;
        semaphore.release().unwrap();
        drop(permit);
        assert_eq!(semaphore.available_permits(), 2);
    })
    .unwrap();
}

// The event.

#[test]
fn an_event_wakes_all_also_if_it_is_cleared_at_once() {
    check(
        async |log| {
            let event = Rc::new(Event::new());
            let tasks = one_by_one(&log, 3, |_| {
                let event = event.clone();
                async move { event.wait().await }
            })
            .await;
            event.set();
            event.clear();
            assert!(!event.is_set());
            sleep(millis(1)).await;
            assert!(tasks.iter().all(JoinHandle::is_finished));
            assert!(timeout(millis(5), event.wait()).await.is_err());
            event.set();
            event.wait().await;
            log.0.borrow_mut().sort();
        },
        &["3 1", "3 2", "3 3"],
    );
}
