//! Why a failure fails: what reports say of it.

use std::cell::{Cell, RefCell};
use std::future::{Future, pending};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use crate::support::{assert_parts, assert_snapshot, millis, programs};
use dacapo::future::{as_completed, shield, task_group, try_gather, wait};
use dacapo::scheduler::{Random, Replay};
use dacapo::sync::{Barrier, BoundedSemaphore, Condition, Event, Lock, Queue, Semaphore};
use dacapo::task::{spawn, spawn_named, yield_now};
use dacapo::time::{Instant, interval, sleep, timeout, timeout_scope, wait_for};
use dacapo::{Builder, CheckError, Failure, FailureKind, replay, run, select};
use proptest::prelude::*;

fn found(body: impl AsyncFn()) -> CheckError {
    let builder = Builder::new().fresh_process(false);
    builder.try_check(Random::default(), async || body().await).expect_err("it fails")
}

/// What is said of why each of these programs fails.
#[derive(Default)]
struct Explained(String);

impl Explained {
    #[track_caller]
    fn add(&mut self, name: &str, program: impl AsyncFn()) {
        let error = found(&program);
        let text = error.explanation().expect("it is explained").to_string();
        // It is right about what passes, and says the same each time.
        if let Some(passing) = error.explanation().and_then(|explanation| explanation.passing()) {
            assert!(replay(passing.clone(), &program).is_ok(), "{passing}: {error}");
        }
        assert_eq!(found(&program).explanation().expect("again").to_string(), text);
        self.0.push_str(&format!("{name} ({})\n{text}\n", error.schedule()));
    }
}

/// Tasks that write down their names when they have yielded so often.
async fn order_of<const N: usize>(tasks: [(&str, usize); N]) -> Vec<String> {
    let order = Rc::new(RefCell::new(Vec::new()));
    for (name, yields) in tasks {
        let (order, own) = (Rc::clone(&order), name.to_owned());
        spawn_named(name, async move {
            for _ in 0..yields {
                yield_now().await;
            }
            order.borrow_mut().push(own);
        });
    }
    sleep(millis(1)).await;
    order.take()
}

#[track_caller]
fn assert_order(order: &[String], first: &str, second: &str) {
    let place = |name| order.iter().position(|other| other == name);
    assert!(place(first) < place(second), "{second} came before {first}");
}

/// The task at the head of the queue that is overtaken may have nothing to do with it.
#[test]
fn the_pair_is_the_one_that_matters() {
    let mut text = Explained::default();
    text.add("the second of five and the fourth", async || {
        let order = order_of([("a", 0), ("b", 0), ("c", 0), ("d", 0), ("e", 0)]).await;
        assert_order(&order, "b", "d");
    });
    text.add("the same, each some steps later", async || {
        let order = order_of([("a", 2), ("b", 3), ("c", 1), ("d", 4), ("e", 2)]).await;
        assert_order(&order, "b", "d");
    });
    text.add("the usual order", async || {
        let order = order_of([("slow", 3), ("quick", 1)]).await;
        assert_order(&order, "slow", "quick");
    });
    text.add("at one instant", async || {
        let woken = Rc::new(Cell::new(None));
        for (name, time) in [("first", 5), ("second", 5), ("third", 7)] {
            let woken = Rc::clone(&woken);
            spawn_named(name, async move {
                sleep(millis(time)).await;
                let first = woken.get().is_none();
                woken.set(Some(time));
                assert!(!first || name == "first", "{name} was first");
            });
        }
        sleep(millis(10)).await;
    });
    text.add("a window of two writes", async || {
        let whole = Rc::new(Cell::new(true));
        let own = Rc::clone(&whole);
        spawn_named("writer", async move {
            for _ in 0..5 {
                yield_now().await;
            }
            own.set(false);
            yield_now().await;
            own.set(true);
        });
        let reader = spawn_named("reader", async move { assert!(whole.get(), "half of it") });
        reader.await.unwrap();
    });
    text.add("what other crates wait for", async || {
        let (sender, receiver) = futures::channel::oneshot::channel();
        let lock = Rc::new(async_lock::Mutex::new(0));
        let own = Rc::clone(&lock);
        let reader = spawn_named("reader", async move {
            let _: Result<(), _> = receiver.await;
            assert_ne!(*own.lock().await, 0, "nothing is written");
        });
        spawn_named("writer", async move { *lock.lock().await = 1 });
        spawn_named("starter", async move {
            yield_now().await;
            let _ = sender.send(());
        });
        reader.await.unwrap();
    });
    assert_snapshot!(
        "explained_orders",
        "Why small programs fail whose bug is the order of two turns: what the report says of each.",
        text.0
    );
}

