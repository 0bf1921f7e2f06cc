use std::any::Any;
use std::error::Error;
use std::fmt;
use std::future::{Future, poll_fn};
use std::panic::{self, Location};
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use pin_project_lite::pin_project;

use super::catch_unwind::CatchUnwind;
use crate::cancel::{self, Cancelled};
use crate::executor::{self, ScopeId};
use crate::linked::{Linked, LinkedKey};
use crate::session::Place;
use crate::task::{self, JoinError, JoinHandle, Task, spawn, spawn_named};

/// Runs `body` with a group of tasks, and returns when it and all of them have ended; asyncio's
/// `TaskGroup`.
///
/// When a task of the group fails, by an error or a panic, the other tasks and `body` are
/// [cancelled](crate::cancel), and the group waits for them. The same happens if `body` fails or is
/// cancelled. A cancelled task is not a failure. While the group waits for its last tasks, a cancellation
/// cancels the group, and it still waits. [`TaskGroup::cancel`] ends the group as a success.
///
/// # Errors
///
/// If a task or `body` failed: all errors, first those of the tasks in the order in which they occurred,
/// then the error of `body`. If there is none and a cancellation from outside ended the group, that
/// cancellation is raised again. If [`TaskGroup::cancel`] kept `body` from returning: an error that
/// [is cancelled](GroupError::is_cancelled).
///
/// # Cancel safety
///
/// If you drop it instead of cancelling it, `body` is dropped, and the tasks are cancelled without waiting
/// for them.
///
/// # Panics
///
/// Outside of a run.
///
/// ```
/// use std::time::Duration;
/// use dacapo::{future::task_group, time::sleep};
///
/// let run = dacapo::run(async || {
///     task_group(async |group| {
///         group.spawn(async { Err::<(), _>("no disk") }).unwrap();
///         group.spawn(async { Ok(sleep(Duration::from_secs(60)).await) }).unwrap();
///         Ok(())
///     })
///     .await
///     .map_err(|error| error.to_string())
/// });
/// assert_eq!(run.elapsed(), Duration::ZERO);
/// assert_eq!(run.unwrap().unwrap_err(), "1 failure in a task group: \"no disk\"");
/// ```
#[track_caller]
pub fn task_group<T, E: 'static>(
    body: impl AsyncFnOnce(&TaskGroup<E>) -> Result<T, E>,
) -> impl Future<Output = Result<T, GroupError<E>>> {
    run_group(body, Location::caller())
}

async fn run_group<T, E: 'static>(
    body: impl AsyncFnOnce(&TaskGroup<E>) -> Result<T, E>,
    place: Place,
) -> Result<T, GroupError<E>> {
    let group = TaskGroup::new(task::current());
    let _guard = CancelOnDrop(&group);
    let ended = group.scope(CatchUnwind::new(body(&group))).await;
    let (mut cancelled, output) = match ended {
        Ok(Ok(Ok(output))) => (None, Ok(output)),
        Ok(Ok(Err(error))) => (None, Err(Some(TaskError::Error(error)))),
        Ok(Err(payload)) => (None, Err(Some(TaskError::panic(task::current(), payload)))),
        Err(cancelled) => (Some(cancelled), Err(None)),
    };
    group.state().exiting = true;
    if output.is_err() {
        group.shut_down();
    }
    // A request that came while the group was shutting down already.
    let mut pending = None;
    while let Err(request) = group.scope(group.all_ended(place)).await {
        if group.state().shutting_down {
            pending = Some(request);
        } else {
            cancelled = Some(request);
            group.shut_down();
        }
    }

    let parent = group.parent;
    // What the group itself has asked of its parent is settled now.
    let parent_requested = group.state().parent_requested;
    if parent_requested {
        cancelled = if parent.uncancel() == 0 { None } else { cancelled.or(pending) };
    }
    let mut errors = std::mem::take(&mut group.state().errors);
    let output = match output {
        Ok(output) => Some(output),
        Err(error) => {
            errors.extend(error);
            None
        }
    };
    if !errors.is_empty() {
        // The errors come first; a request from outside is delivered at the next wait.
        if parent.cancelling() > 0 {
            parent.uncancel();
            parent.cancel();
        }
        return Err(GroupError { errors });
    }
    match (cancelled, output) {
        (None, Some(output)) => Ok(output),
        // The group has cancelled itself, and not for a failure.
        (None, None) if parent_requested => Err(GroupError { errors }),
        (cancelled, _) => match cancelled.unwrap_or_default().raise().await {},
    }
}

