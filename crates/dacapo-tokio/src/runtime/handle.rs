use std::future::Future;
use std::ops::Deref;
use std::panic::Location;

use tokio::runtime::TryCurrentError;

use super::block_on_now;
use crate::driver;
use crate::task::{self, JoinHandle};

/// A handle to a runtime. In a run, it is to the runtime of the run.
///
/// It dereferences to tokio's own handle, for what is not listed here.
#[derive(Clone, Debug)]
pub struct Handle {
    real: tokio::runtime::Handle,
    /// Whether the runtime is that of a run.
    is_sim: bool,
}

impl Handle {
    /// Returns the handle of the current runtime.
    ///
    /// # Panics
    ///
    /// Outside of a runtime.
    #[track_caller]
    pub fn current() -> Self {
        Self { real: tokio::runtime::Handle::current(), is_sim: driver::in_run() }
    }

    /// Returns the handle of the current runtime.
    ///
    /// # Errors
    ///
    /// Outside of a runtime.
    pub fn try_current() -> Result<Self, TryCurrentError> {
        let real = tokio::runtime::Handle::try_current()?;
        Ok(Self { real, is_sim: driver::in_run() })
    }

    pub(super) fn of_run() -> Self {
        Self { real: driver::handle(), is_sim: true }
    }

    pub(super) fn outside(real: &tokio::runtime::Handle) -> Self {
        Self { real: real.clone(), is_sim: false }
    }

    /// Whether it spawns tasks of the run that is going on in this thread.
    pub(crate) fn is_sim(&self) -> bool {
        self.is_sim && driver::in_run()
    }

    pub(crate) fn real(&self) -> &tokio::runtime::Handle {
        &self.real
    }

    /// Spawns a task.
    #[track_caller]
    pub fn spawn<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        match self.is_sim() {
            true => task::spawn_at(Location::caller(), future),
            false => JoinHandle::real(self.real.spawn(future)),
        }
    }

    /// Calls a function that blocks; see [`spawn_blocking`](task::spawn_blocking).
    #[track_caller]
    pub fn spawn_blocking<F, R>(&self, function: F) -> JoinHandle<R>
    where
        F: FnOnce() -> R + Send + 'static,
        R: Send + 'static,
    {
        match self.is_sim() {
            true => task::spawn_blocking_at(Location::caller(), function),
            false => JoinHandle::real(self.real.spawn_blocking(function)),
        }
    }

    /// Runs a future to its end.
    ///
    /// # Panics
    ///
    /// In a run, if the future would have to wait. Elsewhere, as
    /// [`tokio::runtime::Handle::block_on`].
    #[track_caller]
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        match self.is_sim() {
            true => block_on_now(future),
            false => self.real.block_on(future),
        }
    }
}

impl Deref for Handle {
    type Target = tokio::runtime::Handle;

    fn deref(&self) -> &Self::Target {
        &self.real
    }
}
