//! Each async method of the primitives, dropped at each of its awaits: right there, or when it has been
//! woken and did not run yet. Nothing is lost by that.

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;

use crate::support::millis;
use dacapo::check;
use dacapo::scheduler::Random;
use dacapo::sync::{
    Barrier, BoundedSemaphore, Condition, Event, LifoQueue, Lock, PriorityQueue, Queue, Semaphore,
};
use dacapo::task::{spawn, yield_now};
use dacapo::time::{sleep, timeout};

/// Where to drop a future: at the first await, when woken there, at the second, and so on.
#[derive(Clone, Copy)]
struct Place(u32);

impl Place {
    /// The output of the future, unless it is dropped before.
    async fn cut<F: Future>(self, future: F) -> Option<F::Output> {
        let mut left = self.0;
        let mut awaited = false;
        let mut future = Some(Box::pin(future));
        poll_fn(|cx| {
            let polled = match &mut future {
                Some(_) if awaited && left == 0 => None,
                Some(future) => {
                    left -= u32::from(awaited);
                    Some(future.as_mut().poll(cx))
                }
                None => unreachable!("it is not polled after completion"),
            };
            awaited = true;
            match polled {
                Some(Poll::Ready(output)) => Poll::Ready(Some(output)),
                Some(Poll::Pending) if left > 0 => {
                    left -= 1;
                    Poll::Pending
                }
                _ => {
                    future = None;
                    Poll::Ready(None)
                }
            }
        })
        .await
    }
}

/// Makes the scenario for one place after the other, until nothing is left to drop. There must be at
/// least this many. It returns whether it got to the end.
#[track_caller]
fn everywhere(least: u32, scenario: impl AsyncFn(Place) -> bool) {
    let places = (0..).map(Place).take_while(|&place| {
        let cut = Cell::new(false);
        check(Random::seeds(0..20), async || {
            if !scenario(place).await {
                cut.set(true);
            }
        });
        cut.get()
    });
    let places = places.count() as u32;
    assert!(places >= least, "there are {places} places only");
}

/// Everything has been done by now.
async fn at_once<T>(future: impl Future<Output = T>) -> T {
    timeout(millis(100), future).await.expect("it waits for what was lost")
}

#[test]
fn lock() {
    everywhere(2, async |place| {
        let lock = Rc::new(Lock::new());
        let guard = lock.lock().await;
        let [first, second] = [place, Place(u32::MAX)].map(|place| {
            let lock = lock.clone();
            spawn(async move {
                let guard = place.cut(lock.lock()).await;
                yield_now().await;
                guard.is_some()
            })
        });
        sleep(millis(1)).await;
        drop(guard);
        assert!(at_once(second).await.unwrap());
        let done = at_once(first).await.unwrap();
        assert!(!lock.is_locked());
        done
    });
    everywhere(2, async |place| {
        let lock = Rc::new(Lock::new());
        lock.acquire().await;
        let task = spawn({
            let lock = lock.clone();
            async move { place.cut(lock.acquire()).await.map(|()| lock.release().unwrap()) }
        });
        sleep(millis(1)).await;
        lock.release().unwrap();
        let done = at_once(task).await.unwrap().is_some();
        assert!(!lock.is_locked());
        done
    });
}

#[test]
fn semaphore() {
    everywhere(2, async |place| {
        let semaphore = Arc::new(Semaphore::new(3));
        let permits = semaphore.acquire_many(3).await.unwrap();
        let [first, second] = [place, Place(u32::MAX)].map(|place| {
            let semaphore = semaphore.clone();
            spawn(async move {
                let permits = place.cut(semaphore.acquire_many(2)).await;
                yield_now().await;
                permits.is_some()
            })
        });
        let owned = spawn({
            let semaphore = semaphore.clone();
            async move { place.cut(semaphore.acquire_owned()).await.is_some() }
        });
        sleep(millis(1)).await;
        drop(permits);
        assert!(at_once(second).await.unwrap());
        let done = at_once(first).await.unwrap() & at_once(owned).await.unwrap();
        assert_eq!(semaphore.available_permits(), 3);
        done
    });
    everywhere(2, async |place| {
        let semaphore = Rc::new(BoundedSemaphore::new(1));
        let permit = semaphore.acquire().await;
        let task = spawn({
            let semaphore = semaphore.clone();
            async move { place.cut(semaphore.acquire()).await.is_some() }
        });
        sleep(millis(1)).await;
        drop(permit);
        let done = at_once(task).await.unwrap();
        assert_eq!(semaphore.available_permits(), 1);
        done
    });
}

#[test]
fn event() {
    everywhere(2, async |place| {
        let event = Rc::new(Event::new());
        let [first, second] = [place, Place(u32::MAX)].map(|place| {
            let event = event.clone();
            spawn(async move { place.cut(event.wait()).await.is_some() })
        });
        sleep(millis(1)).await;
        event.set();
        event.clear();
        assert!(at_once(second).await.unwrap());
        at_once(first).await.unwrap()
    });
}

