//! What the hash of a run covers: everything that its trace tells, and nothing else.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::rc::Rc;

use crate::support::{assert_parts, is_victim, millis, programs, run_victim};
use dacapo::scheduler::{Exhaustive, Random};
use dacapo::sync::Semaphore;
use dacapo::task::{spawn, spawn_named, yield_now};
use dacapo::{Builder, FailureKind, Faults, Schedule, explore, replay, run};
use proptest::prelude::*;

/// Checks that two runs that differ in this have two hashes.
#[track_caller]
fn differ(body: impl AsyncFn(bool)) {
    let hash = |flag| run(async || body(flag).await).trace().hash();
    assert_eq!(hash(false), hash(false));
    assert_ne!(hash(false), hash(true));
}

/// The same for runs that are not shown: two that differ have two traces.
#[track_caller]
fn differ_unshown(body: impl AsyncFn(bool)) {
    let runs = Cell::new(0);
    let report = Builder::new().recheck_every(0).explore(Random::seeds(0..2), async || {
        runs.set(runs.get() + 1);
        body(runs.get() == 2).await;
    });
    assert_eq!(report.distinct_traces(), 2, "{report}");
    let same =
        Builder::new().recheck_every(0).explore(Random::seeds(0..2), async || body(true).await);
    assert_eq!(same.distinct_traces(), 1, "{same}");
}

#[test]
fn given_names_count() {
    let body = async |flag| {
        let name = if flag { "alice" } else { "bob" };
        spawn_named(name, async {}).await.unwrap();
    };
    differ(body);
    differ_unshown(body);
    // The order of two names.
    let body = async |flag| {
        let [first, second] = if flag { ["a", "b"] } else { ["b", "a"] };
        let tasks = [spawn_named(first, async {}), spawn_named(second, async {})];
        for task in tasks {
            task.await.unwrap();
        }
    };
    differ(body);
}

#[test]
fn messages_of_awaited_panics_count() {
    let body = async |flag| {
        let message = if flag { "no route" } else { "no reply" };
        assert!(spawn(async move { panic!("{message}") }).await.is_err());
    };
    differ(body);
    differ_unshown(body);
}

#[test]
fn labels_count() {
    let body = async |flag| dacapo::trace!(if flag { "yes" } else { "no" });
    differ(body);
    differ_unshown(body);
    let body = async |flag| _ = dacapo::choose(if flag { "yes" } else { "no" }, 2);
    differ(body);
    // Two texts in a row, divided otherwise.
    let body = async |flag| {
        let [first, second] = if flag { ["ab", "c"] } else { ["a", "bc"] };
        assert!(spawn(async move { panic!("{first}") }).await.is_err());
        assert!(spawn(async move { panic!("{second}") }).await.is_err());
    };
    differ(body);
}

/// Their texts are made only in runs that are shown.
#[test]
fn noted_values_count_in_runs_that_are_shown() {
    let body = async |flag: bool| dacapo::trace!("flag", flag);
    differ(body);
    let runs = Cell::new(false);
    let unshown = explore(Random::seeds(0..2), async || body(runs.replace(true)).await);
    assert_eq!((unshown.distinct_traces(), unshown.nondeterminism()), (1, None), "{unshown}");
}

/// Another task has the name in the next run: that is not the same run.
#[test]
fn names_that_cannot_be_repeated_are_noticed() {
    let runs = Cell::new(0);
    let error = Builder::new().fresh_process(false).try_check(Random::default(), async || {
        runs.set(runs.get() + 1);
        spawn_named(&format!("client {}", runs.get() % 3), async {}).await.unwrap();
    });
    let error = error.unwrap_err();
    assert_eq!(error.failure().kind(), FailureKind::Nondeterminism);
    assert_parts(&error.to_string(), &["spawns client 1", "spawns client 2"]);
}

