//! Combinators: properties against models, types of other crates, and what is kept when a future is dropped
//! at each of its awaits.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::future::{Future, pending};
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use crate::support::{cases, millis};
use dacapo::cancel::catch;
use dacapo::future::{
    WaitUntil, as_completed, join, shield, task_group, try_gather, wait, with_resource,
};
use dacapo::scheduler::{Exhaustive, Random};
use dacapo::task::{spawn, spawn_blocking, yield_now};
use dacapo::time::{Instant, interval, sleep, timeout, timeout_scope, wait_for};
use dacapo::{check, explore, gather, run, select, task_local};
use proptest::prelude::*;

/// How long each task takes, in milliseconds, and whether it panics then.
fn jobs() -> impl Strategy<Value = Vec<(u64, bool)>> {
    prop::collection::vec((0..5_u64, prop::bool::weighted(0.2)), 1..6)
}

async fn job((time, fails): (u64, bool), n: usize) -> usize {
    sleep(millis(time)).await;
    if fails {
        std::panic::resume_unwind(Box::new("a job that fails"));
    }
    n
}

proptest! {
    #![proptest_config(cases(60))]

    /// The n-th result is the result of the n-th future, and gather ends with the last of them.
    #[test]
    fn gather_keeps_the_order(jobs in jobs()) {
        check(Random::seeds(0..10), async || {
            let futures: Vec<_> = jobs.iter().enumerate().map(|(n, &spec)| job(spec, n)).collect();
            let results = gather(futures).await;
            assert_eq!(Instant::now().since_start(), millis(jobs.iter().map(|job| job.0).max().unwrap()));
            for (n, result) in results.into_iter().enumerate() {
                assert_eq!(result.map_err(|error| error.is_panic()), if jobs[n].1 { Err(true) } else { Ok(n) });
            }
        });
    }

    /// It returns as soon as its condition holds, with the tasks that had ended by then.
    #[test]
    fn wait_returns_at_the_first_instant(jobs in jobs(), which in 0..3_usize, limit in 0..6_u64) {
        let until = [WaitUntil::FirstCompleted, WaitUntil::FirstException, WaitUntil::AllCompleted][which];
        let all = jobs.iter().map(|job| job.0).max().unwrap();
        let first = jobs.iter().map(|job| job.0).min().unwrap();
        let failed = jobs.iter().filter(|job| job.1).map(|job| job.0).min().unwrap_or(all);
        let at = [first, failed, all][which].min(limit);
        check(Random::seeds(0..10), async || {
            let tasks: Vec<_> = jobs.iter().enumerate().map(|(n, &spec)| spawn(job(spec, n))).collect();
            let (done, pending) = wait(&tasks).until(until).timeout(millis(limit)).await;
            assert_eq!(Instant::now().since_start(), millis(at));
            assert!(done.iter().all(|task| task.is_finished()));
            assert_eq!(done.len() + pending.len(), tasks.len());
            for (task, &(time, _)) in tasks.iter().zip(&jobs) {
                let is_done = done.iter().any(|other| other.id() == task.id());
                assert!(is_done || time >= at, "it had ended before");
                assert!(!is_done || time <= at, "it ends later");
                task.task().mark_retrieved();
            }
            wait(&tasks).await;
            tasks.iter().for_each(|task| task.task().mark_retrieved());
        });
    }

    /// Tasks come in the order in which they end.
    #[test]
    fn as_completed_is_in_order(jobs in jobs()) {
        check(Random::seeds(0..10), async || {
            let tasks: Vec<_> = jobs.iter().enumerate().map(|(n, &spec)| spawn(job(spec, n))).collect();
            let mut completed = as_completed(&tasks);
            let mut order = Vec::new();
            while let Some(task) = completed.next().await {
                let place = tasks.iter().position(|other| other.id() == task.id()).unwrap();
                assert_eq!(Instant::now().since_start(), millis(jobs[place].0));
                order.push(place);
                task.task().mark_retrieved();
            }
            assert_eq!(order.iter().copied().collect::<BTreeSet<_>>().len(), jobs.len());
        });
    }
}

/// The property can fail: a gather whose results are in the order in which tasks end.
#[test]
fn a_gather_that_forgets_the_order_is_found() {
    let found =
        dacapo::Builder::new().fresh_process(false).try_check(Random::seeds(0..100), async || {
            let results = Rc::new(RefCell::new(Vec::new()));
            let broken = [0, 1].map(|n| {
                let results = results.clone();
                spawn(async move { results.borrow_mut().push(n) })
            });
            gather(&broken).await;
            assert_eq!(results.take(), [0, 1]);
        });
    assert_eq!(found.unwrap_err().schedule().to_string(), "d1:1");
}

