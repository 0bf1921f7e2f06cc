//! Schedulers: without a run where that is possible, and by counting outcomes otherwise.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::ops::Range;
use std::rc::Rc;
use std::sync::Arc;

use crate::support::{assert_parts, millis, panic_of, programs};
use dacapo::schedule::Answer;
use dacapo::scheduler::{
    Choice, Completeness, Exhaustive, Fifo, Pct, Plan, Portfolio, Pos, Progress, Question, Random,
    Replay, RunEnd, Scheduler, Sparse, Sticky, Urw,
};
use dacapo::sync::Semaphore;
use dacapo::task::yield_now;
use dacapo::trace::TaskNames;
use dacapo::{FailureKind, Schedule, explore};
use proptest::prelude::*;

/// Makes one run of choices with these numbers of options. Returns the answers, and what the scheduler
/// says at the end.
fn run(scheduler: &mut dyn Scheduler, options: &[usize]) -> Option<(Vec<u32>, RunEnd)> {
    scheduler.next_run()?;
    let choices = options.iter().map(|&options| Choice::of_value("number", options));
    let answers = choices.map(|choice| scheduler.choose(&choice).option()).collect();
    Some((answers, scheduler.end_run()))
}

fn answers(scheduler: &mut dyn Scheduler, options: &[usize]) -> Option<Vec<u32>> {
    run(scheduler, options).map(|(answers, _)| answers)
}

#[test]
fn fifo_answers_zero_once() {
    let mut fifo = Fifo::new();
    assert_eq!(answers(&mut fifo, &[2, 9, 3]), Some(vec![0, 0, 0]));
    assert_eq!(answers(&mut fifo, &[2]), None);
}

#[test]
fn the_answers_of_a_seed_never_move() {
    let mut random = Random::seeds(5..8);
    let options = [2, 2, 2, 2, 3, 3, 3, 10, 100, 1000];
    let runs: Vec<_> = std::iter::from_fn(|| answers(&mut random, &options)).collect();
    assert_eq!(runs.len(), 3);
    crate::support::assert_snapshot!(
        "random_answers",
        "The first answers of three seeds of the random walk. No release may change them, because a seed that somebody wrote down would mean another run.",
        format!("{runs:?}")
    );
    let mut alone = Random::seeds(6..7);
    assert_eq!(answers(&mut alone, &options).as_ref(), Some(&runs[1]));
}

/// The numbers of tasks, mixed in the order in which they had their steps.
#[derive(Clone, Default)]
struct Order(Rc<Cell<u64>>);

impl Order {
    fn step(&self, task: u64) {
        self.0.set((self.0.get().rotate_left(7) ^ task).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    }
}

/// Tasks that yield, share a semaphore, sleep, spawn others and are aborted. Some are left when
/// main returns, and some of those clean up.
async fn medley(order: Order, tasks: u64, yields: u64) {
    let turns = async |order: &Order, task: u64, yields: u64| {
        for _ in 0..yields {
            order.step(task);
            yield_now().await;
        }
    };
    let semaphore = Arc::new(Semaphore::new(2));
    let handles: Vec<_> = (0..tasks)
        .map(|task| {
            let (order, semaphore) = (order.clone(), Arc::clone(&semaphore));
            dacapo::spawn(async move {
                for nth in 0..yields + task % 3 {
                    let permit = semaphore.acquire().await;
                    turns(&order, task, 1).await;
                    drop(permit);
                    if nth % 4 == 0 {
                        dacapo::time::sleep(millis(task % 2)).await;
                    }
                }
                if task % 4 == 0 {
                    let child = order.clone();
                    drop(dacapo::spawn(async move { turns(&child, task + 1000, task % 5).await }));
                }
                order.step(task);
            })
        })
        .collect();
    for (nth, handle) in handles.into_iter().enumerate() {
        if nth % 7 == 6 {
            handle.abort();
        }
        order.step(u64::from(handle.await.is_ok()));
    }
    for task in 2000..2008 {
        let order = order.clone();
        drop(dacapo::spawn(async move {
            if task % 2 == 0 {
                let _ = dacapo::cancel::catch(turns(&order, task, u64::MAX)).await;
            }
            turns(&order, task, 3 + task % 3).await;
        }));
    }
    turns(&order, 0, 3).await;
}

/// The orders of many short runs, and of a few runs with hundreds of tasks.
fn orders<S: Scheduler + 'static>(
    name: &str,
    scheduler: fn(Range<u64>) -> S,
    seeds: [u64; 2],
) -> String {
    let [few, many] = [(seeds[0], 6, 5), (seeds[1], 300, 0)].map(|(seeds, tasks, yields)| {
        let all = Order::default();
        explore(scheduler(0..seeds), async || medley(all.clone(), tasks, yields).await);
        all.0.get()
    });
    format!("{name:<9} {few:016x} {many:016x}\n")
}

