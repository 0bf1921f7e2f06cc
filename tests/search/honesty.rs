//! A report says what happened, all of it, and nothing else. Each of these was wrong once.

use std::cell::Cell;
use std::future::pending;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::rc::Rc;

use crate::support::{assert_parts, millis, panic_of};
use dacapo::schedule::Answer;
use dacapo::scheduler::{Exhaustive, Plan, Portfolio, Random, Replay, Scheduler};
use dacapo::task::{spawn, spawn_named, yield_now};
use dacapo::time::{sleep, timeout};
use dacapo::{Builder, CheckError, FailureKind, explore, gather, run};
use futures::FutureExt;
use futures::stream::{FuturesUnordered, StreamExt};

/// What a check finds, without asking another process.
#[track_caller]
fn found<S: Scheduler + 'static>(scheduler: S, body: impl AsyncFn()) -> CheckError {
    let builder = Builder::new().fresh_process(false);
    builder.try_check(scheduler, async || body().await).expect_err("it fails")
}

#[test]
fn a_panic_that_is_not_looked_at_fails_the_run() {
    let error = found(Random::default(), async || {
        gather(vec![async { assert_eq!(1, 2, "in a gathered task") }]).await;
    });
    assert_parts(
        &error.to_string(),
        &[
            "main/1 panicked: assertion",
            "in a gathered task",
            "dropped unseen",
            "before that, main/1",
            "honesty.rs",
        ],
    );
    found(Random::default(), async || {
        let _ = spawn(async { panic!("boom") }).await;
    });
    let seen = run(async || spawn(async { panic!("boom") }).await.unwrap_err().is_panic());
    assert!(seen.unwrap());
}

#[test]
fn what_a_long_trace_has_dropped_is_told_still() {
    let error = Builder::new().fresh_process(false).max_events(20).try_check(
        Random::seeds(0..50),
        async || {
            let first = Rc::new(Cell::new(0));
            for n in [1, 2] {
                let first = first.clone();
                spawn_named(["", "one", "two"][n], async move {
                    if first.get() == 0 {
                        first.set(n);
                    }
                });
            }
            sleep(millis(1)).await;
            for _ in 0..50 {
                yield_now().await;
            }
            assert_eq!(first.get(), 1);
        },
    );
    let report = error.unwrap_err().to_string();
    assert_parts(
        &report,
        &["is `d1:1`: first in, first out, except", "choice 0 at 0 ms: two runs before one"],
    );
}

#[test]
fn a_panic_is_not_mistaken_for_an_earlier_one() {
    let error = found(Random::default(), async || {
        drop(catch_unwind(|| panic!("harmless, and caught")));
        resume_unwind(Box::new("the real one"));
    });
    assert_parts(&error.to_string(), &["main panicked: the real one"]);
    let error = found(Random::default(), async || {
        let _kept = spawn_named("bob", async { panic!("boom") });
        sleep(millis(1)).await;
    });
    assert!(!error.to_string().contains("before that"), "{error}");
    let error = found(Random::default(), async || panic!("this tape cannot unwind"));
    assert!(!error.to_string().contains("abort"), "{error}");
}

#[test]
fn a_strict_replay_that_does_not_fit_tells_both() {
    let error = found(Replay::strict("d1:0x3.1"), async || panic!("the actual bug"));
    assert_eq!(error.failure().kind(), FailureKind::Divergence);
    assert_parts(
        &error.to_string(),
        &["does not fit its schedule", "recorded anew", "made instead", "the actual bug"],
    );
    assert!(!error.to_string().contains("keep as a test"), "{error}");
}

#[test]
fn a_search_that_sees_other_options_fails() {
    let runs = Rc::new(Cell::new(0));
    let body = async || {
        runs.set(runs.get() + 1);
        dacapo::choose("options", 2 + runs.get() % 2);
    };
    let builder = Builder::new().recheck_every(0).fresh_process(false);
    let error = builder.try_check(Exhaustive::new(), body).unwrap_err();
    assert_eq!(error.failure().kind(), FailureKind::Nondeterminism);
    assert_parts(&error.to_string(), &["not deterministic", "choice 0", "options", "usual causes"]);
    assert!(builder.explore(Exhaustive::new(), body).nondeterminism().is_some());
}

