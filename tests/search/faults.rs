//! Fault injection: what each fault does, how reports tell it, and that it happens only where it is
//! allowed.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use crate::support::{assert_snapshot, millis, programs};
use dacapo::scheduler::{Exhaustive, Portfolio, Random};
use dacapo::sync::{Condition, Event, Lock, Queue, Semaphore};
use dacapo::task::{spawn, spawn_named, yield_now};
use dacapo::time::{sleep, timeout};
use dacapo::{Builder, Faults, Schedule, explore, replay, run};
use proptest::prelude::*;

/// Runs with faults find the bug of `body`, and ordinary ones do not. The report is a snapshot.
#[track_caller]
fn check(name: &str, story: &str, faults: Faults, body: impl AsyncFn()) {
    let builder = Builder::new().fresh_process(false);
    let ordinary = builder.try_check(Exhaustive::new(), async || body().await);
    assert!(ordinary.is_ok(), "an ordinary run fails: {}", ordinary.unwrap_err());
    let error = builder.faults(faults).try_check(Random::seeds(0..400), async || body().await);
    let error = error.expect_err("a run with faults fails");
    let run = replay(error.schedule().to_string().as_str(), async || body().await);
    assert_eq!(run.schedule(), error.schedule());
    let failure = run.failure().expect("the least schedule fails");
    assert!(failure.is_same(error.failure()), "{failure}");
    assert_snapshot!(format!("faults_{name}"), story, error.to_string());
}

/// Relies on a returned permit going to the waiter.
async fn relies_on_fairness() {
    let semaphore = Rc::new(Semaphore::new(1));
    let order = Rc::new(RefCell::new(Vec::new()));
    let user = |name: &'static str, after: u64| {
        let (semaphore, order) = (semaphore.clone(), order.clone());
        spawn_named(name, async move {
            sleep(millis(after)).await;
            let _permit = semaphore.acquire().await.unwrap();
            order.borrow_mut().push(name);
            sleep(millis(10)).await;
        })
    };
    let tasks = [user("holder", 0), user("waiter", 5), user("barger", 10)];
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(order.take(), ["holder", "waiter", "barger"], "it is unfair");
}

#[test]
fn barging() {
    // The newcomer comes at the instant of the release, and after the release.
    check(
        "barging",
        "A permit that was given back goes to a newcomer, and the program had relied on the line.",
        Faults::none().barging(),
        relies_on_fairness,
    );
}

#[test]
fn a_lock_is_barged_into_as_well() {
    check(
        "barging_lock",
        "A lock goes to a newcomer, and the program had relied on the line.",
        Faults::none().barging(),
        async || {
            let lock = Rc::new(Lock::new());
            let first = Rc::new(Cell::new(""));
            let guard = lock.lock().await;
            let users = ["waiter", "barger"].map(|name| {
                let (lock, first) = (lock.clone(), first.clone());
                spawn_named(name, async move {
                    sleep(millis(if name == "waiter" { 1 } else { 2 })).await;
                    let _guard = lock.lock().await;
                    if first.get().is_empty() {
                        first.set(name);
                    }
                })
            });
            sleep(millis(2)).await;
            drop(guard);
            for user in users {
                user.await.unwrap();
            }
            assert_eq!(first.get(), "waiter");
        },
    );
}

#[test]
fn spurious() {
    check(
        "spurious",
        "A task is woken for no reason, and takes its second poll for the end of its sleep.",
        Faults::none().spurious(),
        async || {
            let event = Rc::new(Cell::new(false));
            let setter = spawn_named("setter", {
                let event = event.clone();
                async move {
                    sleep(millis(5)).await;
                    event.set(true);
                }
            });
            let consumer = spawn_named("consumer", async move {
                let mut timer = std::pin::pin!(sleep(millis(7)));
                let mut polled = false;
                // Mistakes the second poll for the end.
                std::future::poll_fn(|cx| {
                    let _ = std::future::Future::poll(timer.as_mut(), cx);
                    if std::mem::replace(&mut polled, true) {
                        std::task::Poll::Ready(())
                    } else {
                        std::task::Poll::Pending
                    }
                })
                .await;
                assert!(event.get(), "the consumer goes on too early");
            });
            consumer.await.unwrap();
            setter.await.unwrap();
        },
    );
}

