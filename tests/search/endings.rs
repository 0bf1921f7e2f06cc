//! Processes that end in the middle of a run or of a search: what they leave behind.

use std::fs;
use std::future::pending;
use std::path::PathBuf;

use dacapo::scheduler::{Random, Replay};
use dacapo::{Builder, check, spawn};

use crate::support::{assert_parts, is_victim, victim_command};

/// Runs a victim as `cargo test` does, which captures what tests print. Returns whether it passed, what came through
/// all the same, and the files of its test.
fn end_of(victim: &str) -> (bool, String, PathBuf) {
    let test = format!("endings::{victim}");
    let target = std::env::current_exe().unwrap();
    let target = target.ancestors().find(|above| above.join("CACHEDIR.TAG").is_file()).unwrap();
    let files = target.join(format!("dacapo/dacapo.search.endings.{victim}"));
    let _ = fs::remove_dir_all(&files);
    let output = victim_command("1").args([&test, "--exact"]).output().unwrap();
    let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    (output.status.success(), text, files)
}

fn schedule_in(files: &std::path::Path) -> String {
    fs::read_to_string(files.join("schedule.txt")).unwrap().trim().to_owned()
}

struct PanicsInDrop;

impl Drop for PanicsInDrop {
    fn drop(&mut self) {
        panic!("the second");
    }
}

#[test]
fn a_panic_while_another_panic_unwinds() {
    let (passed, text, files) = end_of("victim_of_two_panics");
    assert!(!passed);
    assert_parts(
        &text,
        &[
            "endings::victim_of_two_panics fails",
            "a destructor panicked while another panic was unwinding",
            "\"the second\" at tests/search/endings.rs:",
            "while unwinding from \"the first\" at tests/search/endings.rs:",
            "DACAPO_REPLAY='d1:1' cargo test -p dacapo",
        ],
    );
    assert_eq!(schedule_in(&files), "d1:1");
    assert!(fs::read_to_string(files.join("report.txt")).unwrap().contains("the second"));
}

#[test]
fn victim_of_two_panics() {
    if is_victim() {
        check(Replay::new("d1:1"), async || {
            spawn(pending::<()>());
            spawn(async {
                let _guard = PanicsInDrop;
                panic!("the first");
            })
            .await
            .unwrap();
        });
    }
}

/// Its exit code would say that all tests have passed.
#[test]
fn a_body_that_exits() {
    let (passed, text, files) = end_of("victim_that_exits");
    assert!(!passed);
    assert_parts(
        &text,
        &[
            "endings::victim_that_exits fails",
            "the code under test ended the process in the middle of a run",
            "DACAPO_REPLAY='d1:1' cargo test -p dacapo",
        ],
    );
    assert_eq!(schedule_in(&files), "d1:1");
}

#[test]
fn victim_that_exits() {
    if is_victim() {
        check(Random::seeds(0..100), async || {
            let first = std::rc::Rc::new(std::cell::Cell::new(0));
            let tasks = [1, 2].map(|n| {
                let first = std::rc::Rc::clone(&first);
                spawn(async move {
                    if first.replace(n) == 0 && n == 2 {
                        std::process::exit(0);
                    }
                })
            });
            for task in tasks {
                task.await.unwrap();
            }
        });
    }
}

/// A failure is on disk before it is shrunk.
#[test]
fn a_process_that_dies_while_it_shrinks() {
    let (passed, _, files) = end_of("victim_that_dies_later");
    assert!(!passed);
    assert!(schedule_in(&files).starts_with("d1:"));
}

#[test]
fn victim_that_dies_later() {
    if is_victim() {
        let failures = std::cell::Cell::new(0);
        check(Random::seeds(0..1000), async || {
            let answers = [(); 8].map(|()| dacapo::choose("n", 10));
            if answers.iter().sum::<usize>() > 40 {
                failures.set(failures.get() + 1);
                if failures.get() > 2 {
                    std::process::abort();
                }
                panic!("found");
            }
        });
    }
}

/// Shrinking and explaining end in time, and the report says that they were cut.
#[test]
fn there_is_a_limit_on_real_time() {
    let builder = Builder::new().fresh_process(false);
    let builder = builder.max_shrink_time(std::time::Duration::ZERO);
    let builder = builder.max_explain_time(std::time::Duration::ZERO);
    let error = builder.try_check(Random::seeds(0..100), async || {
        assert!([(); 8].map(|()| dacapo::choose("n", 10)).iter().sum::<usize>() < 40);
    });
    let report = error.unwrap_err().to_string();
    assert_parts(&report, &["not finished in 0 s, see Builder::max_shrink_time"]);
    assert_parts(&report, &["not finished in 0 s, see Builder::max_explain_time"]);
}

/// A thread that never comes back cannot be stopped, but it can be told where it is.
#[test]
fn a_step_that_never_ends() {
    let (passed, text, files) = end_of("victim_that_never_ends");
    assert!(!passed);
    assert_parts(
        &text,
        &[
            "endings::victim_that_never_ends: a step has not come to an end in 1 second",
            "endings::victim_that_never_ends fails",
            "it polls spinner, which was spawned at tests/search/endings.rs:",
            "a std Mutex",
            "replay now   DACAPO_REPLAY='d1:1@1' cargo test -p dacapo",
        ],
    );
    assert_eq!(schedule_in(&files), "d1:1@1");
}

#[test]
fn victim_that_never_ends() {
    if is_victim() {
        let builder = Builder::new().max_step_time(std::time::Duration::from_secs(1));
        builder.check(Random::seeds(0..100), async || {
            let lock = std::rc::Rc::new(std::cell::Cell::new(true));
            let unlock = std::rc::Rc::clone(&lock);
            let unlocker = dacapo::task::spawn_named("unlocker", async move { unlock.set(false) });
            let spinner = dacapo::task::spawn_named("spinner", async move {
                while lock.get() {
                    std::hint::spin_loop();
                }
            });
            unlocker.await.unwrap();
            spinner.await.unwrap();
        });
    }
}
