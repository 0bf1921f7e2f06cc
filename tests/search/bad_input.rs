//! What is not meant to be: a message that says whose mistake it is and what to do, and never a
//! hang, an abort, or a report that is lost.

use std::future::{Future, pending, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use crate::support::{assert_parts, millis, panic_of};
use dacapo::schedule::Answer;
use dacapo::scheduler::{Plan, Random, Replay, Scheduler};
use dacapo::task::{spawn, spawn_named, yield_now};
use dacapo::time::{Instant, Sleep, interval, sleep, sleep_until, timeout};
use dacapo::{Builder, check, explore, gather, replay, run};

/// The failure of a run, in words.
#[track_caller]
fn failure_of<T>(body: impl AsyncFnOnce() -> T) -> String {
    run(body).failure().expect("the run fails").to_string()
}

#[test]
fn a_malformed_schedule() {
    let expectation = ["malformed schedule: at column 4, expected an answer", "found '?'"];
    assert_parts(&panic_of(|| replay("d1:?", async || ())), &expectation);
    assert_parts(&panic_of(|| Replay::new("d1:?")), &expectation);
    assert_parts(&panic_of(|| Replay::strict("d1:?")), &expectation);
}

#[test]
#[expect(clippy::reversed_empty_ranges, reason = "that is the mistake")]
fn an_empty_range_of_seeds() {
    assert_parts(
        &panic_of(|| Random::seeds(5..5)),
        &["the seed range 5..5 is empty", "at least one seed, such as 0..1000"],
    );
    assert_parts(&panic_of(|| Random::seeds(9..5)), &["9..5 is empty"]);
}

#[test]
fn a_scheduler_that_makes_no_run() {
    struct None_;
    impl Scheduler for None_ {
        fn name(&self) -> &str {
            "none"
        }
        fn next_run(&mut self) -> Option<Plan> {
            None
        }
        fn choose(&mut self, _: &dacapo::scheduler::Choice<'_>) -> Answer {
            Answer::USUAL
        }
    }
    let message = panic_of(|| check(None_, async || ()));
    assert_parts(&message, &["the scheduler `none` made no run", "nothing was tested"]);
    assert_eq!(explore(None_, async || ()).runs(), 0);
}

#[test]
fn what_needs_a_run_outside_of_one() {
    let remedy = ["needs a run", "call it inside", "#[dacapo::test]"];
    let uses: [(&str, fn()); 11] = [
        ("`sleep`", || drop(sleep(millis(1)))),
        ("`sleep_until`", || drop(sleep_until(Instant::START))),
        ("`sleep`", || drop(timeout(millis(1), pending::<()>()))),
        ("`Instant::now`", || assert_eq!(interval(millis(1)).period(), millis(9))),
        ("`Instant::now`", || assert_eq!(Instant::START.elapsed(), millis(9))),
        ("`spawn`", || drop(spawn(async {}))),
        ("`spawn_named`", || drop(spawn_named("a", async {}))),
        ("`spawn`", || drop(gather([async {}]))),
        ("`task::id`", || assert_eq!(dacapo::task::id().as_u32(), 9)),
        ("`choose`", || assert_eq!(dacapo::choose("a", 2), 9)),
        ("`rand::rng`", || {
            use dacapo::rand::Rng as _;
            dacapo::rand::rng().next_u32();
        }),
    ];
    for (name, misuse) in uses {
        let message = panic_of(misuse);
        assert_parts(&message, &[name]);
        assert_parts(&message, &remedy);
    }
}

#[test]
fn a_run_inside_of_a_run() {
    let failure = failure_of(async || run(async || ()).unwrap());
    assert_parts(&failure, &["main panicked", "a run inside a run", "await the inner code"]);
    let failure = failure_of(async || check(Random::default(), async || ()));
    assert_parts(&failure, &["a run inside a run"]);
}

#[test]
fn a_body_that_never_finishes() {
    async fn server() {
        loop {
            sleep(millis(1)).await;
        }
    }
    let builder = Builder::new().max_steps(1000).fresh_process(false);
    let report = panic_of(|| builder.check(Random::default(), server));
    assert_parts(
        &report,
        &[
            "1000 steps, and main has not returned",
            "one of main",
            "Builder::max_steps",
            "the story",
        ],
    );
    let stuck = failure_of(async || pending::<()>().await);
    assert_parts(&stuck, &["stuck", "main waits for something outside of dacapo"]);
}

struct PanicsInDrop;

impl Drop for PanicsInDrop {
    fn drop(&mut self) {
        panic!("a destructor that panics");
    }
}

#[test]
fn a_destructor_that_panics() {
    let expectation = ["panicked at tests/search/bad_input.rs:", "a destructor that panics"];
    // When a body ends, in a task, when a task is aborted, at the end of the run, and in an output.
    let failures = [
        failure_of(async || drop(PanicsInDrop)),
        failure_of(async || {
            spawn(async { drop(PanicsInDrop) });
            sleep(millis(1)).await;
        }),
        failure_of(async || {
            let task = spawn(async {
                let _guard = PanicsInDrop;
                pending::<()>().await;
            });
            yield_now().await;
            task.abort();
            assert!(task.await.unwrap_err().is_panic());
            spawn(async {
                let _guard = PanicsInDrop;
                pending::<()>().await;
            });
            yield_now().await;
        }),
        failure_of(async || {
            spawn(async { PanicsInDrop });
            sleep(millis(1)).await;
        }),
        failure_of(async || {
            let _guard = PanicsInDrop;
            pending::<()>().await;
        }),
    ];
    for failure in &failures[..4] {
        assert_parts(failure, &expectation);
    }
    // The cause comes first: that run was stuck before its destructors ran.
    assert_parts(&failures[4], &["stuck"]);
    run(async || ()).unwrap();
}

#[test]
fn a_future_polled_after_completion() {
    async fn twice<F: Future>(future: F) {
        let mut future = Box::pin(future);
        drop((&mut future).await);
        drop(future.await);
    }
    let failure = failure_of(async || twice(async {}).await);
    assert_parts(&failure, &["main panicked", "`async fn` resumed after completion"]);
    let failure = failure_of(async || twice(spawn(async {})).await);
    assert_parts(&failure, &["a JoinHandle was polled after it had given its output"]);
    let failure = failure_of(async || twice(gather([async {}])).await);
    assert_parts(&failure, &["`gather` was polled after completion"]);
    let failure = failure_of(async || twice(dacapo::future::join(async {}, async {})).await);
    assert_parts(&failure, &["`join` was polled after completion"]);
    // A moment that has come stays so.
    run(async || twice(sleep(millis(1))).await).unwrap();
}

#[test]
#[expect(clippy::disallowed_methods, reason = "that is the mistake")]
fn a_wake_from_another_thread() {
    let failure = failure_of(async || {
        spawn_named("reader", async {
            let mut woken = false;
            poll_fn(|cx| {
                if std::mem::replace(&mut woken, true) {
                    return Poll::Ready(());
                }
                let waker = cx.waker().clone();
                std::thread::spawn(move || waker.wake()).join().unwrap();
                Poll::Pending
            })
            .await;
        })
        .await
        .unwrap();
    });
    assert_parts(
        &failure,
        &["reader was woken by another OS thread", "cannot be repeated", "dacapo::spawn"],
    );
}

#[test]
fn things_of_a_run_after_it() {
    let mut nap: Sleep = run(async || sleep(millis(1))).unwrap();
    assert!(nap.is_elapsed());
    let mut cx = Context::from_waker(Waker::noop());
    let message = panic_of(|| Pin::new(&mut nap).poll(&mut cx));
    assert_parts(&message, &["a sleep was awaited outside of the run in which it was made"]);
    let failure = failure_of(async || nap.await);
    assert_parts(&failure, &["a sleep was awaited outside of the run in which it was made"]);
}

#[test]
fn a_timer_of_tokio() {
    let failure = failure_of(async || {
        panic!(
            "there is no reactor running, must be called from the context of a Tokio 1.x runtime"
        )
    });
    assert_parts(&failure, &["no reactor running", "take these from dacapo::time"]);
}

#[test]
fn no_options() {
    assert_parts(
        &failure_of(async || dacapo::choose("nothing", 0)),
        &["choose(\"nothing\", 0) leaves nothing to choose from"],
    );
    assert_eq!(run(async || dacapo::choose("one", 1)).unwrap(), 0);
}

#[test]
fn a_panic_whose_value_is_not_text() {
    let failure = failure_of(async || std::panic::panic_any(5));
    assert_parts(&failure, &["main panicked at", "(the panic's value is not a text)"]);
}

#[test]
fn unwrapping_a_failed_run() {
    let message = panic_of(|| run(async || panic!("boom")).unwrap());
    assert_parts(
        &message,
        &["the run d1: failed: main panicked at tests/search/bad_input.rs", "boom"],
    );
}

#[test]
fn limits_of_zero() {
    let message = panic_of(|| Builder::new().max_tasks(0).run(async || ()));
    assert_parts(&message, &["Builder::max_tasks must be 1 or more"]);
    let none = Builder::new().max_steps(0).run(async || ());
    assert_parts(&none.failure().unwrap().to_string(), &["0 steps, and main has not returned"]);
    let none = Builder::new().max_events(0).run(async || ());
    assert!(none.is_ok());
}

/// Correct code that makes more operations of tokio's than its runtime allows in one poll.
async fn many_operations() {
    let permits = tokio::sync::Semaphore::new(1);
    for _ in 0..1000 {
        drop(permits.acquire().await.unwrap());
    }
}

#[test]
fn a_search_in_the_runtime_of_tokio_is_refused_if_it_gets_stuck() {
    let message = panic_of(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async { dacapo::check(Random::default(), many_operations) });
    });
    assert_parts(&message, &["inside of tokio's runtime", "128 operations", "plain #[test]"]);
    dacapo::check(Random::seeds(0..10), many_operations);
}
