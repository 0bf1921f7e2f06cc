//! Cancellation that can be caught, as in asyncio, beside tokio's `abort`.
//!
//! [`Task::cancel`](crate::task::Task::cancel) is a *request*. If the task waits for another task or a
//! gather, the request goes there first, and the task stays suspended until those have ended. If it waits
//! for anything else, that wait is abandoned: in the task's next step the innermost open scope, such as
//! [`catch`], drops its future and returns [`Cancelled`]. The code after it may await to clean up. Then it
//! passes the cancellation on with [`Cancelled::raise`], or swallows it. If no scope is open, the future of
//! the task is dropped, and the task ends cancelled.
//!
//! ```
//! use std::time::Duration;
//! use dacapo::{cancel, spawn, time::sleep};
//!
//! let run = dacapo::run(async || {
//!     let worker = spawn(async {
//!         if let Err(cancelled) = cancel::catch(sleep(Duration::from_secs(60))).await {
//!             sleep(Duration::from_secs(1)).await; // cleans up, which takes its time
//!             cancelled.raise().await;
//!         }
//!     });
//!     sleep(Duration::from_secs(5)).await;
//!     worker.cancel();
//!     assert!(worker.await.unwrap_err().is_cancelled());
//! });
//! assert_eq!(run.elapsed(), Duration::from_secs(6));
//! run.unwrap();
//! ```
//!
//! A task may have several scopes side by side, for example in `join!`. A request to the task goes to the
//! scope that was opened last. A deadline or a task group cancels only what is inside of it. If one scope
//! awaits several things side by side, it drops all of them, and none is cancelled first.
//!
//! Requests are counted; see [`cancelling`]. This is how nested deadlines and groups tell their own
//! requests from others.

mod point;

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

pub use self::point::{Point, point};
pub use crate::executor::Cancelled;
use crate::executor::{self, Scope, ScopeId};

/// Awaits a future, and returns [`Cancelled`] if a cancellation reaches this scope first.
///
/// The future is then dropped before this returns. A cancellation reaches inner scopes first. Outside of a
/// run, nothing is ever cancelled.
///
/// # Errors
///
/// If a cancellation came first.
///
/// # Cancel safety
///
/// Dropping it drops the future.
///
/// See the [module](self) for an example.
pub fn catch<F: Future>(future: F) -> Catch<F> {
    Catch { future: Some(future), scope: None }
}

pin_project! {
    /// The future of [`catch`].
    #[derive(Debug)]
    #[must_use = "futures do nothing unless they are awaited"]
    pub struct Catch<F> {
        // Dropped before the scope is closed, so that scopes close from within.
        #[pin]
        future: Option<F>,
        scope: Option<Scope>,
    }
}

impl<F> Catch<F> {
    /// Which of the run's scopes it is, once it has been polled.
    pub(crate) fn scope_id(&self) -> Option<ScopeId> {
        self.scope.as_ref().and_then(Scope::id)
    }
}

impl<F: Future> Future for Catch<F> {
    type Output = Result<F::Output, Cancelled>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        if this.scope.is_none() {
            *this.scope = executor::try_current(|executor| executor.open_scope());
        } else if let Some(cancelled) = this.scope.as_ref().and_then(Scope::take_delivered) {
            this.future.set(None);
            *this.scope = None;
            return Poll::Ready(Err(cancelled));
        }
        let future = this.future.as_mut().as_pin_mut();
        let future = future.expect("dacapo: `catch` was polled after completion");
        let Some(scope) = this.scope.as_ref() else { return future.poll(cx).map(Ok) };
        let ended = match scope.poll(future, cx) {
            Poll::Ready(output) => Ok(output),
            // What is within may just have passed on a cancellation. It is taken here and now: another poll
            // from the root of the task for each scope would be quadratic.
            Poll::Pending => match scope.take_delivered() {
                Some(cancelled) => Err(cancelled),
                None => return Poll::Pending,
            },
        };
        this.future.set(None);
        *this.scope = None;
        Poll::Ready(ended)
    }
}

impl Cancelled {
    /// Passes the cancellation on to the next scope around this one or, without one, to the task, which
    /// then ends cancelled.
    ///
    /// No other task runs in between. It may also be raised without a request, as asyncio's
    /// `raise CancelledError` can.
    ///
    /// # Panics
    ///
    /// Outside of a run, where there is nothing to pass it to.
    ///
    /// # Cancel safety
    ///
    /// If you drop it before it is polled, the cancellation is swallowed.
    pub fn raise(self) -> Raise {
        Raise { cancelled: Some(self) }
    }
}

/// The future of [`Cancelled::raise`], which never completes.
#[derive(Debug)]
#[must_use = "a cancellation that is not awaited is swallowed"]
pub struct Raise {
    cancelled: Option<Cancelled>,
}

impl Future for Raise {
    type Output = Infallible;

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Infallible> {
        if let Some(cancelled) = self.cancelled.take() {
            executor::with("Cancelled::raise", |executor| executor.raise(cancelled));
        }
        Poll::Pending
    }
}

/// The number of requests to cancel the current task, minus those that were taken back.
///
/// # Panics
///
/// Outside of a run.
#[track_caller]
pub fn cancelling() -> usize {
    executor::with("cancelling", |executor| {
        executor.current_task().map_or(0, |task| executor.cancelling(task))
    })
}

/// Takes back a request to the current task, after you have handled it. Returns how many are left.
///
/// If none is left, a request that has had no effect yet is withdrawn.
///
/// # Panics
///
/// Outside of a run.
#[track_caller]
pub fn uncancel() -> usize {
    executor::with("uncancel", |executor| {
        executor.current_task().map_or(0, |task| executor.uncancel(task))
    })
}
