//! How simple the schedules are that shrinking ends with, and how many runs it takes.

use dacapo::scheduler::{Portfolio, Random, Replay, Scheduler};
use dacapo::task::{spawn, yield_now};
use dacapo::{Builder, CheckError, Schedule, choose};
use proptest::prelude::*;

use crate::support::cases;

/// Searches for a failure and shrinks it. It is not explained or asked for in a fresh process.
fn find(scheduler: impl Scheduler + 'static, body: impl AsyncFn()) -> CheckError {
    let builder = Builder::new().fresh_process(false).max_explain_runs(0);
    builder.try_check(scheduler, async || body().await).expect_err("it fails")
}

/// Checks what shrinking ends with, and that it takes at most `most` runs.
#[track_caller]
fn check(
    scheduler: impl Scheduler + 'static,
    body: impl AsyncFn(),
    least: &str,
    most: usize,
) -> String {
    let found = find(scheduler, body);
    assert_eq!(found.schedule().to_string(), least, "{found}");
    assert!(found.shrink_runs() <= most, "{} runs", found.shrink_runs());
    found.to_string()
}

/// Six requests to a network that loses, delays or repeats.
fn six() -> [usize; 6] {
    [(); 6].map(|()| choose("net", 30))
}

#[test]
fn a_number_ends_at_the_smallest_that_fails() {
    for (options, least) in [(100, 37), (2000, 100), (2000, 1999), (1 << 31, 1 << 30)] {
        let body = async || assert!(choose("x", options) < least);
        // `Exhaustive` would find the smallest first.
        for seed in 0..5 {
            let seeds = Random::seeds(seed * 10_000..(seed + 1) * 10_000);
            check(seeds, body, &format!("d1:{least}"), 100);
        }
    }
}

#[test]
fn numbers_end_at_the_smallest_that_fail_together() {
    let each = async || assert!(six().into_iter().any(|net| net < 17));
    check(Replay::new("d1:20.29.17.25.18.22"), each, "d1:17x6", 500);
    check(Random::seeds(0..100_000), each, "d1:17x6", 500);
    let any = async || assert!(six().into_iter().all(|net| net < 17));
    check(Random::default(), any, "d1:17", 100);
    let sum = async || assert!(six().into_iter().sum::<usize>() < 17);
    check(Random::default(), sum, "d1:17", 200);
    check(Replay::new("d1:3.3.3.3.3.3"), sum, "d1:17", 200);
    let large_sum = async || assert!(six().into_iter().sum::<usize>() < 80);
    check(Random::default(), large_sum, "d1:22.29x2", 500);
    check(Replay::new("d1:14x6"), large_sum, "d1:22.29x2", 500);
}

/// What one gives weighs more than another one.
#[test]
fn numbers_are_traded_against_one_another() {
    let body = async || {
        let [a, b] = [choose("a", 20), choose("b", 100)];
        assert!(a == 0 || b == 0 || 3 * a + b < 90);
    };
    check(Replay::new("d1:1.99"), body, "d1:19.33", 100);
    let body = async || {
        let [a, b] = [choose("a", 20), choose("b", 100)];
        assert!(a == 0 || b == 0 || a + 3 * b < 90);
    };
    check(Replay::new("d1:19.99"), body, "d1:1.30", 100);
    let equal = async || {
        let [a, b] = [choose("a", 60), choose("b", 60)];
        assert!(a == 0 || b == 0 || a + b < 90);
    };
    check(Replay::new("d1:59.59"), equal, "d1:31.59", 100);
}

/// Where a failure does not stay when a number grows, shrinking may miss smaller values, and does not claim
/// otherwise.
#[test]
fn a_number_may_end_above_a_gap() {
    let body = async || {
        let x = choose("x", 100);
        assert!(!(37..=40).contains(&x) && x < 80);
    };
    let report = check(Replay::new("d1:95"), body, "d1:80", 100);
    assert!(!report.contains("the least"), "{report}");
    check(Replay::new("d1:39"), body, "d1:37", 100);
}

#[test]
fn repetitions_go_with_their_choices() {
    let body = async || {
        let items: Vec<_> = (0..choose("items", 100)).map(|_| choose("item", 10)).collect();
        assert_ne!(items.last(), Some(&7));
    };
    check(Random::default(), body, "d1:1.7", 300);
}

