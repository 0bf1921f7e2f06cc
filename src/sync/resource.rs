//! What all primitives share: a lock around their state, and the numbers by which a run knows them.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::executor::{self, Executor, RunId};
use crate::session::{Holding, Holdings, Place};
use crate::trace::Wait;

/// The numbers by which the current run knows a primitive.
#[derive(Default)]
pub(super) struct Resource {
    /// Its number in traces, from the first wait for it on.
    waited_for: Option<(RunId, u32)>,
    /// Its number for schedulers, from its first use on.
    used: Option<(RunId, u32)>,
    /// Its number among the holdings, in runs that record them.
    holdings: Option<(RunId, u32)>,
}

/// Shows no run, which differs from process to process.
impl fmt::Debug for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.waited_for {
            Some((_, number)) => write!(f, "number {number}"),
            None => f.write_str("no number"),
        }
    }
}

impl Resource {
    /// Notes what the current task waits for, and where, in case this poll does not complete it.
    pub(super) fn note_wait(&mut self, wait: impl FnOnce(u32) -> Wait, place: Place) {
        executor::try_current(|executor| {
            let known = self.waited_for.filter(|(run, _)| *run == executor.id());
            let number =
                known.map_or_else(|| executor.session().next_resource(), |(_, number)| number);
            self.waited_for = Some((executor.id(), number));
            executor.wait_on(wait(number), place);
            if !executor.is_plain() {
                self.note(executor, true);
            }
        });
    }

    /// Notes that the current task uses the primitive, for schedulers that ask which steps conflict.
    /// Returns whether the run records holdings.
    #[inline]
    fn note_use(&mut self) -> bool {
        let recorded = executor::try_current(|executor| {
            if executor.is_plain() {
                return false;
            }
            self.note(executor, false);
            executor.session().records_holdings()
        });
        recorded.unwrap_or(false)
    }

    fn record_holdings(&mut self, kind: &'static str, holding: Holding, waiting: usize) {
        executor::try_current(|executor| {
            let of_run = |known: Option<(RunId, u32)>| {
                known.filter(|(run, _)| *run == executor.id()).map(|(_, number)| number)
            };
            let number = of_run(self.waited_for);
            let holdings = Holdings { kind, first: holding, last: holding, waiting, number };
            let number = executor.session().record_holdings(of_run(self.holdings), holdings);
            self.holdings = Some((executor.id(), number));
        });
    }

    fn note(&mut self, executor: &Executor, awaits: bool) {
        let known = self.used.filter(|(run, _)| *run == executor.id());
        let number = executor.session().watch_use(known.map(|(_, number)| number), awaits);
        self.used = number.map(|number| (executor.id(), number));
    }
}

/// The state of a primitive.
pub(super) trait PrimitiveState {
    /// What reports call the primitive.
    const KIND: &'static str;

    fn resource(&mut self) -> &mut Resource;

    /// What is held of the primitive, and how many waiters it has.
    fn holding(&self) -> (Holding, usize);

    #[cold]
    fn record_holdings(&mut self) {
        let (holding, waiting) = self.holding();
        self.resource().record_holdings(Self::KIND, holding, waiting);
    }
}

/// The locked state of a primitive. Its holdings are recorded when it is locked and when it is
/// unlocked, in runs that want them.
pub(super) struct Locked<'a, S: PrimitiveState> {
    state: MutexGuard<'a, S>,
    recorded: bool,
}

impl<'a, S: PrimitiveState> Locked<'a, S> {
    #[inline]
    pub(super) fn new(mutex: &'a Mutex<S>) -> Self {
        let mut state = lock(mutex);
        let recorded = state.resource().note_use();
        if recorded {
            state.record_holdings();
        }
        Self { state, recorded }
    }
}

impl<S: PrimitiveState> Deref for Locked<'_, S> {
    type Target = S;

    #[inline]
    fn deref(&self) -> &S {
        &self.state
    }
}

impl<S: PrimitiveState> DerefMut for Locked<'_, S> {
    #[inline]
    fn deref_mut(&mut self) -> &mut S {
        &mut self.state
    }
}

impl<S: PrimitiveState> Drop for Locked<'_, S> {
    #[inline]
    fn drop(&mut self) {
        if self.recorded {
            self.state.record_holdings();
        }
    }
}

/// Locks the state of a primitive. While it is locked, no waker is cloned, called or dropped: wakers
/// may run any code, which may use the primitive again.
#[inline]
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic under the lock, as in a user's comparison, leaves nothing half done.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