#[test]
fn the_schedules_of_a_seed_never_move() {
    let rows = [
        orders("Portfolio", Portfolio::seeds, [45, 12]),
        orders("Urw", Urw::seeds, [45, 12]),
        orders("Sticky", Sticky::seeds, [45, 12]),
        orders("Pct", Pct::seeds, [45, 12]),
        orders("Random", Random::seeds, [44, 11]),
        orders("Sparse", Sparse::seeds, [45, 12]),
        orders("Pos", Pos::seeds, [45, 12]),
    ];
    crate::support::assert_snapshot!(
        "orders",
        "A number for the orders of steps that the first seeds of each scheduler produce, among few tasks and among many. It must not change when a scheduler becomes faster.",
        rows.concat()
    );
}

/// First in, first out. Counts the steps that it observes, and the primitives in them.
struct Watcher {
    asks_for_uses: bool,
    runs: u32,
    told: Rc<Cell<(usize, usize, usize)>>,
}

impl Scheduler for Watcher {
    fn name(&self) -> &str {
        "watcher"
    }
    fn next_run(&mut self) -> Option<Plan> {
        self.runs += 1;
        let plan = Plan::new().observing_steps();
        let plan = if self.asks_for_uses { plan.observing_uses() } else { plan };
        (self.runs == 1).then_some(plan)
    }
    fn choose(&mut self, _: &Choice<'_>) -> Answer {
        Answer::USUAL
    }
    fn observe(&mut self, progress: &Progress<'_>) {
        let Progress::Step(step) = progress else { return };
        let (steps, uses, waits) = self.told.get();
        let waits = waits + usize::from(step.awaits().is_some());
        self.told.set((steps + 1, uses + step.used().len(), waits));
    }
}

#[test]
fn a_scheduler_observes_uses_if_it_asks() {
    let told = |asks_for_uses| {
        let told = Rc::default();
        let watcher = Watcher { asks_for_uses, runs: 0, told: Rc::clone(&told) };
        explore(watcher, async || {
            let semaphore = Arc::new(Semaphore::new(1));
            let permit = semaphore.acquire().await;
            let other = Arc::clone(&semaphore);
            let waiter = dacapo::spawn(async move { other.acquire().await.is_ok() });
            yield_now().await;
            drop(permit);
            waiter.await
        });
        told.get()
    };
    // Main has three steps, and the waiter two. In its first step, the waiter waits.
    assert_eq!(told(true), (5, 4, 1));
    assert_eq!(told(false), (5, 0, 0));
}

#[test]
fn random_answers_are_even() {
    let mut counts = [0_u32; 5];
    let mut random = Random::seeds(0..10_000);
    while let Some(answers) = answers(&mut random, &[5]) {
        counts[answers[0] as usize] += 1;
    }
    // Six standard deviations (of 40) to either side.
    assert!(counts.iter().all(|count| (1760..=2240).contains(count)), "{counts:?}");
}

#[test]
fn replay_clamps_and_goes_on_with_zeros() {
    let mut replay = Replay::new("d1:1.5.2");
    let (answers, end) = run(&mut replay, &[2, 3, 3, 4]).expect("a replay is one run");
    assert_eq!(answers, [1, 2, 2, 0]);
    let divergence = end.divergence.expect("5 is no answer to 3 options");
    assert_eq!(divergence.choice(), 1);
    assert_parts(&divergence.to_string(), &["choice 1", "answers 5", "only 3 options"]);

    let mut short = Replay::new(Schedule::new([1, 0, 2]));
    let (_, end) = run(&mut short, &[2]).expect("a replay is one run");
    let divergence = end.divergence.expect("two answers were not asked for");
    assert_parts(
        &divergence.to_string(),
        &["choice 1", "the run ended before it", "2 more answers"],
    );

    let mut exact = Replay::new("d1:1.2");
    let (_, end) = run(&mut exact, &[2, 3, 2]).expect("a replay is one run");
    assert_eq!(end, RunEnd::default());
}