/// Another deadlock is another failure, however simple its schedule.
#[test]
fn shrinking_keeps_to_its_deadlock() {
    let error = found(Random::seeds(3..4), async || {
        for name in ["reader", "writer", "logger"] {
            if dacapo::choose(name, 2) == 1 {
                spawn_named(name, pending::<()>()).await.unwrap();
            }
        }
        yield_now().await;
    });
    let first = explore(Random::seeds(3..4), async || {
        for name in ["reader", "writer", "logger"] {
            if dacapo::choose(name, 2) == 1 {
                spawn_named(name, pending::<()>()).await.unwrap();
            }
        }
    });
    assert_eq!(first.outcomes()[0].text(), error.failure().title());
}

#[test]
fn shrinking_long_schedules_has_a_bound() {
    // Thousands of answers that are all needed, so that the bound ends the search.
    let error = Builder::new().fresh_process(false).max_shrink_runs(60).try_check(
        Random::seeds(0..1),
        async || {
            let ones: usize = (0..3000).map(|_| dacapo::choose("x", 2)).sum();
            assert!(ones < 1000, "too many ones");
        },
    );
    assert_parts(&error.unwrap_err().to_string(), &["in 60 runs; not finished"]);
}

#[test]
fn a_tie_is_a_choice_under_combinators_too() {
    let report = explore(Exhaustive::new(), async || {
        let mut all: FuturesUnordered<_> =
            [timeout(millis(1), sleep(millis(1)))].into_iter().collect();
        all.next().await.unwrap().is_ok()
    });
    assert_eq!((report.runs(), report.outcomes().len()), (2, 2), "{report}");
    let report = explore(Exhaustive::new(), async || {
        let late = || timeout(millis(1), pending::<()>());
        dacapo::future::join(late(), late()).await.0.is_err()
    });
    assert_eq!(report.runs(), 1, "no one else was woken");
}

#[test]
fn a_success_and_a_failure_of_one_text_are_two() {
    struct Text(&'static str);
    impl std::fmt::Debug for Text {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str(self.0)
        }
    }
    let report = explore(Exhaustive::new(), async || match dacapo::choose("which", 2) {
        0 => Text("main panicked: x"),
        _ => panic!("x"),
    });
    assert_eq!((report.outcomes().len(), report.failures().count()), (2, 1), "{report}");
}

#[test]
fn what_is_left_at_the_end_is_dropped_within_the_run() {
    struct Spawns(&'static str);
    impl Drop for Spawns {
        fn drop(&mut self) {
            spawn_named(self.0, async {});
        }
    }
    // An output, when the run has failed; and main's own, when it is stuck.
    let failed = run(async || {
        let _lost = spawn(async { panic!("boom") });
        yield_now().await;
        Spawns("by the output")
    });
    assert_parts(&failed.failure().unwrap().to_string(), &["boom"]);
    let stuck = run(async || {
        let _guards = [Spawns("a"), Spawns("b")];
        pending::<()>().await;
    });
    assert_parts(&stuck.trace().log().to_string(), &["main spawns a", "main spawns b"]);

    struct Loud;
    impl std::fmt::Debug for Loud {
        fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            panic!("a Debug that panics")
        }
    }
    let builder = Builder::new().fresh_process(false);
    let error = builder.try_check(Random::default(), async || Err::<(), _>(Loud)).unwrap_err();
    assert_parts(&error.to_string(), &["main panicked", "a Debug that panics"]);

    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("a value of a panic that panics");
        }
    }
    let bomb = catch_unwind(AssertUnwindSafe(|| {
        run(async || {
            spawn(async { std::panic::panic_any(Bomb) });
            sleep(millis(1)).await;
        })
        .is_ok()
    }));
    assert!(!bomb.expect("it does not get out of the run"));
}

