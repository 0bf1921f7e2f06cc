use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use super::faults;
use super::lock::{Lock, LockGuard, ReleaseError};
use super::resource::{Locked, PrimitiveState, Resource};
use super::wait_queue::{Progress, WaitQueue, WaiterKey, WakeTarget, Wakes};
use crate::cancel::{Cancelled, catch};
use crate::question::Question;
use crate::session::{Holding, Place};
use crate::trace::Wait;

/// A condition variable; asyncio's `Condition`.
///
/// Waiting releases the lock. After the notification, the task queues for the lock as any other task does.
/// A notification goes to the tasks that are waiting at that moment, in the order in which they started
/// to wait. It is not stored for later. Several conditions may share a lock. It works on any executor.
///
/// A task that is [cancelled](crate::cancel) while it waits takes the lock back first, so that its
/// clean-up may use what the lock protects.
///
/// ```
/// use std::cell::Cell;
/// use std::rc::Rc;
/// use dacapo::sync::Condition;
///
/// let run = dacapo::run(async || {
///     let shared = Rc::new((Condition::new(), Cell::new(0)));
///     let task = dacapo::spawn({
///         let shared = shared.clone();
///         async move {
///             let (condition, stock) = &*shared;
///             let mut guard = condition.lock().await;
///             condition.wait_for(&mut guard, || stock.get() > 0).await;
///             stock.set(stock.get() - 1);
///         }
///     });
///     let (condition, stock) = &*shared;
///     let guard = condition.lock().await;
///     stock.set(1);
///     condition.notify(1).unwrap();
///     drop(guard);
///     task.await.unwrap();
///     assert_eq!(stock.get(), 0);
/// });
/// run.unwrap();
/// ```
#[derive(Debug)]
pub struct Condition {
    lock: Arc<Lock>,
    state: Mutex<ConditionState>,
    /// What traces say of tasks that wait.
    wait: fn(u32) -> Wait,
}

#[derive(Debug, Default)]
struct ConditionState {
    waiters: WaitQueue,
    resource: Resource,
}

impl PrimitiveState for ConditionState {
    const KIND: &'static str = "condition";

    fn resource(&mut self) -> &mut Resource {
        &mut self.resource
    }

    fn holding(&self) -> (Holding, usize) {
        (Holding::Waiters, self.waiters.len())
    }
}

impl ConditionState {
    /// Notifies the first `n` waiters that have not been notified.
    fn notify(&mut self, n: usize) -> Wakes {
        let wakes_all = faults::is_possible(Question::WakeAll)
            && self.waiters.has_more_than(n)
            && faults::wakes_all();
        let n = if wakes_all { usize::MAX } else { n };
        let mut woken = Wakes::default();
        while woken.len() < n
            && let Some(key) = self.waiters.next_waiting()
        {
            self.waiters.grant(key).into_iter().for_each(|target| woken.push(target));
        }
        // What is left over goes to waiters that were about to give up, in case they stay after all.
        let mut left = n - woken.len();
        while left > 0 && self.waiters.excuse_skipped() {
            left -= 1;
        }
        woken
    }
}

impl Default for Condition {
    fn default() -> Self {
        Self::new()
    }
}

impl Condition {
    /// Creates a condition with a lock of its own.
    pub fn new() -> Self {
        Self::with_lock(Arc::default())
    }

    /// Creates a condition that uses this lock, which may be shared.
    pub fn with_lock(lock: Arc<Lock>) -> Self {
        Self { lock, state: Mutex::default(), wait: Wait::Condition }
    }