#[test]
fn a_strict_replay_fails_where_it_diverges() {
    let body = async || dacapo::choose("number", 3);
    let tolerant = explore(Replay::new("d1:7"), body);
    assert_eq!(tolerant.outcomes()[0].text(), "2");
    let strict = explore(Replay::strict("d1:7"), body);
    let failure = strict.outcomes()[0].failure().expect("7 is no answer to 3 options");
    assert_eq!(failure.kind(), FailureKind::Divergence);
    assert_parts(
        &failure.to_string(),
        &["does not fit its schedule", "choice 0", "only 3 options"],
    );
    let fits = explore(Replay::strict("d1:1"), body);
    assert_eq!(fits.outcomes()[0].text(), "1");
}

#[test]
fn exhaustive_is_an_odometer() {
    let mut exhaustive = Exhaustive::new();
    let mut runs = Vec::new();
    let mut ends = Vec::new();
    while let Some((answers, end)) = run(&mut exhaustive, &[2, 3]) {
        runs.push((answers[0], answers[1]));
        ends.push(end.completeness);
    }
    assert_eq!(runs, [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)]);
    let (last, before) = ends.split_last().expect("there are runs");
    assert_eq!(*last, Completeness::Complete);
    assert!(before.iter().all(|end| *end == Completeness::Partial));
}

#[test]
fn exhaustive_says_when_it_is_not_complete() {
    let report = explore(Exhaustive::new().max_runs(5), async || dacapo::choose("number", 6));
    assert!(!report.is_complete());
    assert_parts(
        &report.to_string(),
        &["5 schedules", "5 distinct traces, no repeats; not all there are"],
    );
    let report = explore(Exhaustive::new().max_runs(6), async || dacapo::choose("number", 6));
    assert!(report.is_complete(), "the bound was not needed");
    let mut changing = Exhaustive::new();
    answers(&mut changing, &[2, 2]);
    answers(&mut changing, &[3, 2]);
    let end = std::iter::from_fn(|| run(&mut changing, &[3, 2])).last().expect("runs are left").1;
    assert_eq!(
        end.completeness,
        Completeness::Partial,
        "the first choice had 2 options, and then 3"
    );
    assert_parts(&end.divergence.unwrap().to_string(), &["2 options before", "it has 3"]);
}

/// Spawns `tasks` tasks that yield `yields` times each, and waits for them without being ready
/// itself.
async fn yielding(tasks: usize, yields: usize) {
    for _ in 0..tasks {
        dacapo::spawn(async move {
            for _ in 0..yields {
                dacapo::task::yield_now().await;
            }
        });
    }
    dacapo::time::sleep(millis(1)).await;
}

/// Each task takes `yields + 1` steps, and main is not ready before all are done. So the schedules
/// are the interleavings of k sequences of m = yields + 1 steps: (k m)! / (m!)^k.
#[test]
fn exhaustive_makes_the_number_of_runs_that_is_computed() {
    let table = [
        (1, 0, 1),
        (1, 5, 1),
        (2, 0, 2),
        (2, 1, 6),
        (2, 2, 20),
        (2, 3, 70),
        (2, 4, 252),
        (2, 5, 924),
        (3, 0, 6),
        (3, 1, 90),
        (3, 2, 1_680),
        (3, 3, 34_650),
        (4, 0, 24),
        (4, 1, 2_520),
        (5, 0, 120),
        (6, 0, 720),
        (7, 0, 5_040),
    ];
    for (tasks, yields, expectation) in table {
        let report = explore(Exhaustive::new(), async || yielding(tasks, yields).await);
        assert_eq!(report.runs(), expectation, "{tasks} tasks that yield {yields} times");
        assert!(report.is_complete());
    }
}

/// Main awaits two tasks that do not yield. After main, either may run first. If it is the one that
/// main awaits, main is woken beside the other task, which makes one choice more. (first, then main
/// | second) + (second, first) = 3.
#[test]
fn exhaustive_counts_main_too() {
    let report =
        explore(Exhaustive::new(), async || dacapo::gather([(); 2].map(async |()| ())).await.len());
    assert_eq!(report.runs(), 3);
}

