//! What runs a workload, with the means that its users have.

pub mod dacapo;
pub mod floor;
pub mod raw;

use std::time::Duration;

/// Something that runs tasks.
pub trait World: 'static {
    type Task: Send;
    type Semaphore: Send + Sync + 'static;
    type Permit<'a>: Send;
    type Sender: Clone + Send + 'static;
    type Receiver: Send + 'static;

    /// Into how many runs a workload is divided, for what does not treat all runs in the same way.
    const RUNS: u64 = 1;

    /// Makes this many runs, with a seed each, and returns the sum of what they return.
    fn runs<F>(runs: u64, body: impl Fn() -> F + Clone + Send + Sync + 'static) -> u64
    where
        F: Future<Output = u64> + Send + 'static;

    fn spawn(future: impl Future<Output = u64> + Send + 'static) -> Self::Task;

    fn join(task: Self::Task) -> impl Future<Output = u64> + Send;

    /// Ends a task, and waits for its end.
    fn abort(task: Self::Task) -> impl Future<Output = ()> + Send;

    fn yield_now() -> impl Future<Output = ()> + Send;

    fn sleep(duration: Duration) -> impl Future<Output = ()> + Send;

    fn semaphore(permits: usize) -> Self::Semaphore;

    fn acquire(semaphore: &Self::Semaphore) -> impl Future<Output = Self::Permit<'_>> + Send;

    fn queue(places: usize) -> (Self::Sender, Self::Receiver);

    fn send(sender: &Self::Sender, item: u64) -> impl Future<Output = ()> + Send;

    fn receive(receiver: &mut Self::Receiver) -> impl Future<Output = u64> + Send;
}

/// The semaphore and the queue of tokio, for a world that has none of its own.
#[macro_export]
macro_rules! with_tokio_sync {
    () => {
        type Semaphore = ::tokio::sync::Semaphore;
        type Permit<'a> = ::tokio::sync::SemaphorePermit<'a>;
        type Sender = ::tokio::sync::mpsc::Sender<u64>;
        type Receiver = ::tokio::sync::mpsc::Receiver<u64>;

        fn semaphore(permits: usize) -> Self::Semaphore {
            ::tokio::sync::Semaphore::new(permits)
        }

        async fn acquire(semaphore: &Self::Semaphore) -> Self::Permit<'_> {
            semaphore.acquire().await.expect("nobody closes it")
        }

        fn queue(places: usize) -> (Self::Sender, Self::Receiver) {
            ::tokio::sync::mpsc::channel(places)
        }

        async fn send(sender: &Self::Sender, item: u64) {
            sender.send(item).await.expect("the receiver is alive");
        }

        async fn receive(receiver: &mut Self::Receiver) -> u64 {
            receiver.recv().await.expect("a sender is alive")
        }
    };
}
