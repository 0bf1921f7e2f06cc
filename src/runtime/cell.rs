//! A spawned future, and afterwards its output, in one allocation with the waker that it is polled with.
//! The allocation is used again when both are gone.

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
    /// Polls the future; when that is done, drops it and keeps the output.
    fn poll(self: Pin<&mut Self>) -> Poll<()>;

    /// Moves the output into `place`, which is an `Option` of the output's type.
    fn take_output(self: Pin<&mut Self>, place: &mut dyn Any);

    /// Drops what is in it.
    fn clear(self: Pin<&mut Self>);

    /// Moves a future into it, out of `place`, which is an `Option` of the future's type.
    fn refill(self: Pin<&mut Self>, place: &mut dyn Any, run: RunId, task: TaskKey);

    /// The type of its future.
    fn future_type(&self) -> TypeId;

    /// Tells its waker from all others.
    fn waker_address(&self) -> *const ();
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

    fn take_output(self: Pin<&mut Self>, place: &mut dyn Any) {
        let place = place.downcast_mut::<Option<F::Output>>();
        let place = place.expect("dacapo bug: a join handle has another type than its task");
        if let StageProjection::Ended { output } = self.project().stage.project() {
            *place = output.take();
        }
    }

    fn clear(self: Pin<&mut Self>) {
        self.project().stage.set(Stage::Ended { output: None });
    }

    fn refill(self: Pin<&mut Self>, place: &mut dyn Any, run: RunId, task: TaskKey) {
        let place = place.downcast_mut::<Option<F>>();
        let future = place.and_then(Option::take).expect("dacapo bug: a cell for another future");
        let mut this = self.project();
        this.waker.assign(run, task);
        this.stage.set(Stage::Running { future });
    }

    fn future_type(&self) -> TypeId {
        TypeId::of::<F>()
    }

    fn waker_address(&self) -> *const () {
        self.waker.address()
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
    #[inline]
    fn of(&mut self, future: TypeId) -> Option<&mut Vec<BoxTask>> {
        if self.types.first()?.0 != future {
            let place = self.types.iter().position(|(known, _)| *known == future)?;
            self.types.swap(0, place);
        }
        Some(&mut self.types[0].1)
    }

    /// Puts a future into a cell, and if need be a new one.
    pub(super) fn fill<F>(&mut self, future: F, run: RunId, task: TaskKey) -> BoxTask
    where
        F: Future<Output: 'static> + 'static,
    {
        match self.of(TypeId::of::<F>()).and_then(Vec::pop) {
            Some(mut cell) => {
                cell.as_mut().refill(&mut Some(future), run, task);
                cell
            }
            None => {
                let stage = Stage::Running { future };
                Box::pin(Cell { waker: OwnWaker::new(run, task), stage })
            }
        }
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
