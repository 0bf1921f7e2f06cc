//! Tasks of crates that link tokio itself.

/// tokio itself: the name `tokio` is the facade's in this binary.
mod real {
    pub(super) use ::tokio::__private::real::*;
}

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use tokio::sync::{mpsc, oneshot};

use crate::support::{assert_parts, check_outcomes, millis, run};

#[test]
fn they_run_in_turns_of_a_task() {
    let run = run(async || {
        let (sender, receiver) = oneshot::channel();
        let task = real::spawn(async move {
            real::time::sleep(millis(5)).await;
            real::spawn(async move { sender.send(6 * 7) }).await.unwrap()
        });
        let received = receiver.await.unwrap();
        task.await.unwrap().unwrap();
        received
    });
    assert_eq!(run.elapsed(), millis(5));
    assert_eq!(run.unwrap(), 42);
}

#[test]
fn when_their_turn_comes_is_a_choice() {
    check_outcomes(&["1", "2"], async || {
        let seen = Arc::new(AtomicU32::new(0));
        let (first, second) = (Arc::clone(&seen), Arc::clone(&seen));
        let raw = real::spawn(async move { first.store(1, Ordering::Relaxed) });
        let own = tokio::spawn(async move { second.store(2, Ordering::Relaxed) });
        raw.await.unwrap();
        own.await.unwrap();
        seen.load(Ordering::Relaxed)
    });
}

/// Their polls are limited in each turn, so a task that never waits does not hold up the run.
#[test]
fn they_cannot_starve_a_run() {
    let run = run(async || {
        let spinner = real::spawn(async {
            loop {
                real::task::yield_now().await;
            }
        });
        let (sender, mut receiver) = mpsc::channel(1);
        tokio::spawn(async move {
            for n in 0..100 {
                sender.send(n).await.unwrap();
            }
        });
        let mut sum = 0;
        while let Some(n) = receiver.recv().await {
            sum += n;
        }
        spinner.abort();
        sum
    });
    assert_eq!(run.unwrap(), 4950);
}

/// A task of tokio wakes one of dacapo, which wakes it, and so on.
#[test]
fn they_talk_to_tasks_of_dacapo() {
    let run = run(async || {
        let (to, mut inbox) = mpsc::channel(1);
        let (back, mut outbox) = mpsc::channel(1);
        real::spawn(async move {
            while let Some(n) = inbox.recv().await {
                real::time::sleep(millis(1)).await;
                if back.send(n + 1).await.is_err() {
                    return;
                }
            }
        });
        let mut n = 0;
        for _ in 0..50 {
            to.send(n).await.unwrap();
            n = outbox.recv().await.unwrap();
        }
        n
    });
    assert_eq!(run.elapsed(), millis(50));
    assert_eq!(run.unwrap(), 50);
}

/// What they leave behind is dropped with the run.
#[test]
fn they_end_with_their_run() {
    struct Tell(Arc<AtomicU32>);
    impl Drop for Tell {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
    let dropped = Arc::new(AtomicU32::new(0));
    let builder = dacapo_tokio::builder();
    builder.check(dacapo::scheduler::Random::seeds(0..20), async || {
        let tell = Tell(Arc::clone(&dropped));
        real::spawn(async move {
            let _tell = tell;
            std::future::pending::<()>().await;
        });
        tokio::time::sleep(millis(1)).await;
    });
    assert!(dropped.load(Ordering::Relaxed) >= 20);
}

#[test]
fn a_stuck_run_does_not_list_the_helper() {
    let run = run(async || {
        real::spawn(std::future::pending::<()>());
        tokio::spawn(std::future::pending::<()>()).await.unwrap();
    });
    let text = run.failure().unwrap().to_string();
    assert_parts(&text, &["stuck", "main", "main/1"]);
    assert!(!text.contains("tokio "), "{text}");
}
