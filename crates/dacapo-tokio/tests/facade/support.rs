use std::collections::BTreeSet;
use std::fmt::Debug;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use dacapo::scheduler::{Exhaustive, Random};
use dacapo::{CheckError, Run, Schedule};

pub(crate) fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// One run, first in, first out.
pub(crate) fn run<T>(body: impl AsyncFnOnce() -> T) -> Run<T> {
    dacapo_tokio::builder().run(body)
}

/// Some run fails, in the same way again in a replay.
#[track_caller]
pub(crate) fn check_fails(body: impl AsyncFn()) -> CheckError {
    let builder = dacapo_tokio::builder().fresh_process(false);
    let error = builder
        .try_check(Random::seeds(0..200), async || body().await)
        .expect_err("a run must fail");
    let run = builder.replay(error.schedule().clone(), async || body().await);
    let failure = run.failure().expect("the replay must fail");
    assert_eq!(failure.to_string(), error.failure().to_string());
    error
}

/// These are the outcomes of 200 random runs, and each run is the same again.
#[track_caller]
pub(crate) fn check_outcomes<T: Debug>(expected: &[&str], body: impl AsyncFn() -> T) {
    let report = dacapo_tokio::builder().explore(Random::seeds(0..200), async || body().await);
    assert!(report.nondeterminism().is_none(), "{report}");
    let outcomes: BTreeSet<&str> = report.outcomes().iter().map(|it| it.text()).collect();
    assert_eq!(outcomes, BTreeSet::from_iter(expected.iter().copied()), "{report}");
    // The same hash in a replay.
    for outcome in report.outcomes() {
        let replay = |schedule: &Schedule| {
            let run = dacapo_tokio::builder().replay(schedule.clone(), async || body().await);
            assert!(run.divergence().is_none());
            run.trace().hash()
        };
        assert_eq!(replay(outcome.first_seen()), replay(outcome.first_seen()));
    }
}

/// An exhaustive search makes so many runs, and these are the outcomes.
#[track_caller]
pub(crate) fn check_all<T: Debug>(runs: usize, expected: &[&str], body: impl AsyncFn() -> T) {
    let report = dacapo_tokio::builder().explore(Exhaustive::new(), async || body().await);
    assert!(report.is_complete(), "{report}");
    let outcomes: BTreeSet<&str> = report.outcomes().iter().map(|it| it.text()).collect();
    assert_eq!(outcomes, BTreeSet::from_iter(expected.iter().copied()), "{report}");
    assert_eq!(report.runs(), runs, "{report}");
}

/// The message of the panic that `f` ends with.
#[track_caller]
pub(crate) fn panic_of<R>(f: impl FnOnce() -> R) -> String {
    match catch_unwind(AssertUnwindSafe(f)) {
        Ok(_) => panic!("it did not panic"),
        Err(payload) => match payload.downcast::<String>() {
            Ok(message) => *message,
            Err(payload) => (*payload.downcast::<&str>().expect("a text")).to_owned(),
        },
    }
}

/// Asserts that a text contains all these parts, in this order.
#[track_caller]
pub(crate) fn assert_parts(text: &str, parts: &[&str]) {
    let mut rest = text;
    for part in parts {
        match rest.split_once(part) {
            Some((_, after)) => rest = after,
            None => panic!("{part:?} is missing, or in another place, in\n{text}"),
        }
    }
}
