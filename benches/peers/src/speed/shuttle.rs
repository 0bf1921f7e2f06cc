//! shuttle's runner, with its own semaphore and channel, which are where it changes tasks. The channel
//! blocks: tasks of shuttle have stacks. There is no clock: what sleeps, yields.

use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use shuttle::future::batch_semaphore::{BatchSemaphore, Fairness};
use shuttle::future::{JoinHandle, block_on, spawn, yield_now};
use shuttle::scheduler::{PctScheduler, RandomScheduler, Scheduler};
use shuttle::sync::mpsc::{Receiver, SyncSender, sync_channel};
use shuttle::{Config, MaxSteps, Runner};
use workloads::World;

/// A scheduler for this many runs.
pub trait Scheduling: 'static {
    fn scheduler(runs: usize) -> impl Scheduler + 'static;
}

pub struct Random;
pub struct Pct;

impl Scheduling for Random {
    fn scheduler(runs: usize) -> impl Scheduler + 'static {
        RandomScheduler::new_from_seed(0, runs)
    }
}

impl Scheduling for Pct {
    fn scheduler(runs: usize) -> impl Scheduler + 'static {
        // The depth that shuttle's own tests have.
        PctScheduler::new_from_seed(0, 3, runs)
    }
}

/// Given back when it is dropped, which shuttle leaves to its users.
pub struct Permit<'a>(&'a BatchSemaphore);

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        self.0.release(1);
    }
}

pub struct Shuttle<S>(PhantomData<S>);

impl<S: Scheduling> World for Shuttle<S> {
    /// It keeps the stacks of all tasks of a run to its end, and Linux gives a process some 30,000 of them.
    const RUNS: u64 = 20;

    type Task = JoinHandle<u64>;

    type Semaphore = BatchSemaphore;
    type Permit<'a> = Permit<'a>;
    type Sender = SyncSender<u64>;
    type Receiver = Receiver<u64>;

    fn runs<F>(runs: u64, body: impl Fn() -> F + Clone + Send + Sync + 'static) -> u64
    where
        F: Future<Output = u64> + Send + 'static,
    {
        let mut config = Config::new();
        config.max_steps = MaxSteps::None;
        config.silence_warnings = true;
        let done = Arc::new(AtomicU64::new(0));
        let sum = Arc::clone(&done);
        let made = Runner::new(S::scheduler(runs as usize), config).run(move || {
            sum.fetch_add(block_on(body()), Ordering::Relaxed);
        });
        assert_eq!(made as u64, runs);
        done.load(Ordering::Relaxed)
    }

    fn spawn(future: impl Future<Output = u64> + Send + 'static) -> Self::Task {
        spawn(future)
    }

    async fn join(task: Self::Task) -> u64 {
        task.await.expect("it returns")
    }

    async fn abort(task: Self::Task) {
        task.abort();
        assert!(task.await.is_err());
    }

    fn yield_now() -> impl Future<Output = ()> + Send {
        yield_now()
    }

    fn sleep(_: Duration) -> impl Future<Output = ()> + Send {
        yield_now()
    }

    fn semaphore(permits: usize) -> BatchSemaphore {
        BatchSemaphore::new(permits, Fairness::StrictlyFair)
    }

    async fn acquire(semaphore: &BatchSemaphore) -> Permit<'_> {
        semaphore.acquire(1).await.expect("nobody closes it");
        Permit(semaphore)
    }

    fn queue(places: usize) -> (Self::Sender, Self::Receiver) {
        sync_channel(places)
    }

    async fn send(sender: &Self::Sender, item: u64) {
        sender.send(item).expect("the receiver is alive");
    }

    async fn receive(receiver: &mut Self::Receiver) -> u64 {
        receiver.recv().expect("a sender is alive")
    }
}
