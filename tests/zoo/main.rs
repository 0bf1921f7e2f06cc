//! The zoo: small programs with one bug each, from the literature and from published bugs, and their
//! fixed twins.

#![allow(
    unreachable_pub,
    dead_code,
    reason = "other simulators run the programs too, each what it can"
)]

#[path = "../support/claims.rs"]
mod claims;
mod programs;
#[path = "../support/mod.rs"]
mod support;
mod world;

use dacapo::scheduler::Portfolio;
use dacapo::{Builder, CheckError};
use programs::Program;
use support::assert_snapshot;

/// What the default search of a test finds.
#[track_caller]
fn found(program: &Program) -> CheckError {
    let builder = Builder::new().fresh_process(false);
    let found = builder.try_check(Portfolio::default(), async || program.broken().await);
    found.expect_err(program.name)
}

fn median(mut numbers: Vec<usize>) -> usize {
    numbers.sort_unstable();
    numbers[numbers.len() / 2]
}

/// Each bug is found, shrunk to few deviations, and explained by two tasks whose order matters. What the report claims
/// of other runs is true.
#[test]
fn bugs_are_found_shrunk_and_explained() {
    claims::check_itself();
    let (mut rows, mut all, mut claims) = (String::new(), Vec::new(), 0);
    for program in programs::all() {
        let (name, error) = (program.name, found(program));
        let explanation = error.explanation().expect("it is explained");
        let (early, late) = explanation.tasks().unwrap_or_default();
        assert!(program.pairs.contains(&[early, late]), "{name}: {error}");
        let schedule = error.schedule();
        assert!(schedule.deviations() <= 3, "{name}: {schedule}");
        claims += claims::verify(&error, async || program.broken().await);
        let why = match explanation.sentence() {
            sentence if sentence.ends_with(": the other way round it passes") => {
                "swapped, it passes"
            }
            sentence if sentence.contains("is held back") => "not held back, it passes",
            sentence if sentence.contains("before all others") => "not ahead, it passes",
            sentence if sentence.contains("among others") => "among others",
            sentence => panic!("{name}: {sentence}"),
        };
        let why = format!("{early} ran before {late}; {why}");
        rows += &format!("{name:<27} {:<24} {why}\n", schedule.to_string());
        all.push(error);
    }
    assert_snapshot!(
        "zoo",
        "The programs of tests/zoo that have a bug: the least schedule that shows it, and what the explanation says.",
        rows
    );
    println!("claims: {claims} of {claims} hold");
    let median = |number: fn(&CheckError) -> usize| median(all.iter().map(number).collect());
    assert!(median(CheckError::runs) <= 10, "it takes long to find bugs");
    assert!(median(CheckError::shrink_runs) <= 100, "it takes long to shrink them");
    assert_eq!(median(|error| error.schedule().deviations()), 1);
}

#[test]
fn their_twins_pass() {
    for program in programs::all() {
        dacapo::check(Portfolio::seeds(0..200), async || program.fixed().await);
    }
}

/// The usual order shows the bug only in programs that say so.
#[test]
fn the_usual_order_shows_none() {
    let shown =
        programs::all().filter(|program| !dacapo::run(async || program.broken().await).is_ok());
    assert!(shown.map(|program| program.name).eq(["lost_update"]));
}

#[test]
fn names_are_unique() {
    let mut names: Vec<_> = programs::all().map(|program| program.name).collect();
    names.sort_unstable();
    let all = names.len();
    names.dedup();
    assert_eq!(names.len(), all);
}
