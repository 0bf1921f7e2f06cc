//! Schedulers that search: their odds where these are known, and what they must never do.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use crate::support::programs;
use dacapo::schedule::Answer;
use dacapo::scheduler::{
    Choice, DelayBounded, Exhaustive, Pct, Plan, Portfolio, Pos, Progress, Random, Scheduler,
    Sparse, Sticky, Urw,
};
use dacapo::task::{spawn_named, yield_now};
use dacapo::{Builder, FailureKind, Schedule, explore};
use proptest::prelude::*;
use std::ops::Range;

/// All schedulers that draw from a seed.
fn seeded(seeds: Range<u64>) -> Vec<Box<dyn Scheduler>> {
    vec![
        Box::new(Random::seeds(seeds.clone())),
        Box::new(Sticky::seeds(seeds.clone())),
        Box::new(Pct::seeds(seeds.clone()).depth(2)),
        Box::new(Pct::seeds(seeds.clone())),
        Box::new(Pos::seeds(seeds.clone())),
        Box::new(Urw::seeds(seeds.clone())),
        Box::new(Sparse::seeds(seeds.clone())),
        Box::new(Portfolio::seeds(seeds)),
    ]
}

/// Records the answers of each run, with its seed.
struct Noting {
    scheduler: Box<dyn Scheduler>,
    runs: Rc<RefCell<Vec<Noted>>>,
}

type Noted = (Option<u64>, Vec<Answer>);

impl Scheduler for Noting {
    fn name(&self) -> &str {
        self.scheduler.name()
    }

    fn next_run(&mut self) -> Option<Plan> {
        let plan = self.scheduler.next_run()?;
        self.runs.borrow_mut().push((plan.seed(), Vec::new()));
        Some(plan)
    }

    fn choose(&mut self, choice: &Choice<'_>) -> Answer {
        let answer = self.scheduler.choose(choice);
        self.runs.borrow_mut().last_mut().expect("a run has begun").1.push(answer);
        answer
    }

    fn observe(&mut self, progress: &Progress<'_>) {
        self.scheduler.observe(progress);
    }
}

/// The schedules that a scheduler makes of a body, by their seeds.
fn schedules(scheduler: Box<dyn Scheduler>, body: impl AsyncFn()) -> Vec<(Option<u64>, Schedule)> {
    let runs = Rc::default();
    let noting = Noting { scheduler, runs: Rc::clone(&runs) };
    Builder::new().recheck_every(0).explore(noting, body);
    let runs = runs.take().into_iter();
    runs.map(|(seed, answers)| (seed, Schedule::new(answers))).collect()
}

