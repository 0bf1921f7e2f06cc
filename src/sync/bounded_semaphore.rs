use std::future::Future;

use super::lock::ReleaseError;
use super::semaphore::Semaphore;

/// A semaphore that refuses to get back more permits than it had; asyncio's `BoundedSemaphore`.
/// Otherwise it is a [`Semaphore`] that is never closed. It works on any executor.
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
    /// Creates a semaphore with this many permits, and never more.
    ///
    /// # Panics
    ///
    /// Panics if there are more than [`Semaphore::MAX_PERMITS`].
    #[track_caller]
    pub fn new(permits: usize) -> Self {
        Self { semaphore: Semaphore::new(permits), bound: permits }
    }

    /// Acquires one permit, waiting for it if necessary; see [`Semaphore::acquire`].
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, it loses its place in the queue. No permit is lost.
    #[track_caller]
    pub fn acquire(&self) -> impl Future<Output = BoundedSemaphorePermit<'_>> {
        let acquire = self.semaphore.acquire();
        async move {
            acquire.await.expect("dacapo bug: a bounded semaphore is closed").forget();
            BoundedSemaphorePermit { semaphore: self }
        }
    }

    /// Acquires one permit if one is available and nothing waits.
    pub fn try_acquire(&self) -> Option<BoundedSemaphorePermit<'_>> {
        self.semaphore.try_acquire().ok()?.forget();
        Some(BoundedSemaphorePermit { semaphore: self })
    }

    /// Gives back one permit that was [forgotten](BoundedSemaphorePermit::forget).
    ///
    /// # Errors
    ///
    /// Returns an error if all permits are available already.
    pub fn release(&self) -> Result<(), ReleaseError> {
        let added = self.semaphore.add_permit_below(self.bound);
        added.then_some(()).ok_or(ReleaseError("all permits of the semaphore are free"))
    }

    /// Returns the number of permits that are available now.
    pub fn available_permits(&self) -> usize {
        self.semaphore.available_permits()
    }

    /// Returns whether [`acquire`](BoundedSemaphore::acquire) would wait; see
    /// [`Semaphore::is_locked`].
    pub fn is_locked(&self) -> bool {
        self.semaphore.is_locked()
    }
}

/// Permit of a [`BoundedSemaphore`], given back when this is dropped.
#[derive(Debug)]
#[must_use = "the permit is given back when this is dropped"]
pub struct BoundedSemaphorePermit<'a> {
    semaphore: &'a BoundedSemaphore,
}

impl BoundedSemaphorePermit<'_> {
    /// Drops this without giving the permit back; see [`BoundedSemaphore::release`].
    pub fn forget(self) {
        std::mem::forget(self);
    }
}

impl Drop for BoundedSemaphorePermit<'_> {
    fn drop(&mut self) {
        // It may have been released without this, which is no reason to panic in a destructor.
        let _ = self.semaphore.release();
    }
}
