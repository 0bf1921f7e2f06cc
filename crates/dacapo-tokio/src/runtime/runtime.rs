use std::future::Future;
use std::panic::Location;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use std::{fmt, io};

use dacapo::task::Task;
use tokio::runtime::{EnterGuard, RuntimeMetrics};

#[cfg(feature = "rt-multi-thread")]
use super::Builder;
use super::{Handle, block_on_now};
use crate::driver;
use crate::task::{self, JoinHandle};

/// A runtime. One that is made in a run spawns tasks of the run, and aborts them when it is dropped.
///
/// Make the runtime outside of a run, or better use [`macro@crate::test`]: in a run,
/// [`block_on`](Runtime::block_on) cannot wait.
pub struct Runtime {
    kind: Kind,
    handle: Handle,
}

enum Kind {
    Sim(Mutex<Vec<Task>>),
    Real(tokio::runtime::Runtime),
}

impl Runtime {
    /// Makes a runtime with several threads.
    ///
    /// # Errors
    ///
    /// As [`tokio::runtime::Runtime::new`].
    #[cfg(feature = "rt-multi-thread")]
    pub fn new() -> io::Result<Self> {
        Builder::new_multi_thread().enable_all().build()
    }

    pub(super) fn build(builder: &mut tokio::runtime::Builder) -> io::Result<Self> {
        if driver::in_run() {
            return Ok(Self { kind: Kind::Sim(Mutex::default()), handle: Handle::of_run() });
        }
        let real = builder.build()?;
        Ok(Self { handle: Handle::outside(real.handle()), kind: Kind::Real(real) })
    }

    /// Returns a handle to the runtime.
    pub fn handle(&self) -> &Handle {
        &self.handle
    }

    fn keep<T>(&self, handle: JoinHandle<T>) -> JoinHandle<T> {
        if let (Kind::Sim(tasks), Some(task)) = (&self.kind, handle.sim_task()) {
            tasks.lock().unwrap_or_else(PoisonError::into_inner).push(task);
        }
        handle
    }

    /// Spawns a task.
    #[track_caller]
    pub fn spawn<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        match &self.kind {
            Kind::Sim(_) => self.keep(task::spawn_at(Location::caller(), future)),
            Kind::Real(real) => JoinHandle::real(real.spawn(future)),
        }
    }

    /// Calls a function that blocks; see [`spawn_blocking`](task::spawn_blocking).
    #[track_caller]
    pub fn spawn_blocking<F, R>(&self, function: F) -> JoinHandle<R>
    where
        F: FnOnce() -> R + Send + 'static,
        R: Send + 'static,
    {
        match &self.kind {
            Kind::Sim(_) => self.keep(task::spawn_blocking_at(Location::caller(), function)),
            Kind::Real(real) => JoinHandle::real(real.spawn_blocking(function)),
        }
    }

    /// Runs a future to its end.
    ///
    /// # Panics
    ///
    /// In a run, if the future would have to wait. Elsewhere, as
    /// [`tokio::runtime::Runtime::block_on`].
    #[track_caller]
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        match &self.kind {
            Kind::Sim(_) => block_on_now(future),
            Kind::Real(real) => real.block_on(future),
        }
    }

    /// Makes this the current runtime until the guard is dropped.
    pub fn enter(&self) -> EnterGuard<'_> {
        self.handle.enter()
    }

    /// Shuts the runtime down, and waits at most so long.
    pub fn shutdown_timeout(mut self, duration: Duration) {
        if let Some(real) = self.take_real() {
            real.shutdown_timeout(duration);
        }
    }

    /// Shuts the runtime down without waiting.
    pub fn shutdown_background(mut self) {
        if let Some(real) = self.take_real() {
            real.shutdown_background();
        }
    }

    /// Returns the metrics of the runtime.
    pub fn metrics(&self) -> RuntimeMetrics {
        self.handle.metrics()
    }

    /// Takes tokio's runtime out, if it is one. The tasks of a run are aborted when this is dropped.
    fn take_real(&mut self) -> Option<tokio::runtime::Runtime> {
        if let Kind::Sim(_) = self.kind {
            return None;
        }
        match std::mem::replace(&mut self.kind, Kind::Sim(Mutex::default())) {
            Kind::Real(real) => Some(real),
            Kind::Sim(_) => None,
        }
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        if let Kind::Sim(tasks) = &mut self.kind {
            let tasks = tasks.get_mut().unwrap_or_else(PoisonError::into_inner);
            tasks.iter().for_each(Task::abort);
        }
    }
}

impl fmt::Debug for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runtime").field("handle", &self.handle).finish_non_exhaustive()
    }
}
