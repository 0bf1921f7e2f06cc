//! Three calls of a second each: one after another, and at the same time.
//!
//! Nothing waits in real time. `cargo run --example fetches`

#![allow(clippy::print_stdout, reason = "an example prints")]

use std::time::Duration;

use dacapo::gather;
use dacapo::time::sleep;

const PAGES: [&str; 3] = ["users", "posts", "comments"];

/// A stand-in for a request.
async fn fetch(page: &str) -> String {
    sleep(Duration::from_secs(1)).await;
    format!("{page}: 200 OK")
}

async fn one_after_another() -> Vec<String> {
    let mut replies = Vec::new();
    for page in PAGES {
        replies.push(fetch(page).await);
    }
    replies
}

async fn at_once() -> Vec<String> {
    gather(PAGES.map(fetch)).await.into_iter().map(Result::unwrap).collect()
}

fn main() {
    print!("{}", story());
}

pub(crate) fn story() -> String {
    let sequential = dacapo::run(one_after_another);
    let concurrent = dacapo::run(at_once);
    format!(
        "one after another: {:?}\n{}\nat once: {:?}\n{}",
        sequential.elapsed(),
        sequential.unwrap().join("\n") + "\n",
        concurrent.elapsed(),
        concurrent.unwrap().join("\n") + "\n",
    )
}
