//! Searching, shrinking, reporting, replaying: what users see.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use crate::support::{
    assert_parts, assert_snapshot, is_victim, millis, panic_of, programs, run_victim,
};
use dacapo::scheduler::{Exhaustive, Fifo, Portfolio, Random, Replay};
use dacapo::task::{spawn_named, yield_now};
use dacapo::time::{sleep, timeout};
use dacapo::{Builder, Failure, Schedule, check, explore, replay};
use proptest::prelude::*;

/// Two deposits that read, wait and write. With `locked` they hold a lock.
async fn deposits(locked: bool) -> u32 {
    let balance = Rc::new(Cell::new(0));
    let lock = Rc::new(dacapo::sync::Semaphore::new(1));
    let deposit = |name: &str, amount| {
        let (balance, lock) = (balance.clone(), lock.clone());
        spawn_named(name, async move {
            let _permit = if locked { lock.acquire().await.ok() } else { None };
            let read = balance.get();
            if amount == 20 {
                yield_now().await;
            }
            balance.set(read + amount);
        })
    };
    let tasks = [deposit("alice", 10), deposit("bob", 20)];
    for task in tasks {
        task.await.unwrap();
    }
    balance.get()
}

async fn deposits_add_up() {
    assert_eq!(deposits(false).await, 30, "money was lost");
}

/// A client whose reply comes at the very moment of its deadline.
async fn tie() {
    let (send, receive) = futures::channel::oneshot::channel();
    spawn_named("server", async move {
        sleep(millis(10)).await;
        let _ = send.send(());
    });
    let client = spawn_named("client", async move { timeout(millis(10), receive).await.is_ok() });
    assert!(client.await.unwrap(), "the reply was late");
}

/// What `check` reports; the process is not asked again where the test is not about that.
#[track_caller]
fn report_of(scheduler: Random, body: impl AsyncFn()) -> String {
    let builder = Builder::new().fresh_process(false);
    panic_of(|| builder.check(scheduler, async || body().await))
}

#[test]
fn a_report_of_a_lost_update() {
    let report = panic_of(|| check(Portfolio::default(), deposits_add_up));
    assert_snapshot!(
        "report_lost_update",
        "Two deposits read a balance, wait and write it, and one is lost: the whole report of a check.",
        report
    );
}

#[test]
fn a_report_of_a_timeout() {
    assert_snapshot!(
        "report_timeout",
        "A reply comes at the very moment of its deadline, and the deadline strikes first: the report.",
        report_of(Random::default(), tie)
    );
}

#[test]
fn a_report_of_a_deadlock() {
    let report = report_of(Random::default(), async || {
        let [a, b] = [(); 2].map(|()| Rc::new(dacapo::sync::Semaphore::new(1)));
        let user = |name: &str, first: &Rc<dacapo::sync::Semaphore>, second: &Rc<_>| {
            let (first, second) = (Rc::clone(first), Rc::clone(second));
            spawn_named(name, async move {
                let _first = first.acquire().await;
                yield_now().await;
                let _second = dacapo::sync::Semaphore::acquire(&second).await;
            })
        };
        let tasks = [user("writer", &a, &b), user("reader", &b, &a)];
        for task in tasks {
            task.await.unwrap();
        }
    });
    assert_snapshot!(
        "report_deadlock",
        "Two tasks take two permits in different orders, and wait for each other: the report.",
        report
    );
}

/// More tasks than fit into columns.
#[test]
fn a_report_of_many_tasks() {
    let report = report_of(Random::default(), async || {
        let last = Rc::new(Cell::new(0));
        let tasks = (0..12).map(|n| {
            let last = last.clone();
            async move { last.set(n) }
        });
        dacapo::gather(tasks.collect::<Vec<_>>()).await;
        dacapo::choose("weather", 2);
        assert_eq!(last.get(), 11, "another one was last");
    });
    assert_snapshot!(
        "report_many_tasks",
        "Twelve tasks race to be the last, too many for columns: the report names the task in each line.",
        report
    );
}

#[test]
fn a_report_of_an_error() {
    let report = panic_of(|| {
        Builder::new().fresh_process(false).check(Fifo::new(), async || {
            sleep(millis(1)).await;
            "x1".parse::<i32>()
        });
    });
    assert_snapshot!(
        "report_error",
        "A body that returns an error, in whichever order: the report.",
        report
    );
}

