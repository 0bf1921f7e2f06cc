//! Cancelling at every await: what it finds in broken primitives, and that ours are up to it.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use std::task::{Poll, Waker};

use crate::support::{assert_snapshot, is_victim, millis, run_victim};
use dacapo::future::join;
use dacapo::scheduler::{CancelSweep, Random, Swept};
use dacapo::sync::{Barrier, BoundedSemaphore, Condition, Event, Lock, Queue, Semaphore};
use dacapo::task::{JoinHandle, spawn_named, yield_now};
use dacapo::time::{sleep, timeout};
use dacapo::{Builder, CheckError, FailureKind, Faults, Termination, cancel, replay};

/// A check with a sweep, and what that has cancelled.
fn try_sweep<T: Termination>(
    builder: &Builder,
    body: impl AsyncFn() -> T,
) -> (Swept, Result<(), CheckError>) {
    let sweep = CancelSweep::new();
    let swept = sweep.swept();
    let found = builder.try_check(sweep, body);
    (swept, found)
}

#[track_caller]
fn sweep<T: Termination>(builder: &Builder, body: impl AsyncFn() -> T) -> Swept {
    let (swept, found) = try_sweep(builder, body);
    if let Err(error) = found {
        panic!("{error}");
    }
    swept
}

/// The sweep finds something wrong. The report is a snapshot.
#[track_caller]
fn check_broken(name: &str, story: &str, body: impl AsyncFn()) {
    let builder = Builder::new().fresh_process(false);
    let error = try_sweep(&builder, async || body().await).1.expect_err("it is broken");
    // The line that is printed makes the same run; that something was left behind only a sweep looks at.
    let run = replay(error.schedule().to_string().as_str(), async || body().await);
    assert_eq!(run.schedule(), error.schedule());
    assert_eq!(run.is_ok(), error.failure().kind() == FailureKind::Leak);
    assert_snapshot!(format!("sweep_{name}"), story, error.to_string());
}

/// The sweep finds nothing; what it tried is added to a snapshot.
#[track_caller]
fn check_right(name: &str, body: impl AsyncFn()) -> String {
    let sweep = sweep(&Builder::new().fresh_process(false), async || body().await);
    assert!(sweep.runs() > sweep.awaits().len(), "{sweep}");
    format!("{name}\n{sweep}\n")
}

/// A sweep is a scheduler like the others: its plan asks for a comparison of holdings.
#[test]
fn a_check_with_a_sweep_finds_leaks() {
    let builder = Builder::new().fresh_process(false);
    let error = builder.try_check(CancelSweep::new(), a_pool_leaks).expect_err("it leaks");
    assert_eq!(error.failure().kind(), FailureKind::Leak, "{error}");
    let report = builder.explore(CancelSweep::new(), a_pool_leaks);
    assert!(report.failures().next().is_some(), "{report}");
    // Another scheduler may cancel, too, and compares nothing.
    let cancelling = builder.faults(Faults::none().cancellations(1));
    cancelling.check(Random::seeds(0..50), a_pool_leaks);
}

async fn join_all(tasks: impl IntoIterator<Item = JoinHandle<()>>) {
    for task in tasks {
        let joined = task.await;
        assert!(joined.as_ref().err().is_none_or(|error| error.is_cancelled()), "{joined:?}");
    }
}

// Broken ones.

/// A pool that gives its permit back by hand.
async fn leaky_worker(pool: &Semaphore) {
    pool.acquire().await.unwrap().forget();
    sleep(millis(5)).await;
    pool.add_permits(1);
}

async fn a_pool_leaks() {
    let pool = Rc::new(Semaphore::new(1));
    let workers = ["alice", "bob"].map(|name| {
        let pool = pool.clone();
        spawn_named(name, async move {
            // A client that is not served within a second gives up, so that no run is stuck.
            let _ = timeout(millis(1000), leaky_worker(&pool)).await;
        })
    });
    join_all(workers).await;
}

