//! A semaphore with a bug, and a workload that can trigger it.

use std::cell::Cell;
use std::rc::Rc;

use dacapo::sync::Semaphore;
use dacapo::task::{spawn, yield_now};

/// Checks and then acts: if two tasks check before either acts, both get the same permit.
pub struct BrokenSemaphore {
    free: Cell<isize>,
    waiting: Cell<usize>,
    /// Permits that were handed to waiters.
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

/// Spawns tasks that acquire a permit in each of several rounds. Returns the most tasks that held one at the
/// same time.
///
/// First in, first out, that is never too many. Two tasks with one round each, one permit, and one
/// reordered turn trigger the bug.
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