#[test]
fn what_is_right_passes() {
    check(Exhaustive::new(), async || assert_eq!(deposits(true).await, 30));
    let report = explore(Exhaustive::new(), async || deposits(true).await);
    assert_eq!(report.outcomes().len(), 1);
}

#[test]
fn outcomes_in_a_table() {
    assert_snapshot!(
        "outcomes",
        "All ways in which two deposits without a lock can end: 30 is right, 20 has lost one.",
        explore(Exhaustive::new(), async || deposits(false).await).to_string()
    );
    let failing = explore(Exhaustive::new(), async || {
        deposits_add_up().await;
        tie().await;
    });
    assert_snapshot!(
        "outcomes_with_failures",
        "All ways in which a test can end that has two bugs: a row for each, and one for the runs that pass.",
        failing.to_string()
    );
    assert_eq!(failing.failures().count(), 2);
}

/// The first seed that fails, with the same failure each time: what a user finds does not depend on what
/// ran before.
#[test]
fn the_earliest_failing_seed_is_found() {
    let found = |seeds| {
        let report = report_of(Random::seeds(seeds), deposits_add_up);
        let line = report.lines().find(|line| line.starts_with("found by")).unwrap().to_owned();
        line.split(", run").next().unwrap().to_owned()
    };
    let first = found(0..1000);
    let seed: u64 = first.rsplit(' ').next().unwrap().parse().unwrap();
    assert_eq!(found(seed..1000), first);
    let before = explore(Random::seeds(0..seed), deposits_add_up);
    assert_eq!(before.failures().count(), 0);
}

/// The first of fifty tasks wins. Only one of them fails, and only behind a certain other one.
#[test]
fn long_schedules_shrink_to_what_matters() {
    let report = report_of(Random::seeds(0..10_000), async || {
        let order = Rc::new(RefCell::new(Vec::new()));
        for n in 0..20 {
            let order = order.clone();
            spawn_named(&format!("t{n}"), async move {
                yield_now().await;
                order.borrow_mut().push(n);
                yield_now().await;
            });
        }
        sleep(millis(1)).await;
        let place = |n| order.borrow().iter().position(|&other| other == n);
        assert!(place(7) < place(13), "13 came before 7");
    });
    assert_parts(&report, &["deviations to ", "with 1 deviation, in"]);
    assert_parts(&report, &["except\n  choice", "t7 is held back", "\n\nthe story"]);
}

#[test]
fn the_bound_on_shrinking_is_kept_and_told() {
    let builder = Builder::new().max_shrink_runs(1).fresh_process(false);
    let report = panic_of(|| {
        builder.check(Random::default(), async || {
            let n = (0..20).map(|_| dacapo::choose("n", 10)).sum::<usize>();
            assert!(n < 50, "the sum is too large");
        });
    });
    assert_parts(&report, &["in 1 run; not finished, see Builder::max_shrink_runs"]);
}

/// Values that were drawn are kept, and given up where they do not matter.
#[test]
fn shrinking_tries_the_seed_as_well() {
    use dacapo::rand::Rng as _;
    let needless = report_of(Random::seeds(5..6), async || {
        dacapo::rand::rng().next_u32();
        panic!("in any case");
    });
    assert_parts(&needless, &["the simplest failing schedule found is `d1:`: first in"]);
    let needed = report_of(Random::seeds(0..1000), async || {
        assert_ne!(dacapo::rand::rng().next_u32() % 16, 5, "unlucky");
    });
    let schedule = needed.split(" schedule found is `").nth(1).unwrap();
    assert!(schedule.starts_with("d1:@"), "{schedule}");
    assert_parts(&needed, &["random values from seed"]);
}

