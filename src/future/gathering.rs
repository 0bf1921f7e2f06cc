use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use super::ends::Ends;
use crate::cancel::Cancelled;
use crate::executor::{self, Awaiting, CancelTarget, End, Executor, TaskKey};
use crate::task::{Join, Task};

/// Waits until all these tasks have ended.
#[derive(Debug)]
pub(super) struct AllEnded {
    gathering: Gathering,
    joins: Vec<Join>,
    /// How many tasks at the front are known to have ended.
    ended: usize,
}

impl AllEnded {
    #[track_caller]
    pub(super) fn new(tasks: Vec<Task>) -> Self {
        let (gathering, joins) = Gathering::new(tasks);
        Self { gathering, joins, ended: 0 }
    }
}

/// Waits until all these tasks have ended or one has failed.
#[derive(Debug)]
pub(super) struct FirstFailure {
    gathering: Gathering,
    ends: Ends,
    /// The first task that has failed.
    failed: Option<Task>,
}

impl FirstFailure {
    #[track_caller]
    pub(super) fn new(tasks: Vec<Task>) -> Self {
        let (gathering, joins) = Gathering::new(tasks);
        Self { gathering, ends: Ends::new(joins), failed: None }
    }
}

impl Future for AllEnded {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Self { gathering, joins, ended } = &mut *self;
        // Which one ends first does not matter, so one registration at a time is enough.
        let all = |_: &[Task], cx: &mut Context<'_>| {
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

impl Future for FirstFailure {
    type Output = Result<(), Task>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Task>> {
        let Self { gathering, ends, failed } = &mut *self;
        let first_failure = |tasks: &[Task], cx: &mut Context<'_>| {
            ends.poll(cx, |number| {
                let task = tasks[number];
                if failed.is_none() && !matches!(task.end(), None | Some((End::Returned, _))) {
                    *failed = Some(task);
                }
            });
            match *failed {
                Some(task) => Some(Err(task)),
                None => (ends.left() == 0).then_some(Ok(())),
            }
        };
        let polled = gathering.poll_with(cx, first_failure);
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

/// What both have in common.
#[derive(Debug)]
struct Gathering {
    tasks: Vec<Task>,
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
    fn new(tasks: Vec<Task>) -> (Self, Vec<Join>) {
        let place = Location::caller();
        let joins = tasks.iter().map(|task| task.join_at(place)).collect();
        let keys = tasks.iter().map(Task::key).collect();
        let requests = Arc::new(Requests { children: keys, requested: AtomicBool::new(false) });
        (Self { tasks, state: GatherState::Start, requests }, joins)
    }

    fn poll_with<R>(
        &mut self,
        cx: &mut Context<'_>,
        poll: impl FnOnce(&[Task], &mut Context<'_>) -> Option<R>,
    ) -> Poll<R> {
        if self.state == GatherState::Raised {
            return Poll::Pending;
        }
        assert!(self.state != GatherState::Done, "dacapo: `gather` was polled after completion");
        let notes = executor::try_current(Executor::notes).unwrap_or_default();
        let done = poll(&self.tasks, cx);
        let first = self.state == GatherState::Start;
        self.state = GatherState::Waiting;
        match done {
            Some(result) if !first || self.tasks.is_empty() => {
                self.state = GatherState::Done;
                return Poll::Ready(result);
            }
            // Yields even if there is nothing to wait for.
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