/// What is not enough alone is not said to be.
#[test]
fn several_at_once() {
    let mut text = Explained::default();
    text.add("three the other way round", async || {
        let order = order_of([("a", 0), ("b", 0), ("c", 0)]).await;
        assert_eq!(order, ["c", "b", "a"]);
    });
    text.add("two values", async || {
        let [a, b] = ["a", "b"].map(|name| dacapo::choose(name, 2));
        assert!(a == 1 && b == 1);
    });
    text.add("a value and an order", async || {
        let a = dacapo::choose("a", 2);
        let order = order_of([("b", 0), ("c", 0)]).await;
        assert!(a == 1 && order == ["c", "b"]);
    });
    assert_snapshot!(
        "explained_several",
        "Why programs fail in which one change alone does not help: the report names one, and the nearest run that passes.",
        text.0
    );
}

/// What is not about the order of tasks is named as what it is.
#[test]
fn other_choices() {
    let mut text = Explained::default();
    text.add("a timeout", async || {
        let late = timeout(millis(10), async {
            sleep(millis(4)).await;
            sleep(millis(6)).await;
        });
        assert!(late.await.is_ok(), "it was late");
    });
    text.add("a deadline", async || {
        let late = wait_for(millis(10), sleep(millis(10))).await.is_err();
        assert!(late, "it was in time");
    });
    text.add("select!", async || {
        let first = select! {
            () = async {} => 0,
            () = async {} => 1,
        };
        assert_eq!(first, 0);
    });
    text.add("a value", async || assert_ne!(dacapo::choose("weather", 4), 2));
    text.add("a value that is 0", async || assert_ne!(dacapo::choose("weather", 4), 0));
    assert_snapshot!(
        "explained_choices",
        "Why programs fail whose bug is no order of tasks: a timeout, a deadline, select!, and values that were asked for.",
        text.0
    );
}

#[test]
fn what_fails_always() {
    let mut text = Explained::default();
    text.add("without a choice", async || panic!("in any case"));
    text.add("with choices", async || {
        order_of([("a", 1), ("b", 1)]).await;
        panic!("in any case");
    });
    text.add("with one choice", async || {
        order_of([("a", 0), ("b", 0)]).await;
        panic!("in any case");
    });
    text.add("with values", async || {
        dacapo::choose("size", 3);
        panic!("in any case");
    });
    assert_snapshot!(
        "explained_always",
        "What is said of programs that fail in any order.",
        text.0
    );
}

/// Long runs, and runs that do not end, are explained as far as there is time.
#[test]
fn the_effort_is_bounded() {
    let long = |yields: usize| {
        found(async || {
            let [a, b] = ["a", "b"].map(|name| {
                spawn_named(name, async move {
                    for _ in 0..yields {
                        yield_now().await;
                    }
                })
            });
            a.await.unwrap();
            assert!(!b.is_finished(), "b has ended first");
            b.await.unwrap();
        })
    };
    let explained = |error: CheckError| error.explanation().expect("it is explained").to_string();
    assert_parts(&explained(long(10)), &["why", "no return", "of 64 random walks"]);
    let text = explained(long(1000));
    assert_parts(&text, &["b ran before main", "no return", "random walks"]);
    assert!(!text.contains("of 64"), "{text}");

    let many = found(async || {
        let names = Rc::new(RefCell::new(Vec::new()));
        for name in 0..1000 {
            let names = Rc::clone(&names);
            spawn(async move { names.borrow_mut().push(name) });
        }
        sleep(millis(1)).await;
        assert!(names.borrow().is_sorted(), "out of order");
    });
    assert_parts(&explained(many), &["main/2 ran before main/1", "the other way round it passes"]);

    let endless = async || {
        let stop = Rc::new(Cell::new(false));
        let own = Rc::clone(&stop);
        spawn_named("stopper", async move {
            assert!(!own.get());
            own.set(true);
        });
        yield_now().await;
        while !stop.get() {
            yield_now().await;
        }
    };
    let builder = Builder::new().fresh_process(false).max_steps(100);
    let hold = Replay::new("d1:1x200");
    let error = builder.try_check(hold, endless).expect_err("it does not end");
    assert_eq!(error.failure().kind(), FailureKind::Limit);
    assert_parts(&error.to_string(), &["why", "main ran before stopper"]);
    // A few runs as long as this are all that there is time for.
    let long = Builder::new().fresh_process(false).max_shrink_runs(1).max_steps(100_000);
    let error = long.try_check(Replay::new("d1:1x200000"), endless).expect_err("it does not end");
    assert_eq!(error.failure().kind(), FailureKind::Limit);
    assert!(error.explanation().is_none(), "{error}");
    let few = Builder::new().fresh_process(false).max_explain_runs(5);
    let error = few.try_check(Random::default(), async || assert_eq!(dacapo::choose("n", 2), 0));
    assert!(error.expect_err("it fails").explanation().is_none());
    let without = Builder::new().fresh_process(false).max_explain_runs(0);
    let error = without.try_check(Random::default(), async || assert_eq!(1, 2, "in any case"));
    assert!(error.expect_err("it fails").explanation().is_none());
}

