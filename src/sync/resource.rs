//! What all primitives have: a name in the account of who waits for what, and a lock around it all.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::executor::{self, Executor, RunId};
use crate::session::{Holding, Holdings, Place};
use crate::trace::Wait;

/// What the present run calls a primitive: a number, from its first wait on.
#[derive(Default)]
pub(super) struct Resource {
    waited_for: Option<(RunId, u32)>,
    /// What a scheduler calls it, from its first use on.
    used: Option<(RunId, u32)>,
    /// Its account, in runs that keep one.
    account: Option<(RunId, u32)>,
}

/// Shows no run: which it is differs from process to process.
impl fmt::Debug for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.waited_for {
            Some((_, number)) => write!(f, "number {number}"),
            None => f.write_str("no number"),
        }
    }
}

impl Resource {
    /// Notes what the current task waits for, given the number, and where, should this poll not
    /// complete it.
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

    /// Notes that the current task uses it, for schedulers that ask what races with what. Returns whether
    /// an account is kept of it.
    #[inline]
    fn note_use(&mut self) -> bool {
        let kept = executor::try_current(|executor| {
            if executor.is_plain() {
                return false;
            }
            self.note(executor, false);
            executor.session().records_holdings()
        });
        kept.unwrap_or(false)
    }

    fn keep_account(&mut self, kind: &'static str, holds: Holding, waiting: usize) {
        executor::try_current(|executor| {
            let of_run = |known: Option<(RunId, u32)>| {
                known.filter(|(run, _)| *run == executor.id()).map(|(_, number)| number)
            };
            let number = of_run(self.waited_for);
            let account = Holdings { kind, first: holds, last: holds, waiting, number };
            let account = executor.session().record_holdings(of_run(self.account), account);
            self.account = Some((executor.id(), account));
        });
    }

    fn note(&mut self, executor: &Executor, awaits: bool) {
        let known = self.used.filter(|(run, _)| *run == executor.id());
        let number = executor.session().watch_use(known.map(|(_, number)| number), awaits);
        self.used = number.map(|number| (executor.id(), number));
    }
}

/// What a primitive is made of, as far as accounts go.
pub(super) trait Accounted {
    /// What it is called.
    const KIND: &'static str;

    fn resource(&mut self) -> &mut Resource;

    /// What it holds, and how many stand in its lines.
    fn account(&self) -> (Holding, usize);

    #[cold]
    fn keep_account(&mut self) {
        let (holds, waiting) = self.account();
        self.resource().keep_account(Self::KIND, holds, waiting);
    }
}

/// The locked state of a primitive, whose account is brought up to date when this is dropped.
pub(super) struct Held<'a, S: Accounted> {
    state: MutexGuard<'a, S>,
    kept: bool,
}

impl<'a, S: Accounted> Held<'a, S> {
    #[inline]
    pub(super) fn new(mutex: &'a Mutex<S>) -> Self {
        let mut state = hold(mutex);
        let kept = state.resource().note_use();
        if kept {
            state.keep_account();
        }
        Self { state, kept }
    }
}

impl<S: Accounted> Deref for Held<'_, S> {
    type Target = S;

    #[inline]
    fn deref(&self) -> &S {
        &self.state
    }
}

impl<S: Accounted> DerefMut for Held<'_, S> {
    #[inline]
    fn deref_mut(&mut self) -> &mut S {
        &mut self.state
    }
}

impl<S: Accounted> Drop for Held<'_, S> {
    #[inline]
    fn drop(&mut self) {
        if self.kept {
            self.state.keep_account();
        }
    }
}

/// Locks what a primitive is made of. No waker is cloned, called or dropped meanwhile: that may be
/// anybody's code, and call back.
#[inline]
pub(super) fn hold<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What panics under the lock, such as a comparison of the user's, leaves nothing half done.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