    pub(super) async fn lock_at(&self, place: Place) -> LockGuard<'_> {
        self.lock.lock_at(place).await
    }

    pub(super) fn of_barrier() -> Self {
        Self { wait: Wait::Barrier, ..Self::new() }
    }

    fn state(&self) -> Locked<'_, ConditionState> {
        Locked::new(&self.state)
    }

    /// Takes the lock until the guard is dropped; see [`Lock::lock`].
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, it loses its place in the queue, and the next waiter gets the lock.
    #[track_caller]
    pub fn lock(&self) -> impl Future<Output = LockGuard<'_>> {
        self.lock.lock()
    }

    /// Takes the lock without a guard; see [`Lock::acquire`].
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, it loses its place in the queue, and the next waiter gets the lock.
    #[track_caller]
    pub fn acquire(&self) -> impl Future<Output = ()> {
        self.lock.acquire()
    }

    /// Releases the lock, whichever task took it; see [`Lock::release`].
    ///
    /// # Errors
    ///
    /// Returns an error if the lock is not taken.
    pub fn release(&self) -> Result<(), ReleaseError> {
        self.lock.release()
    }

    /// Returns whether the lock is taken; see [`Lock::is_locked`].
    pub fn is_locked(&self) -> bool {
        self.lock.is_locked()
    }

    /// Releases the lock, waits for a notification, and takes the lock again.
    ///
    /// Other tasks may take the lock first, so what was waited for may be false again when this returns:
    /// see [`wait_for`](Condition::wait_for). Other tasks get at least one turn.
    ///
    /// # Panics
    ///
    /// Panics if the guard is of another lock, or does not [hold](LockGuard::is_held) it.
    ///
    /// # Cancel safety
    ///
    /// If the task is [cancelled](crate::cancel), for example by [`wait_for`](crate::time::wait_for), the
    /// future takes the lock again before the cancellation proceeds. Further requests do not interrupt
    /// that. If the future is dropped instead, by [`timeout`](crate::time::timeout()), `select!` or an
    /// abort, it does not take the lock, and the guard no longer [holds](LockGuard::is_held) it. In both
    /// cases, a notification that it had received goes to the next waiter.
    #[track_caller]
    pub fn wait(&self, guard: &mut LockGuard<'_>) -> impl Future<Output = ()> {
        self.wait_at(guard, Location::caller())
    }

    async fn wait_at(&self, guard: &mut LockGuard<'_>, place: Place) {
        assert!(
            guard.is_of(&self.lock),
            "dacapo: Condition::wait was given the guard of another lock; use a guard of \
             Condition::lock, or of the lock that it shares"
        );
        assert!(
            guard.is_held(),
            "dacapo: Condition::wait was given a guard that lost its lock when an earlier wait was \
             dropped; lock again after a dropped wait"
        );
        guard.let_go();
        let cancelled = self.await_notification(place).await;
        guard.set_held();
        if let Some(cancelled) = cancelled {
            match cancelled.raise().await {}
        }
    }

    /// [Waits](Condition::wait) until `predicate` returns `true`.
    ///
    /// The predicate is called with the lock held. If it is true at first, this completes at once,
    /// without giving other tasks a turn.
    ///
    /// # Panics
    ///
    /// Panics where [`wait`](Condition::wait) does, if it has to wait.
    ///
    /// # Cancel safety
    /// The same as for [`wait`](Condition::wait).
    #[track_caller]
    pub fn wait_for(
        &self,
        guard: &mut LockGuard<'_>,
        predicate: impl FnMut() -> bool,
    ) -> impl Future<Output = ()> {
        self.wait_for_at(guard, predicate, Location::caller())
    }

    pub(super) async fn wait_for_at(
        &self,
        guard: &mut LockGuard<'_>,
        mut predicate: impl FnMut() -> bool,
        place: Place,
    ) {
        while !predicate() {
            self.wait_at(guard, place).await;
        }
    }

    /// Waits like [`wait`](Condition::wait), with a lock that was [acquired](Condition::acquire) without
    /// a guard.
    ///
    /// ```
    /// use dacapo::sync::Condition;
    ///
    /// let run = dacapo::run(async || {
    ///     let condition = Condition::new();
    ///     assert!(condition.wait_locked().await.is_err());
    /// });
    /// run.unwrap();
    /// ```
    ///
    /// # Errors
    ///
    /// Returns an error if the lock is not taken.
    ///
    /// # Cancel safety
    ///
    /// If the task is [cancelled](crate::cancel), the future takes the lock again before the
    /// cancellation proceeds. If it is dropped instead, it does not take the lock, and you must not
    /// release it.
    #[track_caller]
    pub fn wait_locked(&self) -> impl Future<Output = Result<(), NotLockedError>> {
        self.wait_locked_at(Location::caller())
    }

    async fn wait_locked_at(&self, place: Place) -> Result<(), NotLockedError> {
        self.lock.release().map_err(|_| NotLockedError(()))?;
        if let Some(cancelled) = self.await_notification(place).await {
            match cancelled.raise().await {}
        }
        Ok(())
    }

    /// Waits for a notification and takes the lock, even if it is cancelled. Returns the last
    /// cancellation, for the caller to raise.
    async fn await_notification(&self, place: Place) -> Option<Cancelled> {
        let mut ticket = Ticket { condition: self, key: None, notified: false };
        let mut cancelled = catch(Notified { ticket: &mut ticket, place }).await.err();
        ticket.leave();
        while let Err(again) = catch(self.lock.acquire_at(place)).await {
            cancelled = Some(again);
        }
        if cancelled.is_none() {
            ticket.notified = false;
        }
        cancelled
    }

    /// Notifies the first `n` waiters that have not been notified.
    ///
    /// They proceed once they have the lock, so you have to release it first.
    ///
    /// # Errors
    ///
    /// Returns an error if the lock is not taken.
    pub fn notify(&self, n: usize) -> Result<(), NotLockedError> {
        if !self.lock.is_locked() {
            return Err(NotLockedError(()));
        }
        self.notify_unlocked(n);
        Ok(())
    }

    /// Notifies all waiters.
    ///
    /// # Errors
    ///
    /// Returns an error if the lock is not taken.
    pub fn notify_all(&self) -> Result<(), NotLockedError> {
        self.notify(usize::MAX)
    }

    /// Notifies waiters whether the lock is taken or not.
    pub(super) fn notify_unlocked(&self, n: usize) {
        let woken = self.state().notify(n);
        woken.wake_all();
    }
}