/// The property can fail: a wait that takes one turn too many.
#[test]
fn a_wait_that_comes_late_is_found() {
    let found =
        dacapo::Builder::new().fresh_process(false).try_check(Random::seeds(0..100), async || {
            let tasks = [1, 2].map(|time| spawn(sleep(millis(time))));
            let (_, pending) = wait(&tasks).until(WaitUntil::FirstCompleted).await;
            sleep(millis(1)).await;
            assert_eq!(pending.iter().filter(|task| task.is_finished()).count(), 0);
        });
    assert!(found.is_err());
}

#[test]
fn select_takes_whichever_is_first() {
    let report = explore(Exhaustive::new(), async || {
        select! {
            () = sleep(millis(2)) => "two",
            () = sleep(millis(1)) => "one",
        }
    });
    assert_eq!((report.runs(), report.outcomes()[0].text()), (2, "\"one\""), "{report}");
    // Both are ready at once, so either may be polled first.
    let tie = async || {
        select! {
            a = std::future::ready("a") => a,
            b = std::future::ready("b") => b,
        }
    };
    let report = explore(Exhaustive::new(), tie);
    assert_eq!((report.runs(), report.outcomes().len()), (2, 2), "{report}");
    assert_eq!(run(tie).unwrap(), "a");
    let biased = explore(Exhaustive::new(), async || {
        select! {
            biased;
            a = std::future::ready("a") => a,
            b = std::future::ready("b") => b,
        }
    });
    assert_eq!((biased.runs(), biased.outcomes().len()), (1, 1));
    // Of three branches, only those that were woken are part of the choice.
    let woken = explore(Exhaustive::new(), async || {
        select! {
            biased;
            () = pending() => 0,
            () = sleep(millis(1)) => 1,
            () = sleep(millis(1)) => 2,
        }
    });
    assert_eq!(woken.outcomes().len(), 1);
}

#[test]
fn select_leaves_what_is_given_by_reference_and_drops_the_rest() {
    run(async || {
        let dropped = Rc::new(Cell::new(false));
        let flag = OnDrop(dropped.clone());
        let mut kept = pin!(sleep(millis(5)));
        let mut rounds = 0;
        loop {
            select! {
                () = &mut kept => break,
                () = sleep(millis(2)) => rounds += 1,
            }
        }
        assert_eq!(rounds, 2);
        let own = async {
            let _flag = flag;
            pending::<()>().await;
        };
        let was_dropped = select! {
            () = own => false,
            () = sleep(millis(1)) => dropped.get(),
        };
        assert!(was_dropped, "the others are dropped before the branch runs");
    })
    .unwrap();
    // Outside of a run there is no scheduler to ask.
    assert_eq!(
        futures::executor::block_on(async {
            select! { n = async { 1 } => n }
        }),
        1
    );
}

struct OnDrop(Rc<Cell<bool>>);

impl Drop for OnDrop {
    fn drop(&mut self) {
        self.0.set(true);
    }
}

/// Futures that need no particular runtime work unchanged beside dacapo's.
#[test]
fn types_of_other_crates_run_in_one_run_with_ours() {
    check(Random::seeds(0..50), async || {
        let count = Arc::new(tokio::sync::Mutex::new(0));
        let gate = Arc::new(async_lock::Barrier::new(3));
        let ours = Rc::new(dacapo::sync::Semaphore::new(2));
        let (sender, mut receiver) = tokio::sync::mpsc::channel(1);
        let done = Rc::new(tokio::sync::Notify::new());
        let workers: Vec<_> = (0..3)
            .map(|n| {
                let (count, gate, ours, sender) =
                    (count.clone(), gate.clone(), ours.clone(), sender.clone());
                async move {
                    gate.wait().await;
                    let _permit = ours.acquire().await.unwrap();
                    *count.lock().await += 1;
                    sleep(millis(n)).await;
                    sender.send(n).await.unwrap();
                }
            })
            .collect();
        drop(sender);
        let finished = done.clone();
        let collector = spawn(async move {
            let mut all = BTreeSet::new();
            while let Some(n) = receiver.recv().await {
                all.insert(n);
            }
            finished.notify_one();
            all
        });
        let (results, ()) = futures::join!(gather(workers), done.notified());
        results.into_iter().for_each(|result| result.unwrap());
        assert_eq!(collector.await.unwrap().len(), 3);
        assert_eq!(*count.lock().await, 3);
    });
}

#[test]
fn task_locals_belong_to_their_scope() {
    task_local! {
        static NAME: &'static str;
    }
    run(async || {
        assert_eq!(NAME.try_with(|name| *name), None);
        let inner = NAME.scope("inner", async { NAME.with(|name| *name) });
        let outer = NAME.scope("outer", async {
            let inherited = spawn(async { NAME.try_with(|name| *name) });
            (inner.await, NAME.with(|name| *name), inherited.await.unwrap())
        });
        assert_eq!(outer.await, ("inner", "outer", None));
        assert_eq!(NAME.try_with(|name| *name), None);
    })
    .unwrap();
    let message = crate::support::panic_of(|| NAME.with(|name| *name));
    crate::support::assert_parts(&message, &["outside of its scope"]);
}