proptest! {
    #![proptest_config(crate::support::cases(40))]

    /// A shrunk schedule fails in the same way and is no longer; so says also what `replay` makes
    /// of it.
    #[test]
    fn a_shrunk_schedule_fails_the_same_way(ops in programs::program()) {
        let body = async || drop(programs::run(ops.clone()).await);
        let found = explore(Random::seeds(0..20), body);
        let first = found.failures().min_by_key(|outcome| outcome.first_seen().seed());
        if first.is_some() {
            let report = report_of(Random::seeds(0..20), body);
            let least = report.split(" schedule found is `").nth(1).unwrap();
            let least: Schedule = least.split('`').next().unwrap().parse().unwrap();
            let run = replay(least.clone(), body);
            let failure: &Failure = run.failure().expect("the least schedule fails");
            // Of the first failing seed; which that is, the table does not say.
            let same: Vec<_> = found
                .failures()
                .filter(|outcome| outcome.failure().unwrap().is_same(failure))
                .collect();
            prop_assert!(!same.is_empty());
            prop_assert!(same.iter().any(|outcome| least.cmp_simplicity(outcome.first_seen()).is_le()));
            prop_assert_eq!(run.schedule(), &least);
        }
    }
}

// What a test binary does with the environment. The victims pass unless they are asked to fail.

#[dacapo::test]
async fn victim() {
    if is_victim() {
        deposits_add_up().await;
    }
}

#[dacapo::test(Random::seeds(0..10))]
async fn rare_victim() {
    use dacapo::rand::Rng as _;
    if is_victim() {
        let n = dacapo::rand::rng().next_u64() % 1000;
        assert_ne!(n, 7, "a rare number");
    }
}

/// As it is written where the crate has another name.
#[dacapo::test(Fifo::new(), max_steps = 100, crate = renamed)]
async fn the_crate_may_have_another_name() {
    yield_now().await;
}

use dacapo as renamed;

