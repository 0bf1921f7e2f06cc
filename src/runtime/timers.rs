//! The deadlines of a run: a sorted map of them, and for each a list of the timers that are set to it.

use std::collections::{BTreeMap, btree_map};
use std::ops::Bound;
use std::task::Waker;

use super::Runtime;
use super::core::Core;
use super::places::{Awaited, Place};
use super::waker::Wakee;
use crate::instant::Instant;
use crate::trace::Wait;

/// Timers in the order of their deadlines; of equal ones in the order in which they were set.
///
/// In virtual time many timers have the very same deadline, for no time passes between one and the next
/// that is set. So it is deadlines that are sorted, and the timers of one are a list through a slab, which
/// any of them can leave. Once slab and map have grown, hardly anything is allocated.
#[derive(Default)]
pub(crate) struct Timers {
    /// By the nanoseconds of the deadlines, the first timer of each. A map of this type is compiled anyway: see
    /// [`Numbering`](crate::numbering::Numbering).
    lists: BTreeMap<u64, usize>,
    entries: slab::Slab<Entry>,
    /// Timers set so far in this run: tells apart the users of one slab entry.
    set: u64,
}

struct Entry {
    serial: u64,
    deadline: Instant,
    /// Before the first of a list comes the last.
    previous: u32,
    next: u32,
    wakee: Wakee,
}

/// After the last of a list.
const END: u32 = u32::MAX;

/// A timer that was set.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TimerKey {
    entry: u32,
    serial: u64,
}

impl Timers {
    pub(crate) fn clear(&mut self) {
        // An empty map keeps its memory only if it is not told to clear itself.
        if !self.lists.is_empty() {
            self.lists.clear();
            self.entries.clear();
        }
        self.set = 0;
    }

    #[inline]
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        self.lists.first_key_value().map(|(&deadline, _)| Instant::from_nanos(deadline))
    }

    /// The first deadline after a time.
    pub(crate) fn deadline_after(&self, time: Instant) -> Option<Instant> {
        let mut later = self.lists.range((Bound::Excluded(time.as_nanos()), Bound::Unbounded));
        later.next().map(|(&deadline, _)| Instant::from_nanos(deadline))
    }

    #[inline]
    pub(crate) fn insert(&mut self, deadline: Instant, wakee: Wakee) -> TimerKey {
        let serial = self.set;
        self.set += 1;
        let entry = Entry { serial, deadline, previous: END, next: END, wakee };
        let entry =
            u32::try_from(self.entries.insert(entry)).expect("fewer than 2^32 timers at once");
        let last = match self.lists.entry(deadline.as_nanos()) {
            btree_map::Entry::Vacant(list) => {
                list.insert(entry as usize);
                entry
            }
            btree_map::Entry::Occupied(list) => {
                let last = std::mem::replace(&mut self.entries[*list.get()].previous, entry);
                self.entries[last as usize].next = entry;
                last
            }
        };
        self.entries[entry as usize].previous = last;
        TimerKey { entry, serial }
    }

    /// Whom a timer wakes, to be replaced; `None` if it has fired.
    #[inline]
    pub(crate) fn wakee_mut(&mut self, key: TimerKey) -> Option<&mut Wakee> {
        let entry = self.entries.get_mut(key.entry as usize)?;
        (entry.serial == key.serial).then_some(&mut entry.wakee)
    }

    /// Takes a timer out, unless it has fired.
    pub(crate) fn remove(&mut self, key: TimerKey) -> Option<Wakee> {
        self.wakee_mut(key)?;
        let Entry { deadline, previous, next, wakee, .. } = self.entries.remove(key.entry as usize);
        let deadline = deadline.as_nanos();
        if previous == key.entry {
            // It was alone.
            self.lists.remove(&deadline);
            return Some(wakee);
        }
        let before = &mut self.entries[previous as usize].next;
        let was_first = *before == END;
        if !was_first {
            *before = next;
        }
        let after = if was_first || next == END {
            let first = self.lists.get_mut(&deadline).expect("dacapo bug: a timer is in no list");
            if was_first {
                *first = next as usize;
            }
            *first
        } else {
            next as usize
        };
        self.entries[after].previous = previous;
        Some(wakee)
    }

    /// Takes out the first timer, if it is due at `now`.
    #[inline]
    pub(crate) fn pop_due(&mut self, now: Instant) -> Option<Wakee> {
        let mut list = self.lists.first_entry().filter(|list| *list.key() <= now.as_nanos())?;
        let first = self.entries.remove(*list.get());
        match self.entries.get_mut(first.next as usize) {
            Some(next) => {
                next.previous = first.previous;
                *list.get_mut() = first.next as usize;
            }
            None => {
                list.remove();
            }
        }
        Some(first.wakee)
    }
}

impl Core {
    /// Wakes those whose time has come, up to the first one with a waker of his own, which is returned.
    #[inline]
    pub(super) fn fire_due(&mut self) -> Option<Waker> {
        loop {
            match self.timers.pop_due(self.now)? {
                Wakee::Task(key) => self.wake(key),
                Wakee::Waker(waker) => return Some(waker),
            }
        }
    }
}

impl Runtime {
    /// Whether a deadline has come. If not, who waits for it with this waker is woken then, by a timer that
    /// is set, or known from an earlier call.
    #[inline(always)]
    pub(crate) fn poll_deadline(
        &self,
        deadline: Instant,
        timer: &mut Option<TimerKey>,
        waker: &Waker,
        place: Place,
    ) -> bool {
        let mut core = self.core();
        if core.now >= deadline {
            timer.take_if(|key| core.timers.wakee_mut(*key).is_none());
            return true;
        }
        let awaited = Awaited { wait: Wait::Until(deadline), place: Some(place) };
        if let Some(scope) = self.poll.wait_on(awaited) {
            core.count_note(scope);
        }
        if deadline == Instant::FAR_FUTURE {
            return false;
        }
        let wakee = match self.poll.own_task(waker) {
            Some(task) => Wakee::Task(task),
            None => {
                drop(core);
                let waker = waker.clone();
                core = self.core();
                Wakee::Waker(waker)
            }
        };
        match timer {
            None => *timer = Some(core.timers.insert(deadline, wakee)),
            Some(key) => {
                let known = core.timers.wakee_mut(*key);
                let known = known.expect("dacapo bug: a timer fired before its deadline");
                let previous = std::mem::replace(known, wakee);
                drop(core);
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

    /// As a timeout does that is never needed, again and again.
    #[test]
    fn what_is_taken_out_leaves_nothing_behind() {
        let mut timers = Timers::default();
        timers.insert(Instant::START, of_task(0));
        for nth in 1..1000 {
            let key = timers.insert(Instant::START + Duration::from_secs(nth), of_task(1));
            assert_eq!(timers.remove(key).map(task), Some(1));
            assert!(timers.remove(key).is_none(), "it is gone");
            assert_eq!((timers.lists.len(), timers.entries.len()), (1, 1));
        }
        assert_eq!(timers.pop_due(Instant::FAR_FUTURE).map(task), Some(0));
        assert!(timers.lists.is_empty() && timers.entries.is_empty());
    }

    proptest! {
        /// Against a sorted map from (deadline, serial).
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