#[test]
fn a_blocking_function_is_not_stopped() {
    run(async || {
        let done = Rc::new(Cell::new(false));
        let flag = done.clone();
        let task = spawn_blocking(millis(10), move || flag.set(true));
        sleep(millis(1)).await;
        task.cancel();
        assert!(task.await.unwrap_err().is_cancelled());
        assert_eq!(Instant::now().since_start(), millis(1));
        sleep(millis(20)).await;
        assert!(done.get());
        let panicked = spawn_blocking(millis(1), || panic!("boom")).await;
        assert!(panicked.unwrap_err().is_panic());
    })
    .unwrap();
}

#[test]
fn a_resource_is_released_whatever_happens() {
    let how = |body: usize| {
        let run = run(async move || {
            let log = Rc::new(RefCell::new(Vec::new()));
            let inner = log.clone();
            let task = spawn(async move {
                let release = async move |(), exit: dacapo::future::Exit| {
                    sleep(millis(1)).await;
                    inner.borrow_mut().push(format!("{exit:?} {}", Instant::now()));
                };
                let used = with_resource(
                    async {},
                    async |()| match body {
                        0 => {}
                        1 => std::panic::resume_unwind(Box::new("boom")),
                        _ => pending().await,
                    },
                    release,
                );
                match body {
                    3 => drop(wait_for(millis(5), used).await),
                    4 => drop(timeout(millis(5), used).await),
                    _ => used.await,
                }
            });
            sleep(millis(3)).await;
            if body == 2 {
                task.cancel();
            }
            sleep(millis(7)).await;
            let _ = task.await.map_err(|error| error.is_panic());
            log.take().join(", ")
        });
        run.unwrap()
    };
    assert_eq!(how(0), "Exit(Returned) 1 ms");
    assert_eq!(how(1), "Exit(Panicked) 1 ms");
    assert_eq!(how(2), "Exit(Cancelled) 4 ms");
    assert_eq!(how(3), "Exit(Cancelled) 6 ms");
    assert_eq!(how(4), "Exit(Dropped) 6 ms");
}

/// Polls a future `polls` times, with the time that passes between, and drops it; returns whether it
/// had completed.
async fn drop_after<F: Future>(polls: usize, future: F) -> bool {
    let mut future = pin!(future);
    for _ in 0..polls {
        if future.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready() {
            return true;
        }
        sleep(millis(1)).await;
    }
    false
}

/// Drops a future after its first poll, its second, and so on until it completes; after each, `after`
/// checks that nothing is lost.
#[track_caller]
fn dropped_at_each_await(name: &str, program: impl AsyncFn(usize) -> bool) {
    for polls in 0..50 {
        let run = run(async || program(polls).await);
        if let Some(failure) = run.failure() {
            panic!("{name}, dropped after {polls} polls: {failure}");
        }
        if run.unwrap() {
            assert!(polls > 0, "{name} has no await");
            return;
        }
    }
    panic!("{name} does not complete");
}

#[test]
fn nothing_is_lost_where_a_wait_is_dropped() {
    dropped_at_each_await("sleep", async |polls| drop_after(polls, sleep(millis(3))).await);
    dropped_at_each_await("yield_now", async |polls| drop_after(polls, yield_now()).await);
    dropped_at_each_await("tick", async |polls| {
        let mut ticks = interval(millis(3));
        ticks.tick().await;
        let done = drop_after(polls, ticks.tick()).await;
        // A tick whose future was dropped is not lost.
        assert_eq!(ticks.tick().await.since_start(), millis(if done { 6 } else { 3 }));
        done
    });
    dropped_at_each_await("timeout", async |polls| {
        drop_after(polls, timeout(millis(3), pending::<()>())).await
    });
    dropped_at_each_await("wait_for", async |polls| {
        drop_after(polls, wait_for(millis(3), pending::<()>())).await
    });
    dropped_at_each_await("timeout_scope", async |polls| {
        let deadline = Some(Instant::now() + millis(3));
        let done =
            drop_after(polls, timeout_scope(deadline, async |_| pending::<()>().await)).await;
        // Its request for cancellation, if there was one, is gone or taken back.
        assert_eq!(dacapo::cancel::cancelling(), 0);
        done
    });
    dropped_at_each_await("catch", async |polls| {
        let done = drop_after(polls, catch(sleep(millis(3)))).await;
        // No scope is left open: a cancellation ends this task.
        let ended = spawn(async { dacapo::cancel::Cancelled::new().raise().await }).await;
        assert!(ended.is_err_and(|error| error.is_cancelled()));
        done
    });
}

