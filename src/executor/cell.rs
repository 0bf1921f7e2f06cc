//! A spawned future, and later its output, in one allocation with its waker. The allocation is reused
//! when both are gone.

use std::any::{Any, TypeId};
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use super::waker::{OwnWaker, RunId};
use crate::scheduler::TaskKey;

pin_project! {
    struct Cell<F: Future> {
        waker: OwnWaker,
        #[pin]
        stage: Stage<F>,
    }
}

pin_project! {
    #[project = StageProjection]
    enum Stage<F: Future> {
        Running { #[pin] future: F },
        Ended { output: Option<F::Output> },
    }
}

/// A task's future with the type of its output hidden.
pub(crate) trait AnyTask {
    /// Polls the future. When it is done, drops it and keeps the output.
    fn poll(self: Pin<&mut Self>) -> Poll<()>;

    /// Moves the output into `place`, an `Option` of the output's type that is `None`, and keeps the
    /// allocation for reuse.
    fn give(self: Pin<Box<Self>>, place: &mut dyn Any, spares: &mut Spares);

    /// Drops its content.
    fn clear(self: Pin<&mut Self>);

    /// Keeps the empty allocation for reuse.
    fn recycle(self: Pin<Box<Self>>, spares: &mut Spares);
}

pub(crate) type BoxTask = Pin<Box<dyn AnyTask>>;

impl<F: Future<Output: 'static> + 'static> AnyTask for Cell<F> {
    fn poll(self: Pin<&mut Self>) -> Poll<()> {
        let mut this = self.project();
        let StageProjection::Running { future } = this.stage.as_mut().project() else {
            panic!("dacapo bug: a task was polled after it had ended");
        };
        let mut cx = Context::from_waker(this.waker.waker());
        let Poll::Ready(output) = future.poll(&mut cx) else { return Poll::Pending };
        this.stage.set(Stage::Ended { output: Some(output) });
        Poll::Ready(())
    }

    fn give(mut self: Pin<Box<Self>>, place: &mut dyn Any, spares: &mut Spares) {
        let place = place.downcast_mut::<Option<F::Output>>();
        let place = place.expect("dacapo bug: a join handle has another type than its task");
        if let StageProjection::Ended { output } = self.as_mut().project().stage.project() {
            *place = output.take();
        }
        spares.put(self);
    }

    fn clear(self: Pin<&mut Self>) {
        self.project().stage.set(Stage::Ended { output: None });
    }

    fn recycle(self: Pin<Box<Self>>, spares: &mut Spares) {
        spares.put(self);
    }
}

/// Cells of ended tasks, kept for other futures of the same type.
///
/// A run spawns futures of few types, each of them often, and so does the next run.
#[derive(Default)]
pub(crate) struct Spares {
    /// The shelf that was used last comes first.
    shelves: Vec<Shelf>,
}

struct Shelf {
    /// The type of the futures that its cells held.
    future: TypeId,
    /// [`Cells`] of that type.
    cells: Box<dyn Any>,
}

type Cells<F> = Vec<Pin<Box<Cell<F>>>>;

/// The most types of which cells are kept, and the most cells of each.
const TYPES: usize = 16;
const CELLS: usize = 1 << 17;

impl Spares {
    #[inline]
    fn of<F: Future + 'static>(&mut self) -> Option<&mut Cells<F>> {
        if self.shelves.first()?.future != TypeId::of::<F>() {
            self.find(TypeId::of::<F>())?;
        }
        self.shelves.first_mut()?.cells.downcast_mut()
    }

    /// Moves a shelf to the front.
    fn find(&mut self, future: TypeId) -> Option<()> {
        let place = self.shelves.iter().position(|shelf| shelf.future == future)?;
        self.shelves.swap(0, place);
        Some(())
    }

    /// Takes a cell for a future of this type, if there is one. This touches the cell some time before it
    /// is filled, because it may not be in the cache.
    #[inline]
    pub(super) fn take<F: Future + 'static>(&mut self) -> Spare<F> {
        let mut cell = self.of().and_then(Cells::pop);
        if let Some(cell) = &mut cell {
            cell.as_mut().project().waker.part_with_clones();
        }
        Spare(cell)
    }

    fn put<F: Future + 'static>(&mut self, cell: Pin<Box<Cell<F>>>) {
        if let Some(cells) = self.of() {
            if cells.len() < CELLS {
                cells.push(cell);
            }
            return;
        }
        self.shelves.truncate(TYPES - 1);
        let cells: Cells<F> = vec![cell];
        self.shelves.push(Shelf { future: TypeId::of::<F>(), cells: Box::new(cells) });
    }
}

/// A cell to fill, or to make.
pub(super) struct Spare<F: Future>(Option<Pin<Box<Cell<F>>>>);

impl<F: Future<Output: 'static> + 'static> Spare<F> {
    /// Puts a future into the cell. Also returns the address of its waker.
    pub(super) fn fill(
        self,
        future: &mut Option<F>,
        run: RunId,
        task: TaskKey,
    ) -> (BoxTask, *const ()) {
        let mut stage = || match future.take() {
            Some(future) => Stage::Running { future },
            None => Stage::Ended { output: None },
        };
        let Some(mut cell) = self.0 else {
            let cell = Box::pin(Cell { waker: OwnWaker::new(run, task), stage: stage() });
            let waker = cell.waker.address();
            return (cell, waker);
        };
        let mut this = cell.as_mut().project();
        this.waker.assign(run, task);
        this.stage.set(stage());
        let waker = cell.waker.address();
        (cell, waker)
    }
}