/// The group of a [`task_group`]. Its clones can spawn tasks until the group has ended.
#[derive(Debug)]
pub struct TaskGroup<E> {
    parent: Task,
    state: Arc<Mutex<GroupState<E>>>,
}

impl<E> Clone for TaskGroup<E> {
    fn clone(&self) -> Self {
        Self { parent: self.parent, state: Arc::clone(&self.state) }
    }
}

#[derive(Debug)]
struct GroupState<E> {
    /// The tasks that have not ended, in the order of spawning. `None` while one is being spawned.
    children: Linked<Option<Task>>,
    errors: Vec<TaskError<E>>,
    /// Of the parent, while it waits for the last child.
    waker: Option<Waker>,
    /// The scope in which the parent waits.
    scope: Option<ScopeId>,
    /// The body has ended.
    exiting: bool,
    /// All children have been cancelled.
    shutting_down: bool,
    /// The parent was cancelled by the group: a child has failed, or the group was cancelled.
    parent_requested: bool,
}

impl<E: 'static> TaskGroup<E> {
    fn new(parent: Task) -> Self {
        let state = GroupState {
            children: Linked::default(),
            errors: Vec::new(),
            waker: None,
            scope: None,
            exiting: false,
            shutting_down: false,
            parent_requested: false,
        };
        Self { parent, state: Arc::new(Mutex::new(state)) }
    }

    /// Starts a task of the group. Its handle returns `None` if it failed, because the group has the error.
    ///
    /// # Errors
    ///
    /// If the group is shutting down or has ended. The future is dropped.
    ///
    /// # Panics
    ///
    /// As [`spawn`](crate::spawn).
    #[track_caller]
    pub fn spawn<T: 'static>(
        &self,
        future: impl Future<Output = Result<T, E>> + 'static,
    ) -> Result<JoinHandle<Option<T>>, GroupClosed> {
        let child = self.child(future)?;
        let number = child.number;
        Ok(self.add(number, spawn(child)))
    }

    /// As [`spawn`](TaskGroup::spawn), with a name for the task.
    ///
    /// # Errors
    ///
    /// As [`spawn`](TaskGroup::spawn).
    ///
    /// # Panics
    ///
    /// As [`spawn`](TaskGroup::spawn).
    #[track_caller]
    pub fn spawn_named<T: 'static>(
        &self,
        name: &str,
        future: impl Future<Output = Result<T, E>> + 'static,
    ) -> Result<JoinHandle<Option<T>>, GroupClosed> {
        let child = self.child(future)?;
        let number = child.number;
        Ok(self.add(number, spawn_named(name, child)))
    }

    fn child<F>(&self, future: F) -> Result<Child<F, E>, GroupClosed> {
        let mut state = self.state();
        if state.shutting_down || (state.exiting && state.children.is_empty()) {
            return Err(GroupClosed(()));
        }
        let number = state.children.push(0, None);
        drop(state);
        Ok(Child { future: CatchUnwind::new(future), group: Some(self.clone()), number })
    }

    fn add<T>(&self, number: LinkedKey, handle: JoinHandle<T>) -> JoinHandle<T> {
        // The group reports a panic, even if the handle is dropped.
        handle.task().supervise();
        if let Some(child) = self.state().children.get_mut(number) {
            *child = Some(handle.task());
        }
        handle
    }

    /// Called when a child ends, in any way.
    fn child_ended(&self, number: LinkedKey, error: Option<TaskError<E>>) {
        let mut state = self.state();
        state.children.remove(number);
        let waker = if state.children.is_empty() { state.waker.take() } else { None };
        let failed = error.is_some();
        state.errors.extend(error);
        let parent_alive = !self.parent.is_finished();
        let first = failed && !state.shutting_down && !state.parent_requested && parent_alive;
        state.parent_requested |= first;
        drop(state);
        waker.into_iter().for_each(Waker::wake);
        if first {
            self.shut_down_with_parent();
        }
    }
}

