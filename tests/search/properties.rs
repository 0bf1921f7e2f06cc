//! `dacapo::proptest!`: inputs and schedules that are searched and shrunk together.
//! Tests that must fail are victims, run in processes of their own.
#![cfg(feature = "proptest")]

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use crate::support::semaphores::at_once;
use crate::support::{assert_parts, assert_snapshot, victim, victim_command};
use dacapo::Faults;
use dacapo::task::{spawn, yield_now};
use proptest::collection::{hash_set, vec};
use proptest::prelude::*;

/// What the victims are asked to do. Nothing, when all tests are run.
fn asked(what: &str) -> bool {
    victim().is_some_and(|asked| asked.split(' ').any(|word| word == what))
}

/// Looks like something that is not fit for a terminal, and like very much of it.
#[derive(Clone)]
struct Hostile(usize);

impl fmt::Debug for Hostile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}\n# d1:1\r\u{1b}[31m\u{202e}{}", self.0, "x".repeat(10_000))
    }
}

dacapo::proptest! {
    #[test]
    async fn permits(
        permits in 1..5_usize,
        tasks in if asked("wider") { 1..9_usize } else { 1..8 },
        rounds in 1..4_usize,
    ) {
        if asked("broken") || asked("wider") {
            let most = at_once(permits, tasks, rounds).await;
            prop_assert!(most <= permits, "{most} at once");
        }
    }

    #[test]
    async fn hostile(value in (5..50_usize).prop_map(Hostile), _other in 0..9_u8) {
        prop_assert!(!asked("broken") || value.0 < 7, "it is {value:?}");
    }

    #[test]
    async fn unordered(set in hash_set(0..100_u8, 5..9)) {
        prop_assert!(!asked("broken") || (50..100).all(|big| !set.contains(&big)), "a big one");
    }

    #[test]
    async fn rejected(number in 0..100_u32) {
        prop_assume!(!asked("broken"), "none of {} is good enough", "them");
        prop_assert!(number < 100);
    }

    #[test]
    async fn strategy_without_values(_number in (0..9_u32).prop_filter("never", |_| !asked("broken"))) {}
}

/// A directory as cargo would say that it is the package's, in which tests of this binary are run.
struct Package {
    name: &'static str,
    directory: PathBuf,
}

impl Package {
    fn new(name: &'static str) -> Self {
        let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let _ = fs::remove_dir_all(&directory);
        fs::create_dir_all(&directory).unwrap();
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
        let _ = fs::remove_dir_all(target.join(format!("dacapo/{name}.search.properties.permits")));
        Self { name, directory }
    }

    fn file(&self, test: &str) -> PathBuf {
        self.directory.join(format!("dacapo-regressions/search.properties.{test}.txt"))
    }

    fn kept(&self, test: &str) -> String {
        fs::read_to_string(self.file(test)).unwrap()
    }

    /// Runs one test as a victim; returns all that it printed.
    fn run(&self, test: &str, asked: &str, variables: &[(&str, &str)]) -> String {
        let mut command = victim_command(asked);
        command
            .args([&format!("properties::{test}"), "--exact", "--nocapture"])
            .current_dir(&self.directory);
        command.env("CARGO_PKG_NAME", self.name).env("CARGO_MANIFEST_DIR", &self.directory);
        let output = command.envs(variables.iter().copied()).output().unwrap();
        String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
    }
}

const ACCEPT: (&str, &str) = ("DACAPO_ACCEPT", "1");

/// What follows a word at the beginning of a line of a report.
#[track_caller]
fn fact<'a>(text: &'a str, word: &str) -> &'a str {
    let line = text.lines().find_map(|line| line.strip_prefix(word));
    line.unwrap_or_else(|| panic!("{word:?} is missing in\n{text}")).trim()
}

/// The report, and the way to two tasks, one permit, one round, and one deviation.
#[test]
fn workload_and_schedule_shrink_together() {
    let report = Package::new("report").run("permits", "broken", &[]);
    let start = report.find("dacapo: ").unwrap();
    // What follows are the paths of files.
    let end = report[start..].find("\nkeep it").unwrap();
    assert_snapshot!(
        "property",
        "A semaphore gives one permit to two tasks, in a workload of random size: the report.",
        report[start..start + end]
    );
}

/// Whichever inputs are drawn.
#[test]
fn other_inputs_shrink_to_the_same() {
    let package = Package::new("seeds");
    for seed in ["1", "2", "3"] {
        let report = package.run("permits", "broken", &[("PROPTEST_RNG_SEED", seed)]);
        assert_parts(
            &report,
            &[
                "permits = 1\n  tasks = 2\n  rounds = 1\n",
                "the schedule: ",
                " with 1 deviation, in ",
            ],
        );
    }
}