#[test]
fn wake_all() {
    check(
        "wake_all",
        "A notification for one wakes all who wait, and they do not look again.",
        Faults::none().wake_all(),
        async || {
            let condition = Rc::new(Condition::new());
            let stock = Rc::new(Cell::new(0));
            let consumers = ["alice", "bob"].map(|name| {
                let (condition, stock) = (condition.clone(), stock.clone());
                spawn_named(name, async move {
                    let mut guard = condition.lock().await;
                    // An `if` that should be a `while`.
                    if stock.get() == 0 {
                        condition.wait(&mut guard).await;
                    }
                    assert!(stock.get() > 0, "woken, and nothing is there");
                    stock.set(stock.get() - 1);
                })
            });
            for _ in 0..2 {
                sleep(millis(5)).await;
                let _guard = condition.lock().await;
                stock.set(stock.get() + 1);
                condition.notify(1).unwrap();
            }
            for consumer in consumers {
                consumer.await.unwrap();
            }
        },
    );
}

#[test]
fn late_timers() {
    check(
        "late_timers",
        "The clock comes late, so that two deadlines pass at once, and the later one's task runs first.",
        Faults::none().late_timers(),
        async || {
            let sent = Rc::new(Cell::new(false));
            let server = spawn_named("server", {
                let sent = sent.clone();
                async move {
                    sleep(millis(20)).await;
                    sent.set(true);
                }
            });
            let client = spawn_named("client", async move {
                sleep(millis(30)).await;
                // Assumes that ten milliseconds are enough.
                assert!(sent.get(), "the server did not send");
            });
            client.await.unwrap();
            server.await.unwrap();
        },
    );
}

#[test]
fn yielding() {
    check(
        "yielding",
        "The await of a free lock gives a turn away, and two take the same number.",
        Faults::none().yielding(),
        async || {
            let lock = Rc::new(Lock::new());
            let next = Rc::new(Cell::new(0));
            let tasks = ["alice", "bob"].map(|name| {
                let (lock, next) = (lock.clone(), next.clone());
                spawn_named(name, async move {
                    // Reads before it has the lock. The lock is free, so nothing comes in between.
                    let mine = next.get();
                    {
                        let _guard = lock.lock().await;
                        next.set(mine + 1);
                    }
                    mine
                })
            });
            let mut numbers = Vec::new();
            for task in tasks {
                numbers.push(task.await.unwrap());
            }
            assert_ne!(numbers[0], numbers[1], "a number was given twice");
        },
    );
}

/// Takes one of two permits by hand, and returns it at the end of its work.
async fn works(pool: &Semaphore) {
    pool.acquire().await.unwrap().forget();
    sleep(millis(5)).await;
    pool.add_permits(1);
}

async fn a_pool_that_leaks() {
    let pool = Rc::new(Semaphore::new(2));
    let workers = ["first", "second"].map(|name| {
        let pool = pool.clone();
        spawn_named(name, async move { works(&pool).await })
    });
    for worker in workers {
        let _ = worker.await;
    }
    assert_eq!(pool.available_permits(), 2, "a permit is gone");
}

#[test]
fn cancellations() {
    check(
        "cancellations",
        "A task is dropped while it holds a connection, which its pool then lacks.",
        Faults::none().cancellations(2),
        a_pool_that_leaks,
    );
}

#[test]
fn asked_to_cancel() {
    check(
        "asked_to_cancel",
        "A task that is asked to cancel swallows the request, and goes on.",
        Faults::none().cancellations(1),
        async || {
            let worker = spawn_named("worker", async {
                // Swallows the cancellation, and starts over.
                while dacapo::cancel::catch(sleep(millis(5))).await.is_err() {}
                assert!(dacapo::cancel::cancelling() == 0, "cancelled, and goes on");
            });
            let _ = worker.await;
        },
    );
}

#[test]
fn marked_cancellations() {
    check(
        "marked_cancellations",
        "A marked future that is to release a lock is dropped before it does.",
        Faults::none().marked_cancellations(1),
        async || {
            let lock = Lock::new();
            lock.acquire().await;
            let release = async {
                sleep(millis(1)).await;
                lock.release().unwrap();
            };
            let _ = dacapo::cancel::point("release", release).await;
            assert!(!lock.is_locked(), "the lock is kept");
        },
    );
}

