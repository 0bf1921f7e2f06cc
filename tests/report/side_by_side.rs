//! Scopes and waits side by side in one task: what is meant for one branch of a combinator reaches that
//! branch, and no other. asyncio has no such thing, so its programs cannot tell.

use std::cell::{Cell, RefCell};
use std::future::pending;
use std::rc::Rc;

use crate::support::millis;
use dacapo::cancel::catch;
use dacapo::future::{task_group, with_resource};
use dacapo::scheduler::Random;
use dacapo::task::{current, spawn, spawn_blocking, yield_now};
use dacapo::time::{Instant, sleep, timeout, wait_for};
use dacapo::{explore, gather, run, select, task_local};
use futures::stream::{FuturesUnordered, StreamExt};

/// The output must be this under every schedule, at this time.
#[track_caller]
fn check<T: PartialEq + std::fmt::Debug>(at: u64, expectation: T, body: impl AsyncFn() -> T) {
    let fifo = run(async || body().await);
    assert_eq!(fifo.elapsed(), millis(at), "{}", fifo.trace().log());
    assert_eq!(fifo.unwrap(), expectation);
    let report = explore(Random::seeds(0..40), async || body().await);
    assert_eq!(report.outcomes().len(), 1, "{report}");
}

#[test]
fn deadlines_side_by_side_strike_their_own() {
    check(3, (true, false), async || {
        let (a, b) = futures::join!(
            wait_for(millis(1), sleep(millis(10))),
            wait_for(millis(5), sleep(millis(3)))
        );
        (a.is_err(), b.is_err())
    });
    check(3, (false, true), async || {
        let (a, b) = futures::join!(
            wait_for(millis(5), sleep(millis(3))),
            wait_for(millis(1), sleep(millis(10)))
        );
        (a.is_err(), b.is_err())
    });
}

#[test]
fn a_deadline_reaches_through_what_polls_only_the_woken() {
    check(1, true, async || {
        let inner = async {
            let mut all: FuturesUnordered<_> =
                (0..3).map(|_| wait_for(millis(5), sleep(millis(3)))).collect();
            while all.next().await.is_some() {}
        };
        wait_for(millis(1), inner).await.is_err()
    });
    // A request is one: one of the scopes has it, though its future is not polled without being woken.
    check(5, 1, async || {
        let task = spawn(async {
            let mut all: FuturesUnordered<_> =
                (0..3).map(|_| async { catch(sleep(millis(5))).await.is_err() }).collect();
            let mut caught = 0;
            while let Some(was_caught) = all.next().await {
                caught += u32::from(was_caught);
            }
            caught
        });
        sleep(millis(1)).await;
        task.cancel();
        task.await.unwrap()
    });
}

#[test]
fn a_deadline_cancels_no_task_of_another_branch() {
    check(4, (true, Some(42)), async || {
        let handle = spawn(async {
            sleep(millis(4)).await;
            42
        });
        let (late, joined) = futures::join!(wait_for(millis(1), sleep(millis(10))), handle);
        (late.is_err(), joined.ok())
    });
    check(4, 42, async || {
        let mut handle = spawn(async {
            sleep(millis(4)).await;
            42
        });
        select! {
            late = wait_for(millis(1), sleep(millis(10))) => assert!(late.is_err()),
            _ = &mut handle => unreachable!(),
        }
        handle.await.unwrap()
    });
}

#[test]
fn a_group_that_fails_strikes_its_own_branch() {
    check(3, (true, true), async || {
        let group = task_group::<(), _>(async |group| {
            group.spawn(async { Err::<(), _>("fails") }).unwrap();
            pending::<()>().await;
            Ok(())
        });
        let (group, other) = futures::join!(group, wait_for(millis(5), sleep(millis(3))));
        (group.is_err(), other.is_ok())
    });
}

#[test]
fn what_is_not_awaited_any_more_is_not_asked() {
    check(5, true, async || {
        let task = spawn(async {
            let handle = spawn(sleep(millis(100)));
            let _ = timeout(millis(1), handle).await;
            pending::<()>().await;
        });
        sleep(millis(5)).await;
        task.cancel();
        task.await.is_err_and(|error| error.is_cancelled())
    });
    check(5, true, async || {
        let task = spawn(async {
            let mut handle = spawn(sleep(millis(100)));
            let _ = timeout(millis(1), &mut handle).await;
            sleep(millis(50)).await;
        });
        sleep(millis(5)).await;
        task.cancel();
        task.await.is_err_and(|error| error.is_cancelled())
    });
    // Of two that are awaited side by side none is asked: the wait as a whole is abandoned.
    check(5, (true, 2), async || {
        let tasks = Rc::new(RefCell::new(Vec::new()));
        let inner = tasks.clone();
        let task = spawn(async move {
            let [a, b] = [(); 2].map(|()| spawn(sleep(millis(100))));
            inner.borrow_mut().extend([a.task(), b.task()]);
            let _ = futures::join!(a, b);
        });
        sleep(millis(5)).await;
        task.cancel();
        let cancelled = task.await.is_err_and(|error| error.is_cancelled());
        let running = tasks.borrow().iter().filter(|task| !task.is_finished()).count();
        (cancelled, running)
    });
}