#[test]
fn a_permit_that_is_not_returned() {
    check_broken(
        "permit",
        "A worker gives its permit back by hand, and is dropped before it does.",
        a_pool_leaks,
    );
}

#[test]
fn a_permit_that_is_returned_twice() {
    check_broken(
        "permit_twice",
        "A worker whose work is dropped gives its permit back twice.",
        async || {
            let pool = Rc::new(Semaphore::new(1));
            let worker = spawn_named("worker", {
                let pool = pool.clone();
                async move {
                    let permit = pool.acquire().await.unwrap();
                    let worked = cancel::point("work", yield_now()).await;
                    if worked.is_err() {
                        // The destructor does that as well.
                        pool.add_permits(1);
                    }
                    drop(permit);
                }
            });
            join_all([worker]).await;
        },
    );
}

#[test]
fn a_lock_that_stays_taken() {
    check_broken(
        "lock",
        "A task takes a lock, and is dropped before it releases it.",
        async || {
            let lock = Rc::new(Lock::new());
            let owner = spawn_named("owner", {
                let lock = lock.clone();
                async move {
                    lock.acquire().await;
                    yield_now().await;
                    lock.release().unwrap();
                }
            });
            join_all([owner]).await;
        },
    );
}

#[test]
fn an_item_that_is_lost() {
    check_broken(
        "item",
        "A consumer takes an item out of a queue, and is dropped before it is done with it.",
        async || {
            let queue = Rc::new(Queue::new(0));
            let done = Rc::new(Cell::new(0));
            for n in 1..=2 {
                queue.put_nowait(n).unwrap();
            }
            queue.shutdown(false);
            let workers = ["alice", "bob"].map(|name| {
                let (queue, done) = (queue.clone(), done.clone());
                spawn_named(name, async move {
                    while let Ok(n) = queue.get().await {
                        sleep(millis(n)).await;
                        done.set(done.get() + n);
                        queue.task_done().unwrap();
                    }
                })
            });
            join_all(workers).await;
        },
    );
}

/// Lets one waiter through for each call of `open`. Keeps waiters that have left in its queue.
#[derive(Default)]
struct Gate {
    line: RefCell<VecDeque<(Waker, Rc<Cell<bool>>)>>,
}

impl Gate {
    async fn pass(&self) {
        let open: Rc<Cell<bool>> = Rc::default();
        std::future::poll_fn(|cx| {
            if open.get() {
                return Poll::Ready(());
            }
            self.line.borrow_mut().push_back((cx.waker().clone(), open.clone()));
            Poll::Pending
        })
        .await;
    }

    fn open(&self) {
        let first = self.line.borrow_mut().pop_front();
        if let Some((waker, open)) = first {
            open.set(true);
            waker.wake();
        }
    }
}

#[test]
fn a_waiter_that_is_dead() {
    check_broken(
        "waiter",
        "A gate of one's own keeps a waiter in its line that is gone, and wakes it instead of another.",
        async || {
            let gate = Rc::new(Gate::default());
            let guests = ["alice", "bob"].map(|name| {
                let gate = gate.clone();
                spawn_named(name, async move { gate.pass().await })
            });
            sleep(millis(1)).await;
            for guest in &guests {
                if !guest.is_finished() {
                    gate.open();
                }
            }
            join_all(guests).await;
        },
    );
}

/// Marked futures are dropped in main too, and nothing else is.
#[test]
fn what_is_marked() {
    check_broken(
        "marked",
        "A transfer, which is marked, is dropped between taking the money and giving it.",
        async || {
            let total = Rc::new(Cell::new(0));
            let other = spawn_named("other", async { sleep(millis(1)).await });
            let transfer = async {
                total.set(total.get() - 10);
                yield_now().await;
                total.set(total.get() + 10);
            };
            let _ = cancel::point("transfer", transfer).await;
            other.await.expect("only what is marked is cancelled");
            assert_eq!(total.get(), 0, "money was lost");
        },
    );
}

