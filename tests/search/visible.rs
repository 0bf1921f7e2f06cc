//! What passes without having looked at much, and what is shown where nobody would see it otherwise.

use std::fs;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use dacapo::scheduler::{CancelSweep, Random, Replay};
use dacapo::sync::Semaphore;
use dacapo::task::{spawn_named, yield_now};
use dacapo::{check, choose, spawn, trace, try_check};

use crate::support::{assert_parts, is_victim, victim_command};

/// What a victim prints although `cargo test` captures what tests print.
#[track_caller]
fn printed(victim: &str, variables: &[(&str, &Path)]) -> String {
    let mut command = victim_command("1");
    command.args([&format!("visible::{victim}"), "--exact"]).envs(variables.iter().copied());
    let output = command.output().unwrap();
    let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    assert!(output.status.success(), "{text}");
    text
}

fn target() -> PathBuf {
    let this = std::env::current_exe().unwrap();
    this.ancestors().find(|above| above.join("CACHEDIR.TAG").is_file()).unwrap().to_owned()
}

#[test]
fn a_sweep_over_foreign_primitives_says_that_it_watched_nothing() {
    let text = printed("victim_of_foreign_permits", &[]);
    assert_parts(&text, &["victim_of_foreign_permits: the sweep watched nothing", "dacapo::sync"]);
}

#[test]
fn victim_of_foreign_permits() {
    if is_victim() {
        check(CancelSweep::new(), async || {
            let semaphore = Arc::new(tokio::sync::Semaphore::new(1));
            let permit = Arc::clone(&semaphore).acquire_owned().await.unwrap();
            let other = Arc::clone(&semaphore);
            let task = spawn(async move { drop(other.acquire().await) });
            yield_now().await;
            drop(permit);
            let _ = task.await;
        });
    }
}

#[test]
fn a_sweep_with_nothing_to_cancel_says_so() {
    let text = printed("victim_of_no_tasks", &[]);
    assert_parts(&text, &["victim_of_no_tasks: the sweep cancelled nothing"]);
}

#[test]
fn victim_of_no_tasks() {
    if is_victim() {
        check(CancelSweep::new(), async || drop(Semaphore::new(1).acquire().await));
    }
}

#[test]
fn a_sweep_that_watches_says_nothing() {
    let text = printed("victim_of_own_permits", &[]);
    assert!(!text.contains("dacapo:"), "{text}");
}

#[test]
fn victim_of_own_permits() {
    if is_victim() {
        check(CancelSweep::new(), async || {
            let semaphore = Rc::new(Semaphore::new(1));
            let other = Rc::clone(&semaphore);
            let task = spawn(async move {
                let _permit = other.acquire().await;
                yield_now().await;
            });
            yield_now().await;
            let _ = task.await;
        });
    }
}

#[test]
fn a_schedule_that_does_not_fit_is_seen() {
    let text = printed("victim_of_a_misfit", &[]);
    assert_parts(&text, &["victim_of_a_misfit: the run does not fit its schedule: choice 0"]);
    let package = Path::new(env!("CARGO_TARGET_TMPDIR")).join("visible");
    let kept = package.join("dacapo-regressions");
    fs::create_dir_all(&kept).unwrap();
    fs::write(kept.join("search.visible.victim_that_passes.txt"), "d1:9.9.9\n").unwrap();
    let text = printed("victim_that_passes", &[("CARGO_MANIFEST_DIR", &package)]);
    assert_parts(&text, &["line 1 of ", "does not fit the code any more"]);
    let text = printed("victim_that_passes", &[("DACAPO_REPLAY", Path::new("d1:9.9.9"))]);
    assert_parts(&text, &["it does not fit the schedule any more", "it passes"]);
}

#[test]
fn victim_of_a_misfit() {
    if is_victim() {
        check(Replay::new("d1:1.1.1"), async || {});
    }
}

/// A test that was renamed takes nothing with it.
#[test]
fn a_file_whose_test_was_renamed_is_reported() {
    let package = Path::new(env!("CARGO_TARGET_TMPDIR")).join("orphans");
    let kept = package.join("dacapo-regressions");
    let _ = fs::remove_dir_all(&package);
    fs::create_dir_all(&kept).unwrap();
    fs::create_dir_all(package.join("tests")).unwrap();
    fs::write(package.join("tests/search.rs"), "fn renamed_twice() {} fn switched_off() {}")
        .unwrap();
    for test in [
        "search.visible.renamed",
        "search.visible.switched_off",
        "search.visible.victim_of_no_tasks",
        "search.visible.victim_of_no_tasks#2",
        "search.visible.victim_that_passes#2",
        "other.visible.renamed",
    ] {
        fs::write(kept.join(format!("{test}.txt")), "d1:\n").unwrap();
    }
    let text = printed("victim_that_passes", &[("CARGO_MANIFEST_DIR", &package)]);
    let orphan = "dacapo: dacapo-regressions/search.visible.renamed.txt is of no test any more";
    assert_parts(&text, &[orphan]);
    assert_eq!(text.matches("is of no test").count(), 1, "{text}");
}

