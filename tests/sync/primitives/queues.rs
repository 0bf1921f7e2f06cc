//! Queues.

use std::rc::Rc;

use dacapo::run;
use dacapo::sync::{LifoQueue, PriorityQueue, Queue};
use dacapo::task::{spawn, yield_now};
use dacapo::time::sleep;

use super::{check, join_all, one_by_one};
use crate::support::millis;

#[test]
fn queues_give_in_their_order() {
    fn drain(get: impl Fn() -> Option<&'static str>) -> Vec<&'static str> {
        std::iter::from_fn(get).collect()
    }
    let items = ["b", "a", "c"];
    let (fifo, lifo, least) = (Queue::new(3), LifoQueue::new(3), PriorityQueue::new(3));
    for item in items {
        fifo.put_nowait(item).unwrap();
        lifo.put_nowait(item).unwrap();
        least.put_nowait(item).unwrap();
    }
    assert!(fifo.is_full() && lifo.is_full() && least.is_full());
    assert_eq!((fifo.len(), fifo.maxsize()), (3, 3));
    assert_eq!(drain(|| fifo.get_nowait().ok()), ["b", "a", "c"]);
    assert_eq!(drain(|| lifo.get_nowait().ok()), ["c", "a", "b"]);
    assert_eq!(drain(|| least.get_nowait().ok()), ["a", "b", "c"]);
    assert!(fifo.is_empty() && !Queue::<()>::default().is_full());
    assert_eq!(format!("{fifo:?}"), "Queue { len: 0, maxsize: 3, .. }");
}

/// Of equal ones, the first is the first.
#[test]
fn a_priority_queue_is_stable() {
    #[derive(Debug, PartialEq, Eq)]
    struct Job(u32, &'static str);
    impl Ord for Job {
        fn cmp(&self, other: &Self) -> std::cmp::Ordering {
            self.0.cmp(&other.0)
        }
    }
    impl PartialOrd for Job {
        fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
            Some(self.cmp(other))
        }
    }
    let queue = PriorityQueue::new(0);
    for (n, name) in [(1, "a"), (0, "b"), (1, "c"), (0, "d"), (1, "e")] {
        queue.put_nowait(Job(n, name)).unwrap();
    }
    let names: Vec<_> = std::iter::from_fn(|| queue.get_nowait().ok()).map(|job| job.1).collect();
    assert_eq!(names, ["b", "d", "a", "c", "e"]);
}

#[test]
fn getters_and_putters_are_served_in_order() {
    check(
        async |log| {
            let queue = Rc::new(Queue::new(1));
            let getters = one_by_one(&log, 2, |n| {
                let (queue, log) = (queue.clone(), log.clone());
                async move {
                    let item: &str = queue.get().await.unwrap();
                    log.write(format!("{n} gets {item}"));
                }
            })
            .await;
            for item in ["a", "b"] {
                queue.put(item).await.unwrap();
                sleep(millis(1)).await;
            }
            join_all(getters).await;
            queue.put("c").await.unwrap();
            let putters = one_by_one(&log, 2, |n| {
                let queue = queue.clone();
                async move { queue.put(["d", "e"][n as usize - 1]).await.unwrap() }
            })
            .await;
            for _ in 0..3 {
                log.write(queue.get().await.unwrap());
                sleep(millis(1)).await;
            }
            join_all(putters).await;
        },
        &["2 1 gets a", "2 1", "3 2 gets b", "3 2", "6 c", "6 1", "7 d", "7 2", "8 e"],
    );
}

#[test]
fn a_task_that_finds_the_lock_taken_waits_again_at_the_end() {
    check(
        async |log| {
            let queue = Rc::new(Queue::new(0));
            let tasks = one_by_one(&log, 2, |n| {
                let (queue, log) = (queue.clone(), log.clone());
                async move {
                    let item: u32 = queue.get().await.unwrap();
                    log.write(format!("{n} gets {item}"));
                }
            })
            .await;
            queue.put_nowait(1).unwrap();
            assert_eq!(queue.get().await, Ok(1), "no turn is given away");
            sleep(millis(1)).await;
            for item in [2, 3] {
                queue.put_nowait(item).unwrap();
                sleep(millis(1)).await;
            }
            join_all(tasks).await;
        },
        &["3 2 gets 2", "3 2", "4 1 gets 3", "4 1"],
    );
}

#[test]
fn an_item_for_a_getter_that_is_cancelled_goes_to_the_next() {
    check(
        async |log| {
            let queue = Rc::new(Queue::new(1));
            let mut tasks = one_by_one(&log, 2, |_| {
                let queue = queue.clone();
                async move { queue.get().await.unwrap() }
            })
            .await;
            queue.put_nowait(()).unwrap();
            tasks.remove(0).cancel();
            join_all(tasks).await;
        },
        &["2 2"],
    );
    check(
        async |log| {
            let queue = Rc::new(Queue::new(1));
            queue.put_nowait(0).unwrap();
            let mut tasks = one_by_one(&log, 2, |n| {
                let queue = queue.clone();
                async move { queue.put(n).await.unwrap() }
            })
            .await;
            assert_eq!(queue.get_nowait(), Ok(0));
            tasks.remove(0).abort();
            join_all(tasks).await;
            assert_eq!(queue.get_nowait(), Ok(2));
        },
        &["2 2"],
    );
}

/// That one was not woken: the item is still for the first.
#[test]
fn a_getter_that_is_cancelled_while_it_waits_wakes_no_other() {
    check(
        async |log| {
            let queue = Rc::new(Queue::new(1));
            let mut tasks = one_by_one(&log, 3, |_| {
                let queue = queue.clone();
                async move { queue.get().await.unwrap() }
            })
            .await;
            queue.put_nowait(()).unwrap();
            tasks.remove(1).cancel();
            sleep(millis(1)).await;
            queue.put_nowait(()).unwrap();
            join_all(tasks).await;
        },
        &["3 1", "4 3"],
    );
    check(
        async |log| {
            let queue = Rc::new(Queue::new(1));
            queue.put_nowait(0).unwrap();
            let mut tasks = one_by_one(&log, 3, |n| {
                let queue = queue.clone();
                async move { queue.put(n).await.unwrap() }
            })
            .await;
            queue.get_nowait().unwrap();
            tasks.remove(1).cancel();
            sleep(millis(1)).await;
            assert_eq!(queue.get_nowait(), Ok(1));
            join_all(tasks).await;
        },
        &["3 1", "4 3"],
    );
}

#[test]
fn join_waits_until_all_items_are_done() {
    check(
        async |log| {
            let queue = Rc::new(Queue::new(0));
            queue.join().await;
            assert!(queue.task_done().is_err());
            for item in 0..2 {
                queue.put_nowait(item).unwrap();
            }
            let joiner = spawn({
                let (queue, log) = (queue.clone(), log.clone());
                async move {
                    queue.join().await;
                    log.write("joined");
                }
            });
            for _ in 0..2 {
                queue.get().await.unwrap();
                sleep(millis(5)).await;
                queue.task_done().unwrap();
            }
            // It returns although there is another one when it runs.
            queue.put_nowait(3).unwrap();
            joiner.await.unwrap();
            let error = "no item of the queue is unfinished";
            queue.task_done().unwrap();
            assert_eq!(queue.task_done().unwrap_err().to_string(), error);
        },
        &["10 joined"],
    );
}

#[test]
fn a_queue_that_is_shut_down_ends_all_waiting() {
    run(async || {
        let queue = Rc::new(Queue::new(1));
        queue.put_nowait(1).unwrap();
        assert!(!queue.put_nowait(2).unwrap_err().is_shut_down());
        let putter = spawn({
            let queue = queue.clone();
            async move { queue.put(2).await }
        });
        yield_now().await;
        queue.shutdown(false);
        assert_eq!(putter.await.unwrap().unwrap_err().into_inner(), 2);
        assert!(queue.put_nowait(3).unwrap_err().is_shut_down());
        assert_eq!(queue.put(3).await.unwrap_err().to_string(), "the queue is shut down");
        assert_eq!(queue.get().await, Ok(1));
        assert!(queue.get().await.is_err());
        assert!(queue.get_nowait().unwrap_err().is_shut_down());

        let queue = Rc::new(Queue::new(0));
        let getter = spawn({
            let queue = queue.clone();
            async move { queue.get().await }
        });
        yield_now().await;
        assert!(!queue.get_nowait().unwrap_err().is_shut_down());
        queue.put_nowait(1).unwrap();
        queue.shutdown(true);
        queue.join().await;
        assert!(queue.is_empty() && getter.await.unwrap().is_err());
    })
    .unwrap();
}
