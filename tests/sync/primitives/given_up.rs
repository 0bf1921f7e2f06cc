//! A waiter that was told to give up, and has not been polled since, no longer counts. If it stays after
//! all, it gets what is left.

use std::rc::Rc;

use dacapo::cancel::catch;
use dacapo::future::join;
use dacapo::run;
use dacapo::sync::{Condition, Lock, Queue, Semaphore};
use dacapo::task::spawn;
use dacapo::time::sleep;

use super::{check, join_all, waiting};
use crate::support::millis;

#[test]
fn a_lock_is_free_if_only_such_wait() {
    for aborts in [false, true] {
        run(async || {
            let lock = Rc::new(Lock::new());
            lock.acquire().await;
            let waiter = spawn({
                let lock = lock.clone();
                async move { drop(lock.lock().await) }
            });
            sleep(millis(1)).await;
            if aborts {
                waiter.abort();
            } else {
                waiter.cancel();
            }
            lock.release().unwrap();
            let guard = lock.try_lock();
            assert!(guard.is_some(), "no task waits");
            assert!(waiter.await.unwrap_err().is_cancelled());
        })
        .unwrap();
    }
}

#[test]
fn a_semaphore_grants_such_nothing() {
    run(async || {
        let semaphore = Rc::new(Semaphore::new(0));
        let waiter = spawn({
            let semaphore = semaphore.clone();
            async move { drop(semaphore.acquire().await) }
        });
        sleep(millis(1)).await;
        waiter.cancel();
        semaphore.add_permits(1);
        assert_eq!((semaphore.available_permits(), semaphore.is_locked()), (1, false));
        drop(semaphore.try_acquire().unwrap());
    })
    .unwrap();
}

#[test]
fn a_notification_goes_past_such_at_once() {
    check(
        async |log| {
            let condition = Rc::new(Condition::new());
            let mut tasks = waiting(&log, 2, &condition).await;
            let guard = condition.lock().await;
            tasks.remove(0).cancel();
            condition.notify(1).unwrap();
            sleep(millis(3)).await;
            // The second one queues for the lock already, and so this comes after it.
            let third = spawn({
                let (log, condition) = (log.clone(), condition.clone());
                async move {
                    let _guard = condition.lock().await;
                    log.write("third");
                }
            });
            sleep(millis(3)).await;
            drop(guard);
            join_all(tasks).await;
            third.await.unwrap();
        },
        &["8 2", "8 third"],
    );
}

/// The request reaches a scope beside the wait, which goes on.
#[test]
fn a_waiter_that_stays_gets_what_is_left() {
    run(async || {
        let lock = Rc::new(Lock::new());
        let semaphore = Rc::new(Semaphore::new(0));
        let condition = Rc::new(Condition::new());
        let queue = Rc::new(Queue::new(1));
        lock.acquire().await;
        let waits: [futures::future::LocalBoxFuture<'static, ()>; 4] = [
            Box::pin({
                let lock = lock.clone();
                async move { lock.acquire().await }
            }),
            Box::pin({
                let semaphore = semaphore.clone();
                async move { semaphore.acquire().await.unwrap().forget() }
            }),
            Box::pin({
                let condition = condition.clone();
                async move {
                    condition.acquire().await;
                    condition.wait_locked().await.unwrap();
                }
            }),
            Box::pin({
                let queue = queue.clone();
                async move { queue.get().await.unwrap() }
            }),
        ];
        let tasks = waits.map(|wait| {
            spawn(async move {
                let beside = catch(std::future::pending::<()>());
                assert!(join(wait, beside).await.1.is_err());
            })
        });
        sleep(millis(1)).await;
        for task in &tasks {
            task.cancel();
        }
        lock.release().unwrap();
        semaphore.add_permits(1);
        condition.acquire().await;
        condition.notify(1).unwrap();
        condition.release().unwrap();
        queue.put_nowait(()).unwrap();
        for task in tasks {
            task.await.unwrap();
        }
        assert!(lock.is_locked() && queue.is_empty());
        assert_eq!(semaphore.available_permits(), 0);
    })
    .unwrap();
}
