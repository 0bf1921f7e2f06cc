//! Equal schedule, equal run: as laws over generated programs, over ten thousand seeds in two
//! processes, and for the crates that are known to bring an order of their own.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use crate::support::{assert_parts, assert_snapshot, millis, panic_of, programs};
use dacapo::schedule::{Answer, Lasting};
use dacapo::scheduler::{Exhaustive, Random};
use dacapo::task::{JoinHandle, spawn, spawn_named, yield_now};
use dacapo::time::sleep;
use dacapo::{Builder, FailureKind, Schedule, explore, replay};
use proptest::prelude::*;

/// The schedules that some seeds give for a body.
async fn small() -> Vec<u32> {
    use dacapo::rand::Rng as _;
    let log = Rc::new(RefCell::new(Vec::new()));
    let semaphore = Rc::new(dacapo::sync::Semaphore::new(2));
    let tasks: Vec<JoinHandle<()>> = (0..4)
        .map(|n| {
            let (log, semaphore) = (log.clone(), semaphore.clone());
            spawn(async move {
                let _permit = semaphore.acquire().await;
                yield_now().await;
                sleep(millis((dacapo::rand::rng().next_u32() % 3).into())).await;
                log.borrow_mut().push(n + 10 * dacapo::choose("digit", 3) as u32);
            })
        })
        .collect();
    for task in tasks {
        drop(dacapo::time::timeout(millis(2), task).await);
    }
    log.take()
}

/// One number for 10,000 seeds, each run once, again, and replayed from what was recorded.
fn hash_of_ten_thousand_seeds() -> u64 {
    let [first, second] = [(); 2].map(|()| {
        let mut runs = Vec::new();
        for seed in 0..10_000 {
            let report =
                Builder::new().recheck_every(0).explore(Random::seeds(seed..seed + 1), small);
            runs.push(report.outcomes()[0].first_seen().clone());
        }
        runs
    });
    assert_eq!(first, second);
    first.iter().fold(0_u64, |sum, schedule| {
        let [once, again] = [(); 2].map(|()| replay(schedule.clone(), small));
        assert_eq!(once.trace().hash(), again.trace().hash(), "{schedule}");
        assert_eq!(once.schedule(), schedule);
        assert_eq!(once.divergence(), None);
        sum.rotate_left(7) ^ once.trace().hash()
    })
}

#[test]
fn ten_thousand_seeds_run_alike_in_two_processes() {
    const ASKED: &str = "sum of the hashes: ";
    let hash = hash_of_ten_thousand_seeds();
    // The other process runs this same test, and must not start a third.
    println!("{ASKED}{hash:016x}");
    if std::env::args().any(|argument| argument == "--nocapture") {
        return;
    }
    let this = std::env::current_exe().unwrap();
    let name = "determinism::ten_thousand_seeds_run_alike_in_two_processes";
    let output =
        std::process::Command::new(this).args([name, "--exact", "--nocapture"]).output().unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    assert_parts(&printed, &[ASKED, &format!("{hash:016x}")]);
}

