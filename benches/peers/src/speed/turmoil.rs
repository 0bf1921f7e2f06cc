//! A simulation with one client for each run. turmoil simulates networks, and runs its hosts on tokio.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::task::{JoinHandle, spawn, yield_now};
use tokio::time::sleep;
use turmoil::Builder;
use workloads::World;

pub struct Turmoil;

impl World for Turmoil {
    type Task = JoinHandle<u64>;

    workloads::with_tokio_sync!();

    fn runs<F>(runs: u64, body: impl Fn() -> F + Clone + Send + Sync + 'static) -> u64
    where
        F: Future<Output = u64> + Send + 'static,
    {
        let done = Arc::new(AtomicU64::new(0));
        for seed in 0..runs {
            let mut builder = Builder::new();
            builder.rng_seed(seed).simulation_duration(Duration::from_hours(24));
            let mut simulation = builder.build();
            let (body, done) = (body.clone(), Arc::clone(&done));
            simulation.client("client", async move {
                done.fetch_add(body().await, Ordering::Relaxed);
                Ok(())
            });
            simulation.run().expect("the client returns");
        }
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

    fn sleep(duration: Duration) -> impl Future<Output = ()> + Send {
        sleep(duration)
    }
}
