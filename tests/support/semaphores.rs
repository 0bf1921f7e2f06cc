//! A semaphore with a bug, and a workload that may meet it.

use std::cell::Cell;
use std::rc::Rc;

use dacapo::sync::Semaphore;
use dacapo::task::{spawn, yield_now};

/// Gives one permit to two, if the second one asks between the look of the first and its deed.
pub struct BrokenSemaphore {
    free: Cell<isize>,
    waiting: Cell<usize>,
    /// Permits that are handed to waiters.
    handed: Semaphore,
}

impl BrokenSemaphore {
    pub fn new(permits: usize) -> Self {
        let free = Cell::new(permits as isize);
        Self { free, waiting: Cell::new(0), handed: Semaphore::new(0) }
    }

    pub async fn acquire(&self) {
        if self.free.get() > 0 {
            yield_now().await;
            self.free.set(self.free.get() - 1);
        } else {
            self.waiting.set(self.waiting.get() + 1);
            self.handed.acquire().await.unwrap().forget();
        }
    }

    pub fn release(&self) {
        if self.waiting.get() > 0 {
            self.waiting.set(self.waiting.get() - 1);
            self.handed.add_permits(1);
        } else {
            self.free.set(self.free.get() + 1);
        }
    }
}

/// Tasks that start one after another and do something a number of times, each time with a permit.
/// Returns how many did it at once, at most.
///
/// In the usual order that is never too many. Two tasks with one round each and one permit are enough for
/// the bug, and one turn out of order.
pub async fn at_once(permits: usize, tasks: usize, rounds: usize) -> usize {
    let semaphore = Rc::new(BrokenSemaphore::new(permits));
    let (inside, most) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(0)));
    let tasks = (0..tasks).map(|task| {
        let (semaphore, inside, most) = (semaphore.clone(), inside.clone(), most.clone());
        spawn(async move {
            for _ in 0..task {
                yield_now().await;
            }
            for _ in 0..rounds {
                semaphore.acquire().await;
                inside.set(inside.get() + 1);
                most.set(inside.get().max(most.get()));
                yield_now().await;
                inside.set(inside.get() - 1);
                semaphore.release();
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap();
    }
    most.get()
}