proptest! {
    #![proptest_config(crate::support::cases(200))]

    /// replay(run.schedule) = the same trace; parse(print(schedule)) = the schedule.
    #[test]
    fn a_replayed_schedule_gives_the_same_trace(
        ops in programs::program(),
        answers in prop::collection::vec((0..4_u32, 0..12), 0..40),
        seed in 0..3_u64,
    ) {
        let body = || programs::run(ops.clone());
        // Any list of answers is a schedule of any program.
        let answers = answers.into_iter().map(|(option, lasting)| match lasting {
            0 => Answer::new(option, Lasting::Hold),
            1 => Answer::new(option, Lasting::Ahead),
            _ => Answer::from(option),
        });
        let run = replay(Schedule::new(answers).with_seed(seed), body);
        let again = replay(run.schedule().clone(), body);
        prop_assert_eq!(run.trace().log().to_string(), again.trace().log().to_string());
        prop_assert_eq!(run.trace().hash(), again.trace().hash());
        prop_assert_eq!(run.schedule(), again.schedule());
        prop_assert_eq!(run.failure(), again.failure());
        prop_assert_eq!(again.divergence(), None);
        let pasted = replay(run.schedule().to_string().as_str(), body);
        prop_assert_eq!(run.trace().hash(), pasted.trace().hash());
    }

    /// Different traces have different hashes, as far as it can be seen here.
    #[test]
    fn the_hash_tells_traces_apart(ops in programs::program()) {
        let body = || programs::run(ops.clone());
        let runs: Vec<_> = (0..20).map(|n| replay(Schedule::new([n % 2, n % 3, n % 5]), body)).collect();
        for a in &runs {
            for b in &runs {
                let same = a.trace().log().to_string() == b.trace().log().to_string();
                prop_assert_eq!(same, a.trace().hash() == b.trace().hash());
            }
        }
    }

    /// The state of an earlier run, failed or not, is nowhere in a later one.
    #[test]
    fn runs_do_not_see_each_other(ops in programs::program(), other in programs::program()) {
        let alone = dacapo::run(|| programs::run(ops.clone()));
        let mut turn = 0;
        let traces = std::rc::Rc::new(RefCell::new(Vec::new()));
        while turn < 3 {
            let body = if turn == 1 { &other } else { &ops };
            let run = dacapo::run(|| programs::run(body.clone()));
            traces.borrow_mut().push(run.trace().log().to_string());
            turn += 1;
        }
        prop_assert_eq!(&traces.borrow()[0], &alone.trace().log().to_string());
        prop_assert_eq!(&traces.borrow()[2], &alone.trace().log().to_string());
    }
}

/// Known to bring an order of its own. Either the runs are alike, or the report says that they are
/// not: silence is the only failure.
#[track_caller]
fn probe(body: impl AsyncFn()) {
    let [a, b] = [(); 2].map(|()| dacapo::run(async || body().await).trace().hash());
    let message = panic_of(|| {
        // The runs may differ without failing. The check must find that by itself.
        dacapo::check(Random::default(), async || body().await);
        assert_eq!(a, b, "the runs differ, and the check was silent");
        panic!("the runs are alike, and the check agrees: not deterministic is not what they are");
    });
    assert_parts(&message, &["not deterministic"]);
    assert!(!message.contains("silent"), "{message}");
}

#[test]
fn probe_futures_select() {
    probe(async || {
        for _ in 0..20 {
            futures::select! {
                () = futures::future::ready(()) => {}
                () = futures::future::ready(()) => sleep(millis(1)).await,
            }
        }
    });
}

#[test]
fn probe_tokio_select() {
    probe(async || {
        for _ in 0..20 {
            tokio::select! {
                () = std::future::ready(()) => {}
                () = std::future::ready(()) => sleep(millis(1)).await,
            }
        }
    });
}

#[test]
fn probe_tokio_watch() {
    probe(async || {
        let (sender, receiver) = tokio::sync::watch::channel(0);
        for n in 0..20 {
            let mut receiver = receiver.clone();
            spawn_named(&format!("receiver {n}"), async move { drop(receiver.changed().await) });
        }
        yield_now().await;
        sender.send_replace(1);
        sleep(millis(1)).await;
    });
}

#[test]
fn probe_hash_map() {
    probe(async || {
        let map: HashMap<u64, ()> = (0..20).map(|n| (n, ())).collect();
        for n in map.into_keys_unordered() {
            sleep(millis(n)).await;
        }
    });
}

/// The biased forms, and a map that is sorted, are deterministic: the remedies of the report work.
#[test]
fn the_remedies_are_deterministic() {
    dacapo::check(Random::seeds(0..100), async || {
        for _ in 0..20 {
            tokio::select! {
                biased;
                () = std::future::ready(()) => {}
                () = std::future::ready(()) => sleep(millis(1)).await,
            }
            futures::select_biased! {
                () = futures::future::ready(()) => {}
                () = futures::future::ready(()) => sleep(millis(1)).await,
            }
        }
        let map: HashMap<u64, ()> = (0..20).map(|n| (n, ())).collect();
        let mut sorted: Vec<_> = map.into_keys_unordered().collect();
        sorted.sort_unstable();
        for n in sorted {
            sleep(millis(n)).await;
        }
    });
}

