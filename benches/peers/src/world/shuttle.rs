//! On shuttle, which has no clock.

use std::task::Poll;

use shuttle::future::JoinHandle;

/// A task that was spawned. Dropping it lets the task go on.
pub struct Handle<T>(JoinHandle<T>);

/// Starts a task. Tasks of shuttle have no names that could be given here.
#[track_caller]
pub fn spawn<T: 'static>(_name: &str, future: impl Future<Output = T> + 'static) -> Handle<T> {
    Handle(shuttle::future::spawn_local(future))
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

/// Gives the others a turn, and says so to the scheduler.
pub async fn yield_now() {
    shuttle::future::yield_now().await;
}

/// Gives the others a turn, as any await does that is woken at once.
pub async fn await_once() {
    let mut awaited = false;
    std::future::poll_fn(|context| {
        if std::mem::replace(&mut awaited, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// What a program that needs a clock comes to.
///
/// # Panics
///
/// Always.
#[track_caller]
pub fn no_clock() -> ! {
    panic!("shuttle has no clock: leave out the programs that are `timed`")
}
