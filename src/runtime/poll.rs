//! What the poll that is going on has noted so far; its task has it afterwards.
//!
//! Futures note something in nearly every poll. So this is not in the core, which would have to be borrowed.

use std::cell::Cell;
use std::task::Waker;

use super::Runtime;
use super::cancellation::Awaiting;
use super::places::{Awaited, Place};
use super::tasks::Task;
use crate::scheduler::TaskKey;
use crate::trace::Wait;

/// The poll of one task.
pub(super) struct CurrentPoll {
    task: Cell<TaskKey>,
    /// The address of its waker, or [`NOBODY`].
    waker: Cell<*const ()>,
    /// The scope of the task that is being polled, if it is within one.
    pub(super) scope: Cell<Option<u64>>,
    woken: Cell<Woken>,
    /// What it waits for: the first two, and how many they are.
    awaited: [Cell<Awaited>; 2],
    waits: Cell<u32>,
    /// Where it waits for what dacapo does not know, if one of its own futures is around that.
    around: Cell<Option<Place>>,
    /// How many futures outside of all scopes have said that they wait.
    notes: Cell<u32>,
    /// What these have said is to be asked first, should the task be cancelled; and whether there is any.
    awaiting: Cell<Awaiting>,
    asks_first: Cell<bool>,
}

/// Whether the task was woken by the futures that note so here, which is not all there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Woken {
    No,
    /// It has given its turn away, and if it waits for one thing, then for the next one.
    ForTurn,
    Yes,
}

/// The address of no waker. (Null is that of `Waker::noop()`.)
static NOBODY: u8 = 0;

fn nobody() -> *const () {
    (&raw const NOBODY).cast()
}

/// How much had been noted in a poll, for those who take it back or add to it.
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
            scope: Cell::new(None),
            woken: Cell::new(Woken::No),
            awaited: [const { Cell::new(Awaited::UNKNOWN) }; 2],
            waits: Cell::new(0),
            around: Cell::new(None),
            notes: Cell::new(0),
            awaiting: Cell::new(Awaiting::Other),
            asks_first: Cell::new(false),
        }
    }

    #[inline(always)]
    pub(super) fn begin(&self, key: TaskKey, waker: *const ()) {
        self.task.set(key);
        self.waker.set(waker);
        self.scope.set(None);
        self.woken.set(Woken::No);
        self.waits.set(0);
        self.around.set(None);
        self.notes.set(0);
        if self.asks_first.get() {
            self.set_awaiting(0, Some(Awaiting::Other));
        }
    }

    /// Nothing is being polled any more.
    #[inline(always)]
    pub(super) fn end(&self) {
        self.waker.set(nobody());
    }

    /// Whether the task is ready for its next turn.
    #[inline(always)]
    pub(super) fn is_woken(&self) -> bool {
        !matches!(self.woken.get(), Woken::No)
    }

    /// Whether the task waits for nothing but its next turn.
    #[inline(always)]
    pub(super) fn gave_way(&self) -> bool {
        matches!(self.woken.get(), Woken::ForTurn) && self.waits.get() == 1
    }

    /// Gives the task what was noted.
    #[inline(always)]
    pub(super) fn store(&self, task: &mut Task) {
        let [first, second] = &self.awaited;
        task.waits = self.waits.get();
        match task.waits {
            0 => task.awaited = Awaited { place: self.around.get(), ..Awaited::UNKNOWN },
            // A constant, since what was written in parts a moment ago takes long to be read as a whole.
            1 if self.gave_way() => {
                task.awaited = Awaited { place: first.get().place, ..Awaited::TURN };
            }
            waits => {
                task.awaited = first.get();
                if waits > 1 {
                    task.set_second_wait(second.get());
                }
            }
        }
        if self.asks_first.get() {
            let notes = self.notes.get();
            let awaiting = self.set_awaiting(notes, Some(Awaiting::Other)).unwrap_or_default();
            // Of several that are awaited side by side none is asked first: they are abandoned.
            if notes <= 1 {
                task.set_awaiting(awaiting);
            }
        }
    }

    /// The task to wake for this waker, if it is the current task's own.
    #[inline]
    pub(super) fn own_task(&self, waker: &Waker) -> Option<TaskKey> {
        (waker.data() == self.waker.get()).then(|| self.task.get())
    }

    /// Notes that a future waits for something. Returns the scope that it is in, which is to count that.
    #[inline]
    #[must_use]
    pub(super) fn wait_on(&self, awaited: Awaited) -> Option<u64> {
        let nth = self.waits.get();
        if let Some(place) = self.awaited.get(nth as usize) {
            place.set(awaited);
        }
        self.waits.set(nth + 1);
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

    /// Sets how much is noted outside of all scopes, and what is to be asked first, if that changes; returns
    /// what it was.
    #[inline]
    pub(super) fn set_awaiting(&self, notes: u32, awaiting: Option<Awaiting>) -> Option<Awaiting> {
        self.notes.set(notes);
        let awaiting = awaiting?;
        self.asks_first.set(!matches!(awaiting, Awaiting::Other));
        Some(self.awaiting.replace(awaiting))
    }

    /// Takes back how many futures wait, but for those that are not waited for any more.
    pub(super) fn forget_waits(&self, notes: Notes) {
        self.waits.set(self.waits.get().min(notes.waits));
        if self.is_woken() {
            self.woken.set(Woken::Yes);
        }
        self.around.set(None);
    }
}

impl Runtime {
    /// How many futures have noted what they wait for in this poll: those of the current scope, and all.
    pub(crate) fn notes(&self) -> Notes {
        let scope = match self.poll.scope.get() {
            None => self.poll.notes(),
            Some(scope) => self.core().notes_within(scope),
        };
        Notes { scope, waits: self.poll.waits.get() }
    }

    /// Notes what the current task waits for, should this poll not complete it.
    #[inline]
    pub(crate) fn wait_on(&self, wait: Wait, place: Place) {
        if let Some(scope) = self.poll.wait_on(Awaited { wait, place: Some(place) }) {
            self.core().count_note(scope);
        }
    }

    /// Gives the current turn away, if that is what its own waker is woken for.
    #[inline]
    pub(crate) fn give_way(&self, waker: &Waker, place: Place) -> bool {
        self.wait_on(Wait::Turn, place);
        let own = self.poll.own_task(waker).is_some();
        if own {
            self.poll.woken.set(Woken::ForTurn);
        }
        own
    }

    /// Says where a future stands that is not done, and in which others were polled since `notes`:
    /// what they have noted without a place is at this one.
    pub(crate) fn locate(&self, notes: Notes, place: Place) {
        let (first, noted) = (notes.waits as usize, self.poll.waits.get());
        for awaited in self.poll.awaited.iter().take(noted as usize).skip(first) {
            let Awaited { wait, place: known } = awaited.get();
            awaited.set(Awaited { wait, place: known.or(Some(place)) });
        }
        if noted <= notes.waits && self.poll.around.get().is_none() {
            self.poll.around.set(Some(place));
        }
    }
}