/// Faults that are on but never asked about change nothing.
#[test]
fn equal_events_have_equal_hashes_with_and_without_faults() {
    let body = async || {
        let tasks: Vec<_> = (0..2)
            .map(|n| {
                spawn(async move {
                    yield_now().await;
                    dacapo::choose("n", 1 + n);
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
    };
    let all = Builder::new().explore(Exhaustive::new(), body);
    for faults in
        [Faults::none().barging(), Faults::none().wake_all(), Faults::none().late_timers()]
    {
        let builder = Builder::new().faults(faults);
        let with = builder.explore(Exhaustive::new(), body);
        assert_eq!((with.runs(), with.distinct_traces()), (all.runs(), all.distinct_traces()));
        // A scheduler that works from seeds has them on in some of its runs.
        let sampled = builder.explore(Random::seeds(0..2000), body);
        assert_eq!(sampled.distinct_traces(), all.distinct_traces(), "{sampled}\n{all}");
    }
}

proptest! {
    #![proptest_config(crate::support::cases(200))]

    /// Whatever is on: runs with equal events, names and outcomes have equal hashes, and only these.
    #[test]
    fn a_hash_is_one_of_events(
        ops in programs::program(),
        answers in prop::collection::vec(0..3_u32, 0..20),
    ) {
        let body = || programs::run(ops.clone());
        let none = Faults::none();
        let faults = [
            none,
            none.barging(),
            none.spurious(),
            none.wake_all(),
            none.late_timers(),
            none.yielding(),
            none.cancellations(1),
        ];
        let mut runs = Vec::new();
        for faults in faults {
            for length in [0, answers.len()] {
                let answers = answers[..length].iter().copied();
                let run = replay(Schedule::new(answers).with_faults(faults), body);
                let ending = run.failure().map(ToString::to_string);
                let log = run.trace().log().to_string();
                let hash = run.trace().hash();
                let output = ending.is_none().then(|| run.unwrap());
                runs.push(((log, ending, output), hash));
            }
        }
        for (a, hash) in &runs {
            for (b, other) in &runs {
                prop_assert_eq!(a == b, hash == other, "{:?}\n{:?}", a, b);
            }
        }
    }
}

/// What the processes of a search and of its confirmation note, or call a task, is not the same.
async fn of_this_process() {
    let number = std::process::id();
    match crate::support::victim().as_deref() {
        Some("1") if dacapo::choose("what", 2) == 0 => {
            dacapo::trace!("process", number);
            panic!("noted");
        }
        _ => {}
    }
}

#[dacapo::test]
async fn notes_its_process() {
    of_this_process().await;
}

#[dacapo::test]
async fn names_its_process() {
    if is_victim() {
        spawn_named(&format!("task of {}", std::process::id()), async {}).await.unwrap();
        panic!("named");
    }
}

#[test]
fn a_fresh_process_compares_names_and_values() {
    let (passed, report) = run_victim("notes_its_process", &[]);
    assert!(!passed);
    let confirmed =
        "the same failure and events, again here and in a fresh process; other values were noted";
    assert_parts(
        &report,
        &["panicked", "noted", confirmed, "main notes process: ", "and then", "replay now"],
    );
    assert!(!report.contains("failure and trace, hash"), "{report}");
    let (passed, report) = run_victim("names_its_process", &[]);
    assert!(!passed);
    assert_parts(&report, &["not deterministic", "fresh process", "main spawns task of"]);
}

#[test]
fn permits_are_handed_over_alike() {
    // A semaphore takes another way if a newcomer may barge in, even where none does.
    let body = async || {
        let semaphore = Rc::new(Semaphore::new(1));
        let task = {
            let semaphore = Rc::clone(&semaphore);
            spawn(async move {
                let _permit = semaphore.acquire().await;
                dacapo::time::sleep(millis(1)).await;
            })
        };
        yield_now().await;
        drop(semaphore.acquire().await);
        task.await.unwrap();
    };
    let hashes = |faults| -> BTreeSet<u64> {
        let schedules = [0, 1, 2].map(|n| Schedule::new([n]).with_faults(faults));
        schedules.into_iter().map(|schedule| replay(schedule, body).trace().hash()).collect()
    };
    assert_eq!(hashes(Faults::none()), hashes(Faults::none().wake_all()));
}
