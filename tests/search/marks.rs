//! `sometimes!`, `reachable!` and `Builder::expect`: what a search must see at least once.

use std::cell::Cell;

use crate::support::{assert_parts, assert_snapshot, is_victim, run_victim};
use dacapo::scheduler::{Exhaustive, Fifo, Random, Replay, Scheduler};
use dacapo::task::{spawn, yield_now};
use dacapo::{Builder, FailureKind, explore, reachable, sometimes};

/// What a check of a body that never fails complains about: labels, or nothing.
#[track_caller]
fn check<S: Scheduler + 'static>(
    scheduler: S,
    expected: &[&str],
    body: impl AsyncFn(),
    expectation: Option<&str>,
) {
    let builder = Builder::new().fresh_process(false).expect(expected.iter().copied());
    let found = builder.try_check(scheduler, async || body().await);
    let title = found.err().map(|error| {
        assert_eq!(error.failure().kind(), FailureKind::Unmet, "{error}");
        assert_eq!(error.schedule().to_string(), "d1:");
        error.failure().title()
    });
    let expectation = expectation.map(|labels| format!("never happened: {labels}"));
    assert_eq!(title, expectation);
}

/// A request that is repeated when it is refused, up to three times.
async fn request() {
    for attempt in 0..3 {
        let refused = dacapo::choose("refused", 2) == 1;
        sometimes!("refused", refused);
        sometimes!("refused for good", refused && attempt == 2);
        sometimes!("out of patience", attempt > 2);
        if !refused {
            return;
        }
        yield_now().await;
        reachable!("retry");
    }
    reachable!("give up");
}

#[test]
fn what_never_happens_fails_the_check() {
    check(Exhaustive::new(), &[], request, Some("out of patience"));
    check(Random::default(), &["retry", "give up"], request, Some("out of patience"));
    check(Exhaustive::new(), &["a typo"], request, Some("a typo, out of patience"));
    check(Random::default(), &["x", "y"], async || (), Some("x, y"));
}

#[test]
fn what_happens_in_one_run_is_enough() {
    let runs = Cell::new(0);
    let once = async || {
        runs.set(runs.get() + 1);
        sometimes!("the hundredth", runs.get() >= 100);
    };
    check(Random::seeds(0..100), &["the hundredth"], once, None);
    // Of two places with one label, and in another task.
    let elsewhere = async || {
        sometimes!("either", false);
        spawn(async { sometimes!("either", true) }).await.unwrap();
    };
    check(Random::seeds(0..2), &["either"], elsewhere, None);
}

/// One run shows nothing of what may happen in others; but what was named is asked for.
#[test]
fn one_run_is_no_search() {
    check(Fifo::new(), &[], request, None);
    check(Replay::strict("d1:"), &[], request, None);
    check(Fifo::new(), &["retry"], request, Some("retry"));
    check(Replay::new("d1:1"), &["retry"], request, None);
    // Unless it is the only one.
    check(Exhaustive::new(), &[], async || sometimes!("never", false), Some("never"));
    check(Random::seeds(0..2), &[], async || sometimes!("never", false), Some("never"));
}

#[test]
fn a_failure_comes_first() {
    let builder = Builder::new().fresh_process(false).expect(["never"]);
    let error = builder.try_check(Random::default(), async || {
        sometimes!("not yet", false);
        assert_eq!(dacapo::choose("boom", 2), 0);
    });
    let error = error.unwrap_err();
    assert_eq!(error.failure().kind(), FailureKind::Panic, "{error}");
    assert!(!error.to_string().contains("never"), "{error}");
}

#[test]
fn a_report_of_what_never_happened() {
    let builder = Builder::new().expect(["time out", "retry"]);
    let report = |error: Result<(), dacapo::CheckError>| error.unwrap_err().to_string();
    assert_snapshot!(
        "report_unmet",
        "A search in which some of what was to happen never did: what the check complains about.",
        report(builder.try_check(Random::seeds(0..200), async || {
            request().await;
            sometimes!("twice", false);
        }))
    );
    assert_snapshot!(
        "report_unmet_complete",
        "The same in a search that has made all runs there are.",
        report(builder.try_check(Exhaustive::new(), async || sometimes!("never", false)))
    );
}

#[test]
fn marks_in_the_table_of_outcomes() {
    let report = Builder::new().expect(["time out"]).explore(Exhaustive::new(), request);
    assert_snapshot!(
        "outcomes_with_marks",
        "All runs of a client that retries: how many met which of its marks.",
        report.to_string()
    );
    let marks: Vec<_> = report.marks().iter().map(|mark| mark.label()).collect();
    assert_eq!(marks[0], "give up");
    let retry = report.marks().iter().find(|mark| mark.label() == "retry").unwrap();
    assert_eq!(retry.to_string(), "\"retry\": true in 3 of 3 runs");
    // Of one run after three refusals, one after two, one after one, and one without.
    assert_eq!((retry.evaluations(), retry.runs_evaluated(), retry.runs_held()), (6, 3, 3));
    let without = explore(Exhaustive::new(), async || ());
    assert!(without.marks().is_empty());
    assert!(!without.to_string().contains("mark"));
}

/// A run that is made again, to see whether it can be, counts once.
#[test]
fn repeated_runs_count_once() {
    for every in [0, 1] {
        let report = Builder::new()
            .recheck_every(every)
            .explore(Random::seeds(0..20), async || reachable!("here"));
        let here = &report.marks()[0];
        assert_eq!((here.evaluations(), here.runs_held()), (20, 20));
    }
}

#[test]
fn outside_of_a_run_they_do_nothing() {
    let asked = Cell::new(false);
    sometimes!("asked", asked.replace(true));
    reachable!("anywhere");
    assert!(!asked.get());
}

/// The condition may wait, return and borrow; and a mark leaves no trace.
#[test]
fn a_condition_is_an_expression() {
    async fn early(value: Option<u32>) -> Option<u32> {
        sometimes!("waited", {
            yield_now().await;
            value? > 1
        },);
        value
    }
    let report = explore(Fifo::new(), async || (early(None).await, early(Some(2)).await));
    assert_eq!(report.outcomes()[0].text(), "(None, Some(2))");
    assert_eq!(report.marks()[0].evaluations(), 1);
    let hash = |mark: bool| {
        let run = dacapo::run(async || {
            if mark {
                reachable!("here");
            }
        });
        run.trace().hash()
    };
    assert_eq!(hash(true), hash(false));
}

#[dacapo::test(Random::seeds(0..100), expect = ["retry", "give up"])]
async fn labels_in_the_attribute() {
    request_without_limit().await;
    if is_victim() {
        sometimes!("never", false);
    }
}

async fn request_without_limit() {
    match dacapo::choose("refused", 2) {
        0 => reachable!("retry"),
        _ => reachable!("give up"),
    }
}

/// A run of one schedule or one seed is not told that the other marks are missing.
#[test]
fn one_run_asked_for_is_no_search() {
    let run = |variables: &[(&str, &str)]| run_victim("labels_in_the_attribute", variables);
    let (passed, text) = run(&[]);
    assert!(!passed);
    assert_parts(&text, &["\"never\" was looked at 100 times, in 100 runs", "DACAPO_SEEDS"]);
    for variable in [("DACAPO_REPLAY", "d1:"), ("DACAPO_SEEDS", "5..6")] {
        let (passed, text) = run(&[variable]);
        assert!(passed, "{text}");
    }
    let (passed, text) = run(&[("DACAPO_SEEDS", "300")]);
    assert!(!passed);
    assert_parts(&text, &["never", "random walk, 300 runs"]);
}
