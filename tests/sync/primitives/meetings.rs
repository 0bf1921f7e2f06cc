//! Conditions and barriers.

use std::rc::Rc;
use std::sync::Arc;

use dacapo::cancel::catch;
use dacapo::run;
use dacapo::sync::{Barrier, Condition, Lock};
use dacapo::task::spawn;
use dacapo::time::{sleep, timeout, wait_for};

use super::{check, join_all, one_by_one, waiting};
use crate::support::{assert_parts, millis, panic_of};

// The condition.

#[test]
fn a_condition_wakes_as_many_as_asked_in_their_order() {
    check(
        async |log| {
            let condition = Rc::new(Condition::new());
            let tasks = waiting(&log, 4, &condition).await;
            for n in [2, usize::MAX] {
                let guard = condition.lock().await;
                condition.notify(n).unwrap();
                // Waiters that were woken queue for the lock.
                sleep(millis(6)).await;
                drop(guard);
                sleep(millis(10)).await;
            }
            join_all(tasks).await;
            // In which order they queued is for the scheduler to choose.
            log.0.borrow_mut().sort();
        },
        &["10 1", "10 2", "26 3", "26 4"],
    );
}

#[test]
fn a_condition_needs_its_lock() {
    run(async || {
        let condition = Condition::new();
        let text = "the lock of the condition is not taken";
        assert_eq!(condition.notify(1).unwrap_err().to_string(), text);
        assert!(condition.notify_all().is_err() && condition.wait_locked().await.is_err());
        condition.acquire().await;
        assert!(condition.is_locked());
        condition.notify(1).unwrap();
        condition.release().unwrap();
        assert!(condition.release().is_err());
    })
    .unwrap();
    let other = run(async || {
        let (condition, other) = (Condition::new(), Lock::new());
        condition.wait(&mut other.lock().await).await;
    });
    assert_parts(&other.failure().unwrap().to_string(), &["was given the guard of another lock"]);
    let lost = run(async || {
        let condition = Condition::new();
        let mut guard = condition.lock().await;
        assert!(timeout(millis(1), condition.wait(&mut guard)).await.is_err());
        assert!(!guard.is_held() && !condition.is_locked());
        condition.wait(&mut guard).await;
    });
    assert_parts(&lost.failure().unwrap().to_string(), &["lock again after a dropped wait"]);
}

#[test]
fn conditions_may_share_a_lock() {
    check(
        async |log| {
            let lock = Arc::new(Lock::new());
            let [a, b] = [(); 2].map(|()| Rc::new(Condition::with_lock(lock.clone())));
            let both = [a.clone(), b.clone()];
            let tasks = one_by_one(&log, 2, |n| {
                let condition = both[n as usize - 1].clone();
                async move {
                    let mut guard = condition.lock().await;
                    condition.wait(&mut guard).await;
                }
            })
            .await;
            for condition in [&b, &a] {
                let guard = lock.lock().await;
                condition.notify(1).unwrap();
                drop(guard);
                sleep(millis(10)).await;
            }
            join_all(tasks).await;
        },
        &["2 2", "12 1"],
    );
}

#[test]
fn a_cancelled_condition_takes_its_lock_back_first() {
    check(
        async |log| {
            let condition = Rc::new(Condition::new());
            let waiter = spawn({
                let (log, condition) = (log.clone(), condition.clone());
                async move {
                    let mut guard = condition.lock().await;
                    let waited = catch(condition.wait(&mut guard)).await;
                    assert_eq!(waited.unwrap_err().message(), Some("second"));
                    assert!(guard.is_held() && condition.is_locked());
                    log.write("cancelled, with the lock");
                }
            });
            sleep(millis(1)).await;
            let guard = condition.lock().await;
            waiter.cancel_with("first");
            sleep(millis(5)).await;
            // It queues for the lock, and this does not keep it from that.
            waiter.cancel_with("second");
            sleep(millis(5)).await;
            log.write("released");
            drop(guard);
            waiter.await.unwrap();
            assert!(!condition.is_locked());
        },
        &["11 released", "11 cancelled, with the lock"],
    );
}

