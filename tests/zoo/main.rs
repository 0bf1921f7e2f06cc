//! The zoo: small programs with one bug each, from the literature and from published bugs, and their
//! fixed twins.

#![allow(
    unreachable_pub,
    dead_code,
    reason = "other simulators run the programs too, each what it can"
)]

mod explained;
mod programs;
#[path = "../support/mod.rs"]
mod support;
mod world;

use dacapo::scheduler::Random;
use programs::Program;

/// Bugs that a random walk does not find in any reasonable time.
const TOO_RARE: [&str; 3] = ["reorder_10", "reorder_50", "starvation"];

/// First in, first out shows none of the bugs, unless a program says so; a search finds each of them,
/// and none in its twin.
#[track_caller]
fn check(program: &Program) {
    let name = program.name;
    if !TOO_RARE.contains(&name) {
        let found = dacapo::try_check(Random::seeds(0..20_000), async || program.broken().await);
        assert!(found.is_err(), "{name}: no bug was found");
    }
    dacapo::check(Random::seeds(0..200), async || program.fixed().await);
}

#[test]
fn bugs_are_found_and_their_twins_pass() {
    programs::all().for_each(check);
}

#[test]
fn names_are_unique() {
    let mut names: Vec<_> = programs::all().map(|program| program.name).collect();
    names.sort_unstable();
    let all = names.len();
    names.dedup();
    assert_eq!(names.len(), all);
}
