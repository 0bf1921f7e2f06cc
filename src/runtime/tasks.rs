//! The tasks of a run, and the line of those that are ready.

use std::sync::Arc;
use std::task::Waker;

use super::cancellation::Cancellation;
use super::cell::BoxTask;
use super::places::{Awaited, Place};
use super::unwind::Caught;
use super::waker::{RunId, TaskWaker, Wakee};
use crate::scheduler::TaskKey;
use crate::trace::TaskId;

/// One task, from its spawning until it has ended and its handle is gone.
pub(crate) struct Task {
    /// Of a place that is free, [`FREE`].
    pub(crate) id: TaskId,
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
    /// How many tasks it has spawned.
    pub(crate) children: u32,
    /// Absent while it is polled, for the main task (which stands on the stack of `run`), and when
    /// the output has been taken.
    pub(crate) cell: Option<BoxTask>,
    /// Absent while it is polled.
    pub(crate) waker: Option<Waker>,
    /// What is behind the waker, to be used again.
    handle: Option<Arc<TaskWaker>>,
    pub(crate) waits: Waits,
    pub(super) cancellation: Cancellation,
    pub(crate) joiners: Joiners,
    /// How it has ended, and which of the run's tasks it was to end, counted from 1.
    pub(crate) ended: Option<(Ended, u64)>,
    pub(crate) spawned: Option<Place>,
}

/// The id of a place in which no task is.
const FREE: TaskId = TaskId(u32::MAX);

/// The most places that are kept for the next run, with the wakers in them.
const KEPT: usize = 1024;

/// What is left of a task that has ended.
pub(crate) struct Remains {
    pub(crate) cell: Option<BoxTask>,
    pub(crate) ended: Option<Ended>,
    /// Whether somebody sees its panic.
    pub(crate) seen: bool,
    /// What may be somebody else's code, if there is any.
    _others: Option<Box<(Joiners, Cancellation)>>,
}

/// The tasks of a run, each in a place that it keeps, and that another one gets when it is gone.
#[derive(Default)]
pub(crate) struct Tasks {
    places: Vec<Task>,
    free: Vec<u32>,
}

impl Tasks {
    /// Makes ready for a run, of which the first task has the first place.
    pub(crate) fn clear(&mut self) {
        // There is no task left, unless the scheduler has panicked.
        let kept = if self.len() == 0 { KEPT } else { 0 };
        self.places.truncate(kept);
        self.free.clear();
        self.free.extend((0..self.places.len() as u32).rev());
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.places.len() - self.free.len()
    }

    pub(crate) fn add(
        &mut self,
        run: RunId,
        id: TaskId,
        cell: Option<BoxTask>,
        spawned: Option<Place>,
    ) -> TaskKey {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.places.push(Task::new());
            u32::try_from(self.places.len() - 1).expect("dacapo: fewer than 2^32 tasks at once")
        });
        let key = TaskKey { slot, id };
        let task = &mut self.places[slot as usize];
        // It can be used again unless somebody still has a waker of the task that was here.
        match task.handle.as_mut().and_then(Arc::get_mut) {
            Some(waker) => *waker = TaskWaker { run, task: key },
            None => task.handle = Some(Arc::new(TaskWaker { run, task: key })),
        }
        task.waker = task.handle.clone().map(Waker::from);
        (task.id, task.state) = (id, State::Ready);
        (task.cell, task.spawned) = (cell, spawned);
        (task.awaits, task.children) = (0, 0);
        task.waits.clear();
        task.started = false;
        task.detached = false;
        task.retrieved = false;
        task.finishing = false;
        task.supervised = false;
        task.failed = false;
        task.aborted = false;
        task.thread = false;
        task.roused = false;
        key
    }

    #[inline]
    pub(crate) fn get(&self, key: TaskKey) -> Option<&Task> {
        self.places.get(key.slot as usize).filter(|task| task.id == key.id)
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, key: TaskKey) -> Option<&mut Task> {
        self.places.get_mut(key.slot as usize).filter(|task| task.id == key.id)
    }

    /// Forgets a task that has ended; the caller drops what is left of it.
    pub(crate) fn remove(&mut self, key: TaskKey) -> Option<Remains> {
        let task = self.get_mut(key)?;
        task.id = FREE;
        // Before the handle is used again.
        task.waker = None;
        let is_plain = task.joiners.is_empty() && task.cancellation.reset();
        let remains = Remains {
            cell: task.cell.take(),
            ended: task.ended.take().map(|(ended, _)| ended),
            seen: task.retrieved || task.supervised,
            _others: (!is_plain).then(|| Box::new(task.others())),
        };
        self.free.push(key.slot);
        Some(remains)
    }

    /// All of them, in no order that would mean anything.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (TaskKey, &Task)> {
        let places = self.places.iter().zip(0..).filter(|(task, _)| task.id != FREE);
        places.map(|(task, slot)| (TaskKey { slot, id: task.id }, task))
    }
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
    /// Takes the only one, if it is a task.
    pub(crate) fn take_alone(&mut self) -> Option<TaskKey> {
        match self.first {
            Some((_, Wakee::Task(task))) if self.more.is_empty() => {
                self.first = None;
                Some(task)
            }
            _ => None,
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.first.is_none() && self.more.is_empty()
    }

    /// Adds one, or replaces the one of that number.
    pub(crate) fn insert(&mut self, number: u64, wakee: Wakee) -> Option<Wakee> {
        let mut all = self.first.iter_mut().chain(&mut self.more);
        if let Some((_, known)) = all.find(|(known, _)| *known == number) {
            return Some(std::mem::replace(known, wakee));
        }
        // In the order of their coming.
        if self.is_empty() {
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
    fn new() -> Self {
        Self {
            id: FREE,
            state: State::Ended,
            started: false,
            detached: false,
            retrieved: false,
            finishing: false,
            supervised: false,
            failed: false,
            aborted: false,
            thread: false,
            roused: false,
            awaits: 0,
            children: 0,
            cell: None,
            waker: None,
            handle: None,
            waits: Waits::NONE,
            cancellation: Cancellation::default(),
            joiners: Joiners::default(),
            ended: None,
            spawned: None,
        }
    }

    #[cold]
    fn others(&mut self) -> (Joiners, Cancellation) {
        (std::mem::take(&mut self.joiners), std::mem::take(&mut self.cancellation))
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.state == State::Ended
    }
}
