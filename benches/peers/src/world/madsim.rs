//! On madsim.

use std::time::Duration;

use madsim::task::JoinHandle;
use madsim::time::TimeHandle;

/// A task that was spawned. Dropping it lets the task go on.
pub struct Handle<T>(JoinHandle<T>);

/// Starts a task. A name would cost it a string, and shows in its logs only.
pub fn spawn<T: 'static>(_name: &str, future: impl Future<Output = T> + 'static) -> Handle<T> {
    Handle(madsim::task::spawn_local(future))
}

impl<T> Handle<T> {
    /// Waits for its end. A panic of the task has ended the run.
    pub async fn join(self) -> T {
        self.join_aborted().await.expect("a task was joined that had been aborted")
    }

    /// Waits for its end; `None` if it was aborted.
    pub async fn join_aborted(self) -> Option<T> {
        self.0.await.ok()
    }

    /// Has its future dropped at the await where it stands.
    pub fn abort(&self) {
        self.0.abort();
    }
}

/// Gives the others a turn.
pub async fn yield_now() {
    madsim::task::yield_now().await;
}

/// Waits for this many milliseconds.
pub async fn sleep(millis: u64) {
    madsim::time::sleep(Duration::from_millis(millis)).await;
}

/// Awaits `future` for at most this many milliseconds, and then drops it.
pub async fn timeout<F: Future>(millis: u64, future: F) -> Option<F::Output> {
    madsim::time::timeout(Duration::from_millis(millis), future).await.ok()
}

/// How many milliseconds have passed.
pub fn now() -> u64 {
    TimeHandle::current().elapsed().as_millis() as u64
}