/// Correct programs stay correct under all schedules with each kind of fault, and the search ends.
#[test]
fn correct_code_survives() {
    let faults = Faults::harmless();
    let counts = [
        ("lock", {
            let builder = Builder::new().faults(faults);
            builder.explore(Exhaustive::new(), async || {
                let lock = Rc::new(Lock::new());
                let n = Rc::new(Cell::new(0));
                let tasks = [(); 2].map(|()| {
                    let (lock, n) = (lock.clone(), n.clone());
                    spawn(async move {
                        let _guard = lock.lock().await;
                        let read = n.get();
                        sleep(millis(1)).await;
                        n.set(read + 1);
                    })
                });
                for task in tasks {
                    task.await.unwrap();
                }
                (n.get(), lock.is_locked())
            })
        }),
        ("queue", {
            let builder = Builder::new().faults(faults.without_yielding());
            builder.explore(Exhaustive::new(), async || {
                let queue = Rc::new(Queue::new(1));
                let producer = queue.clone();
                let task = spawn(async move {
                    for n in 1..=2 {
                        producer.put(n).await.unwrap();
                    }
                });
                let sum = queue.get().await.unwrap() + queue.get().await.unwrap();
                task.await.unwrap();
                sum
            })
        }),
        ("event", {
            let builder = Builder::new().faults(faults);
            builder.explore(Exhaustive::new(), async || {
                let event = Rc::new(Event::new());
                let waits = event.clone();
                let task = spawn(async move { waits.wait().await });
                yield_now().await;
                event.set();
                task.await.is_ok()
            })
        }),
        ("timeout", {
            let builder = Builder::new().faults(faults);
            builder.explore(Exhaustive::new(), async || {
                timeout(millis(2), sleep(millis(5))).await.is_err()
            })
        }),
    ];
    let table: String = counts.iter().map(|(name, report)| format!("{name}\n{report}")).collect();
    assert_snapshot!(
        "faults_exhaustive",
        "Correct programs under all runs with harmless faults: the outcomes are those of ordinary runs.",
        table
    );
}

trait WithoutYielding {
    fn without_yielding(self) -> Self;
}

impl WithoutYielding for Faults {
    fn without_yielding(self) -> Self {
        Faults::none().barging().spurious().wake_all().late_timers()
    }
}

/// Combinators, with every fault and two cancellations anywhere: nothing gets stuck, nothing
/// panics, and everything is returned.
#[test]
fn combinators_survive() {
    use dacapo::future::{GroupError, gather, shield, task_group, wait};
    use dacapo::time::{Instant, timeout_scope, wait_for};

    let body = async || {
        let lock = Rc::new(Lock::new());
        let semaphore = Rc::new(Semaphore::new(2));
        let work = |time: u64| {
            let (lock, semaphore) = (lock.clone(), semaphore.clone());
            async move {
                let _permit = semaphore.acquire().await.unwrap();
                sleep(millis(time)).await;
                let _guard = lock.lock().await;
                yield_now().await;
            }
        };
        let tasks: Vec<_> = [
            spawn({
                let works = [work(1), work(2)];
                async move { drop(gather(works).await) }
            }),
            spawn({
                let (one, two) = (work(2), work(1));
                async move {
                    let group = task_group(async |group| {
                        for work in [one, two] {
                            let spawned = group.spawn(async move {
                                work.await;
                                Ok::<(), String>(())
                            });
                            assert!(spawned.is_ok());
                        }
                        Ok(())
                    });
                    let group: Result<(), GroupError<String>> = group.await;
                    drop(group);
                }
            }),
            spawn({
                let work = work(3);
                async move { _ = wait_for(millis(2), work).await }
            }),
            spawn({
                let work = work(2);
                async move { drop(timeout(millis(2), shield(spawn(work))).await) }
            }),
            spawn({
                let work = work(1);
                let deadline = Instant::now() + millis(3);
                async move { _ = timeout_scope(Some(deadline), async |_| work.await).await }
            }),
            spawn({
                let tasks = [spawn(work(1)), spawn(work(2))];
                async move {
                    let ended = wait(&tasks).timeout(millis(2)).await;
                    drop(ended);
                }
            }),
        ]
        .into();
        for task in tasks {
            let joined = task.await;
            assert!(joined.as_ref().err().is_none_or(|error| error.is_cancelled()), "{joined:?}");
        }
        // A late clock may skip one of these, and then the task is not done yet.
        for _ in 0..10 {
            sleep(millis(50)).await;
        }
        assert_eq!((semaphore.available_permits(), lock.is_locked()), (2, false));
    };
    let builder = Builder::new().fresh_process(false).faults(Faults::harmless().cancellations(2));
    builder.check(Random::seeds(0..500), body);
    builder.check(Portfolio::seeds(0..500), body);
}

