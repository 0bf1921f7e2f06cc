//! The tasks of a run, and the line of those that are ready.

use std::collections::VecDeque;
use std::task::Waker;

use super::cancellation::Cancellation;
use super::cell::BoxTask;
use super::places::{Awaited, Place};
use super::unwind::Caught;
use super::waker::{TaskKey, Wakee};
use crate::schedule::{Answer, Lasting};
use crate::trace::{TaskId, Wait};

/// One task, from its spawning until it has ended and its handle is gone.
pub(crate) struct Task {
    pub(crate) id: TaskId,
    /// Absent while it is polled, for the main task (which stands on the stack of `run`), and when
    /// the output has been taken.
    pub(crate) cell: Option<BoxTask>,
    /// Absent while it is polled.
    pub(crate) waker: Option<Waker>,
    pub(crate) joiners: Joiners,
    pub(crate) state: State,
    /// Whether it was polled at all.
    pub(crate) started: bool,
    pub(crate) detached: bool,
    /// Whether somebody has seen, or will see, a panic that it ends with.
    pub(crate) retrieved: bool,
    /// Whether it is to run to its end also when main has returned.
    pub(crate) finishing: bool,
    /// Whether somebody else than its handle passes on a panic.
    pub(crate) supervised: bool,
    /// Whether it says of itself that it has failed, though it returned.
    pub(crate) failed: bool,
    pub(crate) aborted: bool,
    /// Whether it stands for a thread, which nobody can stop.
    pub(crate) thread: bool,
    /// Whether it was polled for no reason, and not been woken since.
    pub(crate) roused: bool,
    /// How many of its polls have ended at an await.
    pub(crate) awaits: u32,
    pub(super) cancellation: Cancellation,
    /// How many tasks it has spawned.
    pub(crate) children: u32,
    pub(crate) waits: Waits,
    pub(crate) spawned: Option<Place>,
}

/// ```text
///            wake                 its turn
/// Idle ───────────────▶ Ready ───────────────▶ Running ──────▶ Ended
///   ▲                     ▲                     │   │
///   │                     │ pending, was woken  │   │
///   │                     └─────────────────────┘   │
///   └───────────────────────────────────────────────┘ pending
/// ```
pub(crate) enum State {
    /// It waits to be woken.
    Idle,
    /// It stands in the line.
    Ready,
    /// It is being polled; `woken` says whether it goes back into the line afterwards.
    Running { woken: bool },
    Ended {
        how: Ended,
        /// Which of the run's tasks it was to end, counted from 1.
        nth: u64,
    },
}

pub(crate) enum Ended {
    Returned,
    Cancelled,
    Panicked(Caught),
}

/// Who is to be woken when a task ends, each under a number of his own. Nearly always it is one.
#[derive(Default)]
pub(crate) struct Joiners {
    first: Option<(u64, Wakee)>,
    more: Vec<(u64, Wakee)>,
}

impl Joiners {
    /// Adds one, or replaces the one of that number.
    pub(crate) fn insert(&mut self, number: u64, wakee: Wakee) -> Option<Wakee> {
        let mut all = self.first.iter_mut().chain(&mut self.more);
        if let Some((_, known)) = all.find(|(known, _)| *known == number) {
            return Some(std::mem::replace(known, wakee));
        }
        // In the order of their coming.
        if self.first.is_none() && self.more.is_empty() {
            self.first = Some((number, wakee));
        } else {
            self.more.push((number, wakee));
        }
        None
    }

    pub(crate) fn remove(&mut self, number: u64) -> Option<Wakee> {
        if let Some((_, wakee)) = self.first.take_if(|(known, _)| *known == number) {
            return Some(wakee);
        }
        let place = self.more.iter().position(|(known, _)| *known == number)?;
        Some(self.more.remove(place).1)
    }
}

impl IntoIterator for Joiners {
    type Item = Wakee;
    type IntoIter = std::iter::Map<
        std::iter::Chain<std::option::IntoIter<(u64, Wakee)>, std::vec::IntoIter<(u64, Wakee)>>,
        fn((u64, Wakee)) -> Wakee,
    >;

    fn into_iter(self) -> Self::IntoIter {
        self.first.into_iter().chain(self.more).map(|(_, wakee)| wakee)
    }
}

/// What a task said it waits for when it was last polled. More than two at once are rare, and
/// counted only.
#[derive(Clone, Copy, Default)]
pub(crate) struct Waits {
    pub(crate) first: [Option<Awaited>; 2],
    pub(crate) more: u32,
    /// Where it waits for what dacapo does not know, if one of its own futures is around that.
    pub(crate) around: Option<Place>,
}

impl Waits {
    pub(crate) fn push(&mut self, awaited: Awaited) {
        match self.first.iter_mut().find(|free| free.is_none()) {
            Some(free) => *free = Some(awaited),
            None => self.more += 1,
        }
    }

