use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::sync::Mutex;
use std::task::{Context, Poll};

use super::faults;
use super::resource::{Locked, PrimitiveState, Resource};
use super::wait_queue::{Progress, WaitQueue, WaiterKey, WakeTarget, Wakes};
use crate::session::{Holding, Place};
use crate::trace::Wait;

/// A mutual exclusion lock that protects no value; asyncio's `Lock`.
/// It is fair: it goes to waiters in the order in which they began to wait, and no task overtakes
/// another. After a release it counts as free until the first waiter runs and takes it, but newcomers
/// have to queue. It is not reentrant and belongs to no task, so any task may release it. It works on any
/// executor.
///
/// ```
/// use std::rc::Rc;
/// use std::time::Duration;
/// use dacapo::sync::Lock;
/// use dacapo::time::sleep;
///
/// let run = dacapo::run(async || {
///     let lock = Rc::new(Lock::new());
///     let jobs = [(); 3].map(|()| {
///         let lock = Rc::clone(&lock);
///         async move {
///             let _guard = lock.lock().await;
///             sleep(Duration::from_secs(1)).await;
///         }
///     });
///     dacapo::gather(jobs).await;
/// });
/// assert_eq!(run.elapsed(), Duration::from_secs(3));
/// ```
#[derive(Debug, Default)]
pub struct Lock {
    state: Mutex<LockState>,
}

#[derive(Debug, Default)]
struct LockState {
    taken: bool,
    waiters: WaitQueue,
    resource: Resource,
}

impl PrimitiveState for LockState {
    const KIND: &'static str = "lock";

    fn resource(&mut self) -> &mut Resource {
        &mut self.resource
    }

    fn holding(&self) -> (Holding, usize) {
        (Holding::Lock { taken: self.taken }, self.waiters.len())
    }
}

impl LockState {
    /// Takes the lock if it is free and nothing waits.
    fn try_take(&mut self) -> bool {
        let free = self.is_free() || self.barge();
        self.taken |= free;
        free
    }

    fn is_free(&mut self) -> bool {
        !self.taken && !self.waiters.is_occupied()
    }

    /// The first waiter, if the lock was handed to it and it has not been polled since.
    fn designated(&self) -> Option<WaiterKey> {
        let first = self.waiters.first()?;
        (self.waiters.progress(first) == Some(Progress::Granted)).then_some(first)
    }

    /// Whether a newcomer overtakes the waiter that the lock was handed to, which then waits on.
    fn barge(&mut self) -> bool {
        if self.taken {
            return false;
        }
        let Some(first) = self.designated() else { return false };
        let barges = faults::barges(self.waiters.task(first), true);
        if barges {
            self.waiters.revoke(first);
        }
        barges
    }

    /// Hands the lock to the first waiter. A waiter that has given up is left alone: it hands the lock on
    /// when it is next polled.
    fn hand_over(&mut self) -> Wakes {
        let first = self.waiters.first().filter(|_| self.designated().is_none());
        let first = first.filter(|&first| !self.waiters.has_given_up(first));
        first.and_then(|first| self.waiters.grant(first)).into()
    }
}

impl Lock {
    /// Creates a lock that is free.
    pub fn new() -> Self {
        Self::default()
    }

