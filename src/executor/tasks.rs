//! The tasks of a run.

use super::cancellation::{Awaiting, Cancellation};
use super::cell::BoxTask;
use super::joiners::Joiners;
use super::unwind::Caught;
use super::waker::Wakee;
use crate::scheduler::TaskKey;
use crate::session::{Awaited, Place, Standing};
use crate::trace::{Ending, TaskId, Wait};

/// One task, from its spawn until it has ended and its handle is gone.
///
/// The first cache line has what a step of nearly every task needs, the second what its spawn and its end
/// need. What few tasks have is behind a pointer. With many tasks, a step takes as long as the memory
/// that it touches.
#[repr(C, align(64))]
pub(crate) struct Task {
    /// [`FREE`] if this place has no task.
    pub(crate) id: TaskId,
    pub(crate) state: State,
    /// Whether it was polled at all.
    pub(crate) started: bool,
    pub(super) aborted: bool,
    /// Whether more than a poll may belong to its next step: it was asked to end, or a request to cancel
    /// must go to something else first.
    pub(super) is_special: bool,
    /// How many of its polls ended at an await.
    pub(crate) awaits: u32,
    /// How many things it waits for.
    pub(super) waits: u32,
    /// Absent while it is polled, when its output was taken, and for the main task, which stands on the
    /// stack of `run`.
    pub(crate) cell: Option<BoxTask>,
    /// The first thing it waits for. If there is none: an unknown thing, and the place around it if that
    /// is known.
    pub(super) awaited: Awaited,
    /// Tells its waker from others. It is compared and never dereferenced.
    pub(super) waker: *const (),

    /// How it has ended, if it has.
    pub(super) how: Ending,
    pub(crate) traits: Traits,
    /// The host that it runs on; 0 is the host of the test.
    pub(crate) host: u16,
    /// How many tasks it has spawned.
    pub(crate) children: u32,
    /// Its number in the order in which tasks ended, from 1.
    pub(super) nth: u32,
    pub(crate) spawned: Option<Place>,
    /// The task that a request to cancel goes to first.
    awaits_task: Option<TaskKey>,
    /// The task to wake when this one ends, with its number as a joiner. There are rarely others.
    joiner: Option<(u32, TaskKey)>,
    extra: Option<Box<Extra>>,
}

// The number of cache lines that a task may have.
const _: () = assert!(size_of::<Task>() <= 2 * 64);

/// What is true of few tasks.
#[derive(Clone, Copy, Default)]
pub(crate) struct Traits {
    /// Its handle was dropped.
    pub(crate) detached: bool,
    /// Its panic was seen, or will be.
    pub(crate) retrieved: bool,
    /// It runs to its end even after main has returned.
    pub(crate) finishing: bool,
    /// Something other than its handle passes on its panic.
    pub(crate) supervised: bool,
    /// It returned and reported that it failed.
    pub(crate) failed: bool,
    /// It stands for a thread, which cannot be cancelled.
    pub(crate) thread: bool,
    /// It was polled without a wake-up and has not been woken since.
    pub(crate) roused: bool,
    /// Its joiner has waited, or was asked whether to yield first.
    pub(crate) asked: bool,
    /// It does the work of a driver and is not listed in a report.
    pub(crate) helper: bool,
}

/// What few tasks have.
#[derive(Default)]
pub(super) struct Extra {
    pub(super) cancellation: Cancellation,
    /// What a request to cancel goes to first, if that is not a task.
    target: Awaiting,
    /// The second thing it waits for, if there are two or more.
    second: Option<Awaited>,
    /// What is woken by its end besides the first joiner.
    joiners: Joiners,
    panicked: Option<Box<Caught>>,
}

/// The id of a place without a task.
const FREE: TaskId = TaskId(u32::MAX);

/// How many places are kept for the next run, at most.
const KEPT: usize = 1 << 17;

/// What is left of a task that has ended.
pub(crate) struct Remains {
    pub(crate) cell: Option<BoxTask>,
    pub(crate) ended: Option<Ended>,
    /// Whether its panic is seen.
    pub(crate) seen: bool,
    /// What may hold code of another crate, if anything does.
    _others: Option<Box<Extra>>,
}

/// The tasks of a run. Each keeps its place until it is gone; then another task may have the place.
#[derive(Default)]
pub(crate) struct Tasks {
    places: Vec<Task>,
    free: Vec<u32>,
}

impl Tasks {
    /// Prepares for a run. The first task gets the first place.
    pub(crate) fn clear(&mut self) {
        // No task is left, unless the scheduler has panicked.
        let kept = if self.len() == 0 { KEPT } else { 0 };
        self.places.truncate(kept);
        self.free.clear();
        self.free.extend((0..self.places.len() as u32).rev());
    }