/// Each seed turns on some of the allowed faults, and the first run of a portfolio is an ordinary one.
#[test]
fn kinds_are_dealt_out() {
    let body = async || drop(spawn(async { sleep(millis(1)).await }).await);
    let allowed = Faults::harmless().cancellations(2);
    let builder = Builder::new().faults(allowed);
    let mut texts = Vec::new();
    for seed in 0..4 {
        let report = builder.explore(Random::seeds(seed..seed + 1), body);
        texts.push(report.outcomes()[0].first_seen().faults().to_string());
    }
    assert_snapshot!(
        "faults_kinds",
        "The kinds of fault that each of the first seeds turns on; each letter is a kind.",
        format!("{texts:?}")
    );
    let report = builder.explore(Portfolio::seeds(0..1), body);
    assert!(report.outcomes()[0].first_seen().faults().is_none());
    assert!(builder.run(body).schedule().faults().is_none());
    let all = builder.explore(Exhaustive::new().max_runs(1), body);
    assert_eq!(all.outcomes()[0].first_seen().faults(), allowed);
}

#[dacapo::test(Random::seeds(0..20), faults = Faults::harmless().cancellations(1))]
async fn the_attribute_takes_it() {
    let lock = Rc::new(Lock::new());
    let user = lock.clone();
    let task = spawn(async move { drop(user.lock().await) });
    drop(lock.lock().await);
    let _ = task.await;
    assert!(!lock.is_locked());
}

/// A thread goes on, even if the tasks that wait for it are cancelled.
#[test]
fn threads_are_not_cancelled() {
    let report = Builder::new().faults(Faults::none().cancellations(3)).explore(
        Exhaustive::new(),
        async || {
            let done = Rc::new(Cell::new(0));
            let thread = done.clone();
            let task = dacapo::task::spawn_blocking(millis(5), move || thread.set(1));
            let _ = task.await;
            sleep(millis(10)).await;
            done.get()
        },
    );
    assert_eq!(report.outcomes().len(), 1, "{report}");
    assert_eq!(report.outcomes()[0].text(), "1");
}

fn faults() -> impl Strategy<Value = Faults> {
    (prop::collection::vec(any::<bool>(), 5), 0..3_u32, 0..3_u32).prop_map(|(on, c, m)| {
        let kinds: [fn(Faults) -> Faults; 5] = [
            Faults::barging,
            Faults::spurious,
            Faults::wake_all,
            Faults::late_timers,
            Faults::yielding,
        ];
        let faults = kinds
            .iter()
            .zip(on)
            .fold(Faults::none(), |faults, (kind, on)| if on { kind(faults) } else { faults });
        faults.cancellations(c).marked_cancellations(m)
    })
}

proptest! {
    #![proptest_config(crate::support::cases(200))]

    /// The laws of ordinary schedules: a replay has the same trace, and the text is the schedule.
    #[test]
    fn schedules_with_faults_replay(
        ops in programs::program(),
        answers in prop::collection::vec(0..3_u32, 0..60),
        seed in 0..3_u64,
        faults in faults(),
    ) {
        let body = || programs::run(ops.clone());
        let schedule = Schedule::new(answers).with_seed(seed).with_faults(faults);
        prop_assert_eq!(schedule.to_string().parse::<Schedule>().unwrap(), schedule.clone());
        let run = replay(schedule, body);
        let pasted = replay(run.schedule().to_string().as_str(), body);
        prop_assert_eq!(run.trace().log().to_string(), pasted.trace().log().to_string());
        prop_assert_eq!(run.trace().hash(), pasted.trace().hash());
        prop_assert_eq!(run.schedule(), pasted.schedule());
        prop_assert_eq!(run.failure(), pasted.failure());
        prop_assert_eq!(pasted.divergence(), None);
    }

    /// If no fault happens, it makes no difference that faults are on.
    #[test]
    fn without_a_deviation_no_fault_happens(ops in programs::program(), faults in faults()) {
        let body = || programs::run(ops.clone());
        let usual = run(body);
        let allowed = replay(Schedule::default().with_faults(faults), body);
        let plain = |run: &dacapo::Run<Vec<String>>| {
            let text = run.trace().log().to_string();
            text.lines().filter(|line| !line.contains("  choice ")).collect::<Vec<_>>().join("\n")
        };
        prop_assert_eq!(plain(&usual), plain(&allowed));
    }

    /// Runs with faults find what ordinary runs find, and shrinking leaves out the faults that are
    /// not needed.
    #[test]
    fn what_is_not_needed_is_left_out(ops in programs::program()) {
        let body = async || drop(programs::run(ops.clone()).await);
        let builder = Builder::new().fresh_process(false);
        if builder.run(body).failure().is_some() {
            let faults = Faults::harmless().cancellations(2);
            let error = builder.faults(faults).try_check(Random::seeds(0..1), body).unwrap_err();
            let least = explore(dacapo::scheduler::Replay::new(error.schedule().clone()), body);
            prop_assert!(least.failures().count() == 1);
        }
    }
}