/// What main waits for, in words, if it waits for ever, and in which line that stands.
#[track_caller]
fn check_place(line: u32, body: impl AsyncFnOnce()) {
    let run = run(body);
    let blocked = run.failure().map(Failure::blocked).unwrap_or_default();
    let text = blocked.first().map(ToString::to_string).unwrap_or_default();
    let place = format!(", at {}:{line}", file!());
    assert!(text.starts_with("main waits ") && text.contains(&place), "{text:?}, not {place}");
}

async fn taken() -> Lock {
    let lock = Lock::new();
    lock.acquire().await;
    lock
}

fn forever() -> dacapo::task::JoinHandle<()> {
    spawn(pending())
}

#[test]
#[rustfmt::skip]
fn a_wait_has_the_place_of_its_call() {
    // Each in one line.
    check_place(line!(), async || { sleep(Duration::MAX).await });
    check_place(line!(), async || { let _ = timeout(Duration::MAX, pending::<()>()).await; });
    check_place(line!(), async || { let _ = wait_for(Duration::MAX, pending::<()>()).await; });
    let never = Some(Instant::FAR_FUTURE);
    check_place(line!(), async || { let _ = timeout_scope(never, async |_| pending::<()>().await).await; });
    check_place(line!(), async || { drop(taken().await.lock().await) });
    check_place(line!(), async || { taken().await.acquire().await });
    check_place(line!(), async || { Event::new().wait().await });
    check_place(line!(), async || { drop(Semaphore::new(0).acquire().await) });
    check_place(line!(), async || { drop(Semaphore::new(1).acquire_many(2).await) });
    check_place(line!(), async || { drop(Arc::new(Semaphore::new(0)).acquire_owned().await) });
    check_place(line!(), async || { drop(BoundedSemaphore::new(0).acquire().await) });
    check_place(line!(), async || { Barrier::new(2).wait().await.map(drop).unwrap() });
    check_place(line!(), async || { Queue::<()>::new(0).get().await.unwrap() });
    let full = Queue::new(1);
    full.put_nowait(()).unwrap();
    check_place(line!(), async || { full.put(()).await.unwrap() });
    check_place(line!(), async || { full.join().await });
    let taken = async || { let condition = Condition::new(); condition.acquire().await; condition };
    check_place(line!(), async || { drop(taken().await.lock().await) });
    check_place(line!(), async || { taken().await.acquire().await });
    check_place(line!(), async || { taken().await.wait_locked().await.unwrap() });
    let condition = Condition::new();
    check_place(line!(), async || { condition.wait(&mut condition.lock().await).await });
    check_place(line!(), async || { condition.wait_for(&mut condition.lock().await, || false).await });
    check_place(line!(), async || { forever().task().join().await.unwrap() });
    check_place(line!(), async || { shield(forever()).await.unwrap() });
    check_place(line!(), async || { dacapo::gather(&[forever()]).await });
    check_place(line!(), async || { drop(dacapo::gather([pending::<()>()]).await) });
    check_place(line!(), async || { try_gather(&[forever()]).await.unwrap() });
    check_place(line!(), async || { wait([forever()]).await; });
    check_place(line!(), async || { as_completed([forever()]).next().await; });
    check_place(line!(), async || { select! { () = pending::<()>() => {} } });
    check_place(line!(), async || { select! { done = forever() => done.unwrap() } });
    check_place(line!(), async || { task_group(async |group| group.spawn(pending::<Result<(), ()>>()).map(drop).map_err(drop)).await.unwrap() });
    let far = Duration::MAX;
    check_place(line!(), async || { let mut ticks = interval(far); ticks.tick().await; ticks.tick().await; });
}

