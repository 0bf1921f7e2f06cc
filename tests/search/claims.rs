//! A search claims to be complete only if nothing else can happen.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;

use crate::support::{assert_parts, is_victim, run_victim};
use dacapo::rand::{Rng as _, rng};
use dacapo::scheduler::{DelayBounded, Exhaustive, Random, Scheduler};
use dacapo::task::yield_now;
use dacapo::{Builder, CheckError, FailureKind, choose, sometimes};

/// What `explore` says of the extent of a search, and of its outcomes.
#[track_caller]
fn check(
    builder: &Builder,
    scheduler: impl Scheduler + 'static,
    body: impl AsyncFn(),
    effort: &str,
    behaviours: &str,
) {
    let report = builder.explore(scheduler, async || body().await);
    assert_eq!(report.is_complete(), effort == "complete", "{report}");
    let text = report.to_string();
    let line =
        text.lines().find(|line| line.contains("distinct trace")).expect("a line of figures");
    assert_eq!(line.rsplit("; ").next(), Some(effort), "{text}");
    let text = report.behaviours().to_string();
    let last = text.lines().last().filter(|line| line.starts_with("(there may be more"));
    assert_eq!(last.unwrap_or_default(), behaviours, "{text}");
}

#[test]
fn random_values_are_drawn_from_one_seed() {
    let builder = Builder::new();
    let effort = "all schedules, with random values from seed 0 only";
    let behaviours = "(there may be more: random values were drawn from seed 0 only)";
    let draw = async || {
        choose("x", 3);
        rng().next_u32();
    };
    check(&builder, Exhaustive::new(), draw, effort, behaviours);
    check(&builder, DelayBounded::new(1), draw, effort, behaviours);
    // In one run of three.
    let seldom = async || {
        if choose("x", 3) == 1 {
            rng().next_u32();
        }
    };
    check(&builder, Exhaustive::new(), seldom, effort, behaviours);
    let never = async || _ = choose("x", 3);
    check(&builder, Exhaustive::new(), never, "complete", "");
    check(&builder, DelayBounded::new(1), never, "complete", "");
    let twice = async || _ = [choose("x", 3), choose("y", 3)];
    let cut = "(there may be more: not all schedules were tried)";
    check(&builder, DelayBounded::new(1), twice, "not all there are", cut);
    let both = "(there may be more: not all schedules were tried; random values were drawn from seed 0 only)";
    check(&builder, Exhaustive::new().max_runs(2), draw, "not all there are", both);
}

#[test]
fn what_comes_after_a_limit_is_not_seen() {
    let effort = "all schedules, up to where runs reach a limit";
    let behaviours = "(there may be more: a run that reaches a limit goes no further)";
    let waits = async || {
        while choose("again", 2) == 1 {
            yield_now().await
        }
    };
    check(&Builder::new().max_steps(5), Exhaustive::new(), waits, effort, behaviours);
    let asks = async || while choose("again", 2) == 1 {};
    check(&Builder::new().max_choices(5), Exhaustive::new(), asks, effort, behaviours);
    let spawns = async || {
        let _tasks: Vec<_> = (0..choose("tasks", 10)).map(|_| dacapo::spawn(async {})).collect();
    };
    check(&Builder::new().max_tasks(5), Exhaustive::new(), spawns, effort, behaviours);
    let panics = async || assert_eq!(choose("x", 2), 0);
    check(&Builder::new(), Exhaustive::new(), panics, "complete", "");
}

fn unmet(scheduler: impl Scheduler + 'static, body: impl AsyncFn()) -> String {
    let found = Builder::new().try_check(scheduler, async || body().await);
    let error: CheckError = found.expect_err("something never happens");
    assert_eq!(error.failure().kind(), FailureKind::Unmet, "{error}");
    error.to_string()
}

/// Another seed could reach it.
#[test]
fn random_values_may_reach_what_was_not_reached() {
    let report = unmet(Exhaustive::new(), async || sometimes!("lucky", rng().next_u32() == 7));
    assert_parts(&report, &["no other schedule is left", "drawn from seed 0 only", "`choose`"]);
    assert!(!report.contains("dead"), "{report}");
    let report = unmet(Exhaustive::new(), async || sometimes!("lucky", choose("dice", 6) == 7));
    assert_parts(&report, &["no other schedule is left", "other inputs or faults", "dead"]);
}

/// A run that leaves out a choice which the same answers led to before hides the schedules behind it.
#[test]
fn a_choice_that_disappears_is_noticed() {
    fn disappears(scheduler: impl Scheduler + 'static) {
        let runs = Cell::new(0);
        let body = async || {
            runs.set(runs.get() + 1);
            if choose("first", 2) == 0 && runs.get() == 1 {
                choose("second", 2);
            }
        };
        let report = Builder::new().recheck_every(0).explore(scheduler, body);
        assert!(!report.is_complete(), "{report}");
        let difference = report.nondeterminism().expect("it is noticed").to_string();
        assert_parts(&difference, &["choice 1", "2 options before", "ends without it"]);
    }
    disappears(Exhaustive::new());
    disappears(DelayBounded::new(2));
}

#[test]
fn a_pass_tells_what_it_rests_on() {
    let (passed, text) = run_victim("draws", &[]);
    assert!(passed);
    let claim = "passes in 2 runs: all schedules, with random values from seed 0 only";
    assert_parts(&text, &[claim]);
}

#[dacapo::test(Exhaustive::new())]
async fn draws() {
    if is_victim() {
        choose("x", 2);
        rng().next_u32();
    }
}

#[cfg(feature = "proptest")]
mod properties {
    use super::*;
    use proptest::prelude::*;

    thread_local! {
        static SEEN: RefCell<Vec<(u8, usize)>> = const { RefCell::new(Vec::new()) };
    }

    dacapo::proptest! {
        #![dacapo(Exhaustive::new())]
        #![proptest_config(ProptestConfig { cases: 4, ..ProptestConfig::default() })]

        async fn all_answers(number in 0..=255_u8) {
            let answer = choose("answer", 5);
            SEEN.with_borrow_mut(|seen| seen.push((number, answer)));
        }
    }

    /// Each input gets every schedule, and gets it once.
    #[test]
    fn each_input_has_all_schedules() {
        all_answers();
        let runs = SEEN.take();
        let inputs: BTreeSet<u8> = runs.iter().map(|run| run.0).collect();
        let answers: BTreeSet<usize> = runs.iter().map(|run| run.1).collect();
        assert_eq!(answers.len(), 5);
        assert!(runs.len() <= 4 * 5 + 16, "{} runs of {} inputs", runs.len(), inputs.len());
    }
}

#[test]
fn a_failure_that_depends_on_random_values_is_not_said_to_come_always() {
    let error = Builder::new().fresh_process(false).try_check(Random::seeds(0..100), async || {
        assert_eq!(rng().next_u32() % 4, 0, "unlucky");
    });
    let report = error.expect_err("some seed is unlucky").to_string();
    assert!(report.contains("with the random values of seed"), "{report}");
    assert!(!report.contains("it fails always"), "{report}");
}
