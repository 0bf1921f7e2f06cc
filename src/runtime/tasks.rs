//! The tasks of a run, and the line of those that are ready.

use std::task::Waker;

use super::cancellation::Cancellation;
use super::cell::BoxTask;
use super::places::{Awaited, Place};
use super::unwind::Caught;
use super::waker::Wakee;
use crate::trace::TaskId;

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
    /// How it has ended, and which of the run's tasks it was to end, counted from 1.
    pub(crate) ended: Option<(Ended, u64)>,
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
///          wake              its turn
/// Idle ──────────▶ Ready ──────────────▶ Running ───────▶ Ended
///   ▲                ▲                    │  │ wake          ▲
///   │                │ pending            │  ▼               │
///   │                └────────────────────┼─ Woken ──────────┤
///   └─────────────────────────────────────┘ pending
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// It waits to be woken.
    Idle,
    /// It stands in the line.
    Ready,
    /// It is being polled.
    Running,
    /// It was woken in its own poll, and goes back into the line afterwards.
    Woken,
    Ended,
}

pub(crate) enum Ended {
    Returned,
    Cancelled,
    Panicked(Box<Caught>),
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
#[derive(Clone, Copy)]
pub(crate) struct Waits {
    first: [Awaited; 2],
    count: u32,
    /// Where it waits for what dacapo does not know, if one of its own futures is around that.
    pub(crate) around: Option<Place>,
}

impl Waits {
    const NONE: Self = Self { first: [Awaited::UNKNOWN; 2], count: 0, around: None };

    /// The first of them.
    #[inline]
    pub(crate) fn known(&self) -> &[Awaited] {
        &self.first[..self.count.min(2) as usize]
    }

    /// How many there are beyond these.
    pub(crate) fn more(&self) -> u32 {
        self.count.saturating_sub(2)
    }

    #[inline]
    pub(crate) fn clear(&mut self) {
        (self.count, self.around) = (0, None);
    }

    #[inline]
    pub(crate) fn push(&mut self, awaited: Awaited) {
        if let Some(free) = self.first.get_mut(self.count as usize) {
            *free = awaited;
        }
        self.count += 1;
    }

    /// The one that says most.
    pub(crate) fn foremost(&self) -> Awaited {
        let mut known = self.known().iter();
        let located = known.clone().find(|awaited| awaited.place.is_some());
        let other = Awaited { place: self.around, ..Awaited::UNKNOWN };
        located.or(known.next()).copied().unwrap_or(other)
    }

    pub(crate) fn len(&self) -> u32 {
        self.count
    }

    /// Forgets all but the first `len`.
    pub(crate) fn truncate(&mut self, len: u32) {
        self.count = self.count.min(len);
        self.around = None;
    }

    /// Gives a place to what has none, of all but the first `len`.
    pub(crate) fn locate(&mut self, len: u32, place: Place) {
        let known = self.count.min(2) as usize;
        let mut any = self.more() > 0;
        for awaited in self.first[..known].iter_mut().skip(len as usize) {
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
            ended: None,
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
            waits: Waits::NONE,
            spawned,
        }
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.state == State::Ended
    }
}