trait Unordered<K> {
    /// What code under test may do, and the rest of this project may not.
    fn into_keys_unordered(self) -> impl Iterator<Item = K>;
}

impl<K, V> Unordered<K> for HashMap<K, V> {
    #[expect(clippy::disallowed_methods, reason = "its order is what is probed")]
    fn into_keys_unordered(self) -> impl Iterator<Item = K> {
        self.into_keys()
    }
}

#[test]
fn what_an_earlier_run_left_behind_is_found() {
    thread_local! {
        static RUNS: std::cell::Cell<u32> = const { std::cell::Cell::new(0) };
    }
    let message = panic_of(|| {
        dacapo::check(Random::default(), async || {
            RUNS.set(RUNS.get() + 1);
            if RUNS.get() == 5 {
                yield_now().await;
            }
        });
    });
    assert_parts(
        &message,
        &[
            "the test is not deterministic: search::determinism::what_an_earlier_run_left_behind_is_found",
            "the first event that differs",
            "- ",
            "+ ",
            "usual causes",
            "statics",
        ],
    );
}

/// Only the first run of a process fails, and under some schedules only.
#[test]
fn what_only_first_runs_do_is_found_in_fresh_processes() {
    thread_local! {
        static IS_WARM: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
    }
    let message = panic_of(|| {
        dacapo::check(Random::seeds(5..1000), async || {
            let is_first = !IS_WARM.replace(true);
            let order = Rc::new(RefCell::new(String::new()));
            for name in ["a", "b", "c"] {
                let order = Rc::clone(&order);
                spawn_named(name, async move {
                    yield_now().await;
                    order.borrow_mut().push_str(name);
                });
            }
            sleep(millis(1)).await;
            let order = order.take();
            assert!(!is_first || order.starts_with('a'), "a cold start with {order}");
        });
    });
    assert_snapshot!(
        "failure_of_first_runs",
        "Only the first run of a process fails, so each run of the report was made in a fresh process.",
        message
    );
}

/// A failure that is there in this process only, for what was in it before.
#[test]
fn what_only_this_process_does_is_found() {
    static WARM: std::sync::atomic::AtomicBool = std::sync::atomic::AtomicBool::new(false);
    let confirming = std::env::args().any(|argument| argument == "--include-ignored");
    WARM.store(!confirming, std::sync::atomic::Ordering::Relaxed);
    let message = panic_of(|| {
        dacapo::check(Random::default(), async || {
            assert!(!WARM.load(std::sync::atomic::Ordering::Relaxed), "this process is warm");
        });
    });
    assert_parts(
        &message,
        &[
            "the test is not deterministic",
            "the run in this process",
            "the run in a fresh process",
            "main panics",
            "main returns",
            "this process is warm",
            "passed",
        ],
    );
}

#[test]
fn explore_says_so_as_well() {
    let report = explore(Random::default(), async || {
        let map: HashMap<u64, ()> = (0..20).map(|n| (n, ())).collect();
        map.into_keys_unordered().collect::<Vec<_>>()
    });
    let failure = report.nondeterminism().expect("the order of a HashMap differs");
    assert_eq!(failure.kind(), FailureKind::Nondeterminism);
    assert_parts(&report.to_string(), &["not all there are", "the test is not deterministic"]);
    assert!(!report.is_complete());
    // Off is off.
    let off = Builder::new().recheck_every(0).explore(Exhaustive::new(), async || {
        let map: HashMap<u64, ()> = (0..20).map(|n| (n, ())).collect();
        map.into_keys_unordered().collect::<Vec<_>>()
    });
    assert!(off.nondeterminism().is_none());
}