/// Tasks with these numbers of steps, named by letters. Returns the order of their steps.
async fn steps(of: &[usize]) -> String {
    let order = Rc::new(RefCell::new(String::new()));
    let tasks: Vec<_> = (b'a'..)
        .zip(of)
        .map(|(letter, &steps)| {
            let (letter, order) = (char::from(letter), Rc::clone(&order));
            spawn_named(&letter.to_string(), async move {
                for step in 0..steps {
                    if step > 0 {
                        yield_now().await;
                    }
                    order.borrow_mut().push(letter);
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    order.take()
}

#[test]
fn a_seed_alone_means_the_same_run() {
    let body = async || drop(steps(&[3, 2, 4]).await);
    for (all, alone) in seeded(0..40).into_iter().zip(seeded(23..24)) {
        let name = all.name().to_owned();
        let all = schedules(all, body);
        let alone = schedules(alone, body);
        assert_eq!(alone.last(), all.iter().find(|(seed, _)| *seed == Some(23)), "{name}");
        // Schedulers that measure do so in a run without a seed.
        assert_eq!(alone.len() > 1, all[0].0.is_none(), "{name}");
    }
}

/// A search of 100 seeds makes 100 runs. If seed 0 is not among them, the run that measures comes in addition.
#[test]
fn each_seed_is_a_run() {
    let runs = |scheduler: Box<dyn Scheduler>| {
        let noted = Rc::default();
        let noting = Noting { scheduler, runs: Rc::clone(&noted) };
        let report = explore(noting, async || yield_now().await);
        let seeds = noted.borrow().iter().filter(|(seed, _)| seed.is_some()).count();
        (report.runs(), seeds)
    };
    for (from_0, from_5) in seeded(0..100).into_iter().zip(seeded(5..105)) {
        let name = from_0.name().to_owned();
        let measures = name != "random walk";
        assert_eq!(runs(from_0), (100, if measures { 99 } else { 100 }), "{name}");
        assert_eq!(runs(from_5), (if measures { 101 } else { 100 }, 100), "{name}");
    }
}

/// How often each outcome comes up.
fn counts(
    scheduler: Box<dyn Scheduler>,
    body: impl AsyncFn() -> String,
) -> BTreeMap<String, usize> {
    let noting = Noting { scheduler, runs: Rc::default() };
    let report = Builder::new().recheck_every(0).explore(noting, body);
    report.outcomes().iter().map(|outcome| (outcome.text().to_owned(), outcome.runs())).collect()
}

/// Tasks that were spawned first are not preferred: each order of five tasks comes up once in 120
/// times.
#[test]
fn no_task_is_preferred_for_having_been_spawned_first() {
    let seeds = 0..6000;
    let schedulers: [Box<dyn Scheduler>; 4] = [
        Box::new(Random::seeds(seeds.clone())),
        Box::new(Pct::seeds(seeds.clone()).depth(1)),
        Box::new(Pos::seeds(seeds.clone())),
        Box::new(Urw::seeds(seeds)),
    ];
    for scheduler in schedulers {
        let name = scheduler.name().to_owned();
        let counts = counts(scheduler, async || steps(&[1; 5]).await);
        assert_eq!(counts.len(), 120, "{name}");
        // Fifty each, with five standard deviations to either side.
        let even = counts.values().all(|count| (15..=85).contains(count));
        assert!(even, "{name}: {counts:?}");
    }
}

/// A task that yields keeps its priority. With one priority each and no change, one task runs to
/// its end before the other one starts.
#[test]
fn a_task_that_yields_keeps_its_priority() {
    let pct = Box::new(Pct::seeds(0..2000).depth(1));
    let counts = counts(pct, async || steps(&[8, 8]).await);
    let first = |letter: &str, other: &str| format!("{:?}", letter.repeat(8) + &other.repeat(8));
    // A thousand each, except for the first run, with six standard deviations of 22 to either side.
    for order in [first("a", "b"), first("b", "a")] {
        assert!((860..=1140).contains(&counts[&order]), "{counts:?}");
    }
    // The first run is first in, first out, so the tasks run in turn.
    assert_eq!(counts[&format!("{:?}", "ab".repeat(8))], 1);
    assert_eq!(counts.len(), 3, "{counts:?}");
}

/// A single step has eleven places among ten steps of another task. Each is as likely as the
/// others.
#[test]
fn a_uniform_walk_is_uniform_over_schedules() {
    let counts = counts(Box::new(Urw::seeds(0..2200)), async || {
        steps(&[10, 1]).await.find('b').expect("b has a step").to_string()
    });
    assert_eq!(counts.len(), 11);
    // Two hundred each, with six standard deviations of 13 to either side.
    assert!(counts.values().all(|count| (120..=280).contains(count)), "{counts:?}");
}

/// A random walk leaves a task at each of 30 steps with probability one half. A sticky walk gets to
/// the end.
#[test]
fn a_sticky_walk_stays_with_a_task() {
    let body = async || steps(&[30, 30]).await.starts_with(&"a".repeat(30)).to_string();
    let found = |scheduler| counts(scheduler, body).get("\"true\"").copied().unwrap_or(0);
    assert_eq!(found(Box::new(Random::seeds(0..1000))), 0);
    assert!(found(Box::new(Sticky::seeds(0..1000))) > 10);
}

/// A task that waits in a loop for another task gets what it waits for in the end, whatever the
/// priorities.
#[test]
fn no_task_starves_for_ever() {
    for scheduler in seeded(0..50) {
        let name = scheduler.name().to_owned();
        let noting = Noting { scheduler, runs: Rc::default() };
        let report = Builder::new().max_steps(20_000).explore(noting, async || {
            let set = Rc::new(Cell::new(false));
            let sets = Rc::clone(&set);
            let _other = spawn_named("other", async move { sets.set(true) });
            while !set.get() {
                yield_now().await;
            }
        });
        assert_eq!(report.failures().count(), 0, "{name}: {report}");
    }
}

#[track_caller]
fn check_delays(delays: usize, runs: usize, complete: bool, body: impl AsyncFn() -> usize) {
    let report = explore(DelayBounded::new(delays), body);
    assert_eq!((report.runs(), report.is_complete()), (runs, complete), "{report}");
}

/// All subsets of this many choices, each with its other answers.
#[test]
fn few_delays_make_the_number_of_runs_that_is_computed() {
    async fn coins<const N: usize>(sides: usize) -> usize {
        [(); N].map(|()| dacapo::choose("coin", sides)).into_iter().sum()
    }
    check_delays(0, 1, false, async || coins::<5>(2).await);
    check_delays(1, 1 + 5, false, async || coins::<5>(2).await);
    check_delays(2, 1 + 5 + 10, false, async || coins::<5>(2).await);
    check_delays(5, 32, true, async || coins::<5>(2).await);
    check_delays(9, 32, true, async || coins::<5>(2).await);
    check_delays(1, 1 + 4 * 2, false, async || coins::<4>(3).await);
    check_delays(2, 1 + 4 * 2 + 6 * 4, false, async || coins::<4>(3).await);
    check_delays(3, 1, true, async || 7);
}

#[test]
fn the_first_failure_has_the_fewest_delays() {
    let error = Builder::new().fresh_process(false).max_shrink_runs(0).try_check(
        DelayBounded::new(3),
        async || {
            let coins = [(); 6].map(|()| dacapo::choose("coin", 3));
            let heads = coins.iter().filter(|&&coin| coin > 0).count();
            assert!(heads < 2 && coins != [0, 0, 0, 0, 0, 2], "too many heads");
        },
    );
    let error = error.unwrap_err();
    assert_eq!(error.schedule().to_string(), "d1:0x5.2");
    assert_eq!(error.runs(), 1 + 6 * 2);
}

#[test]
fn a_bound_on_delays_has_a_bound_on_runs() {
    let body = async || dacapo::choose("n", 100);
    let report = explore(DelayBounded::new(1).max_runs(10), body);
    assert_eq!((report.runs(), report.is_complete()), (10, false));
}

/// The last run that is allowed may be the last run of all.
#[test]
fn a_search_that_ends_at_its_bound_may_be_complete() {
    let body = async || [(); 5].map(|()| dacapo::choose("coin", 2));
    let delayed = explore(DelayBounded::new(5).max_runs(32), body);
    assert!(delayed.is_complete() && delayed.runs() == 32);
    assert!(!explore(DelayBounded::new(5).max_runs(31), body).is_complete());
}

/// When no other task is ready, held tasks are ordinary tasks again.
#[test]
fn held_tasks_are_released_together() {
    let run = dacapo::replay("d1:h2", async || steps(&[4, 4, 4]).await);
    assert_eq!(run.unwrap(), "ccccabababab");
    let run = dacapo::replay("d1:a1", async || steps(&[2, 4, 2]).await);
    assert_eq!(run.unwrap(), "bbbbacac");
}

/// Main waits in a loop, so holding a task back for ever would be another failure than the one that was
/// found, which needs the order c, b, a.
#[test]
fn shrinking_does_not_starve_a_task_that_waits_in_a_loop() {
    let program = async |is_broken: bool| {
        let done = Rc::new(Cell::new(false));
        let order = Rc::new(RefCell::new(String::new()));
        for name in ["a", "b", "c"] {
            let (done, order) = (Rc::clone(&done), Rc::clone(&order));
            spawn_named(name, async move {
                order.borrow_mut().push_str(name);
                let all = order.borrow().len() == 3;
                done.set(all && !(is_broken && *order.borrow() == "cba"));
            });
        }
        while !done.get() {
            yield_now().await;
        }
    };
    let builder = Builder::new().fresh_process(false).max_explain_runs(0).max_steps(5000);
    let found = builder.try_check(Portfolio::default(), async || program(true).await);
    let found = found.unwrap_err();
    assert_eq!(found.failure().kind(), FailureKind::Limit);
    let schedule = found.schedule().clone();
    let fixed = builder.replay(schedule, async || program(false).await);
    assert!(fixed.is_ok(), "{} fails without the bug", found.schedule());
}

/// The bounds on shrinking are also bounds on its time and memory.
#[test]
fn many_and_large_answers_are_shrunk_within_the_bounds() {
    let builder = Builder::new().fresh_process(false).max_explain_runs(0);
    let large = builder.try_check(Random::seeds(0..20), async || {
        assert!(dacapo::choose("n", 3_000_000_000) < 1_000_000_000, "large");
    });
    assert_eq!(large.unwrap_err().schedule().deviations(), 1);
    let many = builder.max_shrink_runs(3).max_choices(200_000).try_check(
        Random::seeds(0..1),
        async || {
            let ones: usize = (0..200_000).map(|_| dacapo::choose("coin", 2)).sum();
            assert!(ones < 1000, "many");
        },
    );
    assert!(many.unwrap_err().to_string().contains("not finished"));
}

/// The first run is first in, first out, and the report names the scheduler that found the bug.
#[test]
fn a_portfolio_names_the_scheduler_that_found_a_bug() {
    let try_check = |steps_of: [usize; 2], order: &'static str| {
        let builder = Builder::new().fresh_process(false);
        let error = builder.try_check(Portfolio::default(), async move || {
            assert_ne!(steps(&steps_of).await, order);
        });
        error.unwrap_err()
    };
    let usual = try_check([1, 1], "ab");
    assert_eq!(usual.runs(), 1);
    assert!(usual.to_string().contains("first in, first out, run 1"), "{usual}");
    let other = try_check([1, 1], "ba");
    assert!(other.to_string().contains("found by    portfolio ("), "{other}");
}

proptest! {
    #![proptest_config(crate::support::cases(32))]

    /// Every sampled outcome is in the table of all outcomes, if that is complete.
    #[test]
    fn an_exhaustive_search_finds_whatever_the_others_find(ops in programs::program()) {
        let body = || programs::run(ops.clone());
        let all = explore(Exhaustive::new().max_runs(3000), body);
        // Values from the seed are sampled, not searched.
        let draws = format!("{ops:?}").contains("Draw");
        if all.is_complete() && !draws {
            let known: Vec<_> = all.outcomes().iter().map(|outcome| outcome.text()).collect();
            let delayed: Box<dyn Scheduler> = Box::new(DelayBounded::new(2).max_runs(200));
            for scheduler in seeded(0..40).into_iter().chain([delayed]) {
                let name = scheduler.name().to_owned();
                let noting = Noting { scheduler, runs: Rc::default() };
                for outcome in explore(noting, body).outcomes() {
                    prop_assert!(known.contains(&outcome.text()), "{name}: {}", outcome.text());
                }
            }
        }
    }
}