/// A place in the queue, or a notification that is passed on unless it is used.
struct Ticket<'a> {
    condition: &'a Condition,
    key: Option<WaiterKey>,
    notified: bool,
}

impl Ticket<'_> {
    fn leave(&mut self) {
        let Some(key) = self.key.take() else { return };
        let removed = self.condition.state().waiters.remove(key);
        self.notified = removed.is_some_and(|removed| removed.was_granted());
    }
}

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        self.leave();
        if self.notified {
            self.condition.notify_unlocked(1);
        }
    }
}

struct Notified<'a, 'b> {
    ticket: &'a mut Ticket<'b>,
    place: Place,
}

impl Future for Notified<'_, '_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let condition = self.ticket.condition;
        // Declared before the lock is taken, so that they are dropped after it is released.
        let mut target = WakeTarget::new(cx);
        let _granted;
        let mut state = condition.state();
        match self.ticket.key {
            None => self.ticket.key = Some(state.waiters.push(target, ())),
            Some(key) => match state.waiters.progress(key) {
                Some(Progress::Waiting | Progress::Skipped) => {
                    state.waiters.wait_again(key, &mut target);
                }
                _ => {
                    // If it does not use the notification, it passes it on.
                    _granted = state.waiters.grant(key);
                    return Poll::Ready(());
                }
            },
        }
        state.resource.note_wait(condition.wait, self.place);
        Poll::Pending
    }
}

/// Error returned by operations of a [`Condition`] that need its lock to be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotLockedError(());

impl fmt::Display for NotLockedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the lock of the condition is not taken")
    }
}

impl std::error::Error for NotLockedError {}
