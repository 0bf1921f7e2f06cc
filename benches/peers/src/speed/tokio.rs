//! tokio's runtime of one thread with a clock that is paused, one for each run.

use std::time::Duration;

use tokio::runtime;
use tokio::task::{JoinHandle, spawn, yield_now};
use tokio::time::sleep;
use workloads::World;

pub struct Paused;

impl World for Paused {
    type Task = JoinHandle<u64>;

    workloads::with_tokio_sync!();

    fn runs<F>(runs: u64, body: impl Fn() -> F + Clone + Send + Sync + 'static) -> u64
    where
        F: Future<Output = u64> + Send + 'static,
    {
        let run = |_| {
            let mut runtime = runtime::Builder::new_current_thread();
            let runtime = runtime.enable_time().start_paused(true).build();
            runtime.expect("a runtime can be built").block_on(body())
        };
        (0..runs).map(run).sum()
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
