use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use super::faults;
use super::resource::{Locked, PrimitiveState, Resource};
use super::wait_queue::{Progress, WaitQueue, WaiterKey, WakeTarget, Wakes};
use crate::question::Question;
use crate::session::{Holding, Place};
use crate::trace::Wait;

/// A counting semaphore: a number of permits, each held by at most one task at a time.
/// It has the names and the behaviour of tokio's. It is fair: permits go to waiters in the order in which
/// they began to wait. No task overtakes another, even if it wants fewer permits than the waiter before
/// it, and even if permits are left over while a waiter has been granted its permits but has not been
/// polled yet. It works on any executor.
///
/// ```
/// use std::rc::Rc;
/// use std::time::Duration;
/// use dacapo::sync::Semaphore;
/// use dacapo::time::sleep;
///
/// let run = dacapo::run(async || {
///     let two_at_once = Rc::new(Semaphore::new(2));
///     let jobs = [(); 4].map(|()| {
///         let two_at_once = Rc::clone(&two_at_once);
///         async move {
///             let _permit = two_at_once.acquire().await.unwrap();
///             sleep(Duration::from_secs(1)).await;
///         }
///     });
///     dacapo::gather(jobs).await;
/// });
/// assert_eq!(run.elapsed(), Duration::from_secs(2));
/// ```
#[derive(Debug)]
pub struct Semaphore {
    state: Mutex<SemaphoreState>,
}

#[derive(Debug, Default)]
struct SemaphoreState {
    permits: usize,
    closed: bool,
    /// With the number of permits that each wants. A waiter that was granted its permits owns them.
    waiters: WaitQueue<usize>,
    resource: Resource,
}

impl PrimitiveState for SemaphoreState {
    const KIND: &'static str = "semaphore";

    fn resource(&mut self) -> &mut Resource {
        &mut self.resource
    }

    fn holding(&self) -> (Holding, usize) {
        (Holding::Permits(self.permits), self.waiters.len())
    }
}

impl SemaphoreState {
    fn try_take(&mut self, wanted: usize) -> Result<(), TryAcquireError> {
        if self.closed {
            return Err(TryAcquireError::Closed);
        }
        if !self.is_free(wanted) && !self.barge(wanted) {
            return Err(TryAcquireError::NoPermits);
        }
        self.permits -= wanted;
        Ok(())
    }

    fn is_free(&mut self, wanted: usize) -> bool {
        !self.closed && self.permits >= wanted && !self.waiters.is_occupied()
    }

    /// Whether a newcomer overtakes a waiter that was granted its permits and has not been polled
    /// since. If the newcomer needs these permits, the waiter loses them and waits on.
    fn barge(&mut self, wanted: usize) -> bool {
        if !faults::is_possible(Question::Barge) {
            return false;
        }
        let permits = self.permits;
        // The last waiter that has enough, so that the waiters keep their order.
        let overtaken = self.waiters.granted().find_map(|key| {
            let granted = *self.waiters.wanted(key)?;
            (permits.saturating_add(granted) >= wanted).then_some((key, granted))
        });
        let Some((key, granted)) = overtaken else { return false };
        let barges = faults::barges(self.waiters.task(key), false);
        if barges && permits < wanted {
            self.waiters.revoke(key);
            self.permits += granted;
        }
        barges
    }

    /// Grants the first waiter that has not given up its permits, if there are enough.
    fn serve_next(&mut self) -> Option<WakeTarget> {
        while let Some(key) = self.waiters.first_waiting() {
            let wanted = *self.waiters.wanted(key)?;
            if self.permits == 0 && wanted > 0 {
                return None;
            }
            if self.waiters.has_given_up(key) {
                self.waiters.skip(key);
                continue;
            }
            self.permits = self.permits.checked_sub(wanted)?;
            return self.waiters.grant(key);
        }
        None
    }

    /// Serves waiters as long as there are permits, but no more than `most`.
    #[inline]
    fn serve(&mut self, most: usize, woken: &mut Wakes) {
        while woken.len() < most {
            let Some(target) = self.serve_next() else { break };
            woken.push(target);
        }
    }