/// The line that is printed makes that run again, and once it is accepted, each test run begins with it.
#[test]
fn the_life_of_a_pair() {
    let package = Package::new("pairs");
    let report = package.run("permits", "broken", &[]);
    assert_parts(&report, &["confirmed   the same failure and trace", "again here and in a fresh"]);
    assert!(!package.file("permits").exists(), "nothing is written unasked");
    let line = fact(&report, "replay now").split('\'').nth(1).unwrap().to_owned();
    let again = package.run("permits", "broken", &[("DACAPO_REPLAY", &line)]);
    assert_parts(&again, &["the input\n  permits = 1\n  tasks = 2\n", "replayed   DACAPO_REPLAY"]);
    let hash = |text: &str| text.split("hash ").nth(1).unwrap()[..16].to_owned();
    assert_eq!(hash(&again), hash(&report));

    let accepted = package.run("permits", "broken", &[ACCEPT]);
    assert_parts(fact(&accepted, "kept"), &["as line 6 of dacapo-regressions/"]);
    assert_snapshot!(
        "property_kept",
        "The same, accepted: a file with the input and the schedule that fail together.",
        package.kept("permits")
    );
    let first = package.run("permits", "broken", &[]);
    assert_parts(fact(&first, "found by"), &["line 6 of dacapo-regressions/"]);
    assert_parts(fact(&first, "kept"), &["it is line 6"]);
    let repaired = package.run("permits", "", &[]);
    assert_parts(&repaired, &["test result: ok"]);
}

/// A changed strategy draws another input from a seed. The check says so and tries that input.
#[test]
fn a_changed_strategy_is_told() {
    let package = Package::new("changed");
    let accepted = package.run("permits", "broken", &[ACCEPT]);
    let line = fact(&accepted, "replay now").split('\'').nth(1).unwrap().to_owned();
    // The check sum is the other end of what can be changed.
    let (before, _) = line.split_once('~').unwrap();
    let schedule = line.split(' ').nth(1).unwrap();
    let text = format!("{before}~00000001 {schedule} # as it was once\n");
    fs::write(package.file("permits"), text).unwrap();
    let told = package.run("permits", "", &[]);
    assert_parts(
        &told,
        &[
            "dacapo: search::properties::permits: line 1 of dacapo-regressions/search.properties.permits.txt does not fit",
            "draw another input for it now, which is tried instead: permits = 1, tasks = 2, rounds = 1.",
            "DACAPO_ACCEPT=1 cargo test -p changed -- --exact properties::permits",
        ],
    );
    let replayed = format!("{before}~00000001 {schedule}");
    let told = package.run("permits", "broken", &[("DACAPO_REPLAY", &replayed)]);
    assert_parts(
        fact(&told, "but"),
        &["draw another input now: permits = 1, tasks = 2, rounds = 1"],
    );
}

/// A set that iterates in another order each time is still the same input.
#[test]
fn an_input_may_be_without_order() {
    let package = Package::new("unordered");
    let report = package.run("unordered", "broken", &[]);
    let line = fact(&report, "replay now").split('\'').nth(1).unwrap();
    for _ in 0..3 {
        let again = package.run("unordered", "broken", &[("DACAPO_REPLAY", line)]);
        assert_parts(&again, &["a big one", "replayed   DACAPO_REPLAY"]);
        assert!(!again.contains("draw another input"), "{again}");
    }
}

/// A line of a test that had no arguments, and one for a test that has none.
#[test]
fn what_does_not_belong_together_is_told() {
    let package = Package::new("mixed");
    let told = package.run("permits", "", &[("DACAPO_REPLAY", "d1:1")]);
    assert_parts(&told, &["DACAPO_REPLAY=d1:1 has no input (`i1:…`)", "this test draws one"]);
    let told = package.run("without_arguments", "", &[("DACAPO_REPLAY", "i1:1~2a d1:1")]);
    assert_parts(
        &told,
        &["DACAPO_REPLAY=i1:1~0000002a d1:1 has an input (`i1:…`)", "leave it out"],
    );
    fs::create_dir_all(package.file("permits").parent().unwrap()).unwrap();
    fs::write(package.file("permits"), "d1:1 # found once\n").unwrap();
    let told = package.run("permits", "", &[]);
    assert_parts(&told, &["line 1 of", "permits.txt has no input (`i1:…`) before the schedule"]);
    fs::write(package.file("permits"), "i1:1/x~1 d1:1\n").unwrap();
    let told = package.run("permits", "", &[]);
    assert_parts(&told, &["permits.txt:1:6: malformed input: at column 6, expected `s`, `c`"]);
}

#[test]
fn without_arguments() {
    dacapo::check(dacapo::scheduler::Fifo::new(), async || ());
}

/// Whatever a value looks like, reports and files stay fit for people.
#[test]
fn hostile_values_are_shown_in_one_line() {
    let package = Package::new("hostile");
    let report = package.run("hostile", "broken", &[ACCEPT]);
    let shown = fact(&report, "  value =");
    assert!(shown.starts_with(r"line 7\n# d1:1\r\u{1b}[31m\u{202e}xxx"), "{shown}");
    assert!(shown.len() < 1100 && shown.ends_with('…'), "{}", shown.len());
    let kept = package.kept("hostile");
    let line = kept.lines().last().unwrap();
    assert!(line.len() < 600 && !line.contains('\u{1b}'), "{line}");
    assert_eq!(kept.lines().count(), 6);
    assert_parts(fact(&package.run("hostile", "broken", &[]), "found by"), &["line 6 of"]);
}

