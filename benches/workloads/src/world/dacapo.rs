//! dacapo, as a test runs it: `check`, with all defaults but the limits.

use std::cell::Cell;
use std::marker::PhantomData;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use dacapo::Builder;
use dacapo::scheduler::{self, Scheduler};
use dacapo::sync::{Queue, Semaphore, SemaphorePermit};
use dacapo::task::{JoinHandle, spawn, yield_now};
use dacapo::time::sleep;

use super::World;

/// A scheduler that works from seeds.
pub trait Scheduling: 'static {
    const RUNS: u64 = 1;

    fn seeds(seeds: Range<u64>) -> impl Scheduler + 'static;
}

pub struct Random;
pub struct Pct;
/// Its runs take eleven turns, among seven kinds.
pub struct Portfolio;

impl Scheduling for Random {
    fn seeds(seeds: Range<u64>) -> impl Scheduler + 'static {
        scheduler::Random::seeds(seeds)
    }
}

impl Scheduling for Pct {
    fn seeds(seeds: Range<u64>) -> impl Scheduler + 'static {
        scheduler::Pct::seeds(seeds)
    }
}

impl Scheduling for Portfolio {
    const RUNS: u64 = 11;

    fn seeds(seeds: Range<u64>) -> impl Scheduler + 'static {
        scheduler::Portfolio::seeds(seeds)
    }
}

/// What `run` does: first in, first out, a run at a time.
pub struct Fifo;

/// Makes the runs.
pub trait Runs: 'static {
    const RUNS: u64;

    fn runs<F: Future<Output = u64>>(runs: u64, body: impl Fn() -> F) -> u64;
}

fn builder() -> Builder {
    Builder::new().max_steps(1_000_000_000).max_tasks(2_000_000)
}

impl<S: Scheduling> Runs for S {
    const RUNS: u64 = S::RUNS;

    fn runs<F: Future<Output = u64>>(runs: u64, body: impl Fn() -> F) -> u64 {
        let sum = Cell::new(0);
        builder().check(S::seeds(0..runs), async || sum.set(sum.get() + body().await));
        sum.get()
    }
}

impl Runs for Fifo {
    const RUNS: u64 = 1;

    fn runs<F: Future<Output = u64>>(runs: u64, body: impl Fn() -> F) -> u64 {
        (0..runs).map(|_| builder().run(async || body().await).unwrap()).sum()
    }
}

pub struct Dacapo<R>(PhantomData<R>);

impl<R: Runs> World for Dacapo<R> {
    type Task = JoinHandle<u64>;
    type Semaphore = Semaphore;
    type Permit<'a> = SemaphorePermit<'a>;
    type Sender = Arc<Queue<u64>>;
    type Receiver = Arc<Queue<u64>>;

    const RUNS: u64 = R::RUNS;

    fn runs<F>(runs: u64, body: impl Fn() -> F + Clone + Send + Sync + 'static) -> u64
    where
        F: Future<Output = u64> + Send + 'static,
    {
        R::runs(runs, body)
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

    fn sleep(duration: Duration) -> impl Future<Output = ()> + Send {
        sleep(duration)
    }

    fn semaphore(permits: usize) -> Semaphore {
        Semaphore::new(permits)
    }

    async fn acquire(semaphore: &Semaphore) -> SemaphorePermit<'_> {
        semaphore.acquire().await.expect("nobody closes it")
    }

    fn queue(places: usize) -> (Self::Sender, Self::Receiver) {
        let queue = Arc::new(Queue::new(places));
        (Arc::clone(&queue), queue)
    }

    async fn send(queue: &Self::Sender, item: u64) {
        queue.put(item).await.expect("nobody shuts it down");
    }

    async fn receive(queue: &mut Self::Receiver) -> u64 {
        queue.get().await.expect("nobody shuts it down")
    }
}
