use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use super::Cancelled;
use crate::executor;
use crate::trace::Moment;

/// Marks a future that may be cancelled: by a [`CancelSweep`](crate::scheduler::CancelSweep), and in a
/// search with [`Faults::marked_cancellations`](crate::Faults::marked_cancellations).
/// There it is dropped at one of its awaits, as a timeout or a `select!` around it would do, and this
/// yields [`Cancelled`]. That happens when it has just begun to wait, or when it is about to be polled
/// again. Otherwise, and outside of a run, this is the future itself. It may be in main too.
///
/// ```
/// use std::rc::Rc;
/// use dacapo::{cancel, scheduler::CancelSweep, sync::Queue};
///
/// let sweep = CancelSweep::new();
/// let swept = sweep.swept();
/// dacapo::check(sweep, async || {
///     let queue = Rc::new(Queue::new(0));
///     let sender = queue.clone();
///     dacapo::spawn(async move { sender.put(1).await });
///     // Whoever gives up getting an item has not taken it.
///     let item = match cancel::point("get", queue.get()).await {
///         Ok(item) => item,
///         Err(_cancelled) => queue.get().await,
///     };
///     assert_eq!(item.unwrap(), 1);
/// });
/// assert_eq!(swept.to_string(), "\"get\": 1 await\n3 runs\n");
/// ```
///
/// # Errors
///
/// If it was cancelled.
///
/// # Cancel safety
///
/// Dropping it drops the future.
pub fn point<F: Future>(label: &'static str, future: F) -> Point<F> {
    Point { label, future: Some(future), waits: false }
}

pin_project! {
    /// The future of [`point`].
    #[derive(Debug)]
    #[must_use = "futures do nothing unless they are awaited"]
    pub struct Point<F> {
        label: &'static str,
        #[pin]
        future: Option<F>,
        waits: bool,
    }
}

impl<F: Future> Future for Point<F> {
    type Output = Result<F::Output, Cancelled>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let label = *this.label;
        let is_cancelled = |moment| {
            executor::try_current(|executor| executor.cancels_point(label, moment)).unwrap_or(false)
        };
        let mut cancelled = *this.waits && is_cancelled(Moment::Woken);
        if !cancelled {
            let notes = executor::try_current(executor::Executor::notes).unwrap_or_default();
            let future = this.future.as_mut().as_pin_mut();
            let future = future.expect("dacapo: `point` was polled after completion");
            if let Poll::Ready(output) = future.poll(cx) {
                this.future.set(None);
                return Poll::Ready(Ok(output));
            }
            *this.waits = true;
            cancelled = is_cancelled(Moment::Waiting);
            if cancelled {
                executor::try_current(|executor| executor.forget_notes(notes));
            }
        }
        if !cancelled {
            return Poll::Pending;
        }
        this.future.set(None);
        Poll::Ready(Err(Cancelled::new()))
    }
}