#[test]
fn an_input_may_be_rejected() {
    let package = Package::new("rejected");
    assert_parts(&package.run("rejected", "", &[]), &["test result: ok"]);
    let told = package.run("rejected", "broken", &[]);
    assert_parts(
        &told,
        &[
            "dacapo: 1025 inputs were rejected, the last one by tests/search/properties.rs",
            "none of them is",
        ],
    );
    let told = package.run("rejected", "", &[("PROPTEST_CASES", "0")]);
    assert_parts(&told, &["dacapo: `cases` is 0 (of `proptest_config`, or PROPTEST_CASES)"]);
    let told = package.run("strategy_without_values", "broken", &[]);
    assert_parts(&told, &["dacapo: a strategy gives no value: _number: Too many local rejects"]);
}

thread_local! {
    static SEEN: RefCell<Vec<(u32, u64)>> = const { RefCell::new(Vec::new()) };
}

dacapo::proptest! {
    #![dacapo(Random::seeds(0..3), max_steps = 50, faults = Faults::harmless())]
    #![proptest_config(ProptestConfig { cases: 7, ..ProptestConfig::default() })]

    async fn three_runs_each(number: u32) {
        use dacapo::rand::Rng as _;
        // The seed of a run shows in its random values.
        let random = dacapo::rand::rng().next_u64();
        SEEN.with_borrow_mut(|seen| seen.push((number, random)));
    }
}

/// Seven inputs with three seeds each, all of them different; and the same ones each time.
#[test]
fn every_input_has_seeds_of_its_own() {
    let seen = || {
        three_runs_each();
        let runs: BTreeSet<_> = SEEN.take().into_iter().collect();
        let inputs: BTreeSet<_> = runs.iter().map(|run| run.0).collect();
        let seeds: BTreeSet<_> = runs.iter().map(|run| run.1).collect();
        assert_eq!((inputs.len(), seeds.len()), (7, 21));
        runs
    };
    assert_eq!(seen(), seen());
}

#[derive(Clone, Debug)]
struct Point {
    x: u8,
    y: u8,
}

fn points() -> impl Strategy<Value = Point> {
    (0..9_u8, 0..9_u8).prop_map(|(x, y)| Point { x, y })
}

fn parse(text: &str) -> Result<u32, TestCaseError> {
    text.parse().map_err(|error| TestCaseError::fail(format!("{error}")))
}

dacapo::proptest! {
    #![proptest_config(ProptestConfig::with_cases(4))]

    /// All forms of arguments that proptest takes.
    #[test]
    #[allow(clippy::toplevel_ref_arg)]
    async fn patterns(
        mut list in vec(0..9_u8, 0..3),
        (a, b) in (0..9_u8, Just("text")),
        Point { x, y } in points(),
        [first, second]: [bool; 2],
        mut number: u32,
        ref name in "[a-z]{1,3}",
        (_, flag): (u8, bool),
        _: char,
    ) {
        list.push(a);
        number /= 2;
        prop_assert_ne!(list.len(), 0);
        prop_assert!(x < 9 && y < 9 && number <= u32::MAX / 2 && b == "text");
        prop_assert!(name.len() <= 3 && [first, second, flag].len() == 3);
    }

    #[test]
    async fn question_marks(number in 0..1000_u32) {
        prop_assert_eq!(parse(&number.to_string())?, number);
        if number > 500 {
            return Ok(());
        }
        let task = spawn(async move {
            yield_now().await;
            number
        });
        prop_assert_eq!(task.await.unwrap(), number, "in a task");
    }

    #[test]
    async fn no_arguments() {
        yield_now().await;
    }
}

/// A run that is not the first one of its input may be left out.
#[test]
fn a_schedule_may_be_rejected() {
    thread_local! {
        static RUNS: Cell<[usize; 2]> = const { Cell::new([0; 2]) };
    }
    dacapo::proptest! {
        #![proptest_config(ProptestConfig::with_cases(5))]
        async fn first_of_two(_number: u8) {
            let order = std::rc::Rc::new(RefCell::new(Vec::new()));
            let tasks = [1, 2].map(|task| {
                let order = order.clone();
                spawn(async move { order.borrow_mut().push(task) })
            });
            for task in tasks {
                task.await.unwrap();
            }
            let [all, usual] = RUNS.get();
            let is_usual = order.borrow()[0] == 1;
            RUNS.set([all + 1, usual + usize::from(is_usual)]);
            prop_assume!(is_usual);
        }
    }
    first_of_two();
    let [all, usual] = RUNS.get();
    assert!(all >= 5 * 17 && (1..all).contains(&usual), "{all} {usual}");
}