    /// Adds permits and serves at most as many waiters. Returns `false` if there would be too many.
    #[inline]
    fn add(&mut self, permits: usize, woken: &mut Wakes) -> bool {
        let sum = self.permits.checked_add(permits);
        let Some(sum) = sum.filter(|&sum| sum <= Semaphore::MAX_PERMITS) else { return false };
        self.permits = sum;
        self.serve(permits, woken);
        true
    }
}

impl Semaphore {
    /// The largest number of permits that a semaphore can have.
    pub const MAX_PERMITS: usize = usize::MAX >> 3;

    /// Creates a semaphore with this many permits.
    ///
    /// # Panics
    ///
    /// Panics if there are more than [`MAX_PERMITS`](Semaphore::MAX_PERMITS).
    #[track_caller]
    pub fn new(permits: usize) -> Self {
        assert!(
            permits <= Self::MAX_PERMITS,
            "a semaphore may not have more than MAX_PERMITS permits ({})",
            Self::MAX_PERMITS
        );
        Self { state: Mutex::new(SemaphoreState { permits, ..SemaphoreState::default() }) }
    }

    fn state(&self) -> Locked<'_, SemaphoreState> {
        Locked::new(&self.state)
    }

    /// Returns the number of permits that are available now.
    pub fn available_permits(&self) -> usize {
        self.state().permits
    }

    /// Adds permits. They need not have been acquired before.
    ///
    /// # Panics
    ///
    /// Panics if more than [`MAX_PERMITS`](Semaphore::MAX_PERMITS) would be available.
    #[track_caller]
    pub fn add_permits(&self, permits: usize) {
        let mut woken = Wakes::default();
        let added = self.state().add(permits, &mut woken);
        assert!(
            added,
            "a semaphore may not have more than MAX_PERMITS permits ({})",
            Self::MAX_PERMITS
        );
        woken.wake_all();
    }

    /// Adds one permit if fewer than `bound` are available; returns whether it did.
    pub(super) fn add_permit_below(&self, bound: usize) -> bool {
        let mut state = self.state();
        let mut woken = Wakes::default();
        let added = state.permits < bound && state.add(1, &mut woken);
        drop(state);
        woken.wake_all();
        added
    }

    /// Removes up to `permits` available permits permanently. Returns how many it removed.
    ///
    /// ```
    /// use dacapo::sync::Semaphore;
    ///
    /// let semaphore = Semaphore::new(3);
    /// assert_eq!(semaphore.forget_permits(5), 3);
    /// assert_eq!(semaphore.available_permits(), 0);
    /// ```
    pub fn forget_permits(&self, permits: usize) -> usize {
        let mut state = self.state();
        let forgotten = state.permits.min(permits);
        state.permits -= forgotten;
        forgotten
    }

    /// Returns whether [`acquire`](Semaphore::acquire) would wait: no permit is available, or there
    /// are waiters.
    ///
    /// It is `true` as long as anything waits, even if a waiter has been granted a permit but has not
    /// been polled yet.
    pub fn is_locked(&self) -> bool {
        let mut state = self.state();
        state.permits == 0 || state.waiters.is_occupied()
    }

    /// Acquires one permit, waiting for it if necessary.
    ///
    /// It completes at once, without giving other tasks a turn, if a permit is available and nothing
    /// waits.
    ///
    /// # Errors
    ///
    /// Returns an error if the semaphore is [closed](Semaphore::close), or is closed during the wait.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, it loses its place in the queue. No permit is lost.
    #[track_caller]
    pub fn acquire(&self) -> Acquire<'_> {
        self.acquire_many(1)
    }

    /// Acquires `permits` permits together, waiting for all of them if necessary.
    ///
    /// # Errors
    ///
    /// Returns an error if the semaphore is [closed](Semaphore::close), or is closed during the wait.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, it loses its place in the queue. No permit is lost.
    #[track_caller]
    pub fn acquire_many(&self, permits: u32) -> Acquire<'_> {
        self.acquire_at(permits, Location::caller())
    }

    fn acquire_at(&self, permits: u32, place: Place) -> Acquire<'_> {
        Acquire { semaphore: self, permits, state: AcquireState::Start, asked: false, place }
    }

    /// Like [`acquire`](Semaphore::acquire), with a permit that shares the semaphore instead of
    /// borrowing it.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use dacapo::sync::Semaphore;
    ///
    /// let run = dacapo::run(async || {
    ///     let semaphore = Arc::new(Semaphore::new(1));
    ///     let permit = Arc::clone(&semaphore).acquire_owned().await.unwrap();
    ///     let task = dacapo::spawn(async move { drop(permit) });
    ///     task.await.unwrap();
    ///     semaphore.available_permits()
    /// });
    /// assert_eq!(run.unwrap(), 1);
    /// ```
    ///
    /// # Errors
    ///
    /// Returns an error if the semaphore is [closed](Semaphore::close), or is closed during the wait.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, it loses its place in the queue. No permit is lost.
    #[track_caller]
    pub fn acquire_owned(
        self: Arc<Self>,
    ) -> impl Future<Output = Result<OwnedSemaphorePermit, AcquireError>> {
        self.acquire_many_owned(1)
    }

    /// Like [`acquire_many`](Semaphore::acquire_many), with a permit that shares the semaphore instead
    /// of borrowing it.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use dacapo::sync::Semaphore;
    ///
    /// let run = dacapo::run(async || {
    ///     let semaphore = Arc::new(Semaphore::new(3));
    ///     let permits = Arc::clone(&semaphore).acquire_many_owned(2).await.unwrap();
    ///     let task = dacapo::spawn(async move { permits.forget() });
    ///     task.await.unwrap();
    ///     semaphore.available_permits()
    /// });
    /// assert_eq!(run.unwrap(), 1);
    /// ```
    ///
    /// # Errors
    ///
    /// Returns an error if the semaphore is [closed](Semaphore::close), or is closed during the wait.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, it loses its place in the queue. No permit is lost.
    #[track_caller]
    pub fn acquire_many_owned(
        self: Arc<Self>,
        permits: u32,
    ) -> impl Future<Output = Result<OwnedSemaphorePermit, AcquireError>> {
        let place = Location::caller();
        async move {
            self.acquire_at(permits, place).await?.forget();
            Ok(OwnedSemaphorePermit { semaphore: self, permits })
        }
    }

    /// Acquires one permit if one is available and nothing waits.
    ///
    /// # Errors
    ///
    /// Returns an error if no permit is available, if there are waiters, or if the semaphore is
    /// closed.
    pub fn try_acquire(&self) -> Result<SemaphorePermit<'_>, TryAcquireError> {
        self.try_acquire_many(1)
    }

    /// Acquires `permits` permits if they are available and nothing waits.
    ///
    /// # Errors
    ///
    /// Returns an error if fewer permits are available, if there are waiters, or if the semaphore is
    /// closed.
    pub fn try_acquire_many(&self, permits: u32) -> Result<SemaphorePermit<'_>, TryAcquireError> {
        let taken = self.state().try_take(permits as usize);
        taken.map(|()| SemaphorePermit { semaphore: self, permits })
    }

    /// Like [`try_acquire`](Semaphore::try_acquire), with a permit that shares the semaphore instead of
    /// borrowing it.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use dacapo::sync::{Semaphore, TryAcquireError};
    ///
    /// let semaphore = Arc::new(Semaphore::new(1));
    /// let permit = Arc::clone(&semaphore).try_acquire_owned().unwrap();
    /// let error = Arc::clone(&semaphore).try_acquire_owned().unwrap_err();
    /// assert_eq!(error, TryAcquireError::NoPermits);
    /// drop(permit);
    /// assert_eq!(semaphore.available_permits(), 1);
    /// ```
    ///
    /// # Errors
    ///
    /// Returns an error if no permit is available, if there are waiters, or if the semaphore is
    /// closed.
    pub fn try_acquire_owned(self: Arc<Self>) -> Result<OwnedSemaphorePermit, TryAcquireError> {
        self.try_acquire_many_owned(1)
    }

    /// Like [`try_acquire_many`](Semaphore::try_acquire_many), with a permit that shares the semaphore
    /// instead of borrowing it.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use dacapo::sync::Semaphore;
    ///
    /// let semaphore = Arc::new(Semaphore::new(3));
    /// let permits = Arc::clone(&semaphore).try_acquire_many_owned(2).unwrap();
    /// assert!(Arc::clone(&semaphore).try_acquire_many_owned(2).is_err());
    /// drop(permits);
    /// assert_eq!(semaphore.available_permits(), 3);
    /// ```
    ///
    /// # Errors
    ///
    /// Returns an error if fewer permits are available, if there are waiters, or if the semaphore is
    /// closed.
    pub fn try_acquire_many_owned(
        self: Arc<Self>,
        permits: u32,
    ) -> Result<OwnedSemaphorePermit, TryAcquireError> {
        let taken = self.state().try_take(permits as usize);
        taken.map(|()| OwnedSemaphorePermit { semaphore: self, permits })
    }

    /// Closes the semaphore: all waiters, and all later attempts to acquire, get an error.
    ///
    /// Permits that are held remain valid.
    pub fn close(&self) {
        let mut state = self.state();
        state.closed = true;
        let refused = state.waiters.take_waiting();
        drop(state);
        refused.wake_all();
    }

    /// Returns whether the semaphore was [closed](Semaphore::close).
    pub fn is_closed(&self) -> bool {
        self.state().closed
    }
}