#[test]
fn every_order_is_as_likely_as_the_others() {
    let report = explore(Random::seeds(0..6000), async || {
        let order = std::rc::Rc::new(std::cell::RefCell::new(String::new()));
        for name in ["a", "b", "c"] {
            let order = order.clone();
            dacapo::spawn(async move { order.borrow_mut().push_str(name) });
        }
        dacapo::time::sleep(millis(1)).await;
        order.take()
    });
    let counts: BTreeMap<_, _> =
        report.outcomes().iter().map(|outcome| (outcome.text(), outcome.runs())).collect();
    assert_eq!(counts.len(), 6);
    // 1000 of each, and six standard deviations of 29.
    assert!(counts.values().all(|count| (826..=1174).contains(count)), "{counts:?}");
}

#[test]
fn labels_are_stable() {
    let names = TaskNames::default();
    let number = Choice::of_value("coin", 2);
    assert_eq!(number.label(1).to_string(), "coin = 1");
    let timeout = Choice::of(Question::Timeout, 2);
    assert_eq!([0, 1].map(|i| timeout.label(i).to_string()), ["completion", "deadline"]);
    // The question, the label and the option each make a difference.
    let tails = Choice::of_value("tails", 2);
    let signatures = [number.label(1), number.label(0), timeout.label(1), tails.label(1)];
    let different: std::collections::BTreeSet<_> = signatures.map(|l| l.signature()).into();
    assert_eq!(different.len(), 4);
    assert_eq!(number.label(1).signature(), Choice::of_value("coin", 3).label(1).signature());
    assert_parts(&panic_of(|| timeout.label(2)), &["option 2 of a choice with 2 options"]);
    let ready = dacapo::scheduler::ReadyQueue::default();
    assert_parts(&panic_of(|| Choice::among_tasks(&ready, &names)), &["two options or more"]);

    /// Remembers the labels of the tasks that it could choose from.
    struct Spy(std::rc::Rc<std::cell::RefCell<BTreeMap<String, u64>>>, u32);
    impl Scheduler for Spy {
        fn name(&self) -> &str {
            "spy"
        }
        fn next_run(&mut self) -> Option<Plan> {
            self.1 += 1;
            (self.1 <= 2).then(Plan::new)
        }
        fn choose(&mut self, choice: &Choice<'_>) -> Answer {
            for option in 0..choice.options() {
                let label = choice.label(option);
                let signature = label.signature();
                let known = self.0.borrow_mut().insert(label.to_string(), signature);
                assert_eq!(known.unwrap_or(signature), signature, "{label}");
            }
            // The second run has another order, which changes no label.
            choice.option(self.1 as usize - 1)
        }
    }
    let seen = std::rc::Rc::default();
    explore(Spy(std::rc::Rc::clone(&seen), 0), async || yielding(3, 1).await);
    let seen = seen.borrow();
    assert_eq!(seen.keys().collect::<Vec<_>>(), ["main/1", "main/2", "main/3"]);
    let different: std::collections::BTreeSet<_> = seen.values().collect();
    assert_eq!(different.len(), 3);
}

#[test]
fn labels_may_be_made_at_run_time() {
    let run = dacapo::replay("d1:0x500.2", async || {
        for client in 0..1000 {
            let lost = dacapo::choose(format!("reply to {client}"), 3);
            assert_eq!(lost == 2, client == 500, "the labels do not matter");
        }
        dacapo::choose(String::from("reply to 7"), 3)
    });
    let text = run.trace().to_string();
    assert_parts(&text, &["reply to 0 = 0", "reply to 500 = 2", "reply to 999 = 0"]);
    assert_eq!(text.matches("reply to 7 = 0").count(), 2);
}

proptest! {
    #![proptest_config(crate::support::cases(64))]

    /// Every sampled outcome is in the table of all outcomes, if that is complete.
    #[test]
    fn exhaustive_finds_whatever_random_finds(ops in programs::program()) {
        let body = || programs::run(ops.clone());
        let all = explore(Exhaustive::new().max_runs(3000), body);
        // Values from the seed are sampled, not searched.
        let draws = format!("{ops:?}").contains("Draw");
        if all.is_complete() && !draws {
            let known: Vec<_> = all.outcomes().iter().map(|outcome| outcome.text()).collect();
            let sampled = explore(Random::seeds(0..60), body);
            for outcome in sampled.outcomes() {
                prop_assert!(known.contains(&outcome.text()), "{}", outcome.text());
            }
        }
    }
}
