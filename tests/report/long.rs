//! What is written and printed is bounded, however long a run is and however many tasks it has.

use std::future::pending;
use std::sync::Arc;

use crate::support::{assert_snapshot, millis};
use dacapo::scheduler::{Fifo, Random};
use dacapo::sync::{Event, Semaphore};
use dacapo::task::{spawn_named, yield_now};
use dacapo::time::sleep;
use dacapo::{Builder, Run, explore, run, spawn};

/// Very many tasks that yield, sleep and note something, and one turn with very many notes.
fn crowd(tasks: usize) -> Run<()> {
    let builder = Builder::new().max_steps(10_000_000).max_tasks(1_000_000);
    builder.run(async move || {
        let task = async |nth: usize| {
            yield_now().await;
            sleep(millis(nth as u64 * 7919 % 1000)).await;
            dacapo::trace!("slept", nth);
        };
        let tasks: Vec<_> = (0..tasks).map(|nth| spawn(task(nth))).collect();
        for nth in 0..tasks.len() {
            dacapo::trace!("spawned", nth);
        }
        for task in tasks {
            task.await.unwrap();
        }
    })
}

/// Tasks that wait for ever: all but a few of them for one of two things.
fn deadlock(tasks: usize) -> Run<()> {
    Builder::new().max_tasks(1_000_000).run(async move || {
        let (permits, event) = (Arc::new(Semaphore::new(0)), Arc::new(Event::new()));
        for nth in 0..tasks {
            let (permits, event) = (Arc::clone(&permits), Arc::clone(&event));
            spawn(async move {
                match nth % 3 {
                    0 => event.wait().await,
                    1 => drop(permits.acquire().await),
                    _ => drop(spawn_named("nested", pending::<()>()).await),
                }
            });
        }
        pending::<()>().await
    })
}

#[test]
fn a_deadlock_of_many_tasks_is_told_by_kinds() {
    let run = deadlock(100);
    let failure = run.failure().expect("it is stuck");
    assert_snapshot!(
        "stuck_many",
        "A run in which 167 tasks wait for ever: the first 50, and the others by kinds.",
        failure,
    );
    assert_eq!(failure.blocked().len(), 1 + 100 + 33);
}

#[test]
fn a_table_of_many_outcomes_shows_failures_and_the_most_frequent() {
    let table = explore(Random::seeds(0..300), async || {
        let number = dacapo::choose("number", 250);
        assert!(number != 200, "200 is too many");
        if number < 20 { 7 } else { number }
    });
    assert!(table.outcomes().len() > 100);
    let text = table.to_string();
    let shown: Vec<_> = text.lines().collect();
    assert!(text.contains("200 is too many"), "{text}");
    assert_eq!(shown.iter().filter(|line| line.starts_with("7 ")).count(), 1, "{text}");
    let more = shown.iter().position(|line| line.contains("more outcomes, of"));
    assert_eq!(more, Some(101), "{text}");
}

#[test]
fn strips_of_many_tasks_show_those_that_do_something() {
    let run = run(async || {
        let tasks: Vec<_> = (1..=60).map(|nth| spawn(sleep(millis(nth)))).collect();
        for task in tasks {
            task.await.unwrap();
        }
    });
    let text = run.trace().marbles().to_string();
    assert_snapshot!("marbles_many", "Sixty tasks that sleep, as strips.", text);
}

#[test]
fn texts_are_bounded() {
    const TASKS: usize = 20_000;
    let run = crowd(TASKS);
    let trace = run.trace();
    let stuck = deadlock(TASKS);
    let texts = [
        ("marbles", trace.marbles().to_string(), 150_000),
        ("compact", trace.compact().to_string(), 20_000),
        ("mermaid", trace.mermaid().to_string(), 50_000),
        ("html", trace.html().to_string(), 6_000_000),
        ("deadlock", stuck.failure().expect("it is stuck").to_string(), 20_000),
        ("title", stuck.failure().expect("it is stuck").title(), 1000),
    ];
    for (form, text, most) in texts {
        assert!(text.len() < most, "{form} has {} bytes", text.len());
        assert!(text.len() > 100, "{form} is lost: {text}");
    }
}

#[test]
fn files_of_a_long_failure_are_bounded() {
    let builder = Builder::new()
        .max_steps(300_000)
        .max_events(2_000_000)
        .max_explain_runs(0)
        .max_shrink_runs(0);
    let error = builder.fresh_process(false).try_check(Fifo::new(), async || {
        spawn(async {
            loop {
                yield_now().await;
            }
        });
        pending::<()>().await
    });
    let report = error.unwrap_err().to_string();
    assert!(report.len() < 20_000, "the report has {} bytes", report.len());
    let page = report.split_whitespace().find(|word| word.ends_with("trace.html"));
    let folder = page.and_then(|page| page.strip_suffix("trace.html")).expect("there is a page");
    let read = |file: &str| std::fs::read_to_string(format!("{folder}{file}")).unwrap();
    let files = [
        ("trace.txt", 5_000_000),
        ("trace.json", 6_000_000),
        ("trace.mmd", 60_000),
        ("trace.html", 6_000_000),
    ];
    for (file, most) in files {
        let bytes = read(file).len();
        assert!(bytes < most, "{file} has {bytes} bytes");
    }
    let log = read("trace.txt");
    let left_out = log.lines().find(|line| line.contains("events are left out here"));
    assert!(left_out.is_some_and(|line| line.contains("DACAPO_TRACE=1 prints all")));
    assert!(log.lines().nth(1).is_some_and(|line| line.ends_with("main is spawned")), "no start");
}
