//! The timers of a run: a sorted map of deadlines, with a list of timers for each.

use std::collections::{BTreeMap, btree_map};
use std::num::NonZeroU64;
use std::ops::Bound;
use std::task::Waker;

use super::Executor;
use super::core::Core;
use super::waker::Wakee;
use crate::instant::Instant;
use crate::scheduler::TaskKey;
use crate::session::{Awaited, Place};
use crate::trace::Wait;

/// Timers in the order of their deadlines; timers of one deadline in the order in which they were set.
///
/// In virtual time many timers have the same deadline, because no time passes between setting them. So
/// deadlines are sorted, and the timers of one deadline are a list. A timer that is removed leaves a gap,
/// or shortens the list if it is the last. Lists are reused, so that hardly anything is allocated once
/// they have grown.
#[derive(Default)]
pub(crate) struct Timers {
    /// The index of the list of each deadline (in nanoseconds). A map of this type is compiled anyway:
    /// see [`Numbering`](crate::numbering::Numbering).
    deadlines: BTreeMap<u64, usize>,
    lists: Vec<List>,
    /// Lists that are not in use.
    free: Vec<usize>,
    /// The list that got the last timer.
    recent: usize,
    /// How many timers were set in this run. It tells apart the timers that have had one place.
    set: u64,
}

/// The timers of one deadline.
struct List {
    deadline: u64,
    timers: Vec<Timer>,
    /// How many of them have fired.
    fired: usize,
    /// How many are left, without gaps. At 0 the list is free.
    left: usize,
}

struct Timer {
    /// 0 for a gap.
    serial: u64,
    wakee: Wakee,
}

/// Identifies a timer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TimerKey {
    list: u32,
    place: u32,
    serial: NonZeroU64,
}

impl Timers {
    pub(crate) fn clear(&mut self) {
        // No timer is left, unless the scheduler has panicked.
        if !self.deadlines.is_empty() {
            *self = Self::default();
        }
        self.set = 0;
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.deadlines.is_empty()
    }

    #[inline]
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        self.deadlines.first_key_value().map(|(&deadline, _)| Instant::from_nanos(deadline))
    }

    /// The first deadline after a time.
    pub(crate) fn deadline_after(&self, time: Instant) -> Option<Instant> {
        let mut later = self.deadlines.range((Bound::Excluded(time.as_nanos()), Bound::Unbounded));
        later.next().map(|(&deadline, _)| Instant::from_nanos(deadline))
    }

    #[cfg_attr(not(debug_assertions), inline)]
    pub(crate) fn insert(&mut self, deadline: Instant, wakee: Wakee) -> TimerKey {
        let deadline = deadline.as_nanos();
        match self.lists.get(self.recent) {
            Some(list) if list.left > 0 && list.deadline == deadline => {}
            _ => self.recent = self.find(deadline),
        }
        self.set += 1;
        let list = &mut self.lists[self.recent];
        let place = u32::try_from(list.timers.len()).expect("fewer than 2^32 timers at once");
        list.timers.push(Timer { serial: self.set, wakee });
        list.left += 1;
        let serial = NonZeroU64::MIN.saturating_add(self.set - 1);
        TimerKey { list: self.recent as u32, place, serial }
    }

    /// The list of a deadline; makes one if there is none.
    #[inline(never)]
    fn find(&mut self, deadline: u64) -> usize {
        let entry = match self.deadlines.entry(deadline) {
            btree_map::Entry::Occupied(list) => return *list.get(),
            btree_map::Entry::Vacant(entry) => entry,
        };
        let list = self.free.pop().unwrap_or_else(|| {
            self.lists.push(List { deadline, timers: Vec::new(), fired: 0, left: 0 });
            self.lists.len() - 1
        });
        self.lists[list].deadline = deadline;
        *entry.insert(list)
    }

    /// What a timer wakes, to be replaced. `None` if it has fired.
    #[inline]
    pub(crate) fn wakee_mut(&mut self, key: TimerKey) -> Option<&mut Wakee> {
        let timer = self.lists.get_mut(key.list as usize)?.timers.get_mut(key.place as usize)?;
        (timer.serial == key.serial.get()).then_some(&mut timer.wakee)
    }

    /// Removes a timer, unless it has fired.
    pub(crate) fn remove(&mut self, key: TimerKey) -> Option<Wakee> {
        let list = self.lists.get_mut(key.list as usize)?;
        let timer = list.timers.get_mut(key.place as usize)?;
        if timer.serial != key.serial.get() {
            return None;
        }
        let wakee = timer.take();
        list.left -= 1;
        if list.left == 0 {
            let deadline = list.deadline;
            self.give_back(key.list as usize);
            self.deadlines.remove(&deadline);
        } else {
            while list.timers.pop_if(|last| last.serial == 0).is_some() {}
        }
        Some(wakee)
    }

    /// Takes the first timer, if it is due at `now`.
    #[inline]
    pub(crate) fn pop_due(&mut self, now: Instant) -> Option<Wakee> {
        let entry = self.deadlines.first_entry().filter(|list| *list.key() <= now.as_nanos())?;
        let number = *entry.get();
        let list = &mut self.lists[number];
        loop {
            let timer = &mut list.timers[list.fired];
            list.fired += 1;
            if timer.serial == 0 {
                continue;
            }
            let wakee = timer.take();
            list.left -= 1;
            if list.left == 0 {
                entry.remove();
                self.give_back(number);
            }
            return Some(wakee);
        }
    }

    fn give_back(&mut self, number: usize) {
        let list = &mut self.lists[number];
        list.timers.clear();
        list.fired = 0;
        self.free.push(number);
    }
}