#[test]
fn nothing_is_lost_where_a_wait_for_tasks_is_dropped() {
    let two = || [1, 3].map(|time| spawn(job((time, false), time as usize)));
    dropped_at_each_await("handle", async |polls| {
        let [mut first, second] = two();
        let done = drop_after(polls, &mut first).await;
        assert_eq!(second.await.unwrap(), 3);
        if !done {
            assert_eq!(first.await.unwrap(), 1);
        }
        done
    });
    dropped_at_each_await("join", async |polls| {
        let tasks = two();
        let done = drop_after(polls, tasks[1].task().join()).await;
        let [first, second] = tasks;
        assert_eq!((first.await.unwrap(), second.await.unwrap()), (1, 3));
        done
    });
    dropped_at_each_await("shield", async |polls| {
        let [_, mut second] = two();
        let done = drop_after(polls, shield(&mut second)).await;
        if !done {
            assert_eq!(second.await.unwrap(), 3);
        }
        done
    });
    dropped_at_each_await("wait", async |polls| {
        let tasks = two();
        let done = drop_after(polls, wait(&tasks)).await;
        for (task, output) in tasks.into_iter().zip([1, 3]) {
            assert_eq!(task.await.unwrap(), output);
        }
        done
    });
    dropped_at_each_await("gather of handles", async |polls| {
        let tasks = two();
        let done = drop_after(polls, gather(&tasks)).await;
        for (task, output) in tasks.into_iter().zip([1, 3]) {
            assert_eq!(task.await.unwrap(), output);
        }
        done
    });
    dropped_at_each_await("try_gather of handles", async |polls| {
        let tasks = two();
        let done = drop_after(polls, try_gather(&tasks)).await;
        for (task, output) in tasks.into_iter().zip([1, 3]) {
            assert_eq!(task.await.unwrap(), output);
        }
        done
    });
    dropped_at_each_await("as_completed", async |polls| {
        let mut completed = as_completed(two());
        let done = drop_after(polls, completed.next()).await;
        let mut left = 0;
        while completed.next().await.is_some() {
            left += 1;
        }
        assert_eq!(left, if done { 1 } else { 2 });
        done
    });
}

/// These own their tasks, and cancel them when they are dropped.
#[test]
fn no_task_is_left_where_its_owner_is_dropped() {
    let ended = || {
        let flags = [(); 2].map(|()| Rc::new(Cell::new(false)));
        let guards = flags.clone().map(OnDrop);
        (flags, guards)
    };
    let work = async |guard: OnDrop| {
        sleep(millis(2)).await;
        drop(guard);
        Ok::<_, ()>(())
    };
    dropped_at_each_await("gather", async |polls| {
        let (flags, guards) = ended();
        let done = drop_after(polls, gather(guards.map(work))).await;
        sleep(millis(1)).await;
        assert!(flags.iter().all(|flag| flag.get()));
        done
    });
    dropped_at_each_await("try_gather", async |polls| {
        let (flags, guards) = ended();
        let done = drop_after(polls, try_gather(guards.map(work))).await;
        sleep(millis(1)).await;
        assert!(flags.iter().all(|flag| flag.get()));
        done
    });
    dropped_at_each_await("task_group", async |polls| {
        let (flags, guards) = ended();
        let group = task_group(async |group| {
            for guard in guards {
                group.spawn(work(guard)).unwrap();
            }
            Ok(())
        });
        let done = drop_after(polls, group).await;
        sleep(millis(1)).await;
        assert!(polls == 0 || flags.iter().all(|flag| flag.get()));
        done
    });
    dropped_at_each_await("with_resource", async |polls| {
        let released = Rc::new(Cell::new(false));
        let flag = released.clone();
        let used = with_resource(
            yield_now(),
            async |_| sleep(millis(2)).await,
            async move |(), _| {
                sleep(millis(1)).await;
                flag.set(true);
            },
        );
        let done = drop_after(polls, used).await;
        sleep(millis(5)).await;
        // Unless it was never acquired.
        assert_eq!(released.get(), polls > 1);
        done
    });
    dropped_at_each_await("join of two", async |polls| {
        drop_after(polls, join(sleep(millis(1)), sleep(millis(2)))).await
    });
}

/// Polling one future with a foreign waker does not affect another with the task's own.
#[test]
fn futures_may_change_their_waker() {
    run(async || {
        let mut nap = pin!(sleep(millis(5)));
        assert!(nap.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        nap.await;
        let task = spawn(sleep(millis(5)));
        let mut joined = pin!(task);
        let polled = joined.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        assert!(matches!(polled, Poll::Pending));
        joined.await.unwrap();
        assert_eq!(Instant::now().since_start(), millis(10));
    })
    .unwrap();
}
