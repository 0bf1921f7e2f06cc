//! Which errors were retrieved by a gather that returns them as values.

use std::cell::{Cell, OnceCell};
use std::rc::Rc;

use crate::machine::Job;

/// Such a gather looks at the errors of its children when it ends. Before that, each request to cancel
/// that it passes on looks at the errors so far.
pub(crate) struct Gathering {
    children: Vec<Child>,
    waiter: OnceCell<Rc<Job>>,
}

struct Child {
    job: Rc<Job>,
    /// How many requests the waiting task had received when this ended.
    requests: Cell<Option<usize>>,
}

impl Gathering {
    pub(crate) fn new(jobs: &[Rc<Job>]) -> Self {
        let child = |job: &Rc<Job>| Child { job: Rc::clone(job), requests: Cell::new(None) };
        Self { children: jobs.iter().map(child).collect(), waiter: OnceCell::new() }
    }

    /// It is awaited from now on.
    pub(crate) fn begin(&self, waiter: Rc<Job>) {
        let requests = waiter.task().cancelling();
        let _ = self.waiter.set(waiter);
        let ended = self.children.iter().filter(|child| child.job.ended().is_some());
        ended.for_each(|child| child.requests.set(Some(requests)));
    }

    /// A task has ended, perhaps a child.
    pub(crate) fn ended(&self, job: &Rc<Job>) {
        let Some(waiter) = self.waiter.get() else { return };
        for child in self.children.iter().filter(|child| Rc::ptr_eq(&child.job, job)) {
            child.requests.set(Some(waiter.task().cancelling()));
        }
    }

    /// Marks the errors that it has looked at so far.
    pub(crate) fn look(&self) {
        let all = self.children.iter().all(|child| child.job.ended().is_some());
        let requests = self.waiter.get().map_or(0, |waiter| waiter.task().cancelling());
        for child in &self.children {
            if all || child.requests.get().is_some_and(|before| before < requests) {
                child.job.seen.set(true);
            }
        }
    }
}
