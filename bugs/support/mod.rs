//! What all packages here share: how a bug is searched for, and what a release without it must pass.
#![allow(dead_code, reason = "a package has the release with a bug, or the one without it")]

#[path = "../../tests/support/claims.rs"]
mod claims;

use std::ops::Range;
use std::path::Path;

use dacapo::Builder;
use dacapo::scheduler::{Portfolio, Scheduler};

pub use dacapo::FailureKind;

/// How many searches must find the bug, each with its own seeds.
const SEARCHES: u64 = 20;
/// In how many schedules each of them has to find it; also what a test tries by default.
const SCHEDULES: u64 = 1000;
/// How many schedules a fixed release has to pass.
const MANY: u64 = 20_000;

/// The search of a test that names no scheduler, with these seeds.
fn search(seeds: Range<u64>) -> impl Scheduler + 'static {
    Portfolio::seeds(seeds)
}

/// Asserts that a search finds the bug, which does not show first in, first out, as an ordinary event
/// loop runs the scenario. The report is a snapshot.
#[track_caller]
pub fn found(bug: &str, scenario: impl AsyncFn() + Copy, kind: FailureKind, message: &str) {
    dacapo::run(scenario).unwrap();
    fails(bug, scenario, kind, message);
}

/// The same for a bug that shows under every schedule.
#[track_caller]
pub fn found_at_once(bug: &str, scenario: impl AsyncFn() + Copy, kind: FailureKind, message: &str) {
    let run = dacapo::run(scenario);
    assert_eq!(run.failure().expect("it fails first in, first out").kind(), kind);
    fails(bug, scenario, kind, message);
}

#[track_caller]
fn fails(bug: &str, scenario: impl AsyncFn() + Copy, kind: FailureKind, message: &str) {
    let error = dacapo::try_check(search(0..SCHEDULES), scenario).expect_err("the bug is there");
    let report = error.to_string();
    assert_eq!(error.failure().kind(), kind, "{report}");
    claims::verify(&error, scenario);
    for part in [message, "again here and in a fresh process"] {
        assert!(report.contains(part), "{part:?} is not in\n{report}");
    }
    assert_snapshot(bug, &report);
    if !is_thorough() {
        return say(bug, &format!("found in {}", error.runs()));
    }

    let mut all: Vec<usize> = (0..SEARCHES)
        .map(|base| {
            let seeds = base * 100_000..base * 100_000 + SCHEDULES;
            let builder =
                Builder::new().max_shrink_runs(0).max_explain_runs(0).fresh_process(false);
            let error = builder.try_check(search(seeds.clone()), scenario);
            let error = error.expect_err("the bug is found with each of the seeds");
            let text = error.failure().to_string();
            assert_eq!(error.failure().kind(), kind, "{seeds:?}: {text}");
            assert!(text.contains(message), "{seeds:?}: {text}");
            error.runs()
        })
        .collect();
    all.sort_unstable();
    let worst = all[all.len() - 1];
    say(bug, &format!("found in {} (median), {worst} (worst)", all[all.len() / 2]));
}

/// Asserts that no schedule of a search fails.
#[track_caller]
pub fn passes(bug: &str, scenario: impl AsyncFn() + Copy) {
    let schedules = if is_thorough() { MANY } else { SCHEDULES };
    dacapo::check(search(0..schedules), scenario);
    say(bug, &format!("passes {schedules}"));
}

/// Whether more is asked than a test does by default.
#[expect(clippy::disallowed_methods, reason = "it is how `bugs/run thorough` asks")]
fn is_thorough() -> bool {
    std::env::var_os("DACAPO_BUGS").is_some_and(|value| value == "thorough")
}

/// A row of the table that `bugs/run` prints. The package is called after the release.
fn say(bug: &str, result: &str) {
    let package = Path::new(env!("CARGO_MANIFEST_DIR")).file_name().expect("it has a name");
    println!("bug: {bug:<28} {:<26} {result}", package.to_string_lossy());
}

fn assert_snapshot(bug: &str, report: &str) {
    insta::with_settings!({
        snapshot_path => concat!(env!("CARGO_MANIFEST_DIR"), "/../snapshots"),
        prepend_module_to_snapshot => false,
        omit_expression => true,
        // What differs between machines, or moves with every edit.
        filters => [
            (r"hash [0-9a-f]{16}", "hash HASH"),
            // Only with RUST_BACKTRACE.
            (r"(?m)^how it came to the panic at .*\n(?:  .*\n)+\n", ""),
            (r"(look at it +)\S*/dacapo/", "${1}target/dacapo/"),
            (r"\S*/scenarios/(\w+)\.rs:\d+(:\d+)?", "scenarios/$1.rs:LINE"),
            (r"\S*/registry/src/[^/]+/", "registry/")],
    }, {
        insta::assert_snapshot!(bug, report);
    });
}