/// Future returned by [`Semaphore::acquire`] and [`Semaphore::acquire_many`].
#[derive(Debug)]
#[must_use = "futures do nothing unless they are awaited"]
pub struct Acquire<'a> {
    semaphore: &'a Semaphore,
    permits: u32,
    state: AcquireState,
    place: Place,
    /// Whether the scheduler was asked for a turn before it completes.
    asked: bool,
}

#[derive(Debug, Clone, Copy)]
enum AcquireState {
    Start,
    /// In the queue, unless the semaphore was closed.
    Waiting(WaiterKey),
    Done,
}

impl Acquire<'_> {
    fn poll_acquire(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), AcquireError>> {
        let (permits, wanted) = (self.permits, self.permits as usize);
        // Declared before the lock is taken, so that they are dropped after it is released.
        let mut target = WakeTarget::new(cx);
        let _removed;
        let semaphore = self.semaphore;
        let mut state = semaphore.state();
        match self.state {
            AcquireState::Start if state.is_free(wanted) && faults::gives_way(&mut self.asked) => {
                drop(state);
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            AcquireState::Start => match state.try_take(wanted) {
                Ok(()) => return Poll::Ready(Ok(())),
                Err(TryAcquireError::Closed) => return Poll::Ready(Err(AcquireError(()))),
                Err(TryAcquireError::NoPermits) => {
                    self.state = AcquireState::Waiting(state.waiters.push(target, wanted));
                }
            },
            AcquireState::Waiting(key) => match state.waiters.progress(key) {
                None => return Poll::Ready(Err(AcquireError(()))),
                Some(Progress::Granted) => {
                    _removed = state.waiters.remove(key);
                    // Others may have begun to wait although permits were left.
                    serve_all(state);
                    return Poll::Ready(Ok(()));
                }
                Some(progress) => {
                    state.waiters.wait_again(key, &mut target);
                    if progress != Progress::Waiting {
                        serve_all(state);
                        state = semaphore.state();
                    }
                }
            },
            AcquireState::Done => {
                drop(state);
                panic!("dacapo: `acquire` was polled after completion");
            }
        }
        state.resource.note_wait(|number| Wait::Semaphore { number, permits }, self.place);
        Poll::Pending
    }
}

