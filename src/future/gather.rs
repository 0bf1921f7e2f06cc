use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};

use super::gather_tasks::{GatherTasks, TryGatherTasks, gather_tasks, try_gather_tasks};
use super::task_group::TaskError;
use crate::executor;
use crate::session::Place;
use crate::task::{AsTask, JoinError, JoinHandle, Task, spawn, spawn_at};

/// Runs all futures concurrently, each as a task, and returns their results in the order given.
///
/// The futures come in a `Vec`, an array, or a tuple, and so do the results. This is asyncio's
/// `gather(…, return_exceptions=True)`: each result is its own `Result`, an error if that task
/// panicked. The tasks are spawned at once, before the first await.
///
/// # Cancel safety
/// Dropping this [cancels](crate::cancel) the tasks that have not ended; the outputs of the others are
/// lost. Cancelling the task that awaits this does the same, and that task then waits until all have
/// ended.
///
/// # Panics
///
/// Outside of a run. If it is polled after completion.
///
/// ```
/// use std::time::Duration;
/// use dacapo::{gather, time::sleep};
///
/// let run = dacapo::run(async || {
///     let page = async |name: &'static str| {
///         sleep(Duration::from_secs(1)).await;
///         name.len()
///     };
///     let [users, posts] = gather([page("users"), page("posts")]).await;
///     let (one, two) = gather((async { 1 }, async { "two" })).await;
///     (users.unwrap() + posts.unwrap(), one.unwrap(), two.unwrap())
/// });
/// assert_eq!(run.elapsed(), Duration::from_secs(1));
/// assert_eq!(run.unwrap(), (10, 1, "two"));
/// ```
#[track_caller]
pub fn gather<G: Gatherable>(futures: G) -> Gather<G::Handles> {
    let handles = futures.spawn_all();
    Gather { all: gather_tasks(handles.tasks()), handles: Some(handles) }
}

/// Runs all futures concurrently, each as a task, and returns their values, or the first error.
///
/// This is asyncio's `gather` as it is by default: at the first error, panic, or cancellation of a
/// task it returns, and the other tasks go on.
///
/// # Errors
/// The error of the first task that fails.
///
/// # Cancel safety
///
/// As [`gather`].
///
/// # Panics
///
/// As [`gather`].
///
/// ```
/// use dacapo::future::{TaskError, try_gather};
///
/// let run = dacapo::run(async || {
///     let parse = async |text: &'static str| text.parse::<i32>();
///     assert_eq!(try_gather([parse("1"), parse("2")]).await.unwrap(), [1, 2]);
///     let error = try_gather([parse("1"), parse("x")]).await.unwrap_err();
///     assert!(matches!(error, TaskError::Error(_)));
/// });
/// run.unwrap();
/// ```
#[track_caller]
pub fn try_gather<G: TryGatherable>(futures: G) -> TryGather<G::Handles> {
    let handles = futures.try_spawn_all();
    TryGather { first: try_gather_tasks(handles.tasks()), handles: Some(handles) }
}

/// The future of [`gather`].
#[derive(Debug)]
#[must_use = "the tasks are cancelled when this is dropped; await it"]
pub struct Gather<H: Handles> {
    all: GatherTasks,
    handles: Option<H>,
}

// Nothing in it is pinned.
impl<H: Handles> Unpin for Gather<H> {}

impl<H: Handles> Future for Gather<H> {
    type Output = H::Results;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<H::Results> {
        let Poll::Ready(()) = Pin::new(&mut self.all).poll(cx) else { return Poll::Pending };
        let handles = self.handles.take().expect("dacapo bug: `gather` has ended twice");
        Poll::Ready(handles.into_results())
    }
}

impl<H: Handles> Drop for Gather<H> {
    fn drop(&mut self) {
        cancel_all(self.handles.as_ref());
    }
}

/// The future of [`try_gather`].
#[derive(Debug)]
#[must_use = "the tasks are cancelled when this is dropped; await it"]
pub struct TryGather<H: Handles> {
    first: TryGatherTasks,
    handles: Option<H>,
}

// Nothing in it is pinned.
impl<H: Handles> Unpin for TryGather<H> {}

impl<H: TryHandles> Future for TryGather<H> {
    type Output = Result<H::Values, TaskError<H::Error>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Poll::Ready(ended) = Pin::new(&mut self.first).poll(cx) else { return Poll::Pending };
        let handles = self.handles.take().expect("dacapo bug: `try_gather` has ended twice");
        Poll::Ready(match ended {
            Ok(()) => handles.into_values(),
            Err(failed) => Err(handles.into_error(failed)),
        })
    }
}

