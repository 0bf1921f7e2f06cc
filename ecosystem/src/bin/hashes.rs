//! Prints a hash of the runs of some bodies, to compare them among processes and releases of tokio.

extern crate dacapo_tokio as tokio;

use std::sync::Arc;

use dacapo::Schedule;
use dacapo::schedule::Answer;
use dacapo::scheduler::Random;
use ecosystem::millis;
use tokio::sync::{Barrier, Mutex, Notify, Semaphore, broadcast, mpsc, oneshot, watch};
use tokio::task::{JoinSet, LocalSet, spawn_blocking, spawn_local, yield_now};
use tokio::time::{interval, sleep, timeout};

/// How many schedules each body runs with.
const SCHEDULES: u64 = 500;

/// A hash of the traces of many runs.
fn hash(body: impl AsyncFn() -> u64) -> u64 {
    let builder = dacapo_tokio::builder();
    // An answer that is too large is taken modulo the number of options.
    let answer = |n: u64| Answer::from((n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 61) as u32);
    let mut hash = 0_u64;
    for schedule in 0..SCHEDULES {
        let answers = (0..40 * schedule.min(1)).map(|n| answer(schedule << 32 | n));
        let run = builder.replay(Schedule::new(answers), async || body().await);
        hash = (hash ^ run.trace().hash()).wrapping_mul(0x0000_0100_0000_01b3);
    }
    let report = builder.explore(Random::seeds(0..SCHEDULES), async || body().await);
    assert!(report.nondeterminism().is_none(), "{report}");
    hash ^ report.distinct_traces() as u64
}

async fn channels() -> u64 {
    let (sender, mut receiver) = mpsc::channel(2);
    for n in 0..4 {
        let sender = sender.clone();
        tokio::spawn(async move {
            sleep(millis(n % 2)).await;
            sender.send(n).await.unwrap();
        });
    }
    drop(sender);
    let mut digits = 0;
    while let Some(n) = receiver.recv().await {
        digits = 10 * digits + n;
    }
    digits
}

async fn selects() -> u64 {
    let (news, _) = broadcast::channel(8);
    let (stop, stopped) = oneshot::channel();
    let mut inbox = news.subscribe();
    let reader = tokio::spawn(async move {
        let (mut stopped, mut ticks, mut sum) = (stopped, interval(millis(2)), 0);
        loop {
            tokio::select! {
                Ok(n) = inbox.recv() => sum += n,
                _ = ticks.tick() => sum += 100,
                _ = &mut stopped => return sum,
            }
        }
    });
    for n in 0..3 {
        news.send(n).unwrap();
        sleep(millis(2)).await;
    }
    stop.send(()).unwrap();
    reader.await.unwrap()
}

async fn watches() -> u64 {
    let (sender, _) = watch::channel(0);
    let barrier = Arc::new(Barrier::new(5));
    let mut set: JoinSet<u64> = JoinSet::new();
    for n in 1..5 {
        let (mut receiver, barrier) = (sender.subscribe(), Arc::clone(&barrier));
        set.spawn(async move {
            barrier.wait().await;
            receiver.changed().await.unwrap();
            n * *receiver.borrow()
        });
    }
    barrier.wait().await;
    sleep(millis(1)).await;
    sender.send(7).unwrap();
    let mut digits = 0;
    while let Some(joined) = set.join_next().await {
        digits = 31 * digits + joined.unwrap();
    }
    digits
}

async fn locks() -> u64 {
    let (lock, permits) = (Arc::new(Mutex::new(0)), Arc::new(Semaphore::new(2)));
    let tasks: Vec<_> = (1..5)
        .map(|n| {
            let (lock, permits) = (Arc::clone(&lock), Arc::clone(&permits));
            tokio::spawn(async move {
                let _permit = permits.acquire().await.unwrap();
                yield_now().await;
                let mut value = lock.lock().await;
                *value = 10 * *value + n;
            })
        })
        .collect();
    let late = timeout(millis(1), std::future::pending::<()>()).await;
    assert!(late.is_err());
    tasks.first().inspect(|task| task.abort());
    for task in tasks {
        let _ = task.await.is_err();
    }
    *lock.lock().await
}

/// Tasks of tokio itself, a local set, and blocking calls.
async fn others() -> u64 {
    let notify = Arc::new(Notify::new());
    let notified = Arc::clone(&notify);
    let raw = dacapo_tokio::__private::real::spawn(async move {
        notified.notified().await;
        dacapo_tokio::__private::real::time::sleep(millis(3)).await;
        dacapo_tokio::__private::real::spawn(async { 5 }).await.unwrap()
    });
    let local = LocalSet::new();
    let sum = local
        .run_until(async {
            let task = spawn_local(async { spawn_blocking(|| 6).await.unwrap() });
            notify.notify_one();
            task.await.unwrap()
        })
        .await;
    sum + raw.await.unwrap()
}

fn main() {
    println!("channels {:016x}", hash(channels));
    println!("selects  {:016x}", hash(selects));
    println!("watches  {:016x}", hash(watches));
    println!("locks    {:016x}", hash(locks));
    println!("others   {:016x}", hash(others));
}
