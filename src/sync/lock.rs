use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::sync::Mutex;
use std::task::{Context, Poll};

use super::faults;
use super::line::{Caller, Line, Standing, Waiter, Wakes};
use super::resource::{Accounted, Held, Resource};
use crate::session::{Holding, Place};
use crate::trace::Wait;

/// A lock that one task at a time can hold.
///
/// Fair: it goes to waiters in the order in which they began to wait, and nobody overtakes. When it
/// is released it counts as free until the first of them runs and takes it, but all others have to
/// queue behind. It protects no value, is not reentrant, and belongs to no task in particular: any
/// may release it. Works on any executor.
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
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    taken: bool,
    line: Line,
    resource: Resource,
}

impl Accounted for State {
    const KIND: &'static str = "lock";

    fn resource(&mut self) -> &mut Resource {
        &mut self.resource
    }

    fn account(&self) -> (Holding, usize) {
        (Holding::Lock { taken: self.taken }, self.line.len())
    }
}

impl State {
    /// Takes it if it is free and nobody waits.
    fn try_take(&mut self) -> bool {
        let free = self.is_free() || self.barge();
        self.taken |= free;
        free
    }

    fn is_free(&self) -> bool {
        !self.taken && !self.line.is_occupied()
    }

    /// Whether a newcomer takes it before the one that it was handed to, who has not come for it yet and
    /// then waits on.
    fn barge(&mut self) -> bool {
        if self.taken {
            return false;
        }
        let first = self.line.first_mut();
        let Some(first) = first.filter(|first| first.standing == Standing::Woken) else {
            return false;
        };
        let barges = faults::barges(first.task(), true);
        if barges {
            first.standing = Standing::Waiting;
        }
        barges
    }

    /// Lets the first in line have it. One who has given up is left alone: he hands it on himself,
    /// at his next turn.
    fn hand_over(&mut self) -> Wakes {
        let first = self.line.first_mut().filter(|first| !first.has_given_up());
        first.and_then(Waiter::give_turn).into()
    }
}

impl Lock {
    /// A lock that is free.
    pub fn new() -> Self {
        Self::default()
    }

    fn state(&self) -> Held<'_, State> {
        Held::new(&self.state)
    }

    /// Takes the lock until the guard is dropped, waiting for it if need be.
    ///
    /// If it is free, and nobody waits, no turn is given away.
    ///
    /// # Cancel safety
    ///
    /// If it is dropped, its place in the line is lost, and the lock goes to the next one.
    #[track_caller]
    pub fn lock(&self) -> impl Future<Output = LockGuard<'_>> {
        self.lock_at(Location::caller())
    }

    pub(super) async fn lock_at(&self, place: Place) -> LockGuard<'_> {
        self.acquire_at(place).await;
        LockGuard { lock: self, held: true }
    }

    /// Takes the lock if it is free and nobody waits.
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

    /// As [`lock`](Lock::lock), without a guard: it is to be [released](Lock::release).
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
    /// As [`lock`](Lock::lock).
    #[track_caller]
    pub fn acquire(&self) -> impl Future<Output = ()> {
        self.acquire_at(Location::caller())
    }

    pub(super) fn acquire_at(&self, place: Place) -> impl Future<Output = ()> {
        Acquire { lock: self, key: None, asked: false, place }
    }

    /// Frees the lock, whoever has taken it, and wakes the first who waits for it.
    ///
    /// # Errors
    ///
    /// If it is not taken.
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

    /// Whether it is taken.
    ///
    /// It is not between the release and the turn of the waiter who was woken by it.
    pub fn is_locked(&self) -> bool {
        self.state().taken
    }
}

/// The future of [`Lock::acquire`], less its name.
struct Acquire<'a> {
    lock: &'a Lock,
    key: Option<u64>,
    place: Place,
    /// Whether it was asked to give a turn away.
    asked: bool,
}

impl Future for Acquire<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let caller = Caller::new(cx);
        // Declared before the lock is held, and so dropped after.
        let (_left, _previous);
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
            None => self.key = Some(state.line.push(caller, ())),
            Some(key) => {
                let first = state.line.is_first(key);
                let free = !state.taken;
                let waiter = state.line.get_mut(key).expect("dacapo bug: a waiter has left");
                // The first one who finds it free and was not woken had been about to give up.
                if waiter.standing == Standing::Woken || (first && free) {
                    _left = state.line.remove(key);
                    state.taken = true;
                    drop(state);
                    self.key = None;
                    return Poll::Ready(());
                }
                _previous = waiter.renew(caller);
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
        let left = state.line.remove(key);
        let woken = if state.taken { Wakes::default() } else { state.hand_over() };
        drop(state);
        drop(left);
        woken.wake_all();
    }
}

/// Holds a [`Lock`], and releases it when this is dropped.
#[derive(Debug)]
#[must_use = "the lock is released when this is dropped"]
pub struct LockGuard<'a> {
    lock: &'a Lock,
    held: bool,
}

impl LockGuard<'_> {
    /// Whether it holds the lock.
    ///
    /// It does, always, unless a [`Condition::wait`](super::Condition::wait) with this guard was
    /// dropped before it had the lock back.
    pub fn is_held(&self) -> bool {
        self.held
    }

    pub(super) fn is_of(&self, lock: &Lock) -> bool {
        std::ptr::eq(self.lock, lock)
    }

    /// Says that the lock was taken again for this guard.
    pub(super) fn set_held(&mut self) {
        self.held = true;
    }

    pub(super) fn let_go(&mut self) {
        if std::mem::take(&mut self.held) {
            // Somebody may have released it past the guard; that is no reason to panic in a
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

/// What was to be released is not held by anybody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReleaseError(pub(super) &'static str);

impl fmt::Display for ReleaseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for ReleaseError {}
