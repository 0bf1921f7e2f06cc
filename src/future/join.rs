use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

/// Awaits two futures at once, within the task that calls this, and returns both outputs.
///
/// They are not tasks: whenever the task runs, both are polled, the first one first. It works on any
/// executor.
///
/// # Cancel safety
///
/// Dropping it drops both futures where they wait. If one is done, its output is lost.
///
/// # Panics
///
/// If it is polled after completion.
///
/// ```
/// let run = dacapo::run(async || dacapo::future::join(async { 1 }, async { "two" }).await);
/// assert_eq!(run.unwrap(), (1, "two"));
/// ```
pub fn join<A: Future, B: Future>(a: A, b: B) -> Join<A, B> {
    Join { a: MaybeDone::Running { future: a }, b: MaybeDone::Running { future: b } }
}

pin_project! {
    /// The future of [`join`].
    #[must_use = "futures do nothing unless they are awaited"]
    pub struct Join<A: Future, B: Future> {
        #[pin]
        a: MaybeDone<A>,
        #[pin]
        b: MaybeDone<B>,
    }
}

pin_project! {
    #[project = MaybeDoneProjection]
    enum MaybeDone<F: Future> {
        Running { #[pin] future: F },
        Done { output: Option<F::Output> },
    }
}

impl<F: Future> MaybeDone<F> {
    /// Polls the future if it is not done; returns whether it is.
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> bool {
        if let MaybeDoneProjection::Running { future } = self.as_mut().project() {
            let Poll::Ready(output) = future.poll(cx) else { return false };
            self.set(Self::Done { output: Some(output) });
        }
        true
    }

    fn take(self: Pin<&mut Self>) -> F::Output {
        match self.project() {
            MaybeDoneProjection::Done { output } => {
                output.take().expect("dacapo: `join` was polled after completion")
            }
            MaybeDoneProjection::Running { .. } => unreachable!("dacapo bug: join is not done"),
        }
    }
}

impl<A: Future, B: Future> Future for Join<A, B> {
    type Output = (A::Output, B::Output);

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let a = this.a.as_mut().poll(cx);
        let b = this.b.as_mut().poll(cx);
        if a && b { Poll::Ready((this.a.take(), this.b.take())) } else { Poll::Pending }
    }
}

impl<A: Future, B: Future> fmt::Debug for Join<A, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Join").finish_non_exhaustive()
    }
}