#[test]
fn a_handle_may_be_asked_in_a_destructor_at_the_end() {
    struct Asks(Option<dacapo::task::JoinHandle<()>>);
    impl Drop for Asks {
        fn drop(&mut self) {
            let joined = self.0.take().unwrap().now_or_never();
            assert!(joined.is_none_or(|joined| joined.unwrap_err().is_cancelled()));
        }
    }
    run(async || {
        let first = spawn(pending::<()>());
        let asks = Asks(Some(first));
        spawn(async move {
            let _asks = asks;
            pending::<()>().await;
        });
        yield_now().await;
    })
    .unwrap();
}

/// A scheduler's mistake is the scheduler's, also when the test asked for the value.
#[test]
fn a_bad_answer_is_the_schedulers() {
    struct TooMuch;
    impl Scheduler for TooMuch {
        fn name(&self) -> &str {
            "too much"
        }
        fn next_run(&mut self) -> Option<Plan> {
            Some(Plan::new())
        }
        fn choose(&mut self, choice: &dacapo::scheduler::Choice<'_>) -> Answer {
            Answer::from(choice.options() as u32)
        }
    }
    let message =
        panic_of(|| dacapo::check(TooMuch, async || assert_eq!(dacapo::choose("x", 2), 0)));
    assert_parts(&message, &["the scheduler `too much` answered 2 to a choice with 2 options"]);
}

#[test]
fn a_moved_sleep_wakes_its_task() {
    let run = run(async || {
        let nap = Rc::new(std::cell::RefCell::new(sleep(millis(10_000))));
        let other = nap.clone();
        let sleeper = spawn(std::future::poll_fn(move |cx| {
            std::pin::Pin::new(&mut *other.borrow_mut()).poll(cx)
        }));
        yield_now().await;
        nap.borrow_mut().reset(dacapo::time::Instant::now() + millis(5));
        sleeper.await.unwrap();
    });
    assert_eq!(run.elapsed(), millis(5));
}

/// Names need time and space by the levels that are shown, not by all there are.
#[test]
fn deep_chains_of_tasks_have_short_names() {
    fn chain(n: u32) -> std::pin::Pin<Box<dyn Future<Output = String>>> {
        Box::pin(async move {
            if n == 0 { dacapo::task::name() } else { spawn(chain(n - 1)).await.unwrap() }
        })
    }
    assert_eq!(run(|| chain(5)).unwrap(), "main/1/1/1/1/1");
    assert_eq!(run(|| chain(2000)).unwrap(), "main/1/1/1/1/…1992 more…/1/1/1/1");
}

/// A step that asks without end fails the run, wherever it does so.
#[test]
fn a_step_that_asks_without_end_fails() {
    /// Asks until it gets another answer than 0, which first in, first out never gives.
    fn ask() {
        while dacapo::choose("again", 2) == 0 {}
    }
    struct AskAtTheEnd;
    impl Drop for AskAtTheEnd {
        fn drop(&mut self) {
            ask();
        }
    }
    #[track_caller]
    fn check_limit(task: &str, body: impl AsyncFn()) {
        let builder = Builder::new().fresh_process(false).max_choices(1000);
        let error = builder.try_check(Portfolio::seeds(0..10), async || body().await);
        let error = error.expect_err("it never ends");
        let words =
            ["1000 choices in one step of", task, "\"again\"", "raise Builder::max_choices"];
        assert_eq!(error.failure().kind(), FailureKind::Limit, "{error}");
        assert_parts(&error.failure().to_string(), &words);
        assert_eq!(error.schedule().to_string(), "d1:");
    }
    check_limit("main", async || ask());
    check_limit("worker", async || {
        let _ = spawn_named("worker", async { ask() }).await;
    });
    // The code catches the panic that ends its poll, or asks in a destructor.
    check_limit("main", async || while std::panic::catch_unwind(ask).is_err() {});
    check_limit("main", async || drop(AskAtTheEnd));
    check_limit("main", async || {
        let _asks = AskAtTheEnd;
        ask();
    });
    // A later step starts anew.
    let many = Builder::new().max_choices(1000);
    many.check(Portfolio::seeds(0..3), async || {
        for _ in 0..3 {
            (0..1000).for_each(|_| _ = dacapo::choose("once", 2));
            dacapo::task::yield_now().await;
        }
    });
}
