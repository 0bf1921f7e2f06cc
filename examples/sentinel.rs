//! A producer, two consumers and a queue that ends with a sentinel; and what goes wrong when a consumer
//! does not pass the sentinel on.
//!
//! `cargo run --example sentinel`

#![allow(clippy::print_stdout, reason = "an example prints")]

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use dacapo::gather;
use dacapo::scheduler::Random;
use dacapo::sync::Queue;
use dacapo::time::sleep;

const ITEMS: u32 = 4;

/// Produces items for two consumers; returns how many were consumed.
async fn pipeline(passes_sentinel_on: bool) -> u32 {
    let queue = Rc::new(Queue::new(2));
    let consumed = Rc::new(Cell::new(0));
    let to = Rc::clone(&queue);
    let producer = async move {
        for item in 0..ITEMS {
            to.put(Some(item)).await.unwrap();
        }
        to.put(None).await.unwrap();
    };
    let consumer = || {
        let (queue, consumed) = (Rc::clone(&queue), Rc::clone(&consumed));
        async move {
            while queue.get().await.unwrap().is_some() {
                sleep(Duration::from_millis(10)).await;
                consumed.set(consumed.get() + 1);
            }
            if passes_sentinel_on {
                queue.put(None).await.unwrap();
            }
        }
    };
    let (produced, first, second) = gather((producer, consumer(), consumer())).await;
    [produced, first, second].into_iter().for_each(|ended| ended.unwrap());
    consumed.get()
}

fn main() {
    print!("{}", story());
}

pub(crate) fn story() -> String {
    let right = dacapo::explore(Random::seeds(0..200), async || pipeline(true).await);
    let wrong = dacapo::explore(Random::seeds(0..200), async || pipeline(false).await);
    format!("passed on\n{right}\nkept\n{wrong}")
}
