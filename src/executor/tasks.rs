//! The tasks of a run.

use super::cancellation::{Awaiting, Cancellation};
use super::cell::BoxTask;
use super::unwind::Caught;
use super::waker::Wakee;
use crate::scheduler::TaskKey;
use crate::session::{Awaited, Place, Standing};
use crate::trace::{Ending, TaskId, Wait};

/// One task, from its spawning until it has ended and its handle is gone.
///
/// In the first line of the cache is what a step of nearly every task needs, in the second what its spawning
/// and its end do, and elsewhere what few tasks have at all: with many tasks, a step takes as long as the lines
/// of memory that it touches.
#[repr(C, align(64))]
pub(crate) struct Task {
    /// Of a place that is free, [`FREE`].
    pub(crate) id: TaskId,
    pub(crate) state: State,
    /// Whether it was polled at all.
    pub(crate) started: bool,
    pub(super) aborted: bool,
    /// Whether it may be aborted or cancelled, or says whom to ask first: then a poll is not all there is to
    /// its step.
    pub(super) is_special: bool,
    /// How many of its polls have ended at an await.
    pub(crate) awaits: u32,
    /// How many things it has said it waits for.
    pub(super) waits: u32,
    /// Absent while it is polled, for the main task (which stands on the stack of `run`), and when
    /// the output has been taken.
    pub(crate) cell: Option<BoxTask>,
    /// The first of them; if there is none, what is not known, and around which place.
    pub(super) awaited: Awaited,
    /// Tells its waker from others: compared, never read through.
    pub(super) waker: *const (),

    /// How it has ended, if it has.
    pub(super) how: Ending,
    pub(crate) traits: Traits,
    /// The host that it runs on; 0 is the host of the test.
    pub(crate) host: u16,
    /// How many tasks it has spawned.
    pub(crate) children: u32,
    /// Which of the run's tasks it was to end, counted from 1.
    pub(super) nth: u32,
    pub(crate) spawned: Option<Place>,
    /// The task that is to be asked first if this one is cancelled.
    awaits_task: Option<TaskKey>,
    /// Who is to be woken when it ends, under a number of his own: nearly always there is one, and a task.
    joiner: Option<(u32, TaskKey)>,
    extra: Option<Box<Extra>>,
}

// As many lines of the cache as it is to have.
const _: () = assert!(size_of::<Task>() <= 2 * 64);

/// What few tasks are.
#[derive(Clone, Copy, Default)]
pub(crate) struct Traits {
    /// Whether nobody has its handle.
    pub(crate) detached: bool,
    /// Whether somebody has seen, or will see, a panic that it ends with.
    pub(crate) retrieved: bool,
    /// Whether it is to run to its end also when main has returned.
    pub(crate) finishing: bool,
    /// Whether somebody else than its handle passes on a panic.
    pub(crate) supervised: bool,
    /// Whether it says of itself that it has failed, though it returned.
    pub(crate) failed: bool,
    /// Whether it stands for a thread, which nobody can stop.
    pub(crate) thread: bool,
    /// Whether it was polled for no reason, and not been woken since.
    pub(crate) roused: bool,
    /// Whether the one who holds its handle was asked to give a turn away, or did wait.
    pub(crate) asked: bool,
}

/// What few tasks have.
#[derive(Default)]
pub(super) struct Extra {
    pub(super) cancellation: Cancellation,
    /// What is to be asked first instead of a task.
    target: Awaiting,
    /// The second thing that it waits for, if there are two or more.
    second: Option<Awaited>,
    /// Who is to be woken besides the first.
    joiners: Vec<(u32, Wakee)>,
    panicked: Option<Box<Caught>>,
}

/// The id of a place in which no task is.
const FREE: TaskId = TaskId(u32::MAX);

/// The most places that are kept for the next run.
const KEPT: usize = 1 << 17;

/// What is left of a task that has ended.
pub(crate) struct Remains {
    pub(crate) cell: Option<BoxTask>,
    pub(crate) ended: Option<Ended>,
    /// Whether somebody sees its panic.
    pub(crate) seen: bool,
    /// What may be somebody else's code, if there is any.
    _others: Option<Box<Extra>>,
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

