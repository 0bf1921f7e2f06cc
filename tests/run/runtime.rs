//! Tasks: turns, handles, ends.

use std::cell::{Cell, RefCell};
use std::future::{Future, pending, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use crate::support::{assert_parts, millis, panic_of};
use dacapo::schedule::Answer;
use dacapo::scheduler::{Exhaustive, Fifo, Plan, Random};
use dacapo::task::{spawn, spawn_named, yield_now};
use dacapo::time::sleep;
use dacapo::{Builder, FailureKind, explore, gather, run};

/// What tasks write down, in the order in which they do.
#[derive(Clone, Default)]
struct Log(Rc<RefCell<Vec<String>>>);

impl Log {
    fn write(&self, line: impl Into<String>) {
        self.0.borrow_mut().push(line.into());
    }

    fn take(&self) -> Vec<String> {
        self.0.take()
    }
}

/// Runs first in, first out, and compares what was written.
#[track_caller]
fn check(program: impl AsyncFn(Log), expectation: &[&str]) {
    let log = Log::default();
    run(async || program(log.clone()).await).unwrap();
    assert_eq!(log.take(), expectation);
}

/// Says so when it is dropped.
struct OnDrop(Log, &'static str);

impl Drop for OnDrop {
    fn drop(&mut self) {
        self.0.write(self.1);
    }
}

#[test]
fn tasks_take_turns_in_the_order_of_spawning() {
    check(
        async |log| {
            let handles = ["a", "b", "c"].map(|name| {
                let log = log.clone();
                spawn(async move {
                    log.write(format!("{name}1"));
                    yield_now().await;
                    log.write(format!("{name}2"));
                })
            });
            log.write("spawned");
            for handle in handles {
                handle.await.unwrap();
            }
        },
        &["spawned", "a1", "b1", "c1", "a2", "b2", "c2"],
    );
}

#[test]
fn a_task_that_wakes_itself_goes_behind_those_that_it_wakes() {
    check(
        async |log| {
            let waiting: Rc<RefCell<Option<Waker>>> = Rc::default();
            let (slot, other) = (waiting.clone(), log.clone());
            spawn(async move {
                poll_fn(|cx| match slot.replace(Some(cx.waker().clone())) {
                    None => Poll::Pending,
                    Some(_) => Poll::Ready(()),
                })
                .await;
                other.write("the one it woke");
            });
            yield_now().await;
            let mut polled = false;
            poll_fn(|cx| {
                if std::mem::replace(&mut polled, true) {
                    return Poll::Ready(());
                }
                cx.waker().wake_by_ref();
                waiting.borrow().as_ref().unwrap().wake_by_ref();
                Poll::Pending
            })
            .await;
            log.write("the one that woke itself");
        },
        &["the one it woke", "the one that woke itself"],
    );
}

#[test]
fn twice_woken_is_once_polled() {
    let polls = Rc::new(Cell::new(0));
    let count = polls.clone();
    run(async move || {
        let waker: Rc<RefCell<Option<Waker>>> = Rc::default();
        let slot = waker.clone();
        spawn(poll_fn(move |cx| {
            count.set(count.get() + 1);
            slot.replace(Some(cx.waker().clone()));
            Poll::<()>::Pending
        }));
        yield_now().await;
        for _ in 0..3 {
            waker.borrow().as_ref().unwrap().wake_by_ref();
        }
        sleep(millis(1)).await;
    })
    .unwrap();
    assert_eq!(polls.get(), 2);
}

/// The memory of a task that has ended is reused, but not its waker if a clone was kept.
#[test]
fn a_waker_that_is_kept_wakes_no_other_task() {
    let polls = run(async || {
        let (kept, polls) = (Rc::new(RefCell::new(None)), Rc::new(Cell::new(0)));
        // Of the same type, so that the second can have the place of the first.
        let task = |ends: bool| {
            let (kept, polls) = (Rc::clone(&kept), Rc::clone(&polls));
            poll_fn(move |cx| {
                if ends {
                    kept.replace(Some(cx.waker().clone()));
                    return Poll::Ready(());
                }
                polls.set(polls.get() + 1);
                Poll::Pending
            })
        };
        spawn(task(true)).await.unwrap();
        let second = spawn(task(false));
        yield_now().await;
        kept.take().into_iter().for_each(Waker::wake);
        yield_now().await;
        second.abort();
        polls.get()
    });
    assert_eq!(polls.unwrap(), 1);
}

#[test]
fn a_handle_gives_the_output_whenever_it_is_awaited() {
    let output = run(async || {
        let (early, late) = (spawn(async { "early" }), spawn(async { "late" }));
        let early = early.await.unwrap();
        sleep(millis(1)).await;
        assert!(late.is_finished());
        (early, late.await.unwrap(), spawn(async { Rc::new(5) }).await.unwrap())
    });
    assert_eq!(output.unwrap(), ("early", "late", Rc::new(5)));
}

#[test]
fn a_dropped_handle_lets_its_task_go_on() {
    check(
        async |log| {
            let inner = log.clone();
            drop(spawn(async move {
                yield_now().await;
                inner.write("still here");
            }));
            sleep(millis(1)).await;
        },
        &["still here"],
    );
}

#[test]
fn abort_drops_the_future_at_its_await() {
    check(
        async |log| {
            let inner = log.clone();
            let task = spawn(async move {
                let _guard = OnDrop(inner.clone(), "dropped");
                inner.write("started");
                sleep(millis(10)).await;
                inner.write("not reached");
            });
            yield_now().await;
            task.abort();
            assert!(!task.is_finished(), "it ends at its next turn");
            let error = task.await.unwrap_err();
            assert!(error.is_cancelled() && !error.is_panic());
            log.write(error.to_string());
        },
        &["started", "dropped", "main/1 was cancelled"],
    );
}

#[test]
fn abort_reaches_a_task_that_was_woken_and_not_polled_yet() {
    check(
        async |log| {
            let inner = log.clone();
            let task = spawn(async move {
                sleep(millis(1)).await;
                inner.write("not reached");
            });
            let waits = Rc::new(task);
            let aborter = waits.clone();
            // Both wake at 1 ms; this one was set first, so it runs first.
            sleep(millis(1)).await;
            aborter.abort();
            yield_now().await;
            yield_now().await;
            log.write(if waits.is_finished() { "aborted" } else { "running" });
        },
        &["aborted"],
    );
}

#[test]
fn abort_before_the_first_turn_runs_nothing() {
    check(
        async |log| {
            let guard = OnDrop(log.clone(), "dropped");
            let inner = log.clone();
            let task = spawn(async move {
                let _guard = guard;
                inner.write("not reached");
            });
            task.abort();
            assert!(task.await.unwrap_err().is_cancelled());
        },
        &["dropped"],
    );
}

#[test]
fn abort_of_an_ended_task_changes_nothing() {
    let output = run(async || {
        let task = spawn(async { 7 });
        yield_now().await;
        task.abort();
        task.await.unwrap()
    });
    assert_eq!(output.unwrap(), 7);
}

#[test]
fn a_task_may_abort_itself() {
    check(
        async |log| {
            let inner = log.clone();
            let handle: Rc<RefCell<Option<dacapo::task::JoinHandle<()>>>> = Rc::default();
            let own = handle.clone();
            let task = spawn(async move {
                yield_now().await;
                own.borrow().as_ref().unwrap().abort();
                inner.write("until its next await");
                pending::<()>().await;
            });
            handle.replace(Some(task));
            sleep(millis(1)).await;
            let ended = handle.borrow().as_ref().unwrap().is_finished();
            log.write(format!("ended: {ended}"));
        },
        &["until its next await", "ended: true"],
    );
}

#[test]
fn a_panic_reaches_the_task_that_awaits() {
    let message = run(async || {
        let error = spawn(async { panic!("boom {}", dacapo::task::name()) }).await.unwrap_err();
        assert!(error.is_panic());
        assert_eq!(error.to_string(), "main/1 panicked: boom main/1");
        *error.into_panic().downcast::<String>().unwrap()
    });
    assert_eq!(message.unwrap(), "boom main/1");
}

#[test]
fn a_panic_that_is_not_awaited_fails_the_run() {
    #[track_caller]
    fn check(body: impl AsyncFnOnce()) {
        let run = run(body);
        let failure = run.failure().expect("the panic is not lost");
        assert_eq!(failure.kind(), FailureKind::Panic);
        assert_parts(&failure.to_string(), &["worker panicked at tests/run/runtime.rs:", ": boom"]);
    }
    let boom = || spawn_named("worker", async { panic!("boom") });
    // Detached before, detached after, and never awaited.
    check(async || {
        drop(boom());
        sleep(millis(1)).await;
    });
    check(async || {
        let task = boom();
        yield_now().await;
        drop(task);
        pending().await
    });
    check(async || {
        let task = boom();
        yield_now().await;
        std::mem::forget(task);
    });
}

#[test]
fn what_is_left_is_dropped_in_the_order_of_spawning() {
    check(
        async |log| {
            for name in ["first", "second", "third"] {
                let guard = OnDrop(log.clone(), name);
                spawn(async move {
                    let _guard = guard;
                    pending::<()>().await;
                });
            }
            let guard = OnDrop(log.clone(), "an output nobody took");
            let handle = spawn(async move { guard });
            yield_now().await;
            std::mem::forget(handle);
            log.write("main returns");
        },
        &["main returns", "first", "second", "third", "an output nobody took"],
    );
}

/// Destructors run inside of the run still: they may use its clock, spawn, wake and abort.
#[test]
fn destructors_at_the_end_do_no_harm() {
    struct Busy(Log, Option<dacapo::task::JoinHandle<()>>, Option<Waker>);
    impl Drop for Busy {
        fn drop(&mut self) {
            self.0.write(format!("{} in {}", dacapo::time::Instant::now(), dacapo::task::name()));
            let guard = OnDrop(self.0.clone(), "spawned by a destructor");
            spawn(async move {
                let _guard = guard;
                pending::<()>().await;
            });
            self.1.iter().for_each(dacapo::task::JoinHandle::abort);
            self.2.iter().for_each(Waker::wake_by_ref);
        }
    }
    check(
        async |log| {
            let waker = poll_fn(|cx| Poll::Ready(cx.waker().clone())).await;
            let other = spawn(pending::<()>());
            let busy = Busy(log, Some(other), Some(waker));
            spawn(async move {
                let _busy = busy;
                pending::<()>().await;
            });
            sleep(millis(2)).await;
        },
        &["2 ms in main/2", "spawned by a destructor"],
    );
}

#[test]
fn wakers_that_outlive_their_run_do_nothing() {
    let waker = run(async || poll_fn(|cx| Poll::Ready(cx.waker().clone())).await).unwrap();
    waker.wake_by_ref();
    run(async move || {
        waker.wake_by_ref();
        yield_now().await;
        drop(waker);
    })
    .unwrap();
}

#[test]
fn handles_that_outlive_their_run_say_so() {
    let handle = run(async || spawn(pending::<()>())).unwrap();
    assert!(handle.is_finished());
    handle.abort();
    assert_eq!(handle.name(), "task 1");
    let message = panic_of(|| {
        let mut handle = handle;
        Pin::new(&mut handle).poll(&mut Context::from_waker(Waker::noop()))
    });
    assert_parts(&message, &["awaited outside of its run"]);
}

#[test]
fn main_may_borrow_from_its_surroundings() {
    let mut words = vec!["da"];
    run(async || words.push("capo")).unwrap();
    assert_eq!(words, ["da", "capo"]);
}

#[test]
fn a_stuck_run_lists_what_each_task_waits_for() {
    let run = run(async || {
        let semaphore = Rc::new(dacapo::sync::Semaphore::new(1));
        let _held = semaphore.acquire().await.unwrap();
        let other = semaphore.clone();
        let writer = spawn_named("writer", async move {
            let _permit = other.acquire().await.unwrap();
        });
        spawn_named("foreign", async {
            let (_keep, never) = futures::channel::oneshot::channel::<()>();
            never.await.unwrap();
        });
        spawn_named("for ever", sleep(std::time::Duration::MAX));
        let (a, b) = (semaphore.acquire_many(2), sleep(std::time::Duration::MAX));
        spawn_named("ended", async {}).await.unwrap();
        drop(futures::join!(a, b, writer));
    });
    crate::support::assert_snapshot!(
        "stuck",
        "A run in which nothing can go on: who waits, for what, and where in the source.",
        run.failure().unwrap().to_string()
    );
    let blocked: Vec<_> = run.failure().unwrap().blocked().iter().map(|task| task.task()).collect();
    assert_eq!(blocked, ["main", "writer", "foreign", "for ever"]);
}

/// Combinators with wakers of their own, which are not a task's.
#[test]
fn foreign_combinators_work() {
    use futures::stream::{FuturesUnordered, StreamExt};
    check(
        async |log| {
            let mut sleeps: FuturesUnordered<_> = [30, 10, 20]
                .into_iter()
                .map(|time| async move {
                    sleep(millis(time)).await;
                    let task = spawn(async move { time });
                    task.await.unwrap()
                })
                .collect();
            while let Some(time) = sleeps.next().await {
                log.write(time.to_string());
            }
            let (send, receive) = tokio::sync::oneshot::channel();
            spawn(async move { send.send("from tokio's channel") });
            log.write(receive.await.unwrap());
        },
        &["10", "20", "30", "from tokio's channel"],
    );
}

#[test]
fn a_wakers_panic_fails_the_run() {
    struct Loud;
    impl Wake for Loud {
        fn wake(self: Arc<Self>) {
            panic!("a waker that panics");
        }
    }
    let run = run(async || {
        let mut nap = sleep(millis(1));
        let waker = Waker::from(Arc::new(Loud));
        assert!(Pin::new(&mut nap).poll(&mut Context::from_waker(&waker)).is_pending());
        sleep(millis(5)).await;
    });
    assert_parts(&run.failure().unwrap().to_string(), &["a waker that panics"]);
}

#[test]
fn gather_keeps_the_order_and_every_result() {
    let results = run(async || {
        let jobs = [3_u64, 1, 2].map(async |n| {
            sleep(millis(n)).await;
            assert_ne!(n, 1, "one of them panics");
            n
        });
        let results = gather(jobs).await.into_iter();
        results.map(|result| result.map_err(|error| error.is_panic())).collect::<Vec<_>>()
    });
    assert_eq!(results.elapsed(), millis(3));
    assert_eq!(results.unwrap(), [Ok(3), Err(true), Ok(2)]);
    assert!(run(async || gather(Vec::<std::future::Ready<()>>::new()).await).unwrap().is_empty());
}

#[test]
fn a_dropped_gather_aborts_its_tasks() {
    check(
        async |log| {
            let jobs = ["a", "b"].map(|name| {
                let guard = OnDrop(log.clone(), name);
                async move {
                    let _guard = guard;
                    pending::<()>().await;
                }
            });
            let late = dacapo::time::timeout(millis(1), gather(jobs)).await;
            assert!(late.is_err());
            yield_now().await;
            log.write("after");
        },
        &["a", "b", "after"],
    );
}

#[test]
fn join_polls_both_within_one_task() {
    let (a, b) = run(async || {
        let here = async |time| {
            sleep(millis(time)).await;
            dacapo::task::name()
        };
        dacapo::future::join(here(2), here(1)).await
    })
    .unwrap();
    assert_eq!((a.as_str(), b.as_str()), ("main", "main"));
}

#[test]
fn limits_end_what_would_not_end() {
    #[track_caller]
    fn check(builder: &Builder, body: impl AsyncFnOnce(), parts: &[&str]) {
        let run = builder.run(body);
        let failure = run.failure().expect("a limit is reached");
        assert_eq!(failure.kind(), FailureKind::Limit, "{failure}");
        assert_parts(&failure.to_string(), parts);
    }
    let steps = Builder::new().max_steps(100);
    let forever = async || {
        spawn_named("spinner", async {
            loop {
                yield_now().await;
            }
        })
        .await
        .unwrap();
    };
    check(&steps, forever, &["100 steps", "one of spinner", "Builder::max_steps"]);
    let ticking = async || {
        let mut ticks = dacapo::time::interval(millis(1));
        loop {
            ticks.tick().await;
        }
    };
    check(&steps, ticking, &["100 steps", "one of main", "Builder::max_steps"]);
    let tasks = Builder::new().max_tasks(10);
    let bomb = async || {
        loop {
            spawn(pending::<()>());
        }
    };
    check(&tasks, bomb, &["10 tasks at once", "main spawned one more", "Builder::max_tasks"]);

    /// A destructor that spawns a future with such a destructor.
    struct Hydra;
    impl Drop for Hydra {
        fn drop(&mut self) {
            let head = Hydra;
            spawn(async move {
                let _head = head;
                pending::<()>().await;
            });
        }
    }
    let hydra = async || drop(Hydra);
    check(&steps, hydra, &["main has ended", "destructors spawn", "Builder::max_steps"]);
}

/// A task that has ended and has no handle leaves nothing behind.
#[test]
fn the_limit_is_of_tasks_at_once() {
    let builder = Builder::new().max_tasks(3);
    let many = builder.run(async || {
        for _ in 0..100 {
            spawn(async {}).await.unwrap();
        }
    });
    many.unwrap();
}

#[test]
fn data_drawn_by_the_code_moves_no_choice() {
    use dacapo::rand::Rng as _;
    let order = |draws: usize| {
        let report = explore(Random::seeds(3..4), async move || {
            for _ in 0..draws {
                dacapo::rand::rng().next_u64();
            }
            let log = Log::default();
            for name in ["a", "b", "c", "d", "e"] {
                let log = log.clone();
                spawn(async move { log.write(name) });
            }
            sleep(millis(1)).await;
            log.take()
        });
        report.outcomes()[0].clone()
    };
    assert_eq!(order(0).text(), order(9).text());
    assert_eq!(order(0).first_seen().seed(), 0, "no draw, no seed in the schedule");
    assert_eq!(order(1).first_seen().seed(), 3);
}

#[test]
fn the_seed_in_a_schedule_gives_the_same_data() {
    use dacapo::rand::Rng as _;
    let body = async || dacapo::rand::rng().next_u64();
    let report = explore(Random::seeds(0..20), body);
    assert_eq!(report.outcomes().len(), 20);
    for outcome in report.outcomes() {
        let again = dacapo::replay(outcome.first_seen().clone(), body);
        assert_eq!(again.unwrap().to_string(), outcome.text());
    }
}

#[test]
fn a_custom_scheduler_is_held_to_its_word() {
    struct Wild(fn() -> u32);
    impl dacapo::scheduler::Scheduler for Wild {
        fn name(&self) -> &str {
            "wild"
        }
        fn next_run(&mut self) -> Option<Plan> {
            Some(Plan::new())
        }
        fn choose(&mut self, _: &dacapo::scheduler::Choice<'_>) -> Answer {
            (self.0)().into()
        }
    }
    let body = async || gather([(); 2].map(async |()| ())).await.len();
    let message = panic_of(|| explore(Wild(|| 7), body));
    assert_parts(&message, &["the scheduler `wild` answered 7 to a choice with 2 options"]);
    let calls_back = || dacapo::time::Instant::now().since_start().as_secs() as u32;
    let message = panic_of(|| explore(Wild(calls_back), body));
    assert_parts(&message, &["a scheduler called back into the run"]);
    // The thread is as good as new.
    run(async || ()).unwrap();
}

/// The table of what can be sent to, and shared with, other threads: the futures of services are
/// often boxed as `Send`, and must still compile with dacapo's types inside.
#[test]
fn handles_and_futures_are_send_and_sync() {
    fn check<T: Send + Sync>() {}
    check::<dacapo::task::JoinHandle<Rc<()>>>();
    check::<dacapo::task::JoinError>();
    check::<dacapo::task::YieldNow>();
    check::<dacapo::time::Sleep>();
    check::<dacapo::time::Timeout<dacapo::time::Sleep>>();
    check::<dacapo::time::Interval>();
    check::<dacapo::future::Gather<Vec<dacapo::task::JoinHandle<u8>>>>();
    check::<dacapo::future::TryGather<Vec<dacapo::task::JoinHandle<Result<u8, u8>>>>>();
    check::<dacapo::future::Wait<dacapo::task::Task>>();
    check::<dacapo::future::TaskGroup<String>>();
    check::<dacapo::task::Task>();
    check::<dacapo::task::Join>();
    check::<dacapo::cancel::Cancelled>();
    check::<dacapo::cancel::Catch<dacapo::time::Sleep>>();
    check::<dacapo::time::TimeoutScope>();
    check::<dacapo::future::Join<dacapo::time::Sleep, dacapo::time::Sleep>>();
    check::<dacapo::sync::Semaphore>();
    check::<dacapo::sync::Acquire<'_>>();
    check::<dacapo::sync::SemaphorePermit<'_>>();
    check::<dacapo::sync::OwnedSemaphorePermit>();
    check::<dacapo::rand::DataRng>();
    check::<dacapo::Schedule>();
    check::<dacapo::Trace>();
    check::<dacapo::Run<u8>>();
    check::<dacapo::Failure>();
    check::<dacapo::Report>();
    check::<dacapo::Builder>();
    check::<Waker>();
}

/// First in, first out is the first schedule of all.
#[test]
fn fifo_is_the_empty_schedule() {
    let body = || async {
        let log = Log::default();
        for name in ["a", "b", "c"] {
            let log = log.clone();
            spawn(async move { log.write(name) });
        }
        sleep(millis(1)).await;
        log.take()
    };
    let fifo = explore(Fifo::new(), body);
    assert_eq!(fifo.outcomes()[0].first_seen().to_string(), "d1:");
    let first = explore(Exhaustive::new().max_runs(1), body);
    assert_eq!(first.outcomes()[0].text(), fifo.outcomes()[0].text());
    assert_eq!(dacapo::replay("d1:", body).unwrap(), ["a", "b", "c"]);
}
