//! What a second process adds to a search, in time on the wall, and that it finds the same.

use std::cell::Cell;
use std::fmt::Write as _;
use std::time::Instant;

use dacapo::Builder;
use dacapo::scheduler::Random;

use crate::scale::{another, tell};
use crate::workload::simulation;
use crate::world::dacapo as world;

pub(crate) const NAME: &str = "cores";

/// Schedules of the search that finds nothing.
const SCHEDULES: u64 = 1_000_000;
const ROUNDS: usize = 5;

/// Makes a search, and says what came of it.
pub(crate) fn one(search: &str) -> ! {
    let start = now();
    if search == "pass" {
        dacapo::check(Random::seeds(0..SCHEDULES), async || {
            simulation::<world::Dacapo<world::Random>>().await;
        });
        tell(&start.elapsed().as_secs_f64().to_string());
    }
    // Fails in one order of many.
    let builder = Builder::new().max_shrink_runs(0).max_explain_runs(0);
    let found = builder.try_check(Random::seeds(0..SCHEDULES), async || {
        let order = std::rc::Rc::new(Cell::new(0_u64));
        let tasks = [1, 2, 3, 4, 5].map(|task| {
            let order = std::rc::Rc::clone(&order);
            dacapo::spawn(async move {
                for _ in 0..4 {
                    dacapo::task::yield_now().await;
                    order.set((5 * order.get() + task) % 100_003);
                }
            })
        });
        for task in tasks {
            task.await.expect("it returns");
        }
        assert_ne!(order.get(), 7, "this is the order");
    });
    let error = found.expect_err("some order is the one");
    tell(&format!("run {}, `{}`", error.runs(), error.schedule()))
}

pub(crate) fn section() -> String {
    let search = |search, jobs| another(NAME, search, &[("DACAPO_JOBS", jobs)]);
    let mut ratios = Vec::new();
    let mut rates = [Vec::new(), Vec::new()];
    for _ in 0..ROUNDS {
        let [one, two] = ["1", "2"].map(|jobs| search("pass", jobs).parse::<f64>());
        let (one, two) = (one.expect("seconds"), two.expect("seconds"));
        ratios.push(one / two);
        rates[0].push(SCHEDULES as f64 / one);
        rates[1].push(SCHEDULES as f64 / two);
    }
    let median = |numbers: &mut Vec<f64>| {
        numbers.sort_by(f64::total_cmp);
        numbers[numbers.len() / 2]
    };
    let mut page = String::from("\n## Two processes\n\n");
    writeln!(
        page,
        "`DACAPO_JOBS=2` makes {:.2} times as many runs as `DACAPO_JOBS=1` in a second of real time: {:.0} k and \
         {:.0} k.\nMedians of {ROUNDS} that take turns, with {} tasks running on average on the machine.",
        median(&mut ratios),
        median(&mut rates[1]) / 1e3,
        median(&mut rates[0]) / 1e3,
        load(),
    )
    .expect("a string takes all");
    let [one, two] = ["1", "2"].map(|jobs| search("fail", jobs));
    assert_eq!(one, two, "two processes find something else than one");
    writeln!(page, "Both find the same failure first: {one}.").expect("a string takes all");
    page
}

/// How many were running in the last minute, these two included.
fn load() -> String {
    let load = std::fs::read_to_string("/proc/loadavg").expect("Linux says what its load is");
    load.split(' ').next().unwrap_or_default().to_owned()
}

#[expect(clippy::disallowed_methods, reason = "what two processes save is time on the wall")]
fn now() -> Instant {
    Instant::now()
}