impl Timer {
    /// Leaves a gap.
    fn take(&mut self) -> Wakee {
        self.serial = 0;
        std::mem::replace(&mut self.wakee, Wakee::Task(TaskKey::default()))
    }
}

impl Core {
    /// Wakes tasks that are due. Stops at a timer with a foreign waker and returns that.
    #[inline]
    pub(super) fn fire_due(&mut self) -> Option<Waker> {
        loop {
            match self.timers.pop_due(self.session.now)? {
                Wakee::Task(key) => self.wake(key),
                Wakee::Waker(waker) => return Some(waker),
            }
        }
    }
}

impl Executor {
    /// Whether a deadline has come. If not, sets or updates a timer that wakes the owner of `waker` then.
    #[inline(always)]
    pub(crate) fn poll_deadline(
        &self,
        deadline: Instant,
        timer: &mut Option<TimerKey>,
        waker: &Waker,
        place: Place,
    ) -> bool {
        let mut borrowed = self.core();
        let mut core: &mut Core = &mut borrowed;
        let deadline = core.due(deadline);
        if core.session.now >= deadline {
            timer.take_if(|key| core.timers.wakee_mut(*key).is_none());
            return true;
        }
        let awaited = Awaited { wait: Wait::Until(deadline), place: Some(place) };
        if let Some(scope) = self.poll.wait_on(awaited) {
            core.count_notes(scope, 1);
        }
        if deadline == Instant::FAR_FUTURE {
            return false;
        }
        let wakee = match self.poll.own_task(waker) {
            Some(task) => Wakee::Task(task),
            None => {
                drop(borrowed);
                let waker = waker.clone();
                borrowed = self.core();
                core = &mut borrowed;
                Wakee::Waker(waker)
            }
        };
        match timer.as_ref().and_then(|key| core.timers.wakee_mut(*key)) {
            // Also if the timer has fired too early, because the clock of its host runs slower now.
            None => *timer = Some(core.timers.insert(deadline, wakee)),
            Some(known) => {
                let previous = std::mem::replace(known, wakee);
                drop(borrowed);
                drop(previous);
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;
    use crate::trace::TaskId;

    #[derive(Clone, Debug)]
    enum Op {
        Insert(u64),
        Remove(usize),
        Pop(u64),
    }

    fn op() -> impl Strategy<Value = Op> {
        prop_oneof![
            4 => (0..20u64).prop_map(Op::Insert),
            3 => (0..200usize).prop_map(Op::Remove),
            1 => (0..20u64).prop_map(Op::Pop),
        ]
    }

    fn task(wakee: Wakee) -> u32 {
        match wakee {
            Wakee::Task(key) => key.id().as_u32(),
            Wakee::Waker(_) => unreachable!("only tasks were put in"),
        }
    }

    fn of_task(id: u32) -> Wakee {
        Wakee::Task(crate::scheduler::TaskKey::new(0, TaskId(id)))
    }

    /// A timeout that never strikes, again and again.
    #[test]
    fn what_is_taken_out_leaves_nothing_behind() {
        let mut timers = Timers::default();
        timers.insert(Instant::START, of_task(0));
        for nth in 1..1000 {
            let key = timers.insert(Instant::START + Duration::from_secs(nth), of_task(1));
            assert_eq!(timers.remove(key).map(task), Some(1));
            assert!(timers.remove(key).is_none(), "it is gone");
            assert_eq!((timers.deadlines.len(), timers.lists.len()), (1, 2));
        }
        // The same with one deadline only.
        let before = timers.insert(Instant::START, of_task(2));
        for _ in 1..1000 {
            let key = timers.insert(Instant::START, of_task(1));
            assert_eq!(timers.remove(key).map(task), Some(1));
        }
        assert!(timers.lists.iter().all(|list| list.timers.len() <= 2));
        assert_eq!(timers.remove(before).map(task), Some(2));
        assert_eq!(timers.pop_due(Instant::FAR_FUTURE).map(task), Some(0));
        assert!(timers.deadlines.is_empty() && timers.free.len() == timers.lists.len());
    }

    proptest! {
        /// Compares with a sorted map from (deadline, serial number).
        #[test]
        fn lists_by_deadline_are_a_sorted_map(ops in prop::collection::vec(op(), 1..400)) {
            let mut timers = Timers::default();
            let mut model = BTreeMap::new();
            let mut keys = Vec::new();
            for op in ops {
                match op {
                    Op::Insert(nanos) => {
                        let id = keys.len() as u32;
                        let deadline = Instant::START + Duration::from_nanos(nanos);
                        keys.push((deadline, timers.insert(deadline, of_task(id))));
                        model.insert((deadline, id), ());
                    }
                    Op::Remove(i) => {
                        if let Some(&(deadline, key)) = keys.get(i) {
                            let known = model.remove(&(deadline, i as u32)).is_some();
                            prop_assert_eq!(timers.remove(key).map(task), known.then_some(i as u32));
                        }
                    }
                    Op::Pop(nanos) => {
                        let now = Instant::START + Duration::from_nanos(nanos);
                        let due = model.first_key_value().map(|(&key, ())| key);
                        let due = due.filter(|&(deadline, _)| deadline <= now);
                        if let Some(key) = due {
                            model.remove(&key);
                        }
                        prop_assert_eq!(timers.pop_due(now).map(task), due.map(|(_, id)| id));
                        let later = model.keys().find(|&&(deadline, _)| deadline > now);
                        prop_assert_eq!(timers.deadline_after(now), later.map(|&(deadline, _)| deadline));
                    }
                }
                let first = model.first_key_value().map(|(&(deadline, _), ())| deadline);
                prop_assert_eq!(timers.next_deadline(), first);
            }
        }
    }
}
