use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::executor::{self, Awaiting};
use crate::session::Place;
use crate::task::{Join, JoinHandle};

/// Awaits a task without passing on requests to cancel: the wait is abandoned, and the task goes on.
///
/// It takes a [`JoinHandle`], a `&mut JoinHandle`, or a [`Join`]. To shield a future, spawn it first.
///
/// # Cancel safety
///
/// The task goes on. If this owned its [`JoinHandle`], the task is detached and its output is lost.
///
/// ```
/// use std::time::Duration;
/// use dacapo::{future::shield, spawn, time::{sleep, wait_for}};
///
/// let run = dacapo::run(async || {
///     let mut task = spawn(sleep(Duration::from_secs(2)));
///     assert!(wait_for(Duration::from_secs(1), shield(&mut task)).await.is_err());
///     task.await.unwrap(); // it was not cancelled
/// });
/// assert_eq!(run.elapsed(), Duration::from_secs(2));
/// run.unwrap();
/// ```
#[track_caller]
pub fn shield<J: Joinable>(task: J) -> Shield<J> {
    Shield { task, place: Location::caller() }
}

/// What can be [shielded](shield): the futures that stand for the end of a task.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a task and cannot be shielded",
    note = "`shield` takes a `JoinHandle`, `&mut JoinHandle`, or the future of `Task::join`; \
            spawn the future first"
)]
pub trait Joinable: Future + Unpin + sealed::Sealed {}

impl<T: 'static> Joinable for JoinHandle<T> {}
impl<T: 'static> Joinable for &mut JoinHandle<T> {}
impl Joinable for Join {}

mod sealed {
    use super::{Join, JoinHandle};

    pub trait Sealed {}
    impl<T> Sealed for JoinHandle<T> {}
    impl<T> Sealed for &mut JoinHandle<T> {}
    impl Sealed for Join {}
}

/// The future of [`shield`].
#[derive(Debug)]
#[must_use = "futures do nothing unless they are awaited"]
pub struct Shield<J> {
    task: J,
    place: Place,
}

impl<J: Joinable> Future for Shield<J> {
    type Output = J::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<J::Output> {
        let notes = executor::try_current(executor::Executor::notes).unwrap_or_default();
        let polled = Pin::new(&mut self.task).poll(cx);
        if polled.is_pending() {
            executor::try_current(|executor| {
                executor.locate(notes, self.place);
                executor.set_awaiting(notes, Awaiting::Other);
            });
        }
        polled
    }
}
