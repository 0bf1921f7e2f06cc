//! What the current poll has noted so far. It is stored in the task afterwards.
//!
//! Futures note something in nearly every poll, so this is not in the core, which would have to be
//! borrowed.

use std::cell::Cell;
use std::task::{RawWakerVTable, Waker};

use super::Executor;
use super::cancellation::{Awaiting, ScopeId};
use super::tasks::Task;
use super::waker::{OwnWaker, RunId};
use crate::scheduler::TaskKey;
use crate::session::{Awaited, Place};
use crate::trace::Wait;

/// The poll of one task.
pub(super) struct CurrentPoll {
    task: Cell<TaskKey>,
    /// The address of its waker, or [`NOBODY`].
    waker: Cell<*const ()>,
    /// The vtable of all task wakers. Another crate's waker may have the same address and another vtable.
    vtable: &'static RawWakerVTable,
    /// The innermost scope that is being polled.
    pub(super) scope: Cell<Option<ScopeId>>,
    /// How many things the task waits for, with flags.
    noted: Cell<u32>,
    /// The first two of them.
    awaited: [Cell<Awaited>; 2],
    /// The place around a foreign future that waits, if one of dacapo's futures is around it.
    around: Cell<Option<Place>>,
    /// How many futures outside of all scopes wait.
    notes: Cell<u32>,
    /// What a request to cancel goes to first, as these futures have noted.
    awaiting: Cell<Awaiting>,
}

// The flags are above the number of waits, which cannot get so large in one poll.
/// The task has yielded. If it waits for one thing, that is its next turn.
const FOR_TURN: u32 = 1 << 31;
/// It was woken by a future that notes so here. Not all do.
const WOKEN: u32 = 1 << 30;
/// A request to cancel goes to something else first.
const ASKS_FIRST: u32 = 1 << 29;
const WAITS: u32 = ASKS_FIRST - 1;

/// What most polls note that only yield.
const GAVE_WAY: u32 = FOR_TURN | 1;

/// The address of no waker. (Null is the address of `Waker::noop()`.)
static NOBODY: u8 = 0;

fn nobody() -> *const () {
    (&raw const NOBODY).cast()
}

/// How much a poll had noted, to take back or add to it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Notes {
    /// By futures of the current scope.
    pub(super) scope: u32,
    /// By all futures of the task.
    waits: u32,
}

impl CurrentPoll {
    pub(super) fn new() -> Self {
        Self {
            task: Cell::default(),
            waker: Cell::new(nobody()),
            vtable: OwnWaker::new(RunId::NONE, TaskKey::default()).waker().vtable(),
            scope: Cell::new(None),
            noted: Cell::new(0),
            awaited: [const { Cell::new(Awaited::UNKNOWN) }; 2],
            around: Cell::new(None),
            notes: Cell::new(0),
            awaiting: Cell::new(Awaiting::Other),
        }
    }

    #[inline(always)]
    pub(super) fn begin(&self, key: TaskKey, waker: *const ()) {
        self.task.set(key);
        self.waker.set(waker);
        self.scope.set(None);
        let noted = self.noted.replace(0);
        self.around.set(None);
        self.notes.set(0);
        if noted & ASKS_FIRST != 0 {
            self.awaiting.take();
        }
    }

    /// Ends the poll.
    #[inline(always)]
    pub(super) fn end(&self) {
        self.waker.set(nobody());
    }

    fn waits(&self) -> u32 {
        self.noted.get() & WAITS
    }

    /// Whether the task is ready for its next turn.
    pub(super) fn is_woken(&self) -> bool {
        self.noted.get() & (FOR_TURN | WOKEN) != 0
    }

    /// Where the task waits, if it has yielded and noted nothing else.
    #[inline(always)]
    pub(super) fn gave_way(&self) -> Option<Option<Place>> {
        (self.noted.get() == GAVE_WAY).then(|| self.awaited[0].get().place)
    }

    /// Stores in the task what was noted.
    pub(super) fn store(&self, task: &mut Task) {
        let [first, second] = &self.awaited;
        task.waits = self.waits();
        task.awaited = match task.waits {
            0 => Awaited { place: self.around.get(), ..Awaited::UNKNOWN },
            _ => first.get(),
        };
        if task.waits > 1 {
            task.set_second_wait(second.get());
        }
        if self.noted.get() & ASKS_FIRST != 0 {
            let notes = self.notes.get();
            let awaiting = self.set_awaiting(notes, Some(Awaiting::Other)).unwrap_or_default();
            // If several are awaited side by side, a request goes to none of them: they are dropped.
            if notes <= 1 {
                task.set_awaiting(awaiting);
            }
        }
    }

