//! Schedules as values of proptest: how they are drawn and shrunk.
#![cfg(feature = "proptest")]

use crate::support::programs;
use crate::support::semaphores::at_once;
use dacapo::proptest::{ScheduleStrategy, ScheduleTree, schedule};
use dacapo::scheduler::{Exhaustive, Fifo, Pct, Random, Sparse};
use dacapo::{Faults, Schedule, replay};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngSeed, TestError, TestRunner};

/// A runner that always draws the same values.
fn runner(seed: u64) -> TestRunner {
    let config =
        Config { rng_seed: RngSeed::Fixed(seed), failure_persistence: None, ..Config::default() };
    TestRunner::new(config)
}

/// Shrinks as proptest does. Returns the value that fails at the end, and the number of tries.
fn shrink(tree: &mut ScheduleTree, fails: impl Fn(&Schedule) -> bool) -> (Schedule, usize) {
    let mut tries = 0;
    let mut least = tree.current();
    assert!(fails(&least));
    let mut more = tree.simplify();
    while more {
        tries += 1;
        let candidate = tree.current();
        let order = candidate.cmp_simplicity(&least);
        assert!(order.is_lt() || candidate == least, "{candidate} after {least}");
        more = if fails(&candidate) {
            least = candidate;
            tree.simplify()
        } else {
            tree.complicate()
        };
    }
    assert_eq!(tree.current(), least, "what is left is the last one that failed");
    assert!(!tree.simplify() && !tree.complicate());
    (least, tries)
}

/// Whatever counts as a failure, the tree follows the protocol, comes to an end, and shrinks well.
#[test]
fn trees_shrink() {
    let strategy = schedule().faults(Faults::harmless().cancellations(2));
    for seed in 0..200 {
        let mut tree = strategy.new_tree(&mut runner(seed)).unwrap();
        let first = tree.current();
        assert_eq!(first.to_string().parse::<Schedule>().unwrap(), first);
        assert!(first.answers().len() <= 64);
        let (least, _) = shrink(&mut tree.clone(), |_| true);
        assert_eq!(least, Schedule::default());
        let deviations = first.deviations().min(3);
        let (least, _) = shrink(&mut tree.clone(), |s| s.deviations() >= deviations);
        assert_eq!(least.deviations(), deviations, "{first}");
        assert!(least.faults().is_none() && least.seed() == 0, "{least}");
        // A failure by chance.
        let odd = |s: &Schedule| {
            s == &first || s.to_string().bytes().map(u32::from).sum::<u32>() % 3 == 0
        };
        let (_, tries) = shrink(&mut tree, odd);
        assert!(tries < 2000, "{first}: {tries}");
    }
}

#[test]
fn settings_are_kept() {
    let draw =
        |strategy: ScheduleStrategy, seed| strategy.new_tree(&mut runner(seed)).unwrap().current();
    for seed in 0..50 {
        assert!(draw(schedule().max_len(5), seed).answers().len() <= 5);
        assert_eq!(draw(schedule().max_len(0), seed).deviations(), 0);
        assert_eq!(draw(schedule().scheduler(Fifo::new()), seed).deviations(), 0);
        assert!(draw(schedule().scheduler(Sparse::seeds(0..1)), seed).deviations() <= 3);
        assert_eq!(
            draw(schedule().scheduler(Pct::seeds(0..1)), seed),
            draw(schedule().scheduler(Pct::seeds(0..1)), seed)
        );
        assert!(draw(schedule(), seed).faults().is_none());
    }
    let mut drawn: Vec<_> =
        (0..50).map(|seed| draw(schedule().scheduler(Exhaustive::new()), seed)).collect();
    drawn.dedup();
    assert!(drawn.len() > 20);
    let faults = (0..50)
        .filter(|&seed| !draw(schedule().faults(Faults::harmless()), seed).faults().is_none());
    assert!(faults.count() > 25);
    let shown = format!("{:?}", schedule().scheduler(Random::default()));
    assert_eq!(
        shown,
        r#"ScheduleStrategy { max_len: 64, scheduler: "random walk", faults: Faults() }"#
    );
}

/// A schedule that depends on the workload is drawn again for each smaller workload.
#[test]
fn workload_and_schedule_shrink_together() {
    let workload = (1..5_usize, 1..8_usize, 1..4_usize);
    let both = workload.prop_flat_map(|workload| (Just(workload), any::<Schedule>()));
    for seed in 0..20 {
        let found = runner(seed).run(&both, |((permits, tasks, rounds), schedule)| {
            let run = replay(schedule, async || at_once(permits, tasks, rounds).await);
            prop_assert!(run.unwrap() <= permits);
            Ok(())
        });
        let Err(TestError::Fail(_, (workload, schedule))) = found else {
            panic!("it is not found: {found:?}");
        };
        assert_eq!((workload, schedule.deviations()), ((1, 2, 1), 1), "seed {seed}: {schedule}");
    }
}

/// As an argument of its own, a schedule shrinks without being drawn again, and the argument after
/// it shrinks too.
#[test]
fn a_schedule_leaves_its_turn_to_the_next_argument() {
    let arguments = (any::<Schedule>(), 0..1000_u32);
    for seed in 0..20 {
        let found = runner(seed).run(&arguments, |(schedule, number)| {
            prop_assert!(schedule.deviations() < 2 || number < 100);
            Ok(())
        });
        let Err(TestError::Fail(_, (schedule, number))) = found else {
            panic!("it is not found: {found:?}");
        };
        assert_eq!((schedule.deviations(), number), (2, 100), "seed {seed}: {schedule}");
    }
}

#[test]
fn the_usual_order_shows_nothing() {
    for (permits, tasks, rounds) in [(1, 2, 1), (1, 7, 3), (4, 7, 3), (2, 5, 2)] {
        assert!(dacapo::run(async || at_once(permits, tasks, rounds).await).unwrap() <= permits);
    }
}

proptest! {
    #![proptest_config(Config { failure_persistence: None, ..crate::support::cases(64) })]

    /// A drawn schedule replays any program, and the schedule of that run replays the run.
    #[test]
    fn any_schedule_is_one_of_any_program(
        ops in programs::program(),
        schedule in schedule().faults(Faults::harmless().cancellations(1)),
    ) {
        let first = replay(schedule, async || programs::run(ops.clone()).await);
        let again = replay(first.schedule().clone(), async || programs::run(ops.clone()).await);
        prop_assert_eq!(first.trace().hash(), again.trace().hash());
    }
}
