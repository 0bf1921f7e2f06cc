//! What several test binaries share.
#![allow(
    dead_code,
    unreachable_pub,
    unused_macros,
    unused_imports,
    reason = "each binary uses its part of it"
)]

pub mod histories;
pub mod pictures;
pub mod programs;
pub mod published;
pub mod semaphores;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

/// Asserts a snapshot in `snapshots/`. The story, at the head of the file, tells reviewers what to look for.
macro_rules! assert_snapshot {
    ($name:expr, $story:expr, $value:expr $(,)?) => {
        insta::with_settings!({
            snapshot_path => concat!(env!("CARGO_MANIFEST_DIR"), "/snapshots"),
            prepend_module_to_snapshot => false,
            omit_expression => true,
            description => $story,
            // The lines of a test's own source move with every edit, and hashes with every release.
            filters => [
                (r"hash [0-9a-f]{16}", "hash HASH"),
                (r"(look at it +)\S*/dacapo/", "${1}target/dacapo/"),
                (r"tests/\w+/\.\./support/", "tests/support/"),
                // Only with RUST_BACKTRACE.
                (r"(?m)^how it came to the panic at .*\n(?:  .*\n)+\n", ""),
                // How cargo was started.
                (r"(cargo (?:test|run) -p \w+)(?: --all-features| --release| --features[ =]\S+)+", "$1"),
                (r"(tests|examples)/([\w/]+)\.rs:\d+(:\d+)?", "$1/$2.rs:LINE")],
        }, {
            insta::assert_snapshot!($name, $value)
        })
    };
}
pub(crate) use assert_snapshot;

pub fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Runs one test of the caller's file, a `victim`, in a process with these variables. Returns whether it
/// passed, and everything that it printed.
#[track_caller]
pub fn run_victim(test: &str, variables: &[(&str, &str)]) -> (bool, String) {
    let test = format!("{}::{test}", module_of_caller());
    let output = victim_command("1")
        .args([&test, "--exact", "--nocapture"])
        .envs(variables.iter().copied())
        .output()
        .expect("a test can be run");
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(text).expect("tests print text"))
}

/// The module of the caller's file, as it stands before the names of its tests.
#[track_caller]
pub fn module_of_caller() -> &'static str {
    let file = std::path::Path::new(std::panic::Location::caller().file());
    file.file_stem().and_then(|stem| stem.to_str()).expect("a source file has a name")
}

const VICTIM: &str = "VICTIM";

/// A command that runs this binary. The variable tells its victims what to show.
pub fn victim_command(what: &str) -> std::process::Command {
    let this = std::env::current_exe().expect("a test has a path");
    let mut command = std::process::Command::new(this);
    command.env(VICTIM, what).env("RUST_BACKTRACE", "0");
    command
}

/// What this process should show, if it was started for that.
#[expect(clippy::disallowed_methods, reason = "it is how `victim_command` asks")]
pub fn victim() -> Option<String> {
    std::env::var(VICTIM).ok()
}

/// Whether this process should show how a test fails.
pub fn is_victim() -> bool {
    victim().is_some()
}

/// How many cases a property has: PROPTEST_CASES, or this many.
pub fn cases(few: u32) -> proptest::test_runner::Config {
    let config = proptest::test_runner::Config::default();
    let asked = config.cases != 256;
    proptest::test_runner::Config { cases: if asked { config.cases } else { few }, ..config }
}

/// The message of the panic that `f` ends with.
#[track_caller]
pub fn panic_of<R>(f: impl FnOnce() -> R) -> String {
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
pub fn assert_parts(text: &str, parts: &[&str]) {
    let mut rest = text;
    for part in parts {
        match rest.split_once(part) {
            Some((_, after)) => rest = after,
            None => panic!("{part:?} is missing, or in another place, in\n{text}"),
        }
    }
}