/// What was given up, and what has no place, is not told.
#[test]
fn a_wait_that_was_given_up_is_forgotten() {
    let blocked = |body: &dyn Fn() -> std::pin::Pin<Box<dyn Future<Output = ()>>>| {
        let run = run(async || body().await);
        run.failure().expect("it is stuck").blocked()[0].to_string()
    };
    let dropped = blocked(&|| {
        Box::pin(async {
            let event = Event::new();
            let _ = timeout(millis(1), event.wait()).await;
            pending::<()>().await;
        })
    });
    assert_eq!(dropped, "main waits for something outside of dacapo");
    let selected = blocked(&|| {
        Box::pin(async {
            select! {
                () = sleep(millis(9)) => {},
                () = sleep(millis(1)) => {},
            }
            pending::<()>().await;
        })
    });
    assert_eq!(selected, "main waits for something outside of dacapo");
    let handle = blocked(&|| Box::pin(async { forever().await.unwrap() }));
    assert_eq!(handle, "main waits for main/1 to end");
}

proptest! {
    #![proptest_config(crate::support::cases(40))]

    /// Whatever a program does: what is said to pass passes, and the tasks are tasks of the run.
    #[test]
    fn explanations_hold(ops in programs::program()) {
        let body = async || drop(programs::run(ops.clone()).await);
        let builder = Builder::new().fresh_process(false).max_explain_runs(500);
        if let Err(error) = builder.try_check(Random::seeds(0..20), body)
            && let Some(explanation) = error.explanation()
        {
            let failing = replay(error.schedule().clone(), body);
            if let Some(passing) = explanation.passing() {
                prop_assert!(replay(passing.clone(), body).is_ok());
            }
            if let Some((early, late)) = explanation.tasks() {
                let names = failing.trace().names();
                let names: Vec<_> = names.ids().map(|id| names.get(id).to_string()).collect();
                prop_assert!(early != late);
                prop_assert!(names.iter().any(|name| name == early), "{error}");
                prop_assert!(names.iter().any(|name| name == late), "{error}");
            }
            if let Some(step) = explanation.inevitable_from() {
                prop_assert!(step <= failing.steps() as u64);
            }
        }
    }
}

/// One swap is claimed to be enough only if the run with that swap was seen to pass.
#[test]
fn a_task_that_is_held_back_is_not_taken_for_one_swap() {
    let mut text = Explained::default();
    text.add("a counter that is read too early", async || {
        let done = Rc::new(Cell::new(0));
        let own = Rc::clone(&done);
        spawn_named("worker", async move {
            for _ in 0..3 {
                own.set(own.get() + 1);
                yield_now().await;
            }
        });
        for _ in 0..4 {
            yield_now().await;
        }
        assert!(done.get() >= 3, "read too early");
    });
    text.add("two tasks of which one is late", async || {
        let seen = Rc::new(RefCell::new(Vec::new()));
        for name in ["a", "b"] {
            let seen = Rc::clone(&seen);
            spawn_named(name, async move {
                for _ in 0..3 {
                    seen.borrow_mut().push(name);
                    yield_now().await;
                }
            });
        }
        sleep(millis(1)).await;
        let seen = seen.take().concat();
        assert!(!seen.starts_with("bbb"), "{seen}");
    });
    text.add("a task that is spawned only if all goes well", async || {
        let ready = Rc::new(Cell::new(false));
        let own = Rc::clone(&ready);
        spawn_named("starter", async move {
            spawn_named("server", async move { own.set(true) });
        });
        spawn_named("client", async move {
            yield_now().await;
            yield_now().await;
            assert!(ready.get(), "nobody serves");
        });
        sleep(millis(1)).await;
    });
    assert_snapshot!(
        "explained_by_exact_swaps",
        "Only a swap that was made alone is said to pass; otherwise the report says what else does.",
        text.0
    );
}
