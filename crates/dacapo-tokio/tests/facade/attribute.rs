//! The attribute, and what a person sees of a failing test.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::support::assert_parts;

static RUNS: AtomicU32 = AtomicU32::new(0);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn settings_of_tokio_are_taken() {
    tokio::time::sleep(std::time::Duration::from_secs(3600)).await;
}

#[tokio::test(start_paused = true)]
async fn a_test_may_return_a_result() -> Result<(), std::num::ParseIntError> {
    assert_eq!("7".parse::<u32>()?, 7);
    Ok(())
}

#[tokio::test]
#[should_panic(expected = "the body panics")]
async fn a_panic_is_passed_on() {
    // Nothing else is printed where it should panic.
    panic!("the body panics");
}

#[tokio::test(unhandled_panic = "ignore")]
async fn panics_that_nothing_awaits_may_be_ignored() {
    tokio::spawn(async { panic!("nobody looks") });
    let _ = tokio::spawn(async { panic!("nobody looks here either") }).await;
}

#[tokio::test(seeds = 30, recheck_every = 0)]
async fn with_seeds_it_searches() {
    RUNS.fetch_add(1, Ordering::Relaxed);
}

/// Fails in some orders only.
#[tokio::test]
async fn victim() {
    if !is_victim() {
        return;
    }
    let seen = Arc::new(AtomicU32::new(0));
    let tasks = [1, 2].map(|n| {
        let seen = Arc::clone(&seen);
        tokio::spawn(async move { seen.store(n, Ordering::Relaxed) })
    });
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(seen.load(Ordering::Relaxed), 2, "the second came first");
}

const VICTIM: &str = "VICTIM";

#[expect(clippy::disallowed_methods, reason = "it is how the victim is asked")]
fn is_victim() -> bool {
    std::env::var_os(VICTIM).is_some()
}

/// Runs the victim in a process with these variables. Returns whether it passed, and what it printed.
fn run_victim(variables: &[(&str, &str)]) -> (bool, String) {
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["attribute::victim", "--exact", "--nocapture"])
        .env(VICTIM, "1")
        .env("RUST_BACKTRACE", "0")
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(text).unwrap())
}

#[test]
fn a_suite_is_searched_as_it_stands() {
    let (passes, text) = run_victim(&[]);
    assert!(passes, "{text}");
    for variable in [("DACAPO_SEARCH", "1"), ("DACAPO_SEEDS", "100")] {
        let (passes, text) = run_victim(&[variable]);
        assert!(!passes, "{text}");
        assert_parts(
            &text,
            &[
                "the second came first",
                "confirmed",
                "in a fresh process",
                "main/2 runs before main/1",
                "DACAPO_REPLAY='d1:1' cargo test -p dacapo-tokio",
                "attribute::victim",
            ],
        );
        let (passes, text) = run_victim(&[("DACAPO_REPLAY", "d1:1")]);
        assert!(!passes);
        assert_parts(&text, &["the second came first"]);
    }
    let (passes, text) = run_victim(&[("DACAPO_SEARCH", "yes")]);
    assert!(!passes);
    assert_parts(&text, &["DACAPO_SEARCH=yes: expected 1"]);
}