    fn state(&self) -> Locked<'_, LockState> {
        Locked::new(&self.state)
    }

    /// Takes the lock until the guard is dropped, waiting for it if necessary.
    ///
    /// It completes at once, without giving other tasks a turn, if the lock is free and nothing waits.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, it loses its place in the queue, and the next waiter gets the lock.
    #[track_caller]
    pub fn lock(&self) -> impl Future<Output = LockGuard<'_>> {
        self.lock_at(Location::caller())
    }

    pub(super) async fn lock_at(&self, place: Place) -> LockGuard<'_> {
        self.acquire_at(place).await;
        LockGuard { lock: self, held: true }
    }

    /// Takes the lock if it is free and nothing waits.
    ///
    /// ```
    /// use dacapo::sync::Lock;
    ///
    /// let lock = Lock::new();
    /// let guard = lock.try_lock();
    /// assert!(guard.is_some() && lock.is_locked());
    /// assert!(lock.try_lock().is_none());
    /// ```
    pub fn try_lock(&self) -> Option<LockGuard<'_>> {
        self.state().try_take().then(|| LockGuard { lock: self, held: true })
    }

    /// Takes the lock without a guard: you [release](Lock::release) it yourself.
    /// Otherwise as [`lock`](Lock::lock).
    ///
    /// ```
    /// use dacapo::sync::Lock;
    ///
    /// let run = dacapo::run(async || {
    ///     let lock = Lock::new();
    ///     lock.acquire().await;
    ///     lock.release().unwrap();
    ///     assert!(lock.release().is_err());
    /// });
    /// run.unwrap();
    /// ```
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, it loses its place in the queue, and the next waiter gets the lock.
    #[track_caller]
    pub fn acquire(&self) -> impl Future<Output = ()> {
        self.acquire_at(Location::caller())
    }

    pub(super) fn acquire_at(&self, place: Place) -> impl Future<Output = ()> {
        Acquire { lock: self, key: None, asked: false, place }
    }

    /// Releases the lock, whichever task took it, and wakes the first waiter.
    ///
    /// # Errors
    ///
    /// Returns an error if the lock is not taken.
    pub fn release(&self) -> Result<(), ReleaseError> {
        let mut state = self.state();
        if !state.taken {
            return Err(ReleaseError("the lock is not taken"));
        }
        state.taken = false;
        let woken = state.hand_over();
        drop(state);
        woken.wake_all();
        Ok(())
    }

    /// Returns whether the lock is taken.
    ///
    /// It is not between a release and the turn of the waiter that the release woke.
    pub fn is_locked(&self) -> bool {
        self.state().taken
    }
}

/// Future returned by [`Lock::acquire`].
struct Acquire<'a> {
    lock: &'a Lock,
    key: Option<WaiterKey>,
    place: Place,
    /// Whether the scheduler was asked for a turn before it completes.
    asked: bool,
}

impl Future for Acquire<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        // Declared before the lock is taken, so that they are dropped after it is released.
        let mut target = WakeTarget::new(cx);
        let _removed;
        let lock = self.lock;
        let mut state = lock.state();
        let key = self.key;
        match key {
            None if state.is_free() && faults::gives_way(&mut self.asked) => {
                drop(state);
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            None if state.try_take() => return Poll::Ready(()),
            None => self.key = Some(state.waiters.push(target, ())),
            Some(key) => {
                let granted = state.waiters.progress(key) == Some(Progress::Granted);
                // A first waiter that finds the lock free was about to give up when it was released.
                let left_to_it = !state.taken && state.waiters.first() == Some(key);
                if granted || left_to_it {
                    _removed = state.waiters.remove(key);
                    state.taken = true;
                    drop(state);
                    self.key = None;
                    return Poll::Ready(());
                }
                state.waiters.wait_again(key, &mut target);
            }
        }
        state.resource.note_wait(Wait::Lock, self.place);
        Poll::Pending
    }
}

impl Drop for Acquire<'_> {
    fn drop(&mut self) {
        let Some(key) = self.key else { return };
        let mut state = self.lock.state();
        let removed = state.waiters.remove(key);
        let woken = if state.taken { Wakes::default() } else { state.hand_over() };
        drop(state);
        drop(removed);
        woken.wake_all();
    }
}

/// Guard that releases a [`Lock`] when it is dropped.
#[derive(Debug)]
#[must_use = "the lock is released when this is dropped"]
pub struct LockGuard<'a> {
    lock: &'a Lock,
    held: bool,
}

impl LockGuard<'_> {
    /// Returns whether the guard holds the lock.
    ///
    /// It always does, unless a [`Condition::wait`](super::Condition::wait) with this guard was dropped
    /// before it had the lock back.
    pub fn is_held(&self) -> bool {
        self.held
    }

    pub(super) fn is_of(&self, lock: &Lock) -> bool {
        std::ptr::eq(self.lock, lock)
    }

    /// Notes that the lock was taken again for this guard.
    pub(super) fn set_held(&mut self) {
        self.held = true;
    }

    pub(super) fn let_go(&mut self) {
        if std::mem::take(&mut self.held) {
            // It may have been released without the guard, which is no reason to panic in a
            // destructor.
            let _ = self.lock.release();
        }
    }
}

impl Drop for LockGuard<'_> {
    fn drop(&mut self) {
        self.let_go();
    }
}

/// The error of releasing something that is not held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReleaseError(pub(super) &'static str);

impl fmt::Display for ReleaseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for ReleaseError {}
