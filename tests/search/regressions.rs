//! Schedules that are kept: found, accepted into a file of the package, and replayed first from then on.
//!
//! Each test has a package directory of its own, in which it runs victims of this binary.

use std::cell::Cell;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::rc::Rc;

use crate::support::{assert_parts, assert_snapshot, victim, victim_command};
use dacapo::scheduler::{Fifo, Random};
use dacapo::task::{spawn_named, yield_now};
use dacapo::{Builder, check, try_check};

/// The program under test, in the version that the environment asks for. Without one, it is right.
async fn program() {
    let version = victim().unwrap_or_default();
    let balance = Rc::new(Cell::new(0));
    if version.starts_with("no tasks") {
        balance.set(if version.ends_with("broken") { 10 } else { 30 });
    } else {
        let lost = version == "broken";
        let tasks = [("alice", 10), ("bob", 20)].map(|(name, amount)| {
            let balance = balance.clone();
            spawn_named(name, async move {
                let read = balance.get();
                if amount == 20 {
                    yield_now().await;
                }
                balance.set(amount + if lost { read } else { balance.get() });
            })
        });
        for task in tasks {
            task.await.unwrap();
        }
    }
    assert_eq!(balance.get(), 30, "money was lost");
}

#[dacapo::test(Random::default())]
async fn deposits() {
    program().await;
}

#[dacapo::test(Random::default())]
async fn twin_one() {
    program().await;
}

#[test]
fn twin_two() {
    check(Fifo::new(), async || ());
    check(Random::default(), program);
}

/// A directory as cargo would say that it is the package's.
struct Package {
    name: &'static str,
    directory: PathBuf,
}

impl Package {
    fn new(name: &'static str) -> Self {
        let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let package = Self { name, directory };
        let _ = fs::remove_dir_all(&package.directory);
        for test in ["deposits", "twin_one", "twin_two", "twin_two#2"] {
            let _ = fs::remove_dir_all(package.stored(test));
        }
        fs::create_dir_all(&package.directory).unwrap();
        package
    }

    fn target(&self) -> &Path {
        Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap()
    }

    /// Where a failing search leaves its schedule.
    fn stored(&self, test: &str) -> PathBuf {
        self.target().join("dacapo").join(format!("{}.search.regressions.{test}", self.name))
    }

    fn file(&self, test: &str) -> PathBuf {
        self.directory.join(format!("dacapo-regressions/search.regressions.{test}.txt"))
    }

    fn kept(&self, test: &str) -> String {
        fs::read_to_string(self.file(test)).unwrap()
    }

    fn write(&self, test: &str, text: &str) {
        fs::create_dir_all(self.file(test).parent().unwrap()).unwrap();
        fs::write(self.file(test), text).unwrap();
    }

    /// Runs tests of this binary; returns what of their output is about keeping, and the whole.
    fn run(
        &self,
        arguments: &[&str],
        version: &str,
        variables: &[(&str, &str)],
    ) -> (String, String) {
        let output = self.command(arguments, version, variables).output().unwrap();
        let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        let text = text.replace(&self.target().display().to_string(), "target");
        let told = ["dacapo:", "found by", "keep", "kept", "not kept", "test result"];
        let lines = text.lines().filter(|line| told.iter().any(|word| line.starts_with(word)));
        // It tells how long that took.
        let lines = lines.filter(|line| !line.contains(" passes in "));
        let lines = lines.map(|line| {
            line.split_once(". ").filter(|_| line.starts_with("test")).map_or(line, |(a, _)| a)
        });
        (lines.map(|line| format!("{line}\n")).collect(), text)
    }

    fn command(&self, arguments: &[&str], version: &str, variables: &[(&str, &str)]) -> Command {
        let mut command = victim_command(version);
        command.args(arguments).arg("--nocapture").current_dir(&self.directory);
        command.env("CARGO_PKG_NAME", self.name).env("CARGO_MANIFEST_DIR", &self.directory);
        command.envs(variables.iter().copied());
        command
    }

    fn deposits(&self, version: &str, variables: &[(&str, &str)]) -> String {
        self.run(&["regressions::deposits", "--exact"], version, variables).0
    }
}

const ACCEPT: (&str, &str) = ("DACAPO_ACCEPT", "1");

