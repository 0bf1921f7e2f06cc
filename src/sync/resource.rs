//! What all primitives have: a name in the account of who waits for what, and a lock around it all.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::runtime::{self, Place, RunId, Runtime};
use crate::trace::Wait;

/// What the present run calls a primitive: a number, from its first wait on.
#[derive(Default)]
pub(super) struct Resource {
    waited_for: Option<(RunId, u32)>,
    /// What a scheduler calls it, from its first use on.
    used: Option<(RunId, u32)>,
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
        runtime::try_current(|runtime| {
            let known = self.waited_for.filter(|(run, _)| *run == runtime.id());
            let number = known.map_or_else(|| runtime.next_resource(), |(_, number)| number);
            self.waited_for = Some((runtime.id(), number));
            runtime.wait_on(wait(number), place);
            self.note(runtime, true);
        });
    }

    /// Notes that the current task uses it, for schedulers that ask what races with what.
    pub(super) fn note_use(&mut self) {
        runtime::try_current(|runtime| self.note(runtime, false));
    }

    fn note(&mut self, runtime: &Runtime, awaits: bool) {
        let known = self.used.filter(|(run, _)| *run == runtime.id());
        let number = runtime.watch_use(known.map(|(_, number)| number), awaits);
        self.used = number.map(|number| (runtime.id(), number));
    }
}

/// Locks what a primitive is made of. No waker is cloned, called or dropped meanwhile: that may be
/// anybody's code, and call back.
pub(super) fn hold<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What panics under the lock, such as a comparison of the user's, leaves nothing half done.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