    /// The number of tasks.
    pub(crate) fn len(&self) -> usize {
        self.places.len() - self.free.len()
    }

    /// Adds a task that is ready. The caller must [`furnish`](Tasks::furnish) it.
    #[cfg_attr(not(debug_assertions), inline)]
    pub(crate) fn add(&mut self, id: TaskId, host: u16, spawned: Option<Place>) -> TaskKey {
        let slot = match self.free.pop() {
            Some(slot) => slot,
            None => self.add_place(),
        };
        let task = &mut self.places[slot as usize];
        // Field by field, because a free place has nothing to drop.
        task.id = id;
        task.state = State::Ready;
        (task.started, task.aborted, task.is_special) = (false, false, false);
        (task.awaits, task.waits, task.children, task.nth) = (0, 0, 0, 0);
        task.traits = Traits::default();
        task.host = host;
        task.awaited = Awaited::UNKNOWN;
        task.how = Ending::Returned;
        task.spawned = spawned;
        (task.awaits_task, task.joiner) = (None, None);
        TaskKey::new(slot, id)
    }

    #[cold]
    #[inline(never)]
    fn add_place(&mut self) -> u32 {
        let slot = u32::try_from(self.places.len()).expect("dacapo: fewer than 2^32 tasks at once");
        if self.places.len() == self.places.capacity() {
            // By more than a `Vec` would grow: memory with this alignment is copied when it grows.
            self.places.reserve(3 * self.places.len());
        }
        self.places.push(Task::FREE);
        slot
    }

    /// Gives a new task what is polled, and the address of its waker. The main task has no cell.
    #[cfg_attr(not(debug_assertions), inline)]
    pub(crate) fn furnish(&mut self, key: TaskKey, cell: Option<BoxTask>, waker: *const ()) {
        let Some(task) = self.get_mut(key) else { return };
        // The main task has no handle.
        task.traits.detached = cell.is_none();
        task.put(cell);
        task.waker = waker;
    }

    #[inline]
    pub(crate) fn get(&self, key: TaskKey) -> Option<&Task> {
        // A slice, because without optimisation an index into a `Vec` is several calls.
        let (places, slot) = (self.places.as_slice(), key.slot() as usize);
        if slot < places.len() && places[slot].id.0 == key.id().0 {
            Some(&places[slot])
        } else {
            None
        }
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, key: TaskKey) -> Option<&mut Task> {
        let (places, slot) = (self.places.as_mut_slice(), key.slot() as usize);
        if slot < places.len() && places[slot].id.0 == key.id().0 {
            Some(&mut places[slot])
        } else {
            None
        }
    }

    /// Forgets a task that has returned, if only its output is left of it. Returns the cell with the
    /// output.
    #[inline]
    pub(crate) fn remove_returned(&mut self, key: TaskKey) -> Option<BoxTask> {
        let task = self.get_mut(key)?;
        let is_all = task.state == State::Ended
            && matches!(task.how, Ending::Returned)
            && task.extra.is_none();
        if !is_all {
            return None;
        }
        let cell = task.cell.take()?;
        task.id = FREE;
        self.free.push(key.slot());
        Some(cell)
    }

    /// Forgets a task of which nothing is left.
    pub(crate) fn forget(&mut self, key: TaskKey) {
        if let Some(task) = self.get_mut(key) {
            task.id = FREE;
            self.free.push(key.slot());
        }
    }

    /// Forgets a task that has ended. The caller drops what is left of it.
    pub(crate) fn remove(&mut self, key: TaskKey) -> Option<Remains> {
        let task = self.get_mut(key)?;
        task.id = FREE;
        let mut remains = Remains {
            cell: task.cell.take(),
            ended: None,
            seen: task.traits.retrieved || task.traits.supervised,
            _others: None,
        };
        let panicked = task.extra.as_mut().and_then(|extra| extra.panicked.take());
        if task.state == State::Ended {
            remains.ended = Some(match (task.how, panicked) {
                (Ending::Panicked, Some(caught)) => Ended::Panicked(caught),
                (Ending::Returned, _) => Ended::Returned,
                _ => Ended::Cancelled,
            });
        }
        // The memory is kept if nothing is in it.
        if task.extra.as_mut().is_some_and(|extra| !extra.reset()) {
            remains._others = task.extra.take();
        }
        self.free.push(key.slot());
        Some(remains)
    }

    /// All tasks, in no particular order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (TaskKey, &Task)> {
        let places = self.places.iter().zip(0..).filter(|(task, _)| task.id != FREE);
        places.map(|(task, slot)| (TaskKey::new(slot, task.id), task))
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
    /// It waits for a wake-up.
    Idle,
    /// It is in the ready queue.
    Ready,
    /// It is being polled.
    Running,
    /// It was woken during its own poll and is ready again after it.
    Woken,
    Ended,
}

