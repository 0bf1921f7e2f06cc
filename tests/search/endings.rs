//! Processes that end in the middle of a run or of a search: what they leave behind.

use std::fs;
use std::future::pending;
use std::path::PathBuf;

use dacapo::scheduler::{Random, Replay};
use dacapo::{Builder, check, spawn};

use crate::support::{assert_parts, is_victim, victim, victim_command};

/// Runs a victim as `cargo test` does, which captures what tests print. Returns whether it passed, what came through
/// all the same, and the files of its test.
fn end_of(victim: &str) -> (bool, String, PathBuf) {
    let files = files_of(victim);
    let _ = fs::remove_dir_all(&files);
    let (passed, text) = run_as(victim, BROKEN);
    (passed, text, files)
}

fn files_of(victim: &str) -> PathBuf {
    let target = std::env::current_exe().unwrap();
    let target = target.ancestors().find(|above| above.join("CACHEDIR.TAG").is_file()).unwrap();
    target.join(format!("dacapo/dacapo.search.endings.{victim}"))
}

fn run_as(victim: &str, role: &str) -> (bool, String) {
    let test = format!("endings::{victim}");
    let output = victim_command(role).args([&test, "--exact"]).output().unwrap();
    let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    (output.status.success(), text)
}

/// The roles of a victim: with its bug, and without it.
const BROKEN: &str = "1";
const MENDED: &str = "mended";

