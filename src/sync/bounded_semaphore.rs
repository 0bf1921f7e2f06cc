use std::future::Future;

use super::lock::ReleaseError;
use super::semaphore::Semaphore;

/// A semaphore that cannot be given back more permits than it had.
///
/// In all else it is a [`Semaphore`] that is never closed. Works on any executor.
///
/// ```
/// use dacapo::sync::BoundedSemaphore;
///
/// let run = dacapo::run(async || {
///     let semaphore = BoundedSemaphore::new(1);
///     let permit = semaphore.acquire().await;
///     assert!(semaphore.is_locked());
///     drop(permit);
///     assert!(semaphore.release().is_err());
/// });
/// run.unwrap();
/// ```
#[derive(Debug)]
pub struct BoundedSemaphore {
    semaphore: Semaphore,
    bound: usize,
}

impl BoundedSemaphore {
    /// A semaphore with this many permits, and never more.
    ///
    /// # Panics
    ///
    /// If there are more than [`Semaphore::MAX_PERMITS`].
    #[track_caller]
    pub fn new(permits: usize) -> Self {
        Self { semaphore: Semaphore::new(permits), bound: permits }
    }

    /// Takes one permit, waiting for it if need be; see [`Semaphore::acquire`].
    ///
    /// # Cancel safety
    ///
    /// No permit is lost if it is dropped; its place in the line is.
    #[track_caller]
    pub fn acquire(&self) -> impl Future<Output = BoundedSemaphorePermit<'_>> {
        let acquire = self.semaphore.acquire();
        async move {
            acquire.await.expect("dacapo bug: a bounded semaphore is closed").forget();
            BoundedSemaphorePermit { semaphore: self }
        }
    }

    /// Takes one permit if one is free and nobody waits.
    pub fn try_acquire(&self) -> Option<BoundedSemaphorePermit<'_>> {
        self.semaphore.try_acquire().ok()?.forget();
        Some(BoundedSemaphorePermit { semaphore: self })
    }

    /// Gives one permit back, which was [forgotten](BoundedSemaphorePermit::forget).
    ///
    /// # Errors
    ///
    /// If as many as there were at first are free already.
    pub fn release(&self) -> Result<(), ReleaseError> {
        let added = self.semaphore.add_permit_below(self.bound);
        added.then_some(()).ok_or(ReleaseError("all permits of the semaphore are free"))
    }

    /// How many permits are free now.
    pub fn available_permits(&self) -> usize {
        self.semaphore.available_permits()
    }

    /// Whether who wants a permit has to wait; see [`Semaphore::is_locked`].
    pub fn is_locked(&self) -> bool {
        self.semaphore.is_locked()
    }
}

/// A permit of a [`BoundedSemaphore`] that is given back when this is dropped.
#[derive(Debug)]
#[must_use = "the permit is given back when this is dropped"]
pub struct BoundedSemaphorePermit<'a> {
    semaphore: &'a BoundedSemaphore,
}

impl BoundedSemaphorePermit<'_> {
    /// Keeps the permit from being given back; see [`BoundedSemaphore::release`].
    pub fn forget(self) {
        std::mem::forget(self);
    }
}

impl Drop for BoundedSemaphorePermit<'_> {
    fn drop(&mut self) {
        // Somebody may have released it past this; that is no reason to panic in a destructor.
        let _ = self.semaphore.release();
    }
}