/// A task that is asked to cancel, and cleans up in a wrong way.
#[test]
fn a_clean_up_that_is_wrong() {
    check_broken(
        "clean_up",
        "A worker that is asked to cancel does not clean up as it should.",
        async || {
            let log = Rc::new(RefCell::new(Vec::new()));
            let worker = spawn_named("worker", {
                let log = log.clone();
                async move {
                    log.borrow_mut().push("begin");
                    let result = cancel::catch(sleep(millis(5))).await;
                    if let Err(cancelled) = result {
                        sleep(millis(5)).await;
                        // It says nothing of its end.
                        match cancelled.raise().await {}
                    }
                    log.borrow_mut().push("end");
                }
            });
            let dropped = worker.await.is_err_and(|error| error.is_cancelled());
            // It was dropped, and did nothing: that may be. But it is not to take its time for nothing.
            let quick = dacapo::time::Instant::now().since_start() < millis(10);
            assert!(!dropped || quick, "the clean-up has cleaned up nothing");
        },
    );
}

// The correct versions.

#[test]
fn our_primitives_pass() {
    let mut tried = String::new();
    tried += &check_right("lock", async || {
        let lock = Rc::new(Lock::new());
        let tasks = ["a", "b", "c"].map(|name| {
            let lock = lock.clone();
            spawn_named(name, async move {
                let _guard = lock.lock().await;
                sleep(millis(1)).await;
            })
        });
        join_all(tasks).await;
        assert!(lock.try_lock().is_some());
    });
    tried += &check_right("semaphore", async || {
        let semaphore = Rc::new(Semaphore::new(3));
        let tasks = [("a", 2), ("b", 3), ("c", 1), ("d", 2)].map(|(name, permits)| {
            let semaphore = semaphore.clone();
            spawn_named(name, async move {
                let _permits = semaphore.acquire_many(permits).await.unwrap();
                sleep(millis(1)).await;
            })
        });
        join_all(tasks).await;
        assert_eq!(semaphore.available_permits(), 3);
    });
    tried += &check_right("bounded semaphore", async || {
        let semaphore = Rc::new(BoundedSemaphore::new(1));
        let tasks = ["a", "b"].map(|name| {
            let semaphore = semaphore.clone();
            spawn_named(name, async move {
                let _permit = semaphore.acquire().await;
                sleep(millis(1)).await;
            })
        });
        join_all(tasks).await;
    });
    tried += &check_right("event", async || {
        let event = Rc::new(Event::new());
        let tasks = ["a", "b"].map(|name| {
            let event = event.clone();
            spawn_named(name, async move { event.wait().await })
        });
        sleep(millis(1)).await;
        event.set();
        join_all(tasks).await;
    });
    tried += &check_right("condition", async || {
        let condition = Rc::new(Condition::new());
        let stock = Rc::new(Cell::new(0));
        let consumers = ["a", "b"].map(|name| {
            let (condition, stock) = (condition.clone(), stock.clone());
            spawn_named(name, async move {
                let mut guard = condition.lock().await;
                condition.wait_for(&mut guard, || stock.get() > 0).await;
                stock.set(stock.get() - 1);
            })
        });
        for n in 0..2 {
            sleep(millis(1)).await;
            let guard = condition.lock().await;
            stock.set(stock.get() + 1);
            condition.notify(1).unwrap();
            drop(guard);
            sleep(millis(1)).await;
            assert!(n > 0 || stock.get() == 0, "one of them is there to take it");
        }
        join_all(consumers).await;
    });
    tried += &check_right("barrier", async || {
        let barrier = Rc::new(Barrier::new(2));
        let tasks = ["a", "b"].map(|name| {
            let barrier = barrier.clone();
            spawn_named(name, async move {
                let _ = timeout(millis(5), barrier.wait()).await;
            })
        });
        join_all(tasks).await;
        assert_eq!(barrier.n_waiting(), 0);
    });
    tried += &check_right("queue", async || {
        let queue = Rc::new(Queue::new(1));
        let producer = spawn_named("producer", {
            let queue = queue.clone();
            async move {
                for n in 0..3 {
                    if queue.put(n).await.is_err() {
                        break;
                    }
                }
            }
        });
        let consumer = spawn_named("consumer", {
            let queue = queue.clone();
            async move {
                while queue.get().await.is_ok() {
                    queue.task_done().unwrap();
                    yield_now().await;
                }
            }
        });
        sleep(millis(1)).await;
        queue.shutdown(false);
        join_all([producer, consumer]).await;
    });
    tried += &check_right("two who wait for an item", async || {
        let queue = Rc::new(Queue::new(0));
        let consumers = ["a", "b"].map(|name| {
            let queue = queue.clone();
            spawn_named(name, async move {
                queue.get().await.unwrap();
                queue.task_done().unwrap();
            })
        });
        sleep(millis(1)).await;
        queue.put_nowait(()).unwrap();
        sleep(millis(1)).await;
        assert!(queue.is_empty(), "one of them is there to take it");
        queue.put_nowait(()).unwrap();
        join_all(consumers).await;
    });
    tried += &check_right("two who wait for a place", async || {
        let queue = Rc::new(Queue::new(1));
        queue.put_nowait(0).unwrap();
        let producers = [1, 2].map(|n| {
            let queue = queue.clone();
            spawn_named(&n.to_string(), async move { queue.put(n).await.unwrap() })
        });
        sleep(millis(1)).await;
        queue.get_nowait().unwrap();
        sleep(millis(1)).await;
        assert!(queue.is_full(), "one of them is there to fill it");
        queue.get_nowait().unwrap();
        join_all(producers).await;
    });
    assert_snapshot!(
        "sweep_right",
        "A correct use of each primitive: how many awaits of each task were cancelled, with nothing left behind.",
        tried
    );
}

