//! A worker that is cancelled while it waits, and cleans up.
//!
//! `cargo run --example cancelled`

#![allow(clippy::print_stdout, reason = "an example prints")]

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use dacapo::task::spawn_named;
use dacapo::time::{Instant, sleep};

#[derive(Clone, Default)]
struct Log(Rc<RefCell<String>>);

impl Log {
    fn line(&self, text: &str) {
        self.0.borrow_mut().push_str(&format!("{:>7}  {text}\n", Instant::now().to_string()));
    }
}

/// Runs however the worker ends.
struct CleanUp(Log);

impl Drop for CleanUp {
    fn drop(&mut self) {
        self.0.line("the worker cleans up");
    }
}

async fn work(log: Log) {
    let _clean_up = CleanUp(log.clone());
    for part in 1.. {
        log.line(&format!("the worker begins part {part}"));
        sleep(Duration::from_secs(1)).await;
    }
}

async fn cancel_after_two_and_a_half_seconds() -> String {
    let log = Log::default();
    let worker = spawn_named("worker", work(log.clone()));
    sleep(Duration::from_millis(2500)).await;
    log.line("main cancels the worker");
    worker.abort();
    let error = worker.await.unwrap_err();
    log.line(&format!("main sees: {error}"));
    log.0.take()
}

fn main() {
    print!("{}", story());
}

pub(crate) fn story() -> String {
    let run = dacapo::run(cancel_after_two_and_a_half_seconds);
    let trace = run.trace().to_string();
    format!("{}\n{trace}", run.unwrap())
}