#[test]
fn a_task_is_moved_past_as_few_as_possible() {
    let body = async || {
        let count = std::rc::Rc::new(std::cell::Cell::new(0));
        let tasks = (0..200).map(|n| {
            let count = count.clone();
            spawn(async move {
                assert!(n != 150 || count.get() >= 100, "too early");
                count.set(count.get() + 1);
                yield_now().await;
            })
        });
        for task in tasks.collect::<Vec<_>>() {
            task.await.unwrap();
        }
    };
    check(Random::default(), body, "d1:h51", 300);
}

/// A predicate that stays true when a number grows.
#[derive(Clone, Debug)]
enum Monotone {
    /// The numbers, each times its weight, come to a sum.
    Sum(Vec<u32>, u32),
    /// Each is so large.
    All(Vec<u32>),
    Both(Box<[Monotone; 2]>),
    Either(Box<[Monotone; 2]>),
}

impl Monotone {
    fn holds(&self, numbers: &[u32]) -> bool {
        match self {
            Self::Sum(weights, sum) => {
                numbers.iter().zip(weights).map(|(number, weight)| number * weight).sum::<u32>()
                    >= *sum
            }
            Self::All(bounds) => numbers.iter().zip(bounds).all(|(number, bound)| number >= bound),
            Self::Both(both) => both.iter().all(|one| one.holds(numbers)),
            Self::Either(either) => either.iter().any(|one| one.holds(numbers)),
        }
    }
}

const NUMBERS: usize = 5;

/// Predicates over numbers below `options`.
fn monotone(options: u32) -> impl Strategy<Value = Monotone> {
    let weights = prop::collection::vec(0..5_u32, NUMBERS);
    let bounds = prop::collection::vec(prop_oneof![Just(0), 0..options], NUMBERS);
    let one = prop_oneof![
        (weights, 1..3 * options).prop_map(|(weights, sum)| Monotone::Sum(weights, sum)),
        bounds.prop_map(Monotone::All),
    ];
    one.prop_recursive(2, 4, 2, |one| {
        let two = || [one.clone(), one.clone()];
        prop_oneof![
            two().prop_map(|two| Monotone::Both(two.into())),
            two().prop_map(|two| Monotone::Either(two.into())),
        ]
    })
}

fn numbers_and_a_predicate() -> impl Strategy<Value = (u32, Vec<u32>, Monotone)> {
    prop_oneof![Just(1 << 5), Just(1 << 10), Just(1 << 20)].prop_flat_map(|options| {
        let numbers = prop::collection::vec(0..options, NUMBERS);
        (Just(options), numbers, monotone(options))
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..cases(64) })]

    /// No number of the result can be smaller. For each pair of numbers it takes at most eight times as
    /// many runs as one number has bits.
    #[test]
    fn results_are_minimal_in_each_number(
        (options, first, predicate) in numbers_and_a_predicate(),
    ) {
        prop_assume!(predicate.holds(&first) && !predicate.holds(&[0; NUMBERS]));
        let body = async || {
            let numbers = [(); NUMBERS].map(|()| choose("number", options as usize) as u32);
            assert!(!predicate.holds(&numbers));
        };
        let found = find(Replay::new(Schedule::new(first)), body);
        let mut least: Vec<u32> = found.schedule().answers().iter().map(|a| a.option()).collect();
        least.resize(NUMBERS, 0);
        prop_assert!(predicate.holds(&least));
        for place in 0..NUMBERS {
            if least[place] > 0 {
                let mut smaller = least.clone();
                smaller[place] -= 1;
                prop_assert!(!predicate.holds(&smaller), "{least:?} is not minimal at {place}");
            }
        }
        let most = NUMBERS * NUMBERS * 8 * options.ilog2() as usize;
        let runs = found.shrink_runs();
        prop_assert!(runs <= most, "{runs} runs");
    }
}

#[test]
fn the_portfolio_finds_the_smallest_too() {
    let body = async || assert!(choose("x", 100) < 37);
    check(Portfolio::default(), body, "d1:37", 100);
}
