use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use crate::cancel::Cancelled;
use crate::executor::{self, Awaiting, CancelTarget, End, Executor, TaskKey};
use crate::task::{AsTask, Join, Task};

/// Waits until all these tasks have ended, however they do; their outputs stay with their handles.
///
/// This is asyncio's `gather(…, return_exceptions=True)` for tasks that there are already. It gives way
/// at least once, unless there are no tasks.
/// A request to cancel the waiting task goes to every task that has not ended, in the order given. When
/// all have ended, the cancellation is raised here, even if they refused.
///
/// # Cancel safety
///
/// Nothing is lost if it is dropped, and the tasks go on.
///
/// ```
/// use dacapo::{future::gather_tasks, spawn};
///
/// let run = dacapo::run(async || {
///     let tasks = [1, 2].map(|n| spawn(async move { n }));
///     gather_tasks(&tasks).await;
///     assert!(tasks.iter().all(|task| task.is_finished()));
/// });
/// run.unwrap();
/// ```
#[track_caller]
pub fn gather_tasks<A: AsTask>(tasks: impl IntoIterator<Item = A>) -> GatherTasks {
    GatherTasks { gathering: Gathering::new(tasks), ended: 0 }
}

/// Waits until all these tasks have ended, or the first has failed; the fail-fast form of
/// [`gather_tasks`].
/// The other tasks go on. This yields at least once, unless there are no tasks. A request to cancel the
/// waiting task goes to every task that has not ended. If they all end without being cancelled, the
/// cancellation is raised here all the same.
///
/// # Errors
/// The first task that panicked or ended cancelled; of those that had done so before, the first in the
/// order given. A panic does not fail the run as long as the handle of its task is kept.
///
/// # Cancel safety
///
/// Nothing is lost if it is dropped, and the tasks go on.
#[track_caller]
pub fn try_gather_tasks<A: AsTask>(tasks: impl IntoIterator<Item = A>) -> TryGatherTasks {
    TryGatherTasks { gathering: Gathering::new(tasks) }
}

/// The future of [`gather_tasks`].
#[derive(Debug)]
#[must_use = "futures do nothing unless they are awaited"]
pub struct GatherTasks {
    gathering: Gathering,
    /// How many tasks at the front are known to have ended.
    ended: usize,
}

/// The future of [`try_gather_tasks`].
#[derive(Debug)]
#[must_use = "futures do nothing unless they are awaited"]
pub struct TryGatherTasks {
    gathering: Gathering,
}

impl Future for GatherTasks {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Self { gathering, ended } = &mut *self;
        // It is no matter which ends first, so one registration at a time will do.
        let all = |joins: &mut [Join], cx: &mut Context<'_>| {
            while let Some(join) = joins.get_mut(*ended) {
                if !join.poll_end(cx) {
                    return None;
                }
                *ended += 1;
            }
            Some(())
        };
        let polled = gathering.poll_with(cx, all);
        let Poll::Ready(()) = polled else { return Poll::Pending };
        gathering.tasks.iter().for_each(Task::mark_retrieved);
        gathering.finish()
    }
}

impl Future for TryGatherTasks {
    type Output = Result<(), Task>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Task>> {
        let gathering = &mut self.gathering;
        let tasks = Arc::clone(&gathering.tasks);
        if gathering.state == GatherState::Start {
            gathering.early = tasks.iter().map(Task::is_finished).collect();
        }
        let early = std::mem::take(&mut gathering.early);
        let first_failure = |joins: &mut [Join], cx: &mut Context<'_>| {
            let mut ended = true;
            for join in joins {
                ended &= join.poll_end(cx);
            }
            let failures =
                tasks.iter().zip(&early).filter_map(|(task, early)| match task.end()? {
                    (End::Returned, _) => None,
                    // Tasks that had failed before come up in the order given.
                    (_, _) if *early => Some((0, *task)),
                    (_, nth) => Some((nth, *task)),
                });
            let first = failures.min_by_key(|(nth, _)| *nth);
            match first {
                Some((_, task)) => Some(Err(task)),
                None => ended.then_some(Ok(())),
            }
        };
        let polled = gathering.poll_with(cx, first_failure);
        gathering.early = early;
        match polled {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Err(task)) => {
                gathering.tasks.iter().for_each(Task::mark_retrieved);
                Poll::Ready(Err(task))
            }
            Poll::Ready(Ok(())) => gathering.finish().map(Ok),
        }
    }
}

/// What the forms have in common.
#[derive(Debug)]
struct Gathering {
    tasks: Arc<[Task]>,
    joins: Vec<Join>,
    /// Which of the tasks had ended when they were first looked at, if that matters.
    early: Vec<bool>,
    state: GatherState,
    requests: Arc<Requests>,
}

#[derive(Debug, PartialEq, Eq)]
enum GatherState {
    Start,
    Waiting,
    Done,
    /// It has passed a cancellation on.
    Raised,
}

impl Gathering {
    #[track_caller]
    fn new<A: AsTask>(tasks: impl IntoIterator<Item = A>) -> Self {
        let tasks: Arc<[Task]> = tasks.into_iter().map(|task| task.as_task()).collect();
        let place = Location::caller();
        let joins = tasks.iter().map(|task| task.join_at(place)).collect();
        let keys = tasks.iter().map(Task::key).collect();
        let requests = Arc::new(Requests { children: keys, requested: AtomicBool::new(false) });
        Self { tasks, joins, early: Vec::new(), state: GatherState::Start, requests }
    }

    fn poll_with<R>(
        &mut self,
        cx: &mut Context<'_>,
        poll: impl FnOnce(&mut [Join], &mut Context<'_>) -> Option<R>,
    ) -> Poll<R> {
        if self.state == GatherState::Raised {
            return Poll::Pending;
        }
        assert!(self.state != GatherState::Done, "dacapo: `gather` was polled after completion");
        let notes = executor::try_current(Executor::notes).unwrap_or_default();
        let done = poll(&mut self.joins, cx);
        let first = self.state == GatherState::Start;
        self.state = GatherState::Waiting;
        match done {
            Some(result) if !first || self.tasks.is_empty() => {
                self.state = GatherState::Done;
                return Poll::Ready(result);
            }
            // Also if there is nothing to wait for, others have their turn first.
            Some(_) => cx.waker().wake_by_ref(),
            None => {}
        }
        let target = Arc::clone(&self.requests);
        executor::try_current(|executor| executor.set_awaiting(notes, Awaiting::Target(target)));
        Poll::Pending
    }

    /// All have ended: raises the cancellation that was passed on meanwhile, if one was.
    fn finish(&mut self) -> Poll<()> {
        if self.requests.requested.load(Ordering::Relaxed) {
            self.state = GatherState::Raised;
            executor::try_current(|executor| executor.raise(Cancelled::new()));
            return Poll::Pending;
        }
        Poll::Ready(())
    }
}

/// Passes requests on to the children.
#[derive(Debug)]
struct Requests {
    children: Vec<TaskKey>,
    /// Whether one was passed on.
    requested: AtomicBool,
}

impl CancelTarget for Requests {
    fn cancel(&self, executor: &Executor, request: &Cancelled) -> bool {
        let mut accepted = false;
        for child in &self.children {
            accepted |= executor.cancel(*child, request);
        }
        if accepted {
            self.requested.store(true, Ordering::Relaxed);
        }
        accepted
    }
}