#[test]
fn victim_that_passes() {
    if is_victim() {
        check(Random::seeds(0..200), async || {
            let tasks = [(); 2].map(|()| spawn(yield_now()));
            for task in tasks {
                task.await.unwrap();
            }
        });
    }
}

#[test]
fn a_check_that_passes_says_how_many_runs_it_made() {
    let mut command = victim_command("1");
    let output = command.args(["visible::victim_that_passes", "--exact", "--nocapture"]).output();
    let text = String::from_utf8(output.unwrap().stderr).unwrap();
    let line = text.lines().find(|line| line.starts_with("dacapo: ")).expect("a line");
    let parts = ["search::visible::victim_that_passes passes in 200 runs; ", " distinct traces, "];
    assert_parts(line, &parts);
    assert_parts(line, &["% repeats; ", " s"]);
    let file = target().join("dacapo/dacapo.search.visible.victim_that_passes/search.txt");
    assert_eq!(fs::read_to_string(file).unwrap().trim(), line);
    // The number does not depend on who makes the runs, and distinct traces neither.
    let mut command = victim_command("1");
    command.args(["visible::victim_that_passes", "--exact", "--nocapture"]).env("DACAPO_JOBS", "2");
    let text = String::from_utf8(command.output().unwrap().stderr).unwrap();
    let (counted, _) = line.rsplit_once(';').unwrap();
    assert_parts(&text, &[counted]);
}

/// In names, values and messages.
#[test]
fn a_terminal_obeys_nothing_in_a_report() {
    const ESCAPE: &str = "\u{1b}[31m\u{7}\u{202e}";
    let report = try_check(Random::seeds(0..10), async || {
        let task = spawn_named(ESCAPE, async {
            trace!("value", ESCAPE);
            choose(ESCAPE, 2);
            yield_now().await;
        });
        task.await.unwrap();
        assert!(ESCAPE.is_empty(), "{ESCAPE}");
    });
    let report = report.unwrap_err().to_string();
    assert_eq!(report.find(['\u{1b}', '\u{7}', '\u{202e}']), None, "{report}");
    let report = try_check(Random::seeds(0..10), async || Err::<(), _>(ESCAPE));
    let report = report.unwrap_err().to_string();
    assert_eq!(report.find(['\u{1b}', '\u{7}', '\u{202e}']), None, "{report}");
}

#[test]
fn names_that_are_given_and_names_that_are_made_differ() {
    let run = dacapo::run(async || {
        for name in ["main", "main#2", "main/1", "worker", "worker", "worker#2", "\"main#2\"", ""] {
            spawn_named(name, std::future::ready(())).await.unwrap();
        }
        spawn(async {}).await.unwrap();
    });
    let names = run.trace().names();
    let names: Vec<_> = names.ids().map(|task| names.get(task).to_string()).collect();
    let given = ["main#2", "\"main#2\"", "\"main/1\"", "worker", "worker#2", "\"worker#2\""];
    assert_eq!(names[..7], [&["main"], &given[..]].concat());
    assert_eq!(names[7..], [r#""\"main#2\"""#, r#""""#, "main/9"]);
}

/// With RUST_BACKTRACE, the frames of the panic itself, and not those of the report.
#[test]
fn a_backtrace_shows_the_user_s_frames() {
    let mut command = victim_command("1");
    command.args(["visible::victim_of_a_panic_in_a_crate", "--exact", "--nocapture"]);
    let run = |command: &mut std::process::Command| {
        String::from_utf8(command.output().unwrap().stderr).unwrap()
    };
    let text = run(command.env("RUST_BACKTRACE", "1"));
    let (_, frames) = text.split_once("how it came to the panic at ").expect("a backtrace");
    let (frames, _) = frames.split_once("\n\n").unwrap();
    assert_parts(
        frames,
        &[
            "tokio::sync::",
            "visible::too_many_permits",
            "victim_of_a_panic_in_a_crate::{{closure}}",
        ],
    );
    assert_parts(frames, &["tests/search/visible.rs:"]);
    assert!(!frames.contains("victim_of_a_panic_in_a_crate\n"), "{frames}");
    for other in ["dacapo::", "core::", "std::", "/rustc/"] {
        let mut lines = frames.lines().map(str::trim_start);
        assert!(!lines.any(|line| line.starts_with(other)), "{other} is in\n{frames}");
    }
    let text = run(command.env("RUST_BACKTRACE", "0"));
    assert!(!text.contains("how it came to the panic"), "{text}");
}

fn too_many_permits() -> tokio::sync::Semaphore {
    tokio::sync::Semaphore::new(usize::MAX)
}

#[test]
fn victim_of_a_panic_in_a_crate() {
    if is_victim() {
        check(Random::seeds(0..10), async || {
            spawn(async { too_many_permits().close() }).await.unwrap();
        });
    }
}