pub(crate) enum Ended {
    Returned,
    Cancelled,
    Panicked(Box<Caught>),
}

impl Task {
    const FREE: Self = Self {
        id: FREE,
        state: State::Ended,
        started: false,
        aborted: false,
        is_special: false,
        awaits: 0,
        waits: 0,
        cell: None,
        awaited: Awaited::UNKNOWN,
        waker: std::ptr::null(),
        how: Ending::Returned,
        traits: Traits {
            detached: false,
            retrieved: false,
            finishing: false,
            supervised: false,
            failed: false,
            thread: false,
            roused: false,
            asked: false,
            helper: false,
        },
        host: 0,
        children: 0,
        nth: 0,
        spawned: None,
        awaits_task: None,
        joiner: None,
        extra: None,
    };

    /// Puts in, or back, what is polled.
    #[inline(always)]
    pub(super) fn put(&mut self, cell: Option<BoxTask>) {
        debug_assert!(self.cell.is_none());
        // There is nothing to drop; without this, the compiler would check.
        std::mem::forget(std::mem::replace(&mut self.cell, cell));
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.state == State::Ended
    }

    /// Whether it is in the ready queue.
    pub(super) fn is_ready(&self) -> bool {
        self.state == State::Ready
    }

    /// Whether it has nothing of what few tasks have.
    pub(super) fn is_bare(&self) -> bool {
        self.extra.is_none()
    }

    /// Has it dropped at its next turn.
    pub(super) fn abort(&mut self) {
        (self.aborted, self.is_special) = (true, true);
    }

    #[inline]
    pub(super) fn end(&mut self, ended: Ended, nth: u32) {
        self.state = State::Ended;
        self.nth = nth;
        self.how = match ended {
            Ended::Returned => Ending::Returned,
            Ended::Cancelled => Ending::Cancelled,
            Ended::Panicked(caught) => {
                self.extra_mut().panicked = Some(caught);
                Ending::Panicked
            }
        };
    }

    /// The panic that it ended with.
    pub(super) fn panicked(&self) -> Option<&Caught> {
        self.extra.as_ref()?.panicked.as_deref()
    }

    fn extra_mut(&mut self) -> &mut Extra {
        self.extra.get_or_insert_default()
    }

    pub(super) fn cancellation(&self) -> Option<&Cancellation> {
        self.extra.as_ref().map(|extra| &extra.cancellation)
    }

    /// The same, to be changed. If that asks the task to end, set `is_special` too.
    pub(super) fn cancellation_mut(&mut self) -> &mut Cancellation {
        &mut self.extra_mut().cancellation
    }

    /// What a request to cancel goes to first.
    pub(super) fn awaiting(&self) -> Awaiting {
        match self.awaits_task {
            Some(task) => Awaiting::Task(task),
            None => self.extra.as_ref().map_or(Awaiting::Other, |extra| extra.target.clone()),
        }
    }

    #[inline]
    pub(super) fn set_awaiting(&mut self, awaiting: Awaiting) {
        match awaiting {
            Awaiting::Other => return,
            Awaiting::Task(task) => self.awaits_task = Some(task),
            target @ Awaiting::Target(_) => self.extra_mut().target = target,
        }
        self.is_special = true;
    }

    /// Does what comes before a poll if the poll is not all there is to the step.
    #[cold]
    pub(super) fn begin_special_step(&mut self) {
        self.awaits_task = None;
        self.is_special = self.aborted;
        if let Some(extra) = &mut self.extra {
            extra.target = Awaiting::Other;
            extra.cancellation.deliver();
            self.is_special |= extra.cancellation.is_requested();
        }
    }

    // What it waits for. More than two things are rare, and only counted.

    pub(super) fn set_second_wait(&mut self, awaited: Awaited) {
        self.extra_mut().second = Some(awaited);
    }

    /// The first two things it waits for.
    pub(crate) fn known_waits(&self) -> impl Iterator<Item = Awaited> {
        let second = self.extra.as_ref().and_then(|extra| extra.second);
        [Some(self.awaited), second].into_iter().flatten().take(self.waits as usize)
    }

    /// Whether it only waits for its next turn, if it is woken.
    pub(super) fn waits_for_turn(&self) -> bool {
        self.waits == 0 || self.waits == 1 && self.awaited.wait == Wait::Turn
    }

    /// How many things it waits for beyond the first two.
    pub(crate) fn more_waits(&self) -> u32 {
        self.waits.saturating_sub(2)
    }

