//! What a sweep over many schedules tells: outcomes, the least schedule of each, and what it has cost.

use std::cell::Cell;
use std::rc::Rc;

use crate::support::{assert_parts, assert_snapshot, programs};
use dacapo::scheduler::{Exhaustive, Random, Replay};
use dacapo::task::{spawn_named, yield_now};
use dacapo::{Builder, Report, explore, replay};
use proptest::prelude::*;

/// Three clerks that read, wait and write; what is left on the account.
async fn clerks() -> u32 {
    let balance = Rc::new(Cell::new(0));
    let clerk = |name: &str, amount| {
        let balance = balance.clone();
        spawn_named(name, async move {
            yield_now().await;
            let read = balance.get();
            yield_now().await;
            balance.set(read + amount);
        })
    };
    let tasks = [clerk("alice", 10), clerk("bob", 20), clerk("carol", 30)];
    for task in tasks {
        task.await.unwrap();
    }
    assert_ne!(balance.get(), 50, "just what was not to be");
    balance.get()
}

#[test]
fn a_sample_in_a_table() {
    assert_snapshot!(
        "outcomes_sampled",
        "Three clerks read, wait and write one balance: the outcomes of 1,000 random runs.",
        explore(Random::seeds(0..1000), clerks).to_string()
    );
}

/// The figures of a sweep: schedules, distinct traces, and the share of repeats in per cent.
#[track_caller]
fn check(report: &Report, runs: usize, distinct: usize, repeats: f64) {
    let figures = (report.runs(), report.distinct_traces(), 100.0 * report.repeats());
    assert_eq!(figures, (runs, distinct, repeats), "{report}");
}

#[test]
fn repeats_are_counted() {
    let dice = async || dacapo::choose("dice", 6);
    check(&explore(Exhaustive::new(), dice), 6, 6, 0.0);
    check(&explore(Exhaustive::new().max_runs(4), dice), 4, 4, 0.0);
    check(&explore(Random::seeds(0..600), dice), 600, 6, 99.0);
    check(&explore(Random::seeds(0..2), async || ()), 2, 1, 50.0);
    // What is different in the output only is different.
    check(&explore(Random::seeds(0..8), async || dacapo::rand::rng().next_u64()), 8, 8, 0.0);
}

/// What is not cheap to shrink stays as it was seen.
#[test]
fn shrinking_outcomes_is_bounded() {
    let runs = Rc::new(Cell::new(0));
    let body = async || {
        runs.set(runs.get() + 1);
        let digits = [(); 30].map(|()| dacapo::choose("digit", 10));
        digits.iter().sum::<usize>() / 30
    };
    let sampled = Builder::new().recheck_every(0).explore(Random::seeds(0..40), body);
    assert!((41..=60).contains(&runs.get()), "half as many again at most: {}", runs.get());
    let report = Builder::new().recheck_every(0).max_shrink_runs(0);
    runs.set(0);
    let seen = report.explore(Random::seeds(0..40), body);
    assert_eq!(runs.get(), 40);
    for (shrunk, seen) in sampled.outcomes().iter().zip(seen.outcomes()) {
        assert_eq!((shrunk.text(), shrunk.first_seen()), (seen.text(), seen.first_seen()));
        assert!(shrunk.least().cmp_simplicity(seen.least()).is_le());
        assert!(seen.least().cmp_simplicity(seen.first_seen()).is_le());
    }
}

/// A strict replay that does not fit has no schedule that could be made simpler.
#[test]
fn a_misfit_is_no_outcome_to_shrink() {
    let report = explore(Replay::strict("d1:7"), async || dacapo::choose("number", 3));
    assert_parts(&report.to_string(), &["the run does not fit its schedule", "100.0%  d1:2"]);
}

proptest! {
    #![proptest_config(crate::support::cases(40))]

    /// The least schedule gives the outcome beside which it stands.
    #[test]
    fn the_least_schedule_gives_its_outcome(ops in programs::program()) {
        let body = async || programs::run(ops.clone()).await;
        for report in [explore(Random::seeds(0..30), body), explore(Exhaustive::new().max_runs(50), body)] {
            for outcome in report.outcomes() {
                let run = replay(outcome.least().clone(), body);
                prop_assert_eq!(run.schedule(), outcome.least());
                prop_assert!(outcome.least().cmp_simplicity(outcome.first_seen()).is_le());
                let text = match run.into_result() {
                    Ok(output) => format!("{output:?}"),
                    Err(failure) => failure.title(),
                };
                prop_assert_eq!(text, outcome.text());
            }
            prop_assert!(!report.is_complete() || report.repeats() == 0.0);
        }
    }
}
