//! Runs that never end: livelocks, tickers, and limits.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use crate::support::{assert_parts, assert_snapshot, millis};
use dacapo::scheduler::{Portfolio, Random};
use dacapo::sync::Queue;
use dacapo::task::{spawn, spawn_named, yield_now};
use dacapo::time::sleep;
use dacapo::{Builder, CheckError, FailureKind, Run, choose};

fn found(body: impl AsyncFn()) -> CheckError {
    let builder = Builder::new().fresh_process(false);
    let error = builder.try_check(Portfolio::default(), async || body().await);
    let error = error.expect_err("it never ends");
    assert_eq!(error.failure().kind(), FailureKind::Limit, "{error}");
    // With the limits of the test it does not end either.
    let run = dacapo::replay(error.schedule().clone(), async || body().await);
    assert!(run.failure().unwrap().is_same(error.failure()), "{error}");
    if let Some(passing) = error.explanation().and_then(|explanation| explanation.passing()) {
        assert!(dacapo::replay(passing.clone(), async || body().await).is_ok(), "{error}");
    }
    error
}

/// Main waits for an item that is never put, beside a task that sleeps for ever.
async fn ticker() {
    let queue = Rc::new(Queue::new(0));
    let own = Rc::clone(&queue);
    spawn_named("producer", async move {
        if choose("fails", 2) == 0 {
            own.put("item").await.unwrap();
        }
    });
    spawn_named("ticker", async {
        loop {
            sleep(Duration::from_secs(1)).await;
        }
    });
    queue.get().await.unwrap();
}

/// Two tasks that each raise a flag and let the other one go first, for ever if both flags are up.
async fn corridor() {
    let flags = [(); 2].map(|()| Rc::new(Cell::new(false)));
    let walkers = [0, 1].map(|n| {
        let (own, other) = (Rc::clone(&flags[n]), Rc::clone(&flags[1 - n]));
        spawn_named(["ann", "bob"][n], async move {
            for _ in 0..4 * n {
                yield_now().await;
            }
            own.set(true);
            yield_now().await;
            while other.get() {
                yield_now().await;
            }
            own.set(false);
        })
    });
    for walker in walkers {
        walker.await.unwrap();
    }
}

#[test]
fn a_wait_beside_a_ticker_is_told() {
    assert_snapshot!(
        "endless_ticker",
        "Main waits for ever beside a task that sleeps again and again: the report names what main waits for and folds the ticks.",
        found(ticker)
    );
}

#[test]
fn a_livelock_is_told() {
    assert_snapshot!(
        "endless_corridor",
        "Two tasks let each other go first for ever: the report keeps what made them meet and folds the rest.",
        found(corridor)
    );
}

#[test]
fn many_steps_with_progress_are_no_livelock() {
    let builder = Builder::new().max_idle_steps(1000).fresh_process(false);
    let run: Run<()> = builder.run(async || {
        for _ in 0..100 {
            for _ in 0..100 {
                yield_now().await;
            }
            spawn(async {}).await.unwrap();
        }
    });
    assert!(run.is_ok(), "{:?}", run.failure());
    let run: Run<()> = builder.run(async || {
        for n in 0..100 {
            for _ in 0..100 {
                yield_now().await;
            }
            dacapo::trace!("round", n);
        }
    });
    assert!(run.is_ok(), "{:?}", run.failure());
    let run: Run<()> = builder.run(async || {
        for _ in 0..2000 {
            yield_now().await;
        }
    });
    let failure = run.failure().expect("it makes no progress");
    assert_parts(&failure.to_string(), &["no progress: in 1000 steps", "main is ready to run"]);
    assert!(run.steps() <= 1200, "{}", run.steps());
}

#[test]
fn virtual_time_has_a_limit() {
    let builder = Builder::new().max_time(Duration::from_secs(60));
    let run: Run<()> = builder.run(async || sleep(Duration::from_secs(60)).await);
    assert!(run.is_ok(), "{:?}", run.failure());
    let run: Run<()> = builder.run(async || sleep(Duration::from_secs(61)).await);
    let text = run.failure().expect("it takes too long").to_string();
    assert_parts(
        &text,
        &["60 s of virtual time", "Builder::max_time", "main waits until 61000 ms"],
    );
    assert!(run.elapsed() <= Duration::from_secs(60));
}

/// A run that only looks endless at the reduced limit has an end.
#[test]
fn what_is_only_long_is_not_taken_for_endless() {
    let error = found(async || {
        match (choose("work", 3), choose("loop", 3)) {
            // Longer than the first limits at which endless runs are shrunk.
            (1 | 2, 0 | 1) => {
                for _ in 0..20_000 {
                    yield_now().await;
                }
            }
            (1, 2) => loop {
                sleep(millis(1)).await;
            },
            _ => {}
        }
    });
    assert_eq!(error.schedule().to_string(), "d1:1.2", "{error}");
}

#[test]
fn a_random_walk_of_an_endless_run_is_shrunk() {
    let builder = Builder::new().fresh_process(false);
    let error = builder.try_check(Random::seeds(0..1000), corridor).expect_err("it never ends");
    assert!(error.schedule().deviations() <= 4, "{error}");
}
