//! A spawned future, and afterwards its output, in one allocation.

use std::any::Any;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

pin_project! {
    #[project = CellProjection]
    enum Cell<F: Future> {
        Running { #[pin] future: F },
        Ended { output: Option<F::Output> },
    }
}

/// A task's future with the type of its output hidden.
pub(crate) trait AnyTask {
    /// Polls the future; when that is done, drops it and keeps the output.
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()>;

    /// Moves the output into `place`, which is an `Option` of the output's type.
    fn take_output(self: Pin<&mut Self>, place: &mut dyn Any);
}

pub(crate) type BoxTask = Pin<Box<dyn AnyTask>>;

pub(crate) fn boxed<F: Future<Output: 'static> + 'static>(future: F) -> BoxTask {
    Box::pin(Cell::Running { future })
}

impl<F: Future<Output: 'static>> AnyTask for Cell<F> {
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let CellProjection::Running { future } = self.as_mut().project() else {
            panic!("dacapo bug: a task was polled after it had ended");
        };
        let Poll::Ready(output) = future.poll(cx) else { return Poll::Pending };
        self.set(Cell::Ended { output: Some(output) });
        Poll::Ready(())
    }

    fn take_output(self: Pin<&mut Self>, place: &mut dyn Any) {
        let place = place.downcast_mut::<Option<F::Output>>();
        let place = place.expect("dacapo bug: a join handle has another type than its task");
        if let CellProjection::Ended { output } = self.project() {
            *place = output.take();
        }
    }
}
