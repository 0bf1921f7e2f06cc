//! smol's executor for one thread, with its semaphore and channel, one for each run. It has no virtual
//! time: what sleeps, yields.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use async_channel::{Receiver, Sender};
use async_executor::{LocalExecutor, Task};
use async_lock::{Semaphore, SemaphoreGuard};
use futures_lite::future::{block_on, yield_now};
use workloads::World;

thread_local! {
    static EXECUTOR: RefCell<Rc<LocalExecutor<'static>>> = RefCell::default();
}

pub struct Smol;

impl World for Smol {
    type Task = Task<u64>;
    type Semaphore = Semaphore;
    type Permit<'a> = SemaphoreGuard<'a>;
    type Sender = Sender<u64>;
    type Receiver = Receiver<u64>;

    fn runs<F>(runs: u64, body: impl Fn() -> F + Clone + Send + Sync + 'static) -> u64
    where
        F: Future<Output = u64> + Send + 'static,
    {
        let run = |_| {
            let executor = Rc::default();
            EXECUTOR.set(Rc::clone(&executor));
            block_on(executor.run(body()))
        };
        (0..runs).map(run).sum()
    }

    fn spawn(future: impl Future<Output = u64> + Send + 'static) -> Self::Task {
        EXECUTOR.with_borrow(|executor| executor.spawn(future))
    }

    fn join(task: Self::Task) -> impl Future<Output = u64> + Send {
        task
    }

    async fn abort(task: Self::Task) {
        assert!(task.cancel().await.is_none());
    }

    fn yield_now() -> impl Future<Output = ()> + Send {
        yield_now()
    }

    fn sleep(_: Duration) -> impl Future<Output = ()> + Send {
        yield_now()
    }

    fn semaphore(permits: usize) -> Semaphore {
        Semaphore::new(permits)
    }

    fn acquire(semaphore: &Semaphore) -> impl Future<Output = SemaphoreGuard<'_>> + Send {
        semaphore.acquire()
    }

    fn queue(places: usize) -> (Self::Sender, Self::Receiver) {
        async_channel::bounded(places)
    }

    async fn send(sender: &Self::Sender, item: u64) {
        sender.send(item).await.expect("the receiver is alive");
    }

    async fn receive(receiver: &mut Self::Receiver) -> u64 {
        receiver.recv().await.expect("a sender is alive")
    }
}