    /// The one that says most.
    pub(crate) fn foremost(&self) -> Awaited {
        let mut known = self.first.iter().flatten();
        let located = known.clone().find(|awaited| awaited.place.is_some());
        let other = Awaited { wait: Wait::Other, place: self.around };
        located.or(known.next()).copied().unwrap_or(other)
    }

    pub(crate) fn len(&self) -> u32 {
        self.first.iter().flatten().count() as u32 + self.more
    }

    /// Forgets all but the first `len`.
    pub(crate) fn truncate(&mut self, len: u32) {
        let kept = self.first.len() as u32;
        self.more = self.more.min(len.saturating_sub(kept));
        self.first.iter_mut().skip(len as usize).for_each(|awaited| *awaited = None);
        self.around = None;
    }

    /// Gives a place to what has none, of all but the first `len`.
    pub(crate) fn locate(&mut self, len: u32, place: Place) {
        let mut any = self.more > 0;
        for awaited in self.first.iter_mut().skip(len as usize).flatten() {
            awaited.place.get_or_insert(place);
            any = true;
        }
        if !any {
            self.around.get_or_insert(place);
        }
    }
}

impl Task {
    pub(crate) fn new(
        id: TaskId,
        cell: Option<BoxTask>,
        waker: Waker,
        spawned: Option<Place>,
    ) -> Self {
        Self {
            id,
            cell,
            waker: Some(waker),
            joiners: Joiners::default(),
            state: State::Ready,
            started: false,
            cancellation: Cancellation::default(),
            detached: false,
            retrieved: false,
            supervised: false,
            finishing: false,
            failed: false,
            aborted: false,
            thread: false,
            roused: false,
            awaits: 0,
            children: 0,
            waits: Waits::default(),
            spawned,
        }
    }

    pub(crate) fn has_ended(&self) -> bool {
        matches!(self.state, State::Ended { .. })
    }
}

/// The tasks that are ready, the one that has been so for longest first; but those that stay ahead
/// before all others, and those that are held back behind.
#[derive(Default)]
pub(crate) struct Line {
    ids: VecDeque<TaskId>,
    slots: VecDeque<usize>,
    /// How many at the front stay ahead.
    ahead: usize,
    /// How many at the back are held.
    held: usize,
    /// The tasks that stay ahead, ready or not.
    favoured: Vec<TaskId>,
}

impl Line {
    pub(crate) fn clear(&mut self) {
        self.ids.clear();
        self.slots.clear();
        (self.ahead, self.held) = (0, 0);
        self.favoured.clear();
    }

    pub(crate) fn push(&mut self, TaskKey { slot, id }: TaskKey) {
        let mut place = self.ids.len() - self.held;
        if !self.favoured.is_empty() && self.favoured.contains(&id) {
            place = self.ahead;
            self.ahead += 1;
        }
        if place == self.ids.len() {
            self.ids.push_back(id);
            self.slots.push_back(slot);
        } else {
            self.ids.insert(place, id);
            self.slots.insert(place, slot);
        }
    }

    /// Keeps those for whom this is so.
    pub(crate) fn retain(&mut self, keep: impl Fn(TaskKey) -> bool) {
        let mut place = 0;
        while let (Some(&id), Some(&slot)) = (self.ids.get(place), self.slots.get(place)) {
            if keep(TaskKey { slot, id }) {
                place += 1;
            } else {
                self.remove(place);
            }
        }
    }

    pub(crate) fn ids(&self) -> &VecDeque<TaskId> {
        &self.ids
    }

    /// Takes out the one whose turn it is; the others keep their order, unless they are held.
    pub(crate) fn take(&mut self, answer: Answer) -> Option<TaskKey> {
        if self.held == self.ids.len() {
            // Nobody else is ready: they are held no longer.
            self.held = 0;
        }
        let taken = self.remove(answer.option() as usize)?;
        match answer.lasting() {
            Lasting::Once => {}
            Lasting::Hold => self.hold(answer.option() as usize),
            Lasting::Ahead if self.favoured.contains(&taken.id) => {}
            Lasting::Ahead => self.favoured.push(taken.id),
        }
        Some(taken)
    }

    fn remove(&mut self, place: usize) -> Option<TaskKey> {
        let held_from = self.ids.len() - self.held;
        let id = self.ids.remove(place)?;
        let slot = self.slots.remove(place)?;
        self.ahead -= usize::from(place < self.ahead);
        self.held -= usize::from(place >= held_from);
        Some(TaskKey { slot, id })
    }

    /// Puts the first `count` behind all others.
    fn hold(&mut self, count: usize) {
        for _ in 0..count {
            let Some(TaskKey { slot, id }) = self.remove(0) else { return };
            self.favoured.retain(|favoured| *favoured != id);
            self.ids.push_back(id);
            self.slots.push_back(slot);
            self.held += 1;
        }
    }

    /// A task waits for something, or has ended, and does not stay ahead.
    pub(crate) fn waits(&mut self, id: TaskId) {
        if !self.favoured.is_empty() {
            self.favoured.retain(|favoured| *favoured != id);
        }
    }
}