    /// Adds one that is ready, and is yet to be [furnished](Tasks::furnish).
    #[cfg_attr(not(debug_assertions), inline)]
    pub(crate) fn add(&mut self, id: TaskId, host: u16, spawned: Option<Place>) -> TaskKey {
        let slot = match self.free.pop() {
            Some(slot) => slot,
            None => self.add_place(),
        };
        let task = &mut self.places[slot as usize];
        // Field by field, for in a free place there is nothing to be dropped.
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
            // By more than a `Vec` would: memory with this alignment is copied when it grows.
            self.places.reserve(3 * self.places.len());
        }
        self.places.push(Task::FREE);
        slot
    }

    /// Gives a task that was added what is to be polled with the waker of this address; the main one has no
    /// cell.
    #[cfg_attr(not(debug_assertions), inline)]
    pub(crate) fn furnish(&mut self, key: TaskKey, cell: Option<BoxTask>, waker: *const ()) {
        let Some(task) = self.get_mut(key) else { return };
        // Nobody has the main one's handle.
        task.traits.detached = cell.is_none();
        task.put(cell);
        task.waker = waker;
    }

    #[inline]
    pub(crate) fn get(&self, key: TaskKey) -> Option<&Task> {
        // Of a slice, for an index into a `Vec` is several calls where nothing is optimised.
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

    /// Forgets a task that has returned, and of which nothing else is left than what has its output.
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

    /// Forgets a task that has ended; the caller drops what is left of it.
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
        // The memory is kept if there is nothing in it.
        if task.extra.as_mut().is_some_and(|extra| !extra.reset()) {
            remains._others = task.extra.take();
        }
        self.free.push(key.slot());
        Some(remains)
    }

    /// All of them, in no order that would mean anything.
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
        // There is nothing to be dropped, which else would be asked.
        std::mem::forget(std::mem::replace(&mut self.cell, cell));
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.state == State::Ended
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

    /// What it ended with, if that was a panic.
    pub(super) fn panicked(&self) -> Option<&Caught> {
        self.extra.as_ref()?.panicked.as_deref()
    }

    fn extra_mut(&mut self) -> &mut Extra {
        self.extra.get_or_insert_default()
    }

    pub(super) fn cancellation(&self) -> Option<&Cancellation> {
        self.extra.as_ref().map(|extra| &extra.cancellation)
    }

    /// The same to be changed; whoever asks the task to end says so by `is_special` too.
    pub(super) fn cancellation_mut(&mut self) -> &mut Cancellation {
        &mut self.extra_mut().cancellation
    }

    /// What is to be asked first if it is cancelled.
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

    /// What comes before a poll if that is not all there is to the step.
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

    // What it waits for. More than two things at once are rare, and counted only.

    pub(super) fn set_second_wait(&mut self, awaited: Awaited) {
        self.extra_mut().second = Some(awaited);
    }

    /// What it said that it waits for, the first two.
    pub(crate) fn known_waits(&self) -> impl Iterator<Item = Awaited> {
        let second = self.extra.as_ref().and_then(|extra| extra.second);
        [Some(self.awaited), second].into_iter().flatten().take(self.waits as usize)
    }

    /// Whether it waits for no more than its next turn, if it is woken.
    pub(super) fn waits_for_turn(&self) -> bool {
        self.waits == 0 || self.waits == 1 && self.awaited.wait == Wait::Turn
    }

    /// How many there are beyond these.
    pub(crate) fn more_waits(&self) -> u32 {
        self.waits.saturating_sub(2)
    }

    /// The one that says most.
    pub(crate) fn foremost_wait(&self) -> Awaited {
        let located = self.known_waits().find(|awaited| awaited.place.is_some());
        located.unwrap_or(self.awaited)
    }

    /// Where it stands, for a report.
    pub(super) fn standing(&self) -> Standing {
        let (task, spawned, started) = (self.id, self.spawned, self.started);
        Standing { task, spawned, started, awaited: self.foremost_wait() }
    }

    // Who waits for it.

    fn has_more_joiners(&self) -> bool {
        self.extra.as_ref().is_some_and(|extra| !extra.joiners.is_empty())
    }

    /// Takes the joiner, unless there is more than one, or one that is no task of this run.
    #[inline]
    pub(super) fn take_joiner(&mut self) -> Result<Option<TaskKey>, ()> {
        if self.has_more_joiners() {
            return Err(());
        }
        Ok(self.joiner.take().map(|(_, task)| task))
    }

    /// Takes all, in the order of their coming.
    pub(super) fn take_joiners(&mut self) -> Vec<Wakee> {
        let first = self.joiner.take().map(|(_, task)| Wakee::Task(task));
        let others = self.extra.as_mut().map(|extra| std::mem::take(&mut extra.joiners));
        let others = others.into_iter().flatten().map(|(_, wakee)| wakee);
        first.into_iter().chain(others).collect()
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
        let joiners = &mut self.extra_mut().joiners;
        if let Some((_, before)) = before {
            // He has another waker now, and keeps his place.
            joiners.insert(0, (number, wakee));
            return Some(Wakee::Task(before));
        }
        if let Some((_, known)) = joiners.iter_mut().find(|(known, _)| *known == number) {
            return Some(std::mem::replace(known, wakee));
        }
        joiners.push((number, wakee));
        None
    }

    pub(super) fn remove_joiner(&mut self, number: u32) -> Option<Wakee> {
        if let Some((_, task)) = self.joiner.take_if(|(known, _)| *known == number) {
            return Some(Wakee::Task(task));
        }
        let joiners = &mut self.extra.as_mut()?.joiners;
        let place = joiners.iter().position(|(known, _)| *known == number)?;
        Some(joiners.remove(place).1)
    }
}

impl Extra {
    /// Makes it as that of a new task, if nothing in it may be somebody else's code.
    fn reset(&mut self) -> bool {
        let is_plain = self.joiners.is_empty() && matches!(self.target, Awaiting::Other);
        self.second = None;
        is_plain && self.cancellation.reset()
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::*;

    /// Each is woken once, in the order of their coming, as whom he last said he is.
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
        let woken: Vec<String> = ended.take_joiners().into_iter().map(named).collect();
        assert_eq!(woken, ["waker", "21", "40"]);
        assert!(matches!(ended.take_joiner(), Ok(None)));
    }
}