impl<E> TaskGroup<E> {
    /// Cancels the tasks of the group and its body, as a normal way to end it; the `TaskGroup.cancel` of
    /// CPython 3.15.
    ///
    /// The tasks and the body may catch this and clean up; see [`cancel`](crate::cancel). The group still waits
    /// for its tasks, and takes no new ones. Then [`task_group`] returns:
    ///
    /// - the errors of tasks and of the body, if there are any,
    /// - else what the body returns, if it has returned or catches the cancellation,
    /// - else an error that [is cancelled](GroupError::is_cancelled), because there is nothing to return.
    ///
    /// The task that awaits the group is not cancelled. Nothing happens if the group is shutting down or has
    /// ended.
    ///
    /// ```
    /// use std::time::Duration;
    /// use dacapo::{future::task_group, time::sleep};
    ///
    /// let run = dacapo::run(async || {
    ///     // Ask two servers, and take the first reply.
    ///     let mut reply = None;
    ///     let ended = task_group(async |group| {
    ///         let (sender, mut replies) = tokio::sync::mpsc::channel(1);
    ///         for (server, seconds) in [("slow", 9), ("quick", 1)] {
    ///             let sender = sender.clone();
    ///             group.spawn(async move {
    ///                 sleep(Duration::from_secs(seconds)).await;
    ///                 sender.send(server).await.map_err(|_| "nobody listens")
    ///             }).unwrap();
    ///         }
    ///         reply = replies.recv().await;
    ///         group.cancel();
    ///         Ok(())
    ///     });
    ///     ended.await.unwrap();
    ///     reply
    /// });
    /// assert_eq!(run.elapsed(), Duration::from_secs(1));
    /// assert_eq!(run.unwrap(), Some("quick"));
    /// ```
    pub fn cancel(&self) {
        let mut state = self.state();
        let over = state.exiting && state.children.is_empty();
        if over || state.shutting_down || self.parent.is_finished() {
            return;
        }
        state.parent_requested = true;
        drop(state);
        self.shut_down_with_parent();
    }

    /// Cancels all children, and what of the parent belongs to the group.
    fn shut_down_with_parent(&self) {
        self.shut_down();
        let scope = self.state().scope;
        self.parent.cancel_within(scope);
    }

    fn state(&self) -> MutexGuard<'_, GroupState<E>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Catches what is meant for the parent, and notes where the group's own requests have to go: the
    /// task may have other futures beside this one.
    async fn scope<F: Future>(&self, future: F) -> Result<F::Output, Cancelled> {
        let mut catch = pin!(cancel::catch(future));
        poll_fn(|cx| {
            let polled = catch.as_mut().poll(cx);
            self.state().scope = catch.scope_id();
            polled
        })
        .await
    }

    /// Cancels all children, once.
    fn shut_down(&self) {
        let mut state = self.state();
        if std::mem::replace(&mut state.shutting_down, true) {
            return;
        }
        let children: Vec<Task> = state.children.iter(0).copied().flatten().collect();
        drop(state);
        for child in children {
            child.cancel();
        }
    }

    fn all_ended(&self, place: Place) -> impl Future<Output = ()> {
        poll_fn(move |cx| {
            let waker = cx.waker().clone();
            let mut state = self.state();
            if state.children.is_empty() {
                return Poll::Ready(());
            }
            let previous = state.waker.replace(waker);
            drop(state);
            drop(previous);
            executor::try_current(|executor| executor.locate(executor.notes(), place));
            Poll::Pending
        })
    }
}

/// Cancels the children of a group whose body is dropped.
struct CancelOnDrop<'a, E>(&'a TaskGroup<E>);

impl<E> Drop for CancelOnDrop<'_, E> {
    fn drop(&mut self) {
        self.0.shut_down();
    }
}

