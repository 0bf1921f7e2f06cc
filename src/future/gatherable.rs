//! What can be gathered. Its types are in the signatures of `gather` and `try_gather` only, so the
//! documentation leaves them out.

use std::future::Future;
use std::panic::Location;

use super::task_group::TaskError;
use crate::executor;
use crate::session::Place;
use crate::task::{AsTask, JoinError, JoinHandle, Task, spawn, spawn_at};

/// What [`gather`](super::gather()) takes.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be gathered",
    note = "`gather` takes a `Vec`, an array, or a tuple of futures with outputs that are `'static`, \
            or a reference to a slice, an array, or a `Vec` of handles"
)]
pub trait Gatherable {
    /// The handles of the tasks.
    type Handles: Handles;

    /// Spawns a task for each future. Handles stay as they are.
    #[track_caller]
    fn into_handles(self) -> Self::Handles;
}

/// What [`try_gather`](super::try_gather()) takes.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be gathered until the first error",
    note = "`try_gather` takes a `Vec`, an array, or a tuple of futures that return a `Result`, \
            or a reference to a slice, an array, or a `Vec` of handles"
)]
pub trait TryGatherable {
    /// The handles of the tasks.
    type Handles: TryHandles;

    /// Spawns a task for each future. Handles stay as they are.
    #[track_caller]
    fn try_into_handles(self) -> Self::Handles;
}

/// The tasks that are gathered.
pub trait Handles {
    /// Whether they were spawned to be gathered, so that they are cancelled when that is dropped.
    const SPAWNED: bool = true;
    /// What they return, together.
    type Results;

    /// The tasks, in the order given.
    fn tasks(&self) -> Vec<Task>;

    /// Takes the outputs of tasks that have all ended.
    fn into_results(self) -> Self::Results;
}

/// The tasks that are gathered until the first error.
pub trait TryHandles: Handles {
    /// What they return, together, if none has failed.
    type Values;
    /// How one of them failed.
    type Failure;

    /// Takes the outputs of tasks that have all ended.
    ///
    /// # Errors
    ///
    /// If one has failed.
    fn into_values(self) -> Result<Self::Values, Self::Failure>;

    /// Takes the error of a task that has failed.
    fn into_failure(self, failed: Task) -> Self::Failure;
}

/// Tasks that were passed by reference to their handles. The handles keep the outputs.
#[derive(Debug)]
pub struct Running(Vec<Task>);

impl Running {
    fn new<A: AsTask>(handles: &[A]) -> Self {
        Self(handles.iter().map(AsTask::as_task).collect())
    }
}

impl Handles for Running {
    const SPAWNED: bool = false;
    type Results = ();

    fn tasks(&self) -> Vec<Task> {
        self.0.clone()
    }

    fn into_results(self) {}
}

impl TryHandles for Running {
    type Values = ();
    type Failure = Task;

    fn into_values(self) -> Result<(), Task> {
        Ok(())
    }

    fn into_failure(self, failed: Task) -> Task {
        failed
    }
}

macro_rules! gather_handles {
    ($([$($parameter:tt)+] $type:ty),+) => {$(
        impl<$($parameter)+> Gatherable for $type {
            type Handles = Running;

            fn into_handles(self) -> Running {
                Running::new(self)
            }
        }

        impl<$($parameter)+> TryGatherable for $type {
            type Handles = Running;

            fn try_into_handles(self) -> Running {
                Running::new(self)
            }
        }
    )+};
}

gather_handles! {
    [A: AsTask] &[A],
    [A: AsTask] &Vec<A>,
    [A: AsTask, const N: usize] &[A; N]
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

    fn into_handles(self) -> Self::Handles {
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

    fn try_into_handles(self) -> Self::Handles {
        let mut handles = Vec::with_capacity(self.len());
        for future in self {
            handles.push(try_spawn(Location::caller(), future));
        }
        handles
    }
}

impl<T: 'static, E: 'static> TryHandles for Vec<JoinHandle<Result<T, E>>> {
    type Values = Vec<T>;
    type Failure = TaskError<E>;

    fn into_values(self) -> Result<Vec<T>, TaskError<E>> {
        self.into_iter().map(value).collect()
    }

    fn into_failure(self, failed: Task) -> TaskError<E> {
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

    fn into_handles(self) -> Self::Handles {
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

    fn try_into_handles(self) -> Self::Handles {
        let place = Location::caller();
        self.map(|future| try_spawn(place, future))
    }
}

impl<T: 'static, E: 'static, const N: usize> TryHandles for [JoinHandle<Result<T, E>>; N] {
    type Values = [T; N];
    type Failure = TaskError<E>;

    fn into_values(self) -> Result<[T; N], TaskError<E>> {
        let values: Result<Vec<T>, TaskError<E>> = self.into_iter().map(value).collect();
        let values = values?.try_into().ok();
        Ok(values.expect("dacapo bug: there are as many values as tasks"))
    }

    fn into_failure(self, failed: Task) -> TaskError<E> {
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
            fn into_handles(self) -> Self::Handles {
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
            fn try_into_handles(self) -> Self::Handles {
                let ($($future,)+) = self;
                ($(try_spawn(Location::caller(), $future),)+)
            }
        }

        impl<Error: 'static, $($name: 'static),+> TryHandles
            for ($(JoinHandle<Result<$name, Error>>,)+)
        {
            type Values = ($($name,)+);
            type Failure = TaskError<Error>;

            #[expect(non_snake_case, reason = "the handles are called as their types")]
            fn into_values(self) -> Result<Self::Values, TaskError<Error>> {
                let ($($name,)+) = self;
                Ok(($(value($name)?,)+))
            }

            #[expect(non_snake_case, reason = "the handles are called as their types")]
            fn into_failure(self, failed: Task) -> TaskError<Error> {
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