/// Makes tests of what it is given, each in another way of `macro_rules!`.
macro_rules! tests_of {
    ($(#[$attribute:meta] $seen:vis $name:ident $parameters:tt $(-> $output:ty)? $body:block)*) => {
        $(#[$attribute] $seen async fn $name $parameters $(-> $output)? $body)*
    };
    ($attribute:meta, $item:item) => { #[$attribute] $item };
}

tests_of! {
    #[dacapo::test]
    a_macro_may_give_the_body() { yield_now().await; }
    #[dacapo::test(Fifo::new())]
    pub(crate) a_macro_may_give_the_output() -> Result<(), Box<dyn std::error::Error>> {
        yield_now().await;
        Ok(())
    }
}

tests_of! { dacapo::test, async fn a_macro_may_give_it_whole() { yield_now().await; } }

#[test]
fn plain_victim() {
    if is_victim() {
        check(Random::default(), async || assert_eq!(deposits(true).await, 30));
        check(Random::default(), deposits_add_up);
    }
}

/// What follows a word in a report, to the end of the line.
fn after<'a>(report: &'a str, word: &str) -> &'a str {
    let line = report.lines().find_map(|line| line.strip_prefix(word));
    line.unwrap_or_else(|| panic!("{word:?} is not in\n{report}")).trim()
}

#[test]
fn the_printed_line_replays_the_same_trace() {
    for test in ["victim", "plain_victim"] {
        let (passed, report) = run_victim(test, &[]);
        assert!(!passed);
        assert_parts(&report, &["confirmed", "again here and in a fresh process"]);
        let line = after(&report, "replay now");
        assert!(
            line.ends_with(&format!(
                "cargo test -p dacapo --test search -- --exact explore::{test}"
            )),
            "{line}"
        );
        let schedule = line.split('\'').nth(1).unwrap();
        let hash = after(&report, "confirmed").split("hash ").nth(1).unwrap();
        let hash = hash.split(',').next().unwrap();
        let (passed, replayed) =
            run_victim(test, &[("DACAPO_REPLAY", schedule), ("DACAPO_TRACE", "1")]);
        if test == "victim" {
            assert!(!passed, "{replayed}");
            assert_parts(&replayed, &["replayed   DACAPO_REPLAY", hash]);
        } else {
            // Its first check is not the one that fails; every check makes that one run.
            assert_parts(&replayed, &["plain_victim: replayed DACAPO_REPLAY"]);
            assert_parts(&replayed, &["it passes", "plain_victim#2 fails", hash]);
        }
        // The trace is the same to the byte.
        let page = after(&report, "look at it");
        let folder = page.strip_suffix("trace.html").unwrap();
        assert!(std::fs::read_to_string(page).unwrap().starts_with("<!doctype html>"));
        let trace = std::fs::read_to_string(format!("{folder}trace.txt")).unwrap();
        assert!(replayed.contains(&trace), "{trace}\nis not in\n{replayed}");
        // And so is what was kept in files.
        let kept = std::fs::read_to_string(format!("{folder}report.txt")).unwrap();
        assert!(report.contains(&kept), "{kept}\nis not in\n{report}");
        let file = format!("{folder}schedule.txt");
        let (passed, from_file) = run_victim(test, &[("DACAPO_REPLAY", &file)]);
        assert!(!passed);
        assert_parts(&from_file, &[hash]);
    }
}

#[test]
fn a_replay_of_something_else_says_so() {
    let (passed, text) = run_victim("victim", &[("DACAPO_REPLAY", "d1:0x99.1")]);
    assert!(passed);
    assert_parts(&text, &["it does not fit the schedule any more", "it passes"]);
}

#[test]
fn seeds_can_be_asked_for() {
    assert!(run_victim("rare_victim", &[]).0);
    let (passed, report) = run_victim("rare_victim", &[("DACAPO_SEEDS", "20_000")]);
    assert!(!passed);
    let seed = after(&report, "found by").split("seed ").nth(1).unwrap();
    let seed: u64 = seed.split(',').next().unwrap().parse().unwrap();
    let only = format!("{seed}..{}", seed + 1);
    assert!(!run_victim("rare_victim", &[("DACAPO_SEEDS", &only)]).0);
    let other = format!("0..{seed}");
    assert!(run_victim("rare_victim", &[("DACAPO_SEEDS", &other)]).0);
}

#[test]
fn the_trace_can_be_asked_for() {
    let (passed, text) = run_victim("what_is_right_passes", &[("DACAPO_TRACE", "1")]);
    assert!(passed);
    assert_parts(&text, &["time  step  event", "main is spawned", "main returns"]);
}

#[test]
fn malformed_variables_are_named() {
    for (name, value, expectation) in [
        ("DACAPO_REPLAY", "d1:1.", "DACAPO_REPLAY=d1:1.: malformed schedule: at column 6"),
        ("DACAPO_REPLAY", "nowhere.txt", "DACAPO_REPLAY=nowhere.txt: expected a schedule"),
        ("DACAPO_SEEDS", "lots", "DACAPO_SEEDS=lots: expected a number of seeds"),
        ("DACAPO_SEEDS", "5..5", "DACAPO_SEEDS=5..5: the range is empty"),
        ("DACAPO_TRACE", "please", "DACAPO_TRACE=please: expected 1"),
    ] {
        let (passed, text) = run_victim("victim", &[(name, value)]);
        assert!(!passed);
        assert_parts(&text, &[expectation]);
    }
}

#[test]
fn a_replay_that_no_longer_fits_is_a_note() {
    check(Replay::new("d1:5"), async || yield_now().await);
    let message = panic_of(|| {
        let builder = Builder::new().fresh_process(false);
        builder.check(Replay::strict("d1:5"), async || yield_now().await);
    });
    assert_parts(&message, &["the run does not fit its schedule: choice 0"]);
}

thread_local! {
    static RUNS: Cell<usize> = const { Cell::new(0) };
}

fn runs_of(test: fn()) -> usize {
    RUNS.set(0);
    test();
    RUNS.get()
}

async fn count_runs() {
    RUNS.set(RUNS.get() + 1);
    dacapo::choose("n", 100);
}

const LAST: u64 = 30;

#[dacapo::test(Portfolio::seeds(0..20), recheck_every = 1000)]
async fn named_seeds() {
    count_runs().await;
}

#[dacapo::test(seeds = 20, recheck_every = 1000)]
async fn number_of_seeds() {
    count_runs().await;
}

#[dacapo::test(seeds = 10..LAST, recheck_every = 1000, start_paused = true)]
async fn range_of_seeds() {
    count_runs().await;
}

#[dacapo::test(Portfolio::seeds(10..30), recheck_every = 1000)]
async fn named_range() {
    count_runs().await;
}

#[test]
fn the_attribute_takes_a_number_of_seeds_or_a_range() {
    assert_eq!(runs_of(number_of_seeds), runs_of(named_seeds));
    assert_eq!(runs_of(range_of_seeds), runs_of(named_range));
    // Which runs are repeated depends on their number, so the two differ a little.
    assert!((20..40).contains(&runs_of(number_of_seeds)));
}
