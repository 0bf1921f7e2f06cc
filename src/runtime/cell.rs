//! A spawned future, and afterwards its output, in one allocation, which is used again when both are gone.

use std::any::{Any, TypeId};
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

    /// Drops what is in it.
    fn clear(self: Pin<&mut Self>);

    /// Moves a future into it, out of `place`, which is an `Option` of the future's type.
    fn refill(self: Pin<&mut Self>, place: &mut dyn Any);

    /// The type of its future.
    fn future_type(&self) -> TypeId;
}

pub(crate) type BoxTask = Pin<Box<dyn AnyTask>>;

impl<F: Future<Output: 'static> + 'static> AnyTask for Cell<F> {
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

    fn clear(mut self: Pin<&mut Self>) {
        self.set(Cell::Ended { output: None });
    }

    fn refill(mut self: Pin<&mut Self>, place: &mut dyn Any) {
        let place = place.downcast_mut::<Option<F>>();
        let future = place.and_then(Option::take).expect("dacapo bug: a cell for another future");
        self.set(Cell::Running { future });
    }

    fn future_type(&self) -> TypeId {
        TypeId::of::<F>()
    }
}

/// Cells of tasks that have ended, for others of the same type.
///
/// A run spawns futures of few types, each of them often, and so does the next run.
#[derive(Default)]
pub(super) struct Spares {
    /// The type that was asked for last comes first.
    types: Vec<(TypeId, Vec<BoxTask>)>,
}

/// The most types of which cells are kept, and the most cells of each.
const TYPES: usize = 16;
const CELLS: usize = 1024;

impl Spares {
    fn of(&mut self, future: TypeId) -> Option<&mut Vec<BoxTask>> {
        let place = self.types.iter().position(|(known, _)| *known == future)?;
        self.types.swap(0, place);
        Some(&mut self.types[0].1)
    }

    pub(super) fn take(&mut self, future: TypeId) -> Option<BoxTask> {
        self.of(future)?.pop()
    }

    /// Keeps a cell, which is empty.
    pub(super) fn put(&mut self, cell: BoxTask) {
        let future = cell.future_type();
        if let Some(cells) = self.of(future) {
            if cells.len() < CELLS {
                cells.push(cell);
            }
            return;
        }
        self.types.truncate(TYPES - 1);
        self.types.push((future, vec![cell]));
    }
}

/// Puts a future into a cell, and if need be a new one.
pub(super) fn fill<F>(spare: Option<BoxTask>, future: F) -> BoxTask
where
    F: Future<Output: 'static> + 'static,
{
    match spare {
        Some(mut cell) => {
            cell.as_mut().refill(&mut Some(future));
            cell
        }
        None => Box::pin(Cell::Running { future }),
    }
}
