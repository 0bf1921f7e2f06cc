//! A runtime for each seed, on one thread, and as madsim's test macro does it, on a thread for each.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use madsim::Config;
use madsim::runtime::{Builder, Runtime};
use madsim::task::{JoinHandle, spawn, yield_now};
use madsim::time::sleep;
use workloads::World;
use workloads::workload::simulation;

pub struct Madsim;

impl World for Madsim {
    type Task = JoinHandle<u64>;

    // The ones that madsim re-exports.
    workloads::with_tokio_sync!();

    fn runs<F>(runs: u64, body: impl Fn() -> F + Clone + Send + Sync + 'static) -> u64
    where
        F: Future<Output = u64> + Send + 'static,
    {
        let run = |seed| Runtime::with_seed_and_config(seed, Config::default()).block_on(body());
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

/// This many simulations, by what `#[madsim::test]` expands to.
pub(super) fn as_its_test_macro(size: u64) -> u64 {
    static DONE: AtomicU64 = AtomicU64::new(0);
    DONE.store(0, Ordering::Relaxed);
    let builder = Builder {
        seed: 0,
        count: size,
        jobs: 1,
        config: Config::default(),
        time_limit: None,
        check: false,
        allow_system_thread: false,
    };
    builder.run(|| async {
        DONE.fetch_add(simulation::<Madsim>().await, Ordering::Relaxed);
    });
    assert_eq!(DONE.load(Ordering::Relaxed), 5 * size);
    size
}
