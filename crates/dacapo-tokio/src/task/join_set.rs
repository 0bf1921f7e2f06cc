//! Sets of tasks that are awaited together.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::future::{Future, poll_fn};
use std::panic::{Location, resume_unwind};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use super::{AbortHandle, Id, JoinError, JoinHandle, LocalSet};
use crate::driver;
use crate::runtime::Handle;

/// A set of tasks, which are awaited in the order in which they end, and aborted when the set is dropped.
pub struct JoinSet<T>(Kind<T>);

enum Kind<T> {
    Sim(Tasks<T>),
    Real(tokio::task::JoinSet<T>),
}

/// The tasks of a run that are in a set.
struct Tasks<T> {
    handles: BTreeMap<u32, JoinHandle<T>>,
    ended: Arc<Ended>,
}

/// The tasks of a set that have ended and are still in it.
#[derive(Default)]
struct Ended(Mutex<EndedState>);

#[derive(Default)]
struct EndedState {
    tasks: VecDeque<u32>,
    /// Wakes the task that awaits the set.
    waker: Option<Waker>,
}

impl Ended {
    fn lock(&self) -> MutexGuard<'_, EndedState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, task: u32) {
        let mut state = self.lock();
        state.tasks.push_back(task);
        let waker = state.waker.take();
        drop(state);
        waker.into_iter().for_each(Waker::wake);
    }
}

/// Woken when a task of a set ends.
struct End {
    task: u32,
    ended: Arc<Ended>,
}

impl Wake for End {
    fn wake(self: Arc<Self>) {
        self.ended.add(self.task);
    }
}

impl<T> Tasks<T> {
    fn new() -> Self {
        Self { handles: BTreeMap::new(), ended: Arc::default() }
    }

    fn insert(&mut self, handle: JoinHandle<T>) -> AbortHandle {
        let abort = handle.abort_handle();
        let task = handle.sim_task().expect("dacapo bug: the task is not of a run");
        let number = task.id().as_u32();
        let end = End { task: number, ended: Arc::clone(&self.ended) };
        if !dacapo::driver::wake_at_end(&task, &Waker::from(Arc::new(end))) {
            self.ended.add(number);
        }
        self.handles.insert(number, handle);
        abort
    }

    fn poll_join_next(
        &mut self,
        cx: &mut Context<'_>,
        place: &'static Location<'static>,
    ) -> Poll<Option<(Id, Result<T, JoinError>)>> {
        let mut state = self.ended.lock();
        while let Some(number) = state.tasks.pop_front() {
            let Some(handle) = self.handles.get_mut(&number) else { continue };
            drop(state);
            let id = handle.id();
            let Poll::Ready(joined) = Pin::new(handle).poll(cx) else {
                // It has no budget left, or yields first, and has woken the task.
                self.ended.lock().tasks.push_front(number);
                return Poll::Pending;
            };
            self.handles.remove(&number);
            return Poll::Ready(Some((id, joined)));
        }
        if self.handles.is_empty() {
            return Poll::Ready(None);
        }
        let before = state.waker.replace(cx.waker().clone());
        drop(state);
        drop(before);
        // A run keeps the first two things that a task waits for, and whether there are more.
        for handle in self.handles.values().take(3) {
            let task = handle.sim_task().expect("dacapo bug: the task is not of a run");
            dacapo::driver::wait_for(&task, place);
        }
        Poll::Pending
    }

    fn take_all(&mut self) -> BTreeMap<u32, JoinHandle<T>> {
        self.ended.lock().tasks.clear();
        std::mem::take(&mut self.handles)
    }
}

impl<T> JoinSet<T> {
    /// Returns an empty set.
    pub fn new() -> Self {
        Self(match driver::in_run() {
            true => Kind::Sim(Tasks::new()),
            false => Kind::Real(tokio::task::JoinSet::new()),
        })
    }

    /// Returns the number of tasks in the set, including tasks that have ended.
    pub fn len(&self) -> usize {
        match &self.0 {
            Kind::Sim(tasks) => tasks.handles.len(),
            Kind::Real(set) => set.len(),
        }
    }

    /// Returns whether the set has no tasks.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<T: 'static> JoinSet<T> {
    /// The tasks in a run. A set may have been made elsewhere.
    fn tasks(&mut self) -> Option<&mut Tasks<T>> {
        if self.is_empty() && driver::in_run() != matches!(self.0, Kind::Sim(_)) {
            *self = Self::new();
        }
        match &mut self.0 {
            Kind::Sim(tasks) => Some(tasks),
            Kind::Real(_) => None,
        }
    }