/// The names of the files that stand beside a search while it goes on.
fn journals(files: &std::path::Path) -> Vec<String> {
    let names = fs::read_dir(files).into_iter().flatten();
    let names = names.map(|file| file.unwrap().file_name().into_string().unwrap());
    let temporary = ["search-", "witness-", "answer-", "question-", "jobs-"];
    names.filter(|name| temporary.iter().any(|start| name.starts_with(start))).collect()
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

/// Runs a victim whose process ends without a word, then the same once more, which reports the run, and then without
/// its bug.
#[track_caller]
fn check_silent_end(victim: &str, parts: &[&str], schedule: &str) {
    let (passed, text, files) = end_of(victim);
    assert!(!passed && !text.contains("DACAPO_REPLAY"), "{text}");
    assert_eq!(journals(&files).len(), 1);
    // Until it is mended, each process reports it.
    for _ in 0..2 {
        let (passed, text) = run_as(victim, BROKEN);
        assert!(!passed);
        let looks = format!("endings::{victim}: the last process ended in ");
        assert_parts(&text, &[&looks, "without a report; looking whether a run ends it"]);
        assert_parts(&text, &[&format!("endings::{victim} fails"), "the run ended its process ("]);
        assert_parts(&text, parts);
        let replay = format!("DACAPO_REPLAY='{schedule}' cargo test -p dacapo");
        assert_parts(&text, &["found by     the last process", "replay now", &replay]);
        assert_eq!(schedule_in(&files), schedule);
        assert!(fs::read_to_string(files.join("report.txt")).unwrap().contains(&replay));
    }
    let (passed, text) = run_as(victim, MENDED);
    assert!(passed, "{text}");
    assert_parts(&text, &["no run ends the process now"]);
    assert_eq!(journals(&files), [""; 0]);
}

/// The number of the task that comes first of two, in a body that ends the process if it is the second.
async fn second_comes_first(end: fn()) {
    let first = std::rc::Rc::new(std::cell::Cell::new(0));
    let tasks = [1, 2].map(|n| {
        let first = std::rc::Rc::clone(&first);
        dacapo::task::spawn_named(["one", "two"][n - 1], async move {
            if first.replace(n) == 0 && n == 2 && victim().as_deref() != Some(MENDED) {
                end();
            }
        })
    });
    for task in tasks {
        task.await.unwrap();
    }
}

#[test]
fn a_body_that_aborts() {
    let task = "its last step polled two, which was spawned at tests/search/endings.rs:";
    check_silent_end("victim_that_aborts", &["signal: 6", task], "d1:1@1");
}

#[test]
fn victim_that_aborts() {
    if victim().is_some() {
        check(Random::seeds(0..100), async || second_comes_first(|| std::process::abort()).await);
    }
}

/// The runs of these schedulers have no seeds, so that they are found by their numbers.
#[test]
fn a_body_that_aborts_in_an_exhaustive_search() {
    check_silent_end("victim_without_seeds", &["signal: 6"], "d1:1");
}

#[test]
fn victim_without_seeds() {
    if victim().is_some() {
        let all = dacapo::scheduler::Exhaustive::new();
        check(all, async || second_comes_first(|| std::process::abort()).await);
    }
}

#[expect(clippy::disallowed_methods, reason = "this is what the victim does wrong")]
fn exit_in_a_thread() {
    std::thread::spawn(|| std::process::exit(0)).join().unwrap();
}

/// No destructor of the run's thread is called, and the exit code says that all is well.
#[test]
fn another_thread_that_exits() {
    let (passed, text, files) = end_of("victim_of_a_thread_that_exits");
    // That much cannot be helped.
    assert!(passed && !text.contains("test result"), "{text}");
    assert_eq!(journals(&files).len(), 1);
    let (passed, text) = run_as("victim_of_a_thread_that_exits", BROKEN);
    assert!(!passed);
    assert_parts(&text, &["the run ended its process (exit status: 0)", "replay now"]);
    fs::remove_dir_all(files).unwrap();
}

#[test]
fn victim_of_a_thread_that_exits() {
    if victim().is_some() {
        check(Random::seeds(0..100), async || second_comes_first(exit_in_a_thread).await);
    }
}

#[test]
fn a_stack_overflow() {
    check_silent_end("victim_of_its_stack", &["signal: 6"], "d1:1@1");
}

#[test]
fn victim_of_its_stack() {
    fn deep(n: u64) -> u64 {
        if n == u64::MAX { 0 } else { std::hint::black_box(deep(n + 1)) + 1 }
    }
    if victim().is_some() {
        let end = || assert_ne!(std::hint::black_box(deep(0)), 7);
        check(Random::seeds(0..100), async || second_comes_first(end).await);
    }
}

/// The input belongs to what replays the run.
#[test]
fn a_property_whose_body_aborts() {
    let (passed, _, files) = end_of("victim_of_an_input");
    assert!(!passed);
    let (passed, text) = run_as("victim_of_an_input", BROKEN);
    assert!(!passed);
    assert_parts(
        &text,
        &["the run ended its process (signal: 6", "replay now   DACAPO_REPLAY='i1:"],
    );
    let case = schedule_in(&files);
    let replay = victim_command(BROKEN)
        .args(["endings::victim_of_an_input", "--exact"])
        .env("DACAPO_REPLAY", &case)
        .output()
        .unwrap();
    assert_eq!(replay.status.code(), None, "{case}");
    fs::remove_dir_all(files).unwrap();
}

dacapo::proptest! {
    #[test]
    async fn victim_of_an_input(n in 0..100_u32) {
        if victim().is_some() && n > 50 {
            std::process::abort();
        }
    }
}

/// The runs of a search that several processes share.
#[test]
fn a_body_that_aborts_with_jobs() {
    let files = files_of("victim_with_jobs");
    let _ = fs::remove_dir_all(&files);
    let run = |role| {
        let mut command = victim_command(role);
        command.args(["endings::victim_with_jobs", "--exact"]).env("DACAPO_JOBS", "2");
        let output = command.output().unwrap();
        let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        (output.status.success(), text)
    };
    assert!(!run(BROKEN).0);
    assert_eq!(journals(&files).len(), 2, "a journal, and letters");
    let (passed, text) = run(BROKEN);
    assert!(!passed);
    assert_parts(&text, &["the run ended its process (signal: 6", "DACAPO_REPLAY='d1:1@1' cargo"]);
    let (passed, text) = run(MENDED);
    assert!(passed, "{text}");
    assert_eq!(journals(&files), [""; 0]);
}

#[test]
fn victim_with_jobs() {
    if victim().is_some() {
        check(Random::seeds(0..100), async || second_comes_first(|| std::process::abort()).await);
    }
}

/// What a process has left that was killed, at whatever it was, is removed by the next one.
#[test]
fn leftovers_of_dead_processes_are_removed() {
    let files = files_of("victim_that_passes");
    fs::create_dir_all(files.join("jobs-4194400")).unwrap();
    for name in ["answer-4194400.txt", "question-4194400.txt", "schedule.txt.part-4194400"] {
        fs::write(files.join(name), "half of").unwrap();
    }
    let (passed, text) = run_as("victim_that_passes", BROKEN);
    assert!(passed, "{text}");
    assert_eq!(journals(&files), [""; 0]);
    assert!(!files.join("schedule.txt.part-4194400").exists());
}

/// And what belongs to a process that lives stays.
#[test]
fn files_of_living_processes_are_left_alone() {
    let files = files_of("victim_that_waits");
    let _ = fs::remove_dir_all(&files);
    let mut living = victim_command("waits");
    let living = living.args(["endings::victim_that_waits", "--exact"]);
    let mut living = living.stdin(std::process::Stdio::piped()).spawn().unwrap();
    let input = living.stdin.take().unwrap();
    while journals(&files).is_empty() {
        std::thread::yield_now();
    }
    let before = journals(&files);
    fs::write(files.join(format!("answer-{}.txt", living.id())), "an answer").unwrap();
    let (passed, text) = run_as("victim_that_waits", "does not wait");
    assert!(passed, "{text}");
    assert!(!text.contains("the last process"), "{text}");
    assert!(files.join(&before[0]).exists());
    assert!(files.join(format!("answer-{}.txt", living.id())).exists());
    drop(input);
    assert!(living.wait().unwrap().success());
}

#[test]
fn victim_that_passes() {
    if victim().is_some() {
        check(Random::seeds(0..3), async || {});
    }
}

#[test]
fn victim_that_waits() {
    if let Some(role) = victim() {
        check(Random::seeds(0..1), async || {
            if role == "waits" {
                let _ = std::io::stdin().read_line(&mut String::new());
            }
        });
    }
}

/// A process that was killed while nothing was wrong.
#[test]
fn a_search_that_is_killed_from_outside() {
    let files = files_of("victim_of_a_kill");
    let _ = fs::remove_dir_all(&files);
    let mut killed = victim_command("waits");
    let killed = killed.args(["endings::victim_of_a_kill", "--exact"]);
    let mut killed = killed.stdin(std::process::Stdio::piped()).spawn().unwrap();
    while !files.join(format!("search-{}.txt", killed.id())).exists() {
        std::thread::yield_now();
    }
    killed.kill().unwrap();
    killed.wait().unwrap();
    let (passed, text) = run_as("victim_of_a_kill", "does not wait");
    assert!(passed, "{text}");
    // Where it was killed before it had begun, there is nothing to say.
    if text.contains("the last process") {
        assert_parts(&text, &["no run ends the process now; perhaps something else did"]);
    }
    assert_eq!(journals(&files), [""; 0]);
}

#[test]
fn victim_of_a_kill() {
    if let Some(role) = victim() {
        check(Random::seeds(0..10), async || {
            if role == "waits" {
                let _ = std::io::stdin().read_line(&mut String::new());
            }
        });
    }
}

/// A failure is on disk before it is shrunk.
#[test]
fn a_process_that_dies_while_it_shrinks() {
    let (passed, _, files) = end_of("victim_that_dies_later");
    assert!(!passed);
    let found = schedule_in(&files);
    assert!(found.starts_with("d1:"));
    // The next process tells what it was that was being shrunk, and shrinks nothing.
    let (passed, text) = run_as("victim_that_dies_later", BROKEN);
    assert!(!passed);
    assert_parts(
        &text,
        &[
            "endings::victim_that_dies_later fails",
            "main panicked at tests/search/endings.rs:",
            "the last process, which ended while it shrank or explained this failure",
            "replay now",
        ],
    );
    assert_eq!(schedule_in(&files), found);
    assert_eq!(journals(&files), [""; 0]);
}

#[test]
fn victim_that_dies_later() {
    if is_victim() {
        check(Random::seeds(0..1000), async || {
            let answers = [(); 8].map(|()| dacapo::choose("n", 10));
            if answers.iter().sum::<usize>() > 40 {
                // Simpler schedules come here.
                if answers[7] == 0 {
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
