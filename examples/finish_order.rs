//! Tasks that finish in another order than they started, and what happens at a tie.
//!
//! `cargo run --example finish_order`

#![allow(clippy::print_stdout, reason = "an example prints")]

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use dacapo::scheduler::Exhaustive;
use dacapo::task::spawn_named;
use dacapo::time::{Instant, sleep};

/// Starts a job for each name, which takes that many seconds, and lists the jobs as they finish.
async fn finish_order<const N: usize>(jobs: [(&'static str, u64); N]) -> Vec<String> {
    let finished = Rc::new(RefCell::new(Vec::new()));
    let tasks = jobs.map(|(name, seconds)| {
        let finished = Rc::clone(&finished);
        spawn_named(name, async move {
            sleep(Duration::from_secs(seconds)).await;
            finished.borrow_mut().push(format!("{name} at {}", Instant::now()));
        })
    });
    for task in tasks {
        task.await.unwrap();
    }
    finished.take()
}

fn main() {
    print!("{}", story());
}

pub(crate) fn story() -> String {
    let different = dacapo::run(|| finish_order([("wash", 3), ("cook", 1), ("iron", 2)]));
    // Two take equally long. The schedule decides which finishes first, so all schedules are tried.
    let tie = dacapo::explore(Exhaustive::new(), || finish_order([("wash", 1), ("cook", 1)]));
    format!("{}\n\n{tie}", different.unwrap().join("\n"))
}