impl<H: Handles> Drop for TryGather<H> {
    fn drop(&mut self) {
        cancel_all(self.handles.as_ref());
    }
}

fn cancel_all<H: Handles>(handles: Option<&H>) {
    for task in handles.into_iter().flat_map(Handles::tasks) {
        task.cancel();
    }
}

/// Futures that can be [gathered](gather): a `Vec`, an array, or a tuple of up to eight.
pub trait Gatherable {
    /// The handles of the tasks.
    type Handles: Handles;

    /// Spawns a task for each.
    #[track_caller]
    fn spawn_all(self) -> Self::Handles;
}

/// Futures of results that can be gathered until the first error: see [`try_gather`].
pub trait TryGatherable {
    /// The handles of the tasks.
    type Handles: TryHandles;

    /// Spawns a task for each.
    #[track_caller]
    fn try_spawn_all(self) -> Self::Handles;
}

/// The handles of tasks that are gathered.
pub trait Handles {
    /// What all of them come to.
    type Results;

    /// The tasks, in the order given.
    fn tasks(&self) -> Vec<Task>;

    /// Takes what tasks have left that have all ended.
    fn into_results(self) -> Self::Results;
}

/// The handles of tasks that are gathered until the first error.
pub trait TryHandles: Handles {
    /// What all of them come to, if none has failed.
    type Values;
    /// The error of any.
    type Error;

    /// Takes what tasks have left that have all ended.
    ///
    /// # Errors
    ///
    /// If one has failed.
    fn into_values(self) -> Result<Self::Values, TaskError<Self::Error>>;

    /// Takes the error of a task that has failed.
    fn into_error(self, failed: Task) -> TaskError<Self::Error>;
}

type Joined<T> = Result<T, JoinError>;

/// The value of a task that has ended, or how it has failed.
fn value<T: 'static, E: 'static>(handle: JoinHandle<Result<T, E>>) -> Result<T, TaskError<E>> {
    match handle.into_ended() {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(TaskError::Error(error)),
        Err(error) => Err(TaskError::Join(error)),
    }
}

#[track_caller]
fn try_spawn<T, E>(
    place: Place,
    future: impl Future<Output = Result<T, E>> + 'static,
) -> JoinHandle<Result<T, E>>
where
    T: 'static,
    E: 'static,
{
    spawn_at(place, async move {
        let result = future.await;
        if result.is_err() {
            executor::try_current(executor::Executor::mark_failed);
        }
        result
    })
}

impl<F: Future<Output: 'static> + 'static> Gatherable for Vec<F> {
    type Handles = Vec<JoinHandle<F::Output>>;

    fn spawn_all(self) -> Self::Handles {
        let mut handles = Vec::with_capacity(self.len());
        // Not `map`: outside of a run, the panic must name the place of our caller.
        for future in self {
            handles.push(spawn(future));
        }
        handles
    }
}

impl<T: 'static> Handles for Vec<JoinHandle<T>> {
    type Results = Vec<Joined<T>>;

    fn tasks(&self) -> Vec<Task> {
        self.iter().map(AsTask::as_task).collect()
    }

    fn into_results(self) -> Self::Results {
        self.into_iter().map(JoinHandle::into_ended).collect()
    }
}

impl<T: 'static, E: 'static, F> TryGatherable for Vec<F>
where
    F: Future<Output = Result<T, E>> + 'static,
{
    type Handles = Vec<JoinHandle<Result<T, E>>>;

    fn try_spawn_all(self) -> Self::Handles {
        let mut handles = Vec::with_capacity(self.len());
        for future in self {
            handles.push(try_spawn(Location::caller(), future));
        }
        handles
    }
}

impl<T: 'static, E: 'static> TryHandles for Vec<JoinHandle<Result<T, E>>> {
    type Values = Vec<T>;
    type Error = E;

    fn into_values(self) -> Result<Vec<T>, TaskError<E>> {
        self.into_iter().map(value).collect()
    }

    fn into_error(self, failed: Task) -> TaskError<E> {
        let handle = self.into_iter().find(|handle| handle.task() == failed);
        error_of(handle)
    }
}

fn error_of<T: 'static, E: 'static>(handle: Option<JoinHandle<Result<T, E>>>) -> TaskError<E> {
    let failed = handle.and_then(|handle| value(handle).err());
    failed.expect("dacapo bug: the task that has failed has not")
}

impl<F: Future<Output: 'static> + 'static, const N: usize> Gatherable for [F; N] {
    type Handles = [JoinHandle<F::Output>; N];

    fn spawn_all(self) -> Self::Handles {
        let place = Location::caller();
        self.map(|future| spawn_at(place, future))
    }
}