impl<'a> Future for Acquire<'a> {
    type Output = Result<SemaphorePermit<'a>, AcquireError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Poll::Ready(result) = self.poll_acquire(cx) else { return Poll::Pending };
        self.state = AcquireState::Done;
        let (semaphore, permits) = (self.semaphore, self.permits);
        Poll::Ready(result.map(|()| SemaphorePermit { semaphore, permits }))
    }
}

impl Drop for Acquire<'_> {
    fn drop(&mut self) {
        let AcquireState::Waiting(key) = self.state else { return };
        let mut state = self.semaphore.state();
        let removed = state.waiters.remove(key);
        if removed.as_ref().is_some_and(|removed| removed.was_granted()) {
            state.permits += self.permits as usize;
        }
        // The waiters behind it may get its permits, or may want fewer than it did.
        serve_all(state);
        drop(removed);
    }
}

/// Serves as many waiters as there are permits for, unlocks, and wakes them.
fn serve_all(mut state: Locked<'_, SemaphoreState>) {
    let mut woken = Wakes::default();
    state.serve(usize::MAX, &mut woken);
    drop(state);
    woken.wake_all();
}

macro_rules! permit {
    ([$($lifetime:lifetime)?] $permit:ty, $semaphore:ty) => {
        impl $(<$lifetime>)? $permit {
            /// Returns how many permits this stands for.
            pub fn num_permits(&self) -> usize {
                self.permits as usize
            }

            /// Drops this without giving its permits back.
            pub fn forget(mut self) {
                self.permits = 0;
            }

            /// Adds the permits of another one to this.
            ///
            /// # Panics
            ///
            /// Panics if the two are of different semaphores.
            #[track_caller]
            pub fn merge(&mut self, mut other: Self) {
                let (this, that): (&Semaphore, &Semaphore) = (&self.semaphore, &other.semaphore);
                assert!(
                    std::ptr::eq(this, that),
                    "dacapo: permits of different semaphores cannot be merged"
                );
                self.permits += std::mem::take(&mut other.permits);
            }

            /// Splits `permits` permits off; returns `None` if this stands for fewer.
            #[must_use = "the permits are given back when this is dropped"]
            pub fn split(&mut self, permits: usize) -> Option<Self> {
                let permits = u32::try_from(permits).ok()?;
                self.permits = self.permits.checked_sub(permits)?;
                Some(Self { semaphore: <$semaphore>::clone(&self.semaphore), permits })
            }
        }

        impl $(<$lifetime>)? Drop for $permit {
            fn drop(&mut self) {
                self.semaphore.add_permits(self.permits as usize);
            }
        }
    };
}

