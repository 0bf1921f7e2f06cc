//! A worker that does jobs in the background until it is told to stop.

// This is all that the crate has of dacapo: in unit tests, `tokio` is the facade.
#[cfg(test)]
extern crate dacapo_tokio as tokio;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, mpsc};
use tokio::task::{JoinError, JoinHandle};
use tokio::time::sleep;

/// Does jobs in a task of its own.
pub struct Worker {
    jobs: mpsc::Sender<u64>,
    stop: Arc<Notify>,
    task: JoinHandle<u64>,
}

impl Worker {
    /// Starts a worker with a queue of this length.
    pub fn start(length: usize) -> Self {
        let (jobs, mut queue) = mpsc::channel(length);
        let stop = Arc::new(Notify::new());
        let stopped = Arc::clone(&stop);
        let task = tokio::spawn(async move {
            let mut sum = 0;
            loop {
                tokio::select! {
                    Some(job) = queue.recv() => {
                        sleep(Duration::from_millis(job)).await;
                        sum += job;
                    }
                    () = stopped.notified() => return sum,
                }
            }
        });
        Self { jobs, stop, task }
    }

    /// Gives the worker a job, which takes this many milliseconds.
    pub async fn submit(&self, job: u64) -> Result<(), mpsc::error::SendError<u64>> {
        self.jobs.send(job).await
    }

    /// Stops the worker when it has done all jobs. Returns how long they took together.
    ///
    /// It does not keep this promise: if a job is in the queue, `select!` may look at the signal first.
    pub async fn stop(self) -> Result<u64, JoinError> {
        self.stop.notify_one();
        self.task.await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Passes first in, first out. `DACAPO_SEARCH=1 cargo test` finds the bug.
    #[tokio::test]
    async fn a_worker_does_all_jobs() {
        let worker = Worker::start(4);
        for job in [10, 20, 30] {
            worker.submit(job).await.unwrap();
        }
        assert_eq!(worker.stop().await.unwrap(), 60);
    }

    /// An hour of virtual time takes no real time.
    #[tokio::test(start_paused = true)]
    async fn a_worker_has_time() {
        let worker = Worker::start(1);
        worker.submit(3_600_000).await.unwrap();
        sleep(Duration::from_secs(3601)).await;
        assert_eq!(worker.stop().await.unwrap(), 3_600_000);
    }
}