/// From the first failure to the day on which the line is outdated.
#[test]
fn the_life_of_a_schedule() {
    let package = Package::new("bank");
    let mut story = String::new();
    let mut tell = |what: &str, text: String| story.push_str(&format!("== {what}\n{text}\n"));
    tell("found", package.deposits("broken", &[]));
    assert!(!package.file("deposits").exists(), "nothing is written unasked");
    tell("repaired too early", package.deposits("repaired", &[ACCEPT]));
    tell("accepted", package.deposits("broken", &[ACCEPT]));
    tell("the file", package.kept("deposits"));
    tell("replayed first", package.deposits("broken", &[]));
    tell("accepted twice", package.deposits("broken", &[ACCEPT]));
    tell("repaired", package.deposits("repaired", &[]));
    tell("accepted when repaired", package.deposits("repaired", &[ACCEPT]));
    tell("another program", package.deposits("no tasks", &[]));
    tell("another program, broken", package.deposits("no tasks, broken", &[]));
    tell("accepted anew", package.deposits("no tasks, broken", &[ACCEPT]));
    tell("the file", package.kept("deposits"));
    assert_snapshot!(
        "regressions",
        "The life of a schedule that is kept: found, accepted, replayed first, and out of date when the code has changed.",
        story
    );
}

/// Without a stored schedule, what the search finds is kept.
#[test]
fn one_step_is_enough() {
    let package = Package::new("at_once");
    let said = package.deposits("broken", &[ACCEPT]);
    assert_parts(&said, &["found by    random walk, seed 1, run 2", "as line 6 of"]);
    assert_parts(&package.kept("deposits"), &["\nd1:1 "]);
}

/// What is kept counts neither as a seed nor as a run, and a single replay leaves it out.
#[test]
fn the_search_is_as_if_nothing_were_kept() {
    let package = Package::new("beside");
    package.write("deposits", "d1:  # passes\nd1:0x9.1 # does not fit");
    let said = package.deposits("broken", &[]);
    assert_parts(
        &said,
        &["line 2 of dacapo-regressions/", "found by    random walk, seed 1, run 2"],
    );
    let said = package.deposits("repaired", &[("DACAPO_REPLAY", "d1:1")]);
    assert!(!said.contains("line 2"), "{said}");
}

#[test]
fn mistakes_are_shown_with_their_place() {
    let package = Package::new("malformed");
    let place = "dacapo-regressions/search.regressions.deposits.txt";
    for (text, expectation) in [
        (
            "# fine\nd1:1\n d1:1.x # no",
            "txt:3:7: malformed schedule: at column 7, expected an answer",
        ),
        ("1.2", "txt:1:1: malformed schedule: at column 1, expected `d1:`"),
        ("d1:1 d1:2", "txt:1:5: malformed schedule: at column 5, expected `.`"),
        ("<<<<<<< HEAD\nd1:1", "txt:1:1: malformed"),
    ] {
        package.write("deposits", text);
        for variables in [&[][..], &[ACCEPT]] {
            let (said, all) =
                package.run(&["regressions::deposits", "--exact"], "repaired", variables);
            assert_parts(&all, &["dacapo: ", place]);
            assert_parts(&all, &[expectation, "correct the line, or remove it"]);
            assert_parts(&said, &["test result: FAILED"]);
        }
        assert_eq!(package.kept("deposits"), text, "it is left as it was");
    }
    fs::write(package.file("deposits"), [0xff, 0xfe]).unwrap();
    let (_, all) = package.run(&["regressions::deposits", "--exact"], "repaired", &[]);
    assert_parts(&all, &[place, "cannot be read", "UTF-8; save it as UTF-8, or remove it"]);
}

/// Two lines that were written with a Windows editor, and a third that is added to them.
#[test]
fn windows_files() {
    let package = Package::new("windows");
    package.write("deposits", "\u{feff}d1: # passes\r\n\r\nd1:1.0x2.1\t# fails, of course");
    let said = package.deposits("broken", &[]);
    assert_parts(&said, &["found by    line 3 of", "keep it"]);
    let said = package.deposits("broken", &[ACCEPT]);
    assert_parts(&said, &["as line 4 of"]);
    let kept = package.kept("deposits");
    assert_parts(&kept, &["\u{feff}d1: # passes\r\n\r\nd1:1.0x2.1\t# fails, of course\r\nd1:1 "]);
    assert!(kept.ends_with("\r\n"), "{kept:?}");
    assert_parts(&package.deposits("broken", &[]), &["found by    line 3 of"]);
}

