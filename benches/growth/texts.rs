//! Texts made of a run with `n` tasks.

use std::future::pending;
use std::time::Duration;

use dacapo::scheduler::{Fifo, Random};
use dacapo::task::{JoinHandle, spawn, yield_now};
use dacapo::time::sleep;
use dacapo::{Builder, Trace};

/// Makes a text, given how many tasks the run has.
pub(crate) type Text = fn(usize) -> String;

pub(crate) const TEXTS: &[(&str, Text)] = &[
    ("log", |n| trace(n).log().to_string()),
    ("compact", |n| trace(n).compact().to_string()),
    ("columns", |n| trace(n).to_string()),
    ("marbles", |n| trace(n).marbles().to_string()),
    ("mermaid", |n| trace(n).mermaid().to_string()),
    ("perfetto", |n| trace(n).perfetto().to_string()),
    ("html", |n| trace(n).html().to_string()),
    ("report of n blocked tasks", |n| {
        report(async move || {
            join_all((0..n).map(|_| spawn(pending::<()>())).collect()).await;
        })
    }),
    ("report of a panic after n tasks", |n| {
        report(async move || {
            join_all((0..n).map(|_| spawn(yield_now())).collect()).await;
            assert!(n == 0, "it fails");
        })
    }),
    ("report of n tasks that fail", |n| {
        report(async move || {
            let fails = async || std::panic::resume_unwind(Box::new("it fails"));
            join_all((0..n).map(|_| spawn(fails())).collect::<Vec<JoinHandle<()>>>()).await;
        })
    }),
    ("report of a limit on steps, n tasks", |n| {
        let builder = builder().max_steps(20 * n).max_shrink_runs(0).max_explain_runs(0);
        let error = builder.try_check(Fifo::new(), async || {
            for _ in 0..n {
                spawn(async {
                    loop {
                        yield_now().await
                    }
                });
            }
            pending::<()>().await
        });
        error.unwrap_err().to_string()
    }),
    ("table of n outcomes", |n| {
        let seeds = Random::seeds(0..n as u64);
        builder().explore(seeds, async || dacapo::choose("number", 1 << 30)).to_string()
    }),
];

fn builder() -> Builder {
    Builder::new().max_steps(1_000_000_000).max_tasks(10_000_000).fresh_process(false)
}

async fn join_all<T: 'static>(tasks: Vec<JoinHandle<T>>) {
    for task in tasks {
        drop(task.await);
    }
}

/// The trace of a run in which tasks yield, sleep, note something and wake each other.
fn trace(n: usize) -> Trace {
    let run = builder().run(async || {
        let task = async |nth: usize| {
            yield_now().await;
            sleep(Duration::from_millis(nth as u64 * 7919 % 1000)).await;
            dacapo::trace!("slept", nth);
        };
        join_all((0..n).map(|nth| spawn(task(nth))).collect()).await;
    });
    run.trace().clone()
}

/// The report of a search that fails.
fn report<T: dacapo::Termination>(body: impl AsyncFn() -> T) -> String {
    let builder = builder().max_shrink_runs(0).max_explain_runs(0);
    builder.try_check(Random::seeds(0..10), body).unwrap_err().to_string()
}
