//! dacapo-tokio: tokio's interface in runs of dacapo, with tokio's own primitives.

use std::cell::Cell;
use std::time::Duration;

use dacapo::scheduler::Random;
use dacapo_tokio::task::{JoinHandle, spawn, yield_now};
use dacapo_tokio::time::sleep;
use workloads::World;

pub struct Facade;

impl World for Facade {
    type Task = JoinHandle<u64>;

    workloads::with_tokio_sync!();

    fn runs<F>(runs: u64, body: impl Fn() -> F + Clone + Send + Sync + 'static) -> u64
    where
        F: Future<Output = u64> + Send + 'static,
    {
        let sum = Cell::new(0);
        let builder = dacapo_tokio::builder().max_steps(1_000_000_000).max_tasks(2_000_000);
        builder.check(Random::seeds(0..runs), async || sum.set(sum.get() + body().await));
        sum.get()
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
}
