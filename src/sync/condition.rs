use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use super::faults;
use super::line::{Caller, Line, Standing, Wakes};
use super::lock::{Lock, LockGuard, ReleaseError};
use super::resource::{Accounted, Held, Resource};
use crate::cancel::{Cancelled, catch};
use crate::question::Question;
use crate::session::{Holding, Place};
use crate::trace::Wait;

/// Lets tasks that hold a lock wait until another tells that something has changed.
///
/// To wait releases the lock, and takes it back after the notification, queueing like anyone. A
/// notification is given to those who wait when it is made, in their order; it is not stored for
/// those to come. Several conditions may share a lock. Works on any executor.
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
    state: Mutex<State>,
    /// What to say of those who wait.
    wait: fn(u32) -> Wait,
}

#[derive(Debug, Default)]
struct State {
    line: Line,
    resource: Resource,
}

impl Accounted for State {
    const KIND: &'static str = "condition";

    fn resource(&mut self) -> &mut Resource {
        &mut self.resource
    }

    fn account(&self) -> (Holding, usize) {
        (Holding::Waiters, self.line.len())
    }
}

impl State {
    /// Whether more than so many wait.
    fn has_more_than(&mut self, n: usize) -> bool {
        let waiting = self
            .line
            .iter_mut()
            .filter(|waiter| waiter.standing == Standing::Waiting && !waiter.has_given_up());
        waiting.take(n.saturating_add(1)).count() > n
    }

    /// Wakes the first `n` who have not been woken.
    fn notify(&mut self, n: usize) -> Wakes {
        let mut woken = Wakes::default();
        let n = if faults::is_possible(Question::WakeAll)
            && self.has_more_than(n)
            && faults::wakes_all()
        {
            usize::MAX
        } else {
            n
        };
        let waiting = self.line.iter_mut().filter(|waiter| waiter.standing == Standing::Waiting);
        for waiter in waiting.filter(|waiter| !waiter.has_given_up()).take(n) {
            waiter.give_turn().into_iter().for_each(|caller| woken.push(caller));
        }
        // What is left over is for those who have been about to give up, should they stay after all.
        let rest = self.line.iter_mut().filter(|waiter| waiter.standing == Standing::Waiting);
        rest.take(n - woken.len()).for_each(|waiter| waiter.standing = Standing::Passed);
        woken
    }
}

impl Default for Condition {
    fn default() -> Self {
        Self::new()
    }
}

impl Condition {
    /// A condition with a lock of its own.
    pub fn new() -> Self {
        Self::with_lock(Arc::default())
    }

    /// A condition with this lock, which others may use as well.
    pub fn with_lock(lock: Arc<Lock>) -> Self {
        Self { lock, state: Mutex::default(), wait: Wait::Condition }
    }