/// Cancelled in the middle of several at once.
#[test]
fn what_is_marked_may_be_anywhere() {
    let sweep = sweep(&Builder::new().fresh_process(false), async || {
        let lock = Rc::new(Lock::new());
        let use_it = async |label| {
            let used = async {
                let _guard = lock.lock().await;
                sleep(millis(1)).await;
            };
            cancel::point(label, used).await.is_ok()
        };
        let (a, b) = join(use_it("a"), use_it("b")).await;
        assert!(a || b, "one is cancelled at most");
        assert!(!lock.is_locked());
    });
    assert_eq!(sweep.to_string(), "\"a\": 1 await\n\"b\": 3 awaits\n9 runs\n");
}

/// Where nothing waits there is nothing to cancel.
#[test]
fn a_body_without_awaits() {
    let sweep = sweep(&Builder::new(), async || {});
    assert_eq!((sweep.awaits().len(), sweep.runs()), (0, 1));
    assert!(try_sweep(&Builder::new(), async || assert!(is_victim())).1.is_err());
}

#[test]
fn sweep_victim() {
    if is_victim() {
        dacapo::check(CancelSweep::new(), a_pool_leaks);
    }
}

/// The printed line makes the same failure, in another process.
#[test]
fn the_printed_line_finds_the_leak_again() {
    let (passed, report) = run_victim("sweep_victim", &[]);
    assert!(!passed);
    crate::support::assert_parts(&report, &["permit not returned", "and in a fresh process"]);
    let line = report.lines().find_map(|line| line.strip_prefix("replay now")).unwrap();
    let schedule = line.split('\'').nth(1).unwrap();
    let (passed, again) = run_victim("sweep_victim", &[("DACAPO_REPLAY", schedule)]);
    assert!(!passed);
    crate::support::assert_parts(&again, &["permit not returned", "replayed   DACAPO_REPLAY"]);
}
