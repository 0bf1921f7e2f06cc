//! What the tests in `tests/` have in common.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::time::Duration;

use dacapo::scheduler::Random;

/// A duration of so many milliseconds.
pub fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// These are the outcomes of 300 random runs. Each run is the same in a replay, to the hash of its trace.
#[track_caller]
pub fn check_outcomes<T: Debug>(expected: &[&str], body: impl AsyncFn() -> T) {
    let builder = dacapo_tokio::builder();
    let report = builder.explore(Random::seeds(0..300), async || body().await);
    assert!(report.nondeterminism().is_none(), "{report}");
    let outcomes: BTreeSet<&str> = report.outcomes().iter().map(|outcome| outcome.text()).collect();
    assert_eq!(outcomes, BTreeSet::from_iter(expected.iter().copied()), "{report}");
    for outcome in report.outcomes() {
        let replay = || {
            let run = builder.replay(outcome.first_seen().clone(), async || body().await);
            assert!(run.divergence().is_none(), "{report}");
            run.trace().hash()
        };
        assert_eq!(replay(), replay());
    }
}

/// A search finds a failure with this text. Its schedule fails in the same way again.
#[track_caller]
pub fn check_finds(text: &str, body: impl AsyncFn()) {
    let builder = dacapo_tokio::builder().fresh_process(false);
    let error = builder.try_check(Random::seeds(0..1000), async || body().await);
    let error = error.expect_err("a run must fail");
    assert!(error.to_string().contains(text), "{error}");
    let run = builder.replay(error.schedule().clone(), async || body().await);
    let failure = run.failure().expect("the replay must fail");
    assert_eq!(failure.to_string(), error.failure().to_string());
}
