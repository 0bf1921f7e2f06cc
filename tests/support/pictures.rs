//! Runs that tests draw.

use std::rc::Rc;

use dacapo::sync::Semaphore;
use dacapo::task::{spawn, spawn_named, yield_now};
use dacapo::time::{sleep, timeout};
use dacapo::{Schedule, Trace, replay, run};

use super::millis;

/// Texts with a special meaning in some format.
pub const HOSTILE: [&str; 14] = [
    "</script><script>window.hurt = 1</script>",
    "<!-- <script> -->",
    "<img src=x onerror=\"window.hurt = 1\">",
    "&lt;b&gt; & 'quotes' \"double\" `back`",
    "a; b # c : d %% e",
    "end",
    "two\nlines\r\n\tand \0 more\u{7f}\u{1b}[31m",
    "\u{202e}backwards\u{2066}\u{200f}",
    "\u{1f980}",
    "#35;#quot;",
    "style x:#fff;",
    "->>: wrap: nowrap: {\"a\": [1]}",
    " ",
    "",
];

/// A run with a spawn, a lock, a wake-up, an abort, a value, a clock jump, and tasks left at the end.
pub async fn everything() {
    let semaphore = Rc::new(Semaphore::new(0));
    let waiter = {
        let semaphore = semaphore.clone();
        spawn_named("waiter", async move {
            let _permit = semaphore.acquire().await;
            dacapo::choose("coin", 2);
        })
    };
    let sleeper = spawn(sleep(millis(50)));
    sleep(millis(3)).await;
    semaphore.add_permits(1);
    sleeper.abort();
    waiter.await.unwrap();
    spawn(std::future::pending::<()>());
    let late = timeout(millis(2), std::future::pending::<()>()).await;
    assert!(late.is_err());
    yield_now().await;
}

/// Tasks that wake each other in turn, for a number of rounds.
pub async fn relay(tasks: usize, turns: usize) {
    let tasks = (0..tasks).map(|number| {
        spawn_named(&format!("worker {number}"), async move {
            for turn in 0..turns {
                yield_now().await;
                if turn % 10 == number % 10 {
                    sleep(millis(1)).await;
                }
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap();
    }
}

pub fn trace_of(schedule: &str, body: impl AsyncFn()) -> Trace {
    let schedule: Schedule = schedule.parse().unwrap();
    replay(schedule, async || body().await).trace().clone()
}

pub fn hostile() -> Trace {
    let long = "long ".repeat(2_000);
    let run = run(async || {
        let names = HOSTILE.iter().copied().chain([&*long]);
        let tasks: Vec<_> = names.map(|name| spawn_named(name, yield_now())).collect();
        for task in tasks {
            task.await.unwrap();
        }
        dacapo::choose("</script>; end # <b>", 3);
        panic!("<script>window.hurt = 1</script>");
    });
    run.trace().clone()
}