    /// The wait that says most.
    pub(crate) fn foremost_wait(&self) -> Awaited {
        let located = self.known_waits().find(|awaited| awaited.place.is_some());
        located.unwrap_or(self.awaited)
    }

    /// Where it stands, for a report.
    pub(super) fn standing(&self) -> Standing {
        let (task, spawned, started) = (self.id, self.spawned, self.started);
        Standing { task, spawned, started, awaited: self.foremost_wait() }
    }

    // Joiners: what waits for the task to end.

    fn has_more_joiners(&self) -> bool {
        self.extra.as_ref().is_some_and(|extra| !extra.joiners.is_empty())
    }

    /// Takes the joiner. Fails if there are several, or if it is not a task of this run.
    #[inline]
    pub(super) fn take_joiner(&mut self) -> Result<Option<TaskKey>, ()> {
        if self.has_more_joiners() {
            return Err(());
        }
        Ok(self.joiner.take().map(|(_, task)| task))
    }

    /// Takes all joiners, in the order in which they began to wait.
    pub(super) fn take_joiners(&mut self) -> Vec<Wakee> {
        let first = self.joiner.take().map(|(_, task)| Wakee::Task(task));
        let others = self.extra.as_mut().map(|extra| extra.joiners.take());
        first.into_iter().chain(others.into_iter().flatten()).collect()
    }

    /// Adds a joiner, or replaces the one of that number.
    pub(super) fn insert_joiner(&mut self, number: u32, wakee: Wakee) -> Option<Wakee> {
        match (self.joiner, &wakee) {
            (Some((known, before)), Wakee::Task(task)) if known == number => {
                self.joiner = Some((number, *task));
                return Some(Wakee::Task(before));
            }
            (None, Wakee::Task(task)) if !self.has_more_joiners() => {
                self.joiner = Some((number, *task));
                return None;
            }
            _ => {}
        }
        let before = self.joiner.take_if(|(known, _)| *known == number);
        let first = self.joiner.map(|(known, _)| known);
        let joiners = &mut self.extra_mut().joiners;
        if let Some((_, before)) = before {
            // It has another waker now, and keeps its place.
            joiners.push_first(number, wakee);
            return Some(Wakee::Task(before));
        }
        if let Some(known) = joiners.get_mut(number) {
            return Some(std::mem::replace(known, wakee));
        }
        joiners.push(number, wakee, first);
        None
    }

    pub(super) fn remove_joiner(&mut self, number: u32) -> Option<Wakee> {
        if let Some((_, task)) = self.joiner.take_if(|(known, _)| *known == number) {
            return Some(Wakee::Task(task));
        }
        self.extra.as_mut()?.joiners.remove(number)
    }
}

impl Extra {
    /// Resets it for reuse. Returns `false` if it may still hold code of another crate.
    fn reset(&mut self) -> bool {
        let is_plain = self.joiners.is_empty() && matches!(self.target, Awaiting::Other);
        self.second = None;
        is_plain && self.cancellation.reset()
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::super::joiners::HANDLE;
    use super::*;

    /// Each joiner is woken once, in order, with the waker that it gave last.
    #[test]
    fn joiners_keep_their_places() {
        let task = |id: u32| Wakee::Task(TaskKey::new(id, TaskId(id)));
        let named = |wakee: Wakee| match wakee {
            Wakee::Task(key) => key.id().to_string(),
            Wakee::Waker(_) => "waker".to_owned(),
        };
        let mut ended = Task::FREE;
        assert!(ended.insert_joiner(1, task(10)).is_none());
        assert!(ended.insert_joiner(2, task(20)).is_none());
        assert!(ended.insert_joiner(3, task(30)).is_none());
        assert!(ended.take_joiner().is_err(), "there are several");
        assert_eq!(ended.insert_joiner(2, task(21)).map(named).as_deref(), Some("20"));
        let first = ended.insert_joiner(1, Wakee::Waker(Waker::noop().clone()));
        assert_eq!(first.map(named).as_deref(), Some("10"));
        assert_eq!(ended.remove_joiner(3).map(named).as_deref(), Some("30"));
        assert!(ended.insert_joiner(4, task(40)).is_none());
        assert!(ended.insert_joiner(HANDLE, task(50)).is_none());
        assert!(ended.insert_joiner(5, task(60)).is_none());
        assert_eq!(ended.insert_joiner(HANDLE, task(51)).map(named).as_deref(), Some("50"));
        let woken: Vec<String> = ended.take_joiners().into_iter().map(named).collect();
        assert_eq!(woken, ["waker", "21", "40", "51", "60"]);
        assert!(matches!(ended.take_joiner(), Ok(None)));
    }
}