#[test]
fn the_end_of_a_run_wakes_those_that_clean_up() {
    // A ready task that is dropped, beside one that cleans up.
    run(async || {
        spawn(async {
            let _ = catch(sleep(millis(9))).await;
            sleep(millis(1)).await;
        });
        yield_now().await;
        spawn(async {});
    })
    .unwrap();
    // One whose clean-up waits for tasks that are dropped at the end.
    let released = Rc::new(Cell::new(0));
    for round in 0..3 {
        let flag = released.clone();
        run(async move || {
            spawn(with_resource(
                async {},
                async move |()| match round {
                    0 => drop(gather([sleep(millis(50)), sleep(millis(60))]).await),
                    1 => drop(spawn(sleep(millis(60))).await),
                    _ => pending().await,
                },
                async move |(), _| {
                    sleep(millis(1)).await;
                    flag.set(flag.get() + 1);
                },
            ));
            sleep(millis(1)).await;
        })
        .unwrap();
        assert_eq!(released.get(), round + 1);
    }
}

#[test]
fn a_resource_is_released_when_a_sibling_panics_or_the_run_ends() {
    let count = Rc::new(Cell::new(0));
    let release = |count: &Rc<Cell<u32>>| {
        let count = count.clone();
        async move |(), _| {
            sleep(millis(1)).await;
            count.set(count.get() + 1);
        }
    };
    let inner = count.clone();
    run(async || {
        let task = spawn(async move {
            let used = with_resource(async {}, async |()| sleep(millis(9)).await, release(&inner));
            futures::join!(used, async {
                sleep(millis(1)).await;
                panic!("a sibling");
            });
        });
        assert!(task.await.unwrap_err().is_panic());
        sleep(millis(5)).await;
    })
    .unwrap();
    assert_eq!(count.get(), 1);
    run(async || {
        let used = with_resource(async {}, async |()| sleep(millis(9)).await, release(&count));
        let _ = timeout(millis(1), used).await;
    })
    .unwrap();
    assert_eq!(count.get(), 2, "main returned at once, and the release went on");
    // A service that boxes its futures can have resources too.
    fn boxed() -> std::pin::Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(async {
            with_resource(async { 1 }, async |_: &mut i32| {}, async |_: i32, _| {}).await;
        })
    }
    run(async || boxed().await).unwrap();
}

#[test]
fn odd_ends_are_no_faults_of_ours() {
    check(1, true, async || {
        spawn_blocking(millis(1), || current().cancel())
            .await
            .is_err_and(|error| error.is_cancelled())
    });
    task_local! {
        static KEY: u32;
    }
    struct Asks(Rc<Cell<Option<u32>>>);
    impl Drop for Asks {
        fn drop(&mut self) {
            self.0.set(KEY.try_with(|key| *key));
        }
    }
    check(1, Some(7), async || {
        let seen = Rc::new(Cell::new(None));
        let asks = Asks(seen.clone());
        let scope = KEY.scope(7, async move {
            let _asks = asks;
            sleep(millis(5)).await;
        });
        assert!(timeout(millis(1), scope).await.is_err());
        seen.get()
    });
    // Gathers nested deeper than in any real program.
    check(1, true, async || {
        let mut task = spawn(pending::<()>());
        for _ in 0..500 {
            task = spawn(async move { gather(&[task]).await });
        }
        sleep(millis(1)).await;
        task.cancel();
        task.await.is_err_and(|error| error.is_cancelled())
    });
    check(1, 3, async || {
        let mut all = futures::future::join_all((0..3).map(|n| async move {
            sleep(millis(1)).await;
            n
        }));
        select! {
            done = &mut all => done.len(),
            Some(()) | None = async { pending::<Option<()>>().await } => 0,
        }
    });
    assert_eq!(run(async || Instant::now()).unwrap(), Instant::START);
}