    fn real(&mut self) -> &mut tokio::task::JoinSet<T> {
        match &mut self.0 {
            Kind::Real(set) => set,
            Kind::Sim(_) => panic!("dacapo: a JoinSet with tasks of a run was used outside of it"),
        }
    }

    /// Spawns a task, and puts it into the set.
    #[track_caller]
    pub fn spawn<F>(&mut self, future: F) -> AbortHandle
    where
        F: Future<Output = T> + Send + 'static,
        T: Send,
    {
        let place = Location::caller();
        match self.tasks() {
            Some(tasks) => tasks.insert(super::spawn_at(place, future)),
            None => AbortHandle::real(self.real().spawn(future)),
        }
    }

    /// Spawns a task on a runtime, and puts it into the set.
    #[track_caller]
    pub fn spawn_on<F>(&mut self, future: F, handle: &Handle) -> AbortHandle
    where
        F: Future<Output = T> + Send + 'static,
        T: Send,
    {
        let place = Location::caller();
        match self.tasks() {
            Some(tasks) if handle.is_sim() => tasks.insert(super::spawn_at(place, future)),
            Some(_) => panic!("dacapo: a JoinSet of a run cannot spawn on another runtime"),
            None => AbortHandle::real(self.real().spawn_on(future, handle.real())),
        }
    }

    /// Spawns a task on the current [`LocalSet`], and puts it into this set.
    #[track_caller]
    pub fn spawn_local<F>(&mut self, future: F) -> AbortHandle
    where
        F: Future<Output = T> + 'static,
    {
        match self.tasks() {
            Some(tasks) => tasks.insert(super::spawn_local(future)),
            None => AbortHandle::real(self.real().spawn_local(future)),
        }
    }

    /// Spawns a task on a [`LocalSet`], and puts it into this set.
    #[track_caller]
    pub fn spawn_local_on<F>(&mut self, future: F, local_set: &LocalSet) -> AbortHandle
    where
        F: Future<Output = T> + 'static,
    {
        match (self.tasks(), local_set.real()) {
            (Some(tasks), None) => tasks.insert(local_set.spawn_local(future)),
            (None, Some(set)) => AbortHandle::real(self.real().spawn_local_on(future, set)),
            _ => panic!("dacapo: a JoinSet and a LocalSet must belong to the same run"),
        }
    }

    /// Calls a function that blocks, as [`spawn_blocking`](super::spawn_blocking), and puts its task into the set.
    #[track_caller]
    pub fn spawn_blocking<F>(&mut self, function: F) -> AbortHandle
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send,
    {
        let place = Location::caller();
        match self.tasks() {
            Some(tasks) => tasks.insert(super::spawn_blocking_at(place, function)),
            None => AbortHandle::real(self.real().spawn_blocking(function)),
        }
    }

    /// The same on a runtime.
    #[track_caller]
    pub fn spawn_blocking_on<F>(&mut self, function: F, handle: &Handle) -> AbortHandle
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send,
    {
        let place = Location::caller();
        match self.tasks() {
            Some(tasks) if handle.is_sim() => {
                tasks.insert(super::spawn_blocking_at(place, function))
            }
            Some(_) => panic!("dacapo: a JoinSet of a run cannot spawn on another runtime"),
            None => AbortHandle::real(self.real().spawn_blocking_on(function, handle.real())),
        }
    }

    /// Waits until a task of the set has ended, and takes it out. Returns `None` if the set is empty.
    ///
    /// # Cancel safety
    ///
    /// No task is lost if this is dropped.
    #[track_caller]
    pub fn join_next(&mut self) -> impl Future<Output = Option<Result<T, JoinError>>> {
        let place = Location::caller();
        async move { poll_fn(|cx| self.poll_next(cx, place)).await.map(|(_, joined)| joined) }
    }

    /// The same, with the id of the task.
    ///
    /// # Cancel safety
    ///
    /// No task is lost if this is dropped.
    #[track_caller]
    pub fn join_next_with_id(
        &mut self,
    ) -> impl Future<Output = Option<Result<(Id, T), JoinError>>> {
        let place = Location::caller();
        async move { with_id(poll_fn(|cx| self.poll_next(cx, place)).await) }
    }

    /// Takes a task out of the set that has ended, if there is one.
    pub fn try_join_next(&mut self) -> Option<Result<T, JoinError>> {
        self.try_next().map(|(_, joined)| joined)
    }

    /// The same, with the id of the task.
    pub fn try_join_next_with_id(&mut self) -> Option<Result<(Id, T), JoinError>> {
        with_id(self.try_next())
    }

