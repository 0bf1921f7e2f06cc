//! What a step costs, and how many small runs a second affords: with recording, hashing and the
//! bookkeeping of what tasks wait for, as users run it.
//!
//! `cargo bench` prints the time per step as `time`, and for whole runs also how many a second.

#![allow(missing_docs, reason = "criterion's macros make functions without")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use dacapo::scheduler::{Fifo, Pct, Portfolio, Random, Scheduler};
use dacapo::task::{spawn, yield_now};
use dacapo::time::sleep;
use dacapo::{Builder, explore};

/// Spawns tasks that yield a number of times each.
async fn yielding(tasks: usize, yields: usize) {
    for _ in 0..tasks {
        spawn(async move {
            for _ in 0..yields {
                yield_now().await;
            }
        });
    }
    sleep(Duration::from_millis(1)).await;
}

/// The time that this many steps take, measured on runs of some 100,000 steps each.
fn time_of_steps<S: Scheduler + 'static>(
    scheduler: impl Fn() -> S,
    tasks: usize,
    steps: u64,
) -> Duration {
    let yields = 100_000 / tasks;
    let builder = Builder::new().recheck_every(0);
    let (mut time, mut made) = (Duration::ZERO, 0);
    while made < steps {
        let start = now();
        let report = builder.explore(scheduler(), async || yielding(tasks, yields).await);
        time += start.elapsed();
        made += report.steps() as u64;
    }
    time.mul_f64(steps as f64 / made as f64)
}

#[expect(clippy::disallowed_methods, reason = "a bench measures real time")]
fn now() -> Instant {
    Instant::now()
}

fn steps(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("step");
    for tasks in [16, 100, 1000] {
        group.bench_function(BenchmarkId::new("random", tasks), |bencher| {
            bencher.iter_custom(|steps| time_of_steps(|| Random::seeds(0..1), tasks, steps));
        });
        group.bench_function(BenchmarkId::new("pct", tasks), |bencher| {
            bencher.iter_custom(|steps| time_of_steps(|| Pct::seeds(0..9), tasks, steps));
        });
        group.bench_function(BenchmarkId::new("portfolio", tasks), |bencher| {
            bencher.iter_custom(|steps| time_of_steps(|| Portfolio::seeds(0..9), tasks, steps));
        });
        group.bench_function(BenchmarkId::new("fifo", tasks), |bencher| {
            bencher.iter_custom(|steps| time_of_steps(Fifo::new, tasks, steps));
        });
    }
    group.finish();
}

/// Five tasks of four yields and a sleep: the size of many a test.
async fn small() {
    let tasks = [(); 5].map(|()| {
        spawn(async {
            for _ in 0..4 {
                yield_now().await;
            }
            sleep(Duration::from_millis(1)).await;
        })
    });
    for task in tasks {
        task.await.unwrap();
    }
}

fn runs(criterion: &mut Criterion) {
    const RUNS: u64 = 1000;
    let mut group = criterion.benchmark_group("1000 small runs");
    group.throughput(Throughput::Elements(RUNS));
    let builder = Builder::new().recheck_every(0);
    group.bench_function("random", |bencher| {
        bencher.iter(|| black_box(builder.explore(Random::seeds(0..RUNS), small).runs()));
    });
    group.bench_function("random, some made twice, as by default", |bencher| {
        bencher.iter(|| black_box(explore(Random::seeds(0..RUNS), small).runs()));
    });
    group.finish();
}

/// What is paid once, for the run that is shown, and never while exploring.
fn pictures(criterion: &mut Criterion) {
    let run = dacapo::run(async || yielding(20, 80).await);
    let trace = run.trace();
    let events = trace.events().count() as u64;
    let mut group = criterion.benchmark_group("picture");
    group.throughput(Throughput::Elements(events));
    group.bench_function("html", |bencher| bencher.iter(|| trace.html().to_string().len()));
    group.bench_function("mermaid", |bencher| bencher.iter(|| trace.mermaid().to_string().len()));
    group.bench_function("perfetto", |bencher| bencher.iter(|| trace.perfetto().to_string().len()));
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs(3));
    targets = steps, runs, pictures
}
criterion_main!(benches);