/// Two tests in two threads, and the second check of one.
#[test]
fn each_check_has_its_file() {
    let package = Package::new("twins");
    let arguments = ["twin_", "--test-threads=2"];
    let (_, all) = package.run(&arguments, "broken", &[ACCEPT]);
    assert_parts(&all, &["0 passed; 2 failed"]);
    let files = fs::read_dir(package.directory.join("dacapo-regressions")).unwrap();
    let mut files: Vec<_> = files.map(|file| file.unwrap().file_name()).collect();
    files.sort();
    assert_eq!(files, ["search.regressions.twin_one.txt", "search.regressions.twin_two#2.txt"]);
    assert_parts(
        &package.kept("twin_two#2"),
        &["`search::regressions::twin_two#2` has failed", "\nd1:1 "],
    );
    let (_, all) = package.run(&arguments, "broken", &[]);
    assert_parts(&all, &["line 6 of dacapo-regressions/search.regressions.twin_"]);
    let (said, _) = package.run(&arguments, "repaired", &[]);
    assert_eq!(said, "test result: ok\n");
}

/// The line to keep a schedule works on another machine, where no search has left anything.
#[test]
fn a_schedule_that_is_given_is_kept() {
    let package = Package::new("both");
    let keep = |schedule| {
        let variables = [ACCEPT, ("DACAPO_REPLAY", schedule)];
        package.run(&["regressions::deposits", "--exact"], "broken", &variables).1
    };
    assert_parts(&keep("d1:"), &["not kept what you keep has to fail", "it passes"]);
    assert!(!package.file("deposits").exists());
    assert_parts(&keep("d1:1"), &["found by    DACAPO_REPLAY", "\nkept "]);
    assert_parts(&package.kept("deposits"), &["\nd1:1 "]);
}

/// Started by hand, the binary does not learn from cargo where its package is; but the attribute knows.
#[test]
fn without_cargo_the_attribute_knows_the_package() {
    let package = Package::new("by_hand");
    for (test, word) in [("deposits", "\nkeep it "), ("twin_two", "\nkeep as a test ")] {
        let mut command =
            package.command(&[&format!("regressions::{test}"), "--exact"], "broken", &[]);
        let output = command.env_remove("CARGO_MANIFEST_DIR").output().unwrap();
        let text = String::from_utf8(output.stderr).unwrap();
        assert_parts(&text, &[word]);
    }
}

/// A thread of the test's own, whose test is not known.
#[test]
#[expect(clippy::disallowed_methods, reason = "that is the case")]
fn a_check_without_a_name_keeps_nothing() {
    let fails = || {
        let body = async || -> Result<(), &str> { Err("boom") };
        let builder = Builder::new().fresh_process(false);
        builder.try_check(Fifo::new(), body).unwrap_err().to_string()
    };
    let report = std::thread::spawn(fails).join().unwrap();
    assert_parts(&report, &["keep as a test", "Replay::strict(\"d1:\")"]);
}

/// A thread that was named for what it does.
#[test]
fn worker_of_a_test() {
    if victim().is_some() {
        let worker = std::thread::Builder::new().name("worker".into());
        let done = worker.spawn(|| check(Random::default(), program)).unwrap().join();
        assert!(done.is_ok(), "the worker has failed");
    }
}

/// There is no test of that name to be run: `--exact worker` would pass, and mean nothing.
#[test]
fn a_thread_with_a_name_of_its_own_is_no_test() {
    let package = Package::new("worker");
    let _ = fs::remove_dir_all(package.stored("worker"));
    for variables in [&[][..], &[ACCEPT], &[ACCEPT]] {
        let (said, all) =
            package.run(&["regressions::worker_of_a_test", "--exact"], "broken", variables);
        let named = "the name was taken from the thread `worker`, which is not that of a test";
        assert_parts(&all, &["not in a fresh process: ", named, "replay now", "keep as a test"]);
        assert!(!all.contains("--exact") && !said.contains("kept") && !said.contains("keep it"));
        assert!(!package.file("worker").exists());
    }
}

/// What stands in the file has no blank at the end of its line, where a message goes on in another one.
#[test]
fn a_title_has_no_blank_at_its_end() {
    let error = try_check(Fifo::new(), async || assert_eq!("left", "right", "two lines \nare one"))
        .unwrap_err();
    assert_eq!(
        error.failure().title(),
        "main panicked: assertion `left == right` failed: two lines"
    );
}