pin_project! {
    /// A task of a group.
    struct Child<F, E: 'static> {
        #[pin]
        future: CatchUnwind<F>,
        // Gone when it has ended.
        group: Option<TaskGroup<E>>,
        number: LinkedKey,
    }

    impl<F, E: 'static> PinnedDrop for Child<F, E> {
        fn drop(this: Pin<&mut Self>) {
            let this = this.project();
            if let Some(group) = this.group.take() {
                group.child_ended(*this.number, None);
            }
        }
    }
}

impl<T, E, F: Future<Output = Result<T, E>>> Future for Child<F, E> {
    type Output = Option<T>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let this = self.project();
        let Poll::Ready(ended) = this.future.poll(cx) else { return Poll::Pending };
        let group = this.group.take().expect("dacapo bug: a task of a group has ended twice");
        let number = *this.number;
        match ended {
            Ok(Ok(output)) => {
                group.child_ended(number, None);
                Poll::Ready(Some(output))
            }
            Ok(Err(error)) => {
                group.child_ended(number, Some(TaskError::Error(error)));
                Poll::Ready(None)
            }
            Err(payload) => {
                let message = executor::message_of(&*payload);
                let error = TaskError::panic(task::current(), payload);
                group.child_ended(number, Some(error));
                // The panic of the task, for all that look at it. The group has the value.
                panic::resume_unwind(Box::new(message))
            }
        }
    }
}

/// How one task of a group has failed, or its body.
#[derive(Debug)]
pub enum TaskError<E> {
    /// It returned an error.
    Error(E),
    /// It panicked, or was cancelled.
    Join(JoinError),
}

impl<E> TaskError<E> {
    fn panic(task: Task, payload: Box<dyn Any + Send>) -> Self {
        let message = executor::message_of(&*payload);
        Self::Join(JoinError::panicked(task.id(), task.name(), payload, message))
    }
}

impl<E: fmt::Debug> fmt::Display for TaskError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Error(error) => error.fmt(f),
            Self::Join(error) => error.fmt(f),
        }
    }
}

/// All errors of a task group, or none if it was [cancelled](TaskGroup::cancel); asyncio's
/// `ExceptionGroup`.
#[derive(Debug)]
pub struct GroupError<E> {
    errors: Vec<TaskError<E>>,
}

impl<E> GroupError<E> {
    /// Returns whether [`TaskGroup::cancel`] kept the body of the group from returning, and nothing has
    /// failed.
    ///
    /// ```
    /// use std::future::pending;
    /// use dacapo::future::task_group;
    ///
    /// let run = dacapo::run(async || {
    ///     let ended = task_group(async |group| {
    ///         group.cancel();
    ///         pending::<Result<(), &str>>().await
    ///     });
    ///     let error = ended.await.unwrap_err();
    ///     assert!(error.is_cancelled());
    ///     assert_eq!(error.to_string(), "the task group was cancelled");
    /// });
    /// run.unwrap();
    /// ```
    pub fn is_cancelled(&self) -> bool {
        self.errors.is_empty()
    }

    /// The errors of the tasks in the order in which they came, then the error of the body. There is at
    /// least one, unless the group [was cancelled](GroupError::is_cancelled).
    pub fn errors(&self) -> &[TaskError<E>] {
        &self.errors
    }

    /// The same, to keep.
    pub fn into_errors(self) -> Vec<TaskError<E>> {
        self.errors
    }
}

impl<E: fmt::Debug> fmt::Display for GroupError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_cancelled() {
            return f.write_str("the task group was cancelled");
        }
        let plural = if self.errors.len() == 1 { "" } else { "s" };
        write!(f, "{} failure{plural} in a task group: ", self.errors.len())?;
        for (place, error) in self.errors.iter().enumerate() {
            let comma = if place == 0 { "" } else { ", " };
            write!(f, "{comma}{error}")?;
        }
        Ok(())
    }
}

impl<E: fmt::Debug> Error for GroupError<E> {}

/// A task group takes no more tasks: it is shutting down, or has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GroupClosed(());

impl fmt::Display for GroupClosed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the task group is shutting down or has ended")
    }
}

impl Error for GroupClosed {}