impl<T: 'static, const N: usize> Handles for [JoinHandle<T>; N] {
    type Results = [Joined<T>; N];

    fn tasks(&self) -> Vec<Task> {
        self.iter().map(AsTask::as_task).collect()
    }

    fn into_results(self) -> Self::Results {
        self.map(JoinHandle::into_ended)
    }
}

impl<T: 'static, E: 'static, F, const N: usize> TryGatherable for [F; N]
where
    F: Future<Output = Result<T, E>> + 'static,
{
    type Handles = [JoinHandle<Result<T, E>>; N];

    fn try_spawn_all(self) -> Self::Handles {
        let place = Location::caller();
        self.map(|future| try_spawn(place, future))
    }
}

impl<T: 'static, E: 'static, const N: usize> TryHandles for [JoinHandle<Result<T, E>>; N] {
    type Values = [T; N];
    type Error = E;

    fn into_values(self) -> Result<[T; N], TaskError<E>> {
        let values: Result<Vec<T>, TaskError<E>> = self.into_iter().map(value).collect();
        let values = values?.try_into().ok();
        Ok(values.expect("dacapo bug: there are as many values as tasks"))
    }

    fn into_error(self, failed: Task) -> TaskError<E> {
        error_of(self.into_iter().find(|handle| handle.task() == failed))
    }
}

macro_rules! gather_tuple {
    ($($name:ident)+) => {
        impl<$($name),+> Gatherable for ($($name,)+)
        where
            $($name: Future<Output: 'static> + 'static),+
        {
            type Handles = ($(JoinHandle<$name::Output>,)+);

            #[expect(non_snake_case, reason = "the futures are called as their types")]
            fn spawn_all(self) -> Self::Handles {
                let ($($name,)+) = self;
                ($(spawn($name),)+)
            }
        }

        impl<$($name: 'static),+> Handles for ($(JoinHandle<$name>,)+) {
            type Results = ($(Joined<$name>,)+);

            #[expect(non_snake_case, reason = "the handles are called as their types")]
            fn tasks(&self) -> Vec<Task> {
                let ($($name,)+) = self;
                vec![$($name.task()),+]
            }

            #[expect(non_snake_case, reason = "the handles are called as their types")]
            fn into_results(self) -> Self::Results {
                let ($($name,)+) = self;
                ($($name.into_ended(),)+)
            }
        }
    };
}

gather_tuple!(A);
gather_tuple!(A B);
gather_tuple!(A B C);
gather_tuple!(A B C D);
gather_tuple!(A B C D E);
gather_tuple!(A B C D E F);
gather_tuple!(A B C D E F G);
gather_tuple!(A B C D E F G H);

macro_rules! try_gather_tuple {
    ($($future:ident: $name:ident),+) => {
        impl<Error: 'static, $($name: 'static, $future),+> TryGatherable for ($($future,)+)
        where
            $($future: Future<Output = Result<$name, Error>> + 'static),+
        {
            type Handles = ($(JoinHandle<Result<$name, Error>>,)+);

            #[expect(non_snake_case, reason = "the futures are called as their types")]
            fn try_spawn_all(self) -> Self::Handles {
                let ($($future,)+) = self;
                ($(try_spawn(Location::caller(), $future),)+)
            }
        }

        impl<Error: 'static, $($name: 'static),+> TryHandles
            for ($(JoinHandle<Result<$name, Error>>,)+)
        {
            type Values = ($($name,)+);
            type Error = Error;

            #[expect(non_snake_case, reason = "the handles are called as their types")]
            fn into_values(self) -> Result<Self::Values, TaskError<Error>> {
                let ($($name,)+) = self;
                Ok(($(value($name)?,)+))
            }

            #[expect(non_snake_case, reason = "the handles are called as their types")]
            fn into_error(self, failed: Task) -> TaskError<Error> {
                let ($($name,)+) = self;
                $(if $name.task() == failed {
                    return error_of(Some($name));
                })+
                unreachable!("dacapo bug: the task that has failed is not one of these")
            }
        }
    };
}

try_gather_tuple!(F1: A);
try_gather_tuple!(F1: A, F2: B);
try_gather_tuple!(F1: A, F2: B, F3: C);
try_gather_tuple!(F1: A, F2: B, F3: C, F4: D);
try_gather_tuple!(F1: A, F2: B, F3: C, F4: D, F5: E);
try_gather_tuple!(F1: A, F2: B, F3: C, F4: D, F5: E, F6: F);
try_gather_tuple!(F1: A, F2: B, F3: C, F4: D, F5: E, F6: F, F7: G);
try_gather_tuple!(F1: A, F2: B, F3: C, F4: D, F5: E, F6: F, F7: G, F8: H);