/// Permits of a [`Semaphore`], given back when this is dropped.
#[derive(Debug)]
#[must_use = "the permits are given back when this is dropped"]
pub struct SemaphorePermit<'a> {
    semaphore: &'a Semaphore,
    permits: u32,
}

permit!(['a] SemaphorePermit<'a>, &'a Semaphore);

/// Permits of a shared [`Semaphore`], given back when this is dropped.
#[derive(Debug)]
#[must_use = "the permits are given back when this is dropped"]
pub struct OwnedSemaphorePermit {
    semaphore: Arc<Semaphore>,
    permits: u32,
}

permit!([] OwnedSemaphorePermit, Arc<Semaphore>);

impl OwnedSemaphorePermit {
    /// Returns the semaphore that the permits belong to.
    pub fn semaphore(&self) -> &Arc<Semaphore> {
        &self.semaphore
    }
}

/// Error returned by [`Semaphore::acquire`] and its siblings: the semaphore is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AcquireError(());

impl fmt::Display for AcquireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("semaphore closed")
    }
}

impl std::error::Error for AcquireError {}

/// Error returned by [`Semaphore::try_acquire`] and its siblings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TryAcquireError {
    /// The semaphore is closed.
    Closed,
    /// Not enough permits are available, or there are waiters.
    NoPermits,
}

impl fmt::Display for TryAcquireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Closed => "semaphore closed",
            Self::NoPermits => "no permits available",
        })
    }
}

impl std::error::Error for TryAcquireError {}