#[test]
fn a_notification_of_a_cancelled_waiter_goes_to_the_next() {
    for when in ["notified", "queueing for the lock"] {
        check(
            async |log| {
                let condition = Rc::new(Condition::new());
                let mut tasks = waiting(&log, 2, &condition).await;
                let guard = condition.lock().await;
                condition.notify(1).unwrap();
                if when != "notified" {
                    sleep(millis(1)).await;
                }
                let first = tasks.remove(0);
                first.cancel();
                sleep(millis(2)).await;
                drop(guard);
                assert!(first.await.unwrap_err().is_cancelled());
                join_all(tasks).await;
            },
            if when == "notified" { &["4 2"] } else { &["5 2"] },
        );
    }
}

#[test]
fn a_condition_keeps_its_lock_when_its_time_is_up() {
    run(async || {
        let condition = Condition::new();
        let mut guard = condition.lock().await;
        assert!(wait_for(millis(3), condition.wait(&mut guard)).await.is_err());
        assert!(guard.is_held() && condition.is_locked());
        let mut calls = 0;
        condition
            .wait_for(&mut guard, || {
                calls += 1;
                true
            })
            .await;
        assert_eq!(calls, 1);
    })
    .unwrap();
}

// The barrier.

#[test]
fn a_barrier_numbers_its_parties_and_can_be_used_again() {
    check(
        async |log| {
            let barrier = Rc::new(Barrier::new(2));
            let tasks = one_by_one(&log, 4, |n| {
                let (barrier, log) = (barrier.clone(), log.clone());
                async move {
                    let index = barrier.wait().await.unwrap();
                    log.write(format!("{n} is party {index}"));
                    sleep(millis(10 * n)).await;
                }
            })
            .await;
            join_all(tasks).await;
            assert_eq!((barrier.n_waiting(), barrier.parties()), (0, 2));
            log.0.borrow_mut().retain(|line| line.contains("party"));
            log.0.borrow_mut().sort();
        },
        &["1 1 is party 0", "1 2 is party 1", "3 3 is party 0", "3 4 is party 1"],
    );
}

#[test]
fn a_barrier_is_reset_broken_and_mended() {
    run(async || {
        let barrier = Rc::new(Barrier::new(3));
        let wait = || {
            let barrier = barrier.clone();
            spawn(async move { barrier.wait().await })
        };
        let waiting = [wait(), wait()];
        sleep(millis(1)).await;
        assert_eq!(barrier.n_waiting(), 2);
        barrier.reset().await;
        assert_eq!(barrier.n_waiting(), 0, "they are leaving");
        for task in waiting {
            assert_eq!(task.await.unwrap().unwrap_err().to_string(), "barrier broken");
        }
        let waiting = wait();
        sleep(millis(1)).await;
        barrier.abort().await;
        assert!(barrier.is_broken());
        assert!(waiting.await.unwrap().is_err());
        assert!(barrier.wait().await.is_err(), "it is broken until it is reset");
        barrier.reset().await;
        assert!(!barrier.is_broken());
        let waiting = [wait(), wait()];
        sleep(millis(1)).await;
        assert_eq!(timeout(millis(5), barrier.wait()).await, Ok(Ok(2)));
        for task in waiting {
            task.await.unwrap().unwrap();
        }
    })
    .unwrap();
    assert_parts(&panic_of(|| Barrier::new(0)), &["at least one party"]);
}

#[test]
fn a_party_that_is_cancelled_has_not_come() {
    check(
        async |log| {
            let barrier = Rc::new(Barrier::new(2));
            let mut tasks = one_by_one(&log, 1, |_| {
                let barrier = barrier.clone();
                async move {
                    let _ = barrier.wait().await;
                }
            })
            .await;
            tasks.remove(0).cancel();
            sleep(millis(1)).await;
            assert_eq!(barrier.n_waiting(), 0);
            assert!(timeout(millis(5), barrier.wait()).await.is_err());
            assert_eq!(barrier.n_waiting(), 0);
        },
        &[],
    );
}