    pub(super) async fn lock_at(&self, place: Place) -> LockGuard<'_> {
        self.lock.lock_at(place).await
    }

    pub(super) fn of_barrier() -> Self {
        Self { wait: Wait::Barrier, ..Self::new() }
    }

    fn state(&self) -> Held<'_, State> {
        Held::new(&self.state)
    }

    /// Takes its lock until the guard is dropped; see [`Lock::lock`].
    ///
    /// # Cancel safety
    ///
    /// As [`Lock::lock`].
    #[track_caller]
    pub fn lock(&self) -> impl Future<Output = LockGuard<'_>> {
        self.lock.lock()
    }

    /// Takes its lock, without a guard; see [`Lock::acquire`].
    ///
    /// # Cancel safety
    ///
    /// As [`Lock::lock`].
    #[track_caller]
    pub fn acquire(&self) -> impl Future<Output = ()> {
        self.lock.acquire()
    }

    /// Frees its lock, whoever has taken it; see [`Lock::release`].
    ///
    /// # Errors
    ///
    /// If it is not taken.
    pub fn release(&self) -> Result<(), ReleaseError> {
        self.lock.release()
    }

    /// Whether its lock is taken; see [`Lock::is_locked`].
    pub fn is_locked(&self) -> bool {
        self.lock.is_locked()
    }

    /// Releases the lock, waits to be notified, and takes the lock again.
    ///
    /// What was waited for need not be true when it returns, for others may have been quicker to take
    /// the lock: see [`wait_for`](Condition::wait_for). It always gives at least one turn away.
    ///
    /// # Panics
    ///
    /// If the guard is of another lock, or does not [hold](LockGuard::is_held) it.
    ///
    /// # Cancel safety
    ///
    /// If its task is [cancelled](crate::cancel), also by [`wait_for`](crate::time::wait_for), it takes
    /// the lock again before it gives way; until it has it, more requests do not interrupt it. If it
    /// is dropped otherwise, as by [`timeout`](crate::time::timeout()), `select!` or an abort, it does not
    /// get the lock back, and the guard [holds](LockGuard::is_held) nothing any more. In any case a
    /// notification that it had got is passed on to the next who waits.
    #[track_caller]
    pub fn wait(&self, guard: &mut LockGuard<'_>) -> impl Future<Output = ()> {
        self.wait_at(guard, Location::caller())
    }

    async fn wait_at(&self, guard: &mut LockGuard<'_>, place: Place) {
        assert!(
            guard.is_of(&self.lock),
            "dacapo: a Condition was to wait with the guard of another lock; use a guard of \
             Condition::lock, or of the lock that it shares"
        );
        assert!(
            guard.is_held(),
            "dacapo: a Condition was to wait with a guard that lost its lock when an earlier wait \
             was dropped; lock again after a wait that was given up"
        );
        guard.let_go();
        let cancelled = self.await_notification(place).await;
        guard.set_held();
        if let Some(cancelled) = cancelled {
            match cancelled.raise().await {}
        }
    }

    /// Waits until `predicate` is true: while it is not, [waits](Condition::wait).
    ///
    /// The predicate is called with the lock held. If it is true at once, no turn is given away.
    ///
    /// # Panics
    ///
    /// As [`wait`](Condition::wait), if it has to.
    ///
    /// # Cancel safety
    ///
    /// As [`wait`](Condition::wait).
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

    /// As [`wait`](Condition::wait), for a lock that was [acquired](Condition::acquire) without a
    /// guard.
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
    /// If the lock is not taken, by anybody.
    ///
    /// # Cancel safety
    ///
    /// As [`wait`](Condition::wait): if it is dropped by anything but a cancellation, it does not have
    /// the lock, which must not be released then.
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

    /// Waits to be notified, and takes the lock, also if it is cancelled; returns the last
    /// cancellation, to be raised.
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

    /// Wakes the first `n` who wait and have not been woken.
    ///
    /// They go on when they have the lock, which the caller has first to release.
    ///
    /// # Errors
    ///
    /// If the lock is not taken, by anybody.
    pub fn notify(&self, n: usize) -> Result<(), NotLockedError> {
        if !self.lock.is_locked() {
            return Err(NotLockedError(()));
        }
        self.notify_unlocked(n);
        Ok(())
    }

    /// Wakes all who wait.
    ///
    /// # Errors
    ///
    /// As [`notify`](Condition::notify).
    pub fn notify_all(&self) -> Result<(), NotLockedError> {
        self.notify(usize::MAX)
    }

    /// As [`notify`](Condition::notify), whether the lock is taken or not.
    pub(super) fn notify_unlocked(&self, n: usize) {
        let woken = self.state().notify(n);
        woken.wake_all();
    }
}

/// A place in the line, or a notification that was got and is passed on unless it was of use.
struct Ticket<'a> {
    condition: &'a Condition,
    key: Option<u64>,
    notified: bool,
}

impl Ticket<'_> {
    fn leave(&mut self) {
        let Some(key) = self.key.take() else { return };
        let left = self.condition.state().line.remove(key);
        self.notified = left.is_some_and(|waiter| waiter.standing == Standing::Woken);
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
        let caller = Caller::new(cx);
        // Declared before the lock is held, and so dropped after.
        let _previous;
        let mut state = condition.state();
        match self.ticket.key {
            None => self.ticket.key = Some(state.line.push(caller, ())),
            Some(key) => {
                let waiter = state.line.get_mut(key).expect("dacapo bug: a waiter has left");
                if waiter.standing != Standing::Waiting {
                    waiter.standing = Standing::Woken;
                    return Poll::Ready(());
                }
                _previous = waiter.renew(caller);
            }
        }
        state.resource.note_wait(condition.wait, self.place);
        Poll::Pending
    }
}

/// The lock of the condition is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotLockedError(());

impl fmt::Display for NotLockedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the lock of the condition is not taken")
    }
}

impl std::error::Error for NotLockedError {}