/// It awaits the notification, and then the lock.
#[test]
fn condition() {
    /// How it waits: with a guard, for a predicate, or without a guard.
    async fn wait(condition: &Condition, how: u32, goods: &Cell<u32>, place: Place) -> bool {
        if how == 2 {
            condition.acquire().await;
            let waited = place.cut(condition.wait_locked()).await;
            return waited.is_some_and(|waited| {
                waited.unwrap();
                condition.release().unwrap();
                true
            });
        }
        let mut guard = condition.lock().await;
        let waited = if how == 0 {
            place.cut(condition.wait(&mut guard)).await
        } else {
            place.cut(condition.wait_for(&mut guard, || goods.get() > 0)).await
        };
        assert_eq!(guard.is_held(), waited.is_some());
        waited.is_some()
    }
    for how in 0..3 {
        everywhere(4, async |place| {
            let shared = Rc::new((Condition::new(), Cell::new(0)));
            let mut tasks = Vec::new();
            for place in [place, Place(u32::MAX)] {
                let shared = shared.clone();
                tasks.push(spawn(async move { wait(&shared.0, how, &shared.1, place).await }));
                sleep(millis(1)).await;
            }
            let (condition, goods) = &*shared;
            let guard = condition.lock().await;
            goods.set(1);
            condition.notify(1).unwrap();
            sleep(millis(1)).await;
            drop(guard);
            sleep(millis(1)).await;
            // If the first one did not use the notification, the second one did.
            let done = tasks[0].is_finished() && !tasks[1].is_finished();
            assert!(tasks[0].is_finished());
            let guard = at_once(condition.lock()).await;
            condition.notify_all().unwrap();
            drop(guard);
            let first = at_once(tasks.remove(0)).await.unwrap();
            assert_eq!(first, done, "the notification went to one of them");
            assert!(at_once(tasks.remove(0)).await.unwrap());
            assert!(!condition.is_locked());
            done
        });
    }
}

#[test]
fn barrier() {
    everywhere(2, async |place| {
        let barrier = Rc::new(Barrier::new(2));
        let spawn_wait = |place: Place| {
            let barrier = barrier.clone();
            spawn(async move { place.cut(barrier.wait()).await })
        };
        let first = spawn_wait(place);
        sleep(millis(1)).await;
        let second = spawn_wait(Place(u32::MAX));
        sleep(millis(1)).await;
        let passed = at_once(first).await.unwrap();
        if !second.is_finished() {
            // The first one has left before this came.
            assert_eq!((passed, barrier.n_waiting()), (None, 1));
            at_once(barrier.wait()).await.unwrap();
        }
        assert_eq!(at_once(second).await.unwrap().map(|result| result.is_ok()), Some(true));
        assert_eq!(barrier.n_waiting(), 0);
        // It can be used again.
        let again = spawn_wait(Place(u32::MAX));
        sleep(millis(1)).await;
        at_once(barrier.wait()).await.unwrap();
        at_once(again).await.unwrap().unwrap().unwrap();
        passed.is_some()
    });
}

/// They do not wait: no task holds the lock of a barrier while others run.
#[test]
fn barrier_reset_and_abort() {
    everywhere(0, async |place| {
        let barrier = Rc::new(Barrier::new(2));
        let waits = spawn({
            let barrier = barrier.clone();
            async move { barrier.wait().await }
        });
        sleep(millis(1)).await;
        let aborted = place.cut(barrier.abort()).await.is_some();
        let reset = place.cut(barrier.reset()).await.is_some();
        assert!(at_once(waits).await.unwrap().is_err());
        aborted && reset
    });
}

macro_rules! queue {
    ($name:ident, $queue:ident) => {
        #[test]
        fn $name() {
            everywhere(2, async |place| {
                let queue = Rc::new($queue::new(1));
                let [first, second] = [place, Place(u32::MAX)].map(|place| {
                    let queue = queue.clone();
                    spawn(async move { place.cut(queue.get()).await })
                });
                sleep(millis(1)).await;
                queue.put_nowait(1).unwrap();
                sleep(millis(1)).await;
                // If the first one did not take it, the second one did.
                at_once(queue.put(2)).await.unwrap();
                let done = first.await.unwrap().is_some();
                assert!(at_once(second).await.unwrap().is_some());
                assert_eq!(queue.len(), usize::from(!done));
                done
            });
            everywhere(2, async |place| {
                let queue = Rc::new($queue::new(1));
                queue.put_nowait(0).unwrap();
                let [first, second] = [(place, 1), (Place(u32::MAX), 2)].map(|(place, item)| {
                    let queue = queue.clone();
                    spawn(async move { place.cut(queue.put(item)).await.is_some() })
                });
                sleep(millis(1)).await;
                let mut items = vec![queue.get_nowait().unwrap()];
                sleep(millis(1)).await;
                items.extend(queue.get_nowait());
                assert!(at_once(second).await.unwrap());
                let done = first.await.unwrap();
                items.extend(queue.get_nowait());
                items.sort_unstable();
                assert_eq!(items, if done { vec![0, 1, 2] } else { vec![0, 2] });
                done
            });
            everywhere(2, async |place| {
                let queue = Rc::new($queue::new(0));
                queue.put_nowait(1).unwrap();
                let [first, second] = [place, Place(u32::MAX)].map(|place| {
                    let queue = queue.clone();
                    spawn(async move { place.cut(queue.join()).await.is_some() })
                });
                sleep(millis(1)).await;
                queue.task_done().unwrap();
                assert!(at_once(second).await.unwrap());
                at_once(first).await.unwrap()
            });
        }
    };
}

queue!(queue, Queue);
queue!(priority_queue, PriorityQueue);
queue!(lifo_queue, LifoQueue);