    /// The task of this waker, if it is the current task's own.
    #[inline]
    pub(super) fn own_task(&self, waker: &Waker) -> Option<TaskKey> {
        let is_own = waker.data() == self.waker.get() && std::ptr::eq(waker.vtable(), self.vtable);
        is_own.then(|| self.task.get())
    }

    /// Notes that a future waits for something. Returns the scope that it is in, which must count it.
    #[inline]
    #[must_use]
    pub(super) fn wait_on(&self, awaited: Awaited) -> Option<ScopeId> {
        let noted = self.noted.get();
        if let Some(place) = self.awaited.get((noted & WAITS) as usize) {
            place.set(awaited);
        }
        self.noted.set(noted + 1);
        let scope = self.scope.get();
        if scope.is_none() {
            self.notes.set(self.notes.get() + 1);
        }
        scope
    }

    /// How much was noted outside of all scopes.
    #[inline]
    pub(super) fn notes(&self) -> u32 {
        self.notes.get()
    }

    /// Sets how much is noted outside of all scopes and, if given, what a request to cancel goes to
    /// first. Returns the former value of that.
    #[inline]
    pub(super) fn set_awaiting(&self, notes: u32, awaiting: Option<Awaiting>) -> Option<Awaiting> {
        self.notes.set(notes);
        let awaiting = awaiting?;
        let noted = self.noted.get() & !ASKS_FIRST;
        let asks_first = !matches!(awaiting, Awaiting::Other);
        self.noted.set(if asks_first { noted | ASKS_FIRST } else { noted });
        Some(self.awaiting.replace(awaiting))
    }

    /// Takes back the waits of futures that are no longer awaited.
    pub(super) fn forget_waits(&self, notes: Notes) {
        let (waits, flags) = (self.waits().min(notes.waits), self.noted.get() & !WAITS);
        let is_woken = flags & (FOR_TURN | WOKEN) != 0;
        // The task may have yielded in what is taken back.
        self.noted.set(waits | if is_woken { flags & !FOR_TURN | WOKEN } else { flags });
        self.around.set(None);
    }
}

impl Executor {
    /// How many futures have noted a wait in this poll: in the current scope, and in all.
    pub(crate) fn notes(&self) -> Notes {
        let scope = match self.poll.scope.get() {
            None => self.poll.notes(),
            Some(scope) => self.core().notes_within(scope),
        };
        Notes { scope, waits: self.poll.waits() }
    }

    /// Notes what the current task waits for if this poll does not complete it.
    #[inline]
    pub(crate) fn wait_on(&self, wait: Wait, place: Place) {
        if let Some(scope) = self.poll.wait_on(Awaited { wait, place: Some(place) }) {
            self.core().count_notes(scope, 1);
        }
    }

    /// Counts more things that the current task waits for. Reports say only how many these are.
    pub(crate) fn wait_on_more(&self, count: usize) {
        let count = u32::try_from(count).unwrap_or(u32::MAX).min(WAITS - self.poll.waits());
        self.poll.noted.set(self.poll.noted.get() + count);
        match self.poll.scope.get() {
            None => self.poll.notes.set(self.poll.notes.get().saturating_add(count)),
            Some(scope) => self.core().count_notes(scope, count),
        }
    }

    /// Yields, if `waker` is the task's own. Returns whether it is.
    #[inline]
    pub(crate) fn give_way(&self, waker: &Waker, place: Place) -> bool {
        self.wait_on(Wait::Turn, place);
        let own = self.poll.own_task(waker).is_some();
        if own {
            self.poll.noted.set(self.poll.noted.get() | FOR_TURN);
        }
        own
    }

    /// Says where a pending future is. What its inner futures have noted since `notes` without a place is
    /// at this place.
    pub(crate) fn locate(&self, notes: Notes, place: Place) {
        let (first, noted) = (notes.waits as usize, self.poll.waits());
        for awaited in self.poll.awaited.iter().take(noted as usize).skip(first) {
            let Awaited { wait, place: known } = awaited.get();
            awaited.set(Awaited { wait, place: known.or(Some(place)) });
        }
        if noted <= notes.waits && self.poll.around.get().is_none() {
            self.poll.around.set(Some(place));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Another crate's waker may have the address of a task's waker and still wake something else.
    #[test]
    fn a_waker_is_known_by_its_address_and_its_table() {
        let poll = CurrentPoll::new();
        let own = OwnWaker::new(RunId::NONE, TaskKey::default());
        poll.begin(TaskKey::default(), own.address());
        assert!(poll.own_task(own.waker()).is_some());
        assert!(poll.own_task(&own.waker().clone()).is_some());
        let foreign = Waker::noop();
        poll.begin(TaskKey::default(), foreign.data());
        assert!(poll.own_task(foreign).is_none());
    }
}