    /// Aborts all tasks, and waits until they have ended.
    pub async fn shutdown(&mut self) {
        self.abort_all();
        while self.join_next().await.is_some() {}
    }

    /// Waits until all tasks have ended, and returns their outputs.
    ///
    /// # Panics
    ///
    /// If a task panicked or was aborted.
    ///
    /// # Cancel safety
    ///
    /// The tasks are aborted if this is dropped.
    pub async fn join_all(mut self) -> Vec<T> {
        let mut outputs = Vec::with_capacity(self.len());
        while let Some(joined) = self.join_next().await {
            match joined {
                Ok(output) => outputs.push(output),
                Err(error) if error.is_panic() => resume_unwind(error.into_panic()),
                Err(error) => panic!("{error}"),
            }
        }
        outputs
    }

    /// Aborts all tasks, which remain in the set.
    pub fn abort_all(&mut self) {
        match &mut self.0 {
            Kind::Sim(tasks) => tasks.handles.values().for_each(JoinHandle::abort),
            Kind::Real(set) => set.abort_all(),
        }
    }

    /// Takes all tasks out of the set, without aborting them.
    pub fn detach_all(&mut self) {
        match &mut self.0 {
            Kind::Sim(tasks) => drop(tasks.take_all()),
            Kind::Real(set) => set.detach_all(),
        }
    }

    /// Polls for a task that has ended; see [`join_next`](JoinSet::join_next).
    #[track_caller]
    pub fn poll_join_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<T, JoinError>>> {
        self.poll_next(cx, Location::caller()).map(|next| next.map(|(_, joined)| joined))
    }

    /// The same, with the id of the task.
    #[track_caller]
    pub fn poll_join_next_with_id(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<(Id, T), JoinError>>> {
        self.poll_next(cx, Location::caller()).map(with_id)
    }

    fn poll_next(
        &mut self,
        cx: &mut Context<'_>,
        place: &'static Location<'static>,
    ) -> Poll<Option<(Id, Result<T, JoinError>)>> {
        match &mut self.0 {
            Kind::Sim(tasks) => tasks.poll_join_next(cx, place),
            Kind::Real(set) => set.poll_join_next_with_id(cx).map(from_real),
        }
    }

    fn try_next(&mut self) -> Option<(Id, Result<T, JoinError>)> {
        match &mut self.0 {
            Kind::Real(set) => from_real(set.try_join_next_with_id()),
            Kind::Sim(tasks) => loop {
                let number = tasks.ended.lock().tasks.pop_front()?;
                let Some(mut handle) = tasks.handles.remove(&number) else { continue };
                let id = handle.id();
                // It has ended. Without a budget, it cannot be pending but for a fault, which yields once.
                let mut cx = Context::from_waker(Waker::noop());
                let joined = (0..2).find_map(|_| {
                    let mut polled = tokio::task::unconstrained(&mut handle);
                    match Pin::new(&mut polled).poll(&mut cx) {
                        Poll::Ready(joined) => Some(joined),
                        Poll::Pending => None,
                    }
                });
                return Some((id, joined.expect("dacapo bug: a task that has ended is pending")));
            },
        }
    }
}

fn with_id<T>(next: Option<(Id, Result<T, JoinError>)>) -> Option<Result<(Id, T), JoinError>> {
    next.map(|(id, joined)| joined.map(|output| (id, output)))
}

fn from_real<T>(
    next: Option<Result<(tokio::task::Id, T), tokio::task::JoinError>>,
) -> Option<(Id, Result<T, JoinError>)> {
    next.map(|joined| match joined {
        Ok((id, output)) => (id.into(), Ok(output)),
        Err(error) => (error.id().into(), Err(error.into())),
    })
}

impl<T> Drop for JoinSet<T> {
    fn drop(&mut self) {
        if let Kind::Sim(tasks) = &mut self.0 {
            tasks.handles.values().for_each(JoinHandle::abort);
        }
    }
}

impl<T> fmt::Debug for JoinSet<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinSet").field("len", &self.len()).finish()
    }
}

impl<T> Default for JoinSet<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T, F> FromIterator<F> for JoinSet<T>
where
    F: Future<Output = T> + Send + 'static,
    T: Send + 'static,
{
    fn from_iter<I: IntoIterator<Item = F>>(futures: I) -> Self {
        let mut set = Self::new();
        set.extend(futures);
        set
    }
}

impl<T, F> Extend<F> for JoinSet<T>
where
    F: Future<Output = T> + Send + 'static,
    T: Send + 'static,
{
    #[track_caller]
    fn extend<I: IntoIterator<Item = F>>(&mut self, futures: I) {
        for future in futures {
            self.spawn(future);
        }
    }
}
