//! The deadlines of a run: a binary heap from which a timer can also be taken out again.

use super::waker::Wakee;
use crate::instant::Instant;

/// Timers in the order of their deadlines; of equal ones in the order in which they were set.
///
/// The heap holds keys into a slab, and each entry of the slab knows its place in the heap. So a
/// timer that is no longer needed leaves at once, in logarithmic time, and nothing is allocated once
/// the two vectors have grown.
#[derive(Default)]
pub(crate) struct Timers {
    heap: Vec<Node>,
    entries: slab::Slab<Entry>,
    /// Timers set so far in this run: breaks ties, and tells apart the users of one slab entry.
    set: u64,
}

/// The order is that of the fields: deadline first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Node {
    deadline: Instant,
    serial: u64,
    entry: usize,
}

struct Entry {
    serial: u64,
    /// In `heap`.
    place: usize,
    wakee: Wakee,
}

/// A timer that was set.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TimerKey {
    entry: usize,
    serial: u64,
}

impl Timers {
    pub(crate) fn clear(&mut self) {
        self.heap.clear();
        self.entries.clear();
        self.set = 0;
    }

    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        self.heap.first().map(|node| node.deadline)
    }

    /// The first deadline after a time.
    pub(crate) fn deadline_after(&self, time: Instant) -> Option<Instant> {
        self.heap.iter().map(|node| node.deadline).filter(|&deadline| deadline > time).min()
    }

    pub(crate) fn insert(&mut self, deadline: Instant, wakee: Wakee) -> TimerKey {
        let serial = self.set;
        self.set += 1;
        let place = self.heap.len();
        let entry = self.entries.insert(Entry { serial, place, wakee });
        self.heap.push(Node { deadline, serial, entry });
        self.sift_up(place);
        TimerKey { entry, serial }
    }

    /// Whom a timer wakes, to be replaced; `None` if it has fired.
    pub(crate) fn wakee_mut(&mut self, key: TimerKey) -> Option<&mut Wakee> {
        let entry = self.entries.get_mut(key.entry)?;
        (entry.serial == key.serial).then_some(&mut entry.wakee)
    }

    /// Takes a timer out, unless it has fired.
    pub(crate) fn remove(&mut self, key: TimerKey) -> Option<Wakee> {
        let place = self.entries.get(key.entry).filter(|entry| entry.serial == key.serial)?.place;
        Some(self.remove_at(place))
    }

    /// Takes out the first timer, if it is due at `now`.
    pub(crate) fn pop_due(&mut self, now: Instant) -> Option<Wakee> {
        (self.next_deadline()? <= now).then(|| self.remove_at(0))
    }

    fn remove_at(&mut self, place: usize) -> Wakee {
        let node = self.heap.swap_remove(place);
        if let Some(moved) = self.heap.get(place) {
            self.entries[moved.entry].place = place;
            self.sift_down(place);
            self.sift_up(place);
        }
        self.entries.remove(node.entry).wakee
    }

    fn sift_up(&mut self, mut place: usize) {
        while place > 0 {
            let parent = (place - 1) / 2;
            if self.heap[parent] <= self.heap[place] {
                break;
            }
            self.swap(parent, place);
            place = parent;
        }
    }

    fn sift_down(&mut self, mut place: usize) {
        loop {
            let (left, right) = (2 * place + 1, 2 * place + 2);
            let mut least = place;
            if left < self.heap.len() && self.heap[left] < self.heap[least] {
                least = left;
            }
            if right < self.heap.len() && self.heap[right] < self.heap[least] {
                least = right;
            }
            if least == place {
                break;
            }
            self.swap(least, place);
            place = least;
        }
    }

    fn swap(&mut self, a: usize, b: usize) {
        self.heap.swap(a, b);
        self.entries[self.heap[a].entry].place = a;
        self.entries[self.heap[b].entry].place = b;
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
            3 => (0..20u64).prop_map(Op::Insert),
            1 => (0..60usize).prop_map(Op::Remove),
            1 => (0..20u64).prop_map(Op::Pop),
        ]
    }

    fn task(wakee: Wakee) -> u32 {
        match wakee {
            Wakee::Task(key) => key.id.as_u32(),
            Wakee::Waker(_) => unreachable!("only tasks were put in"),
        }
    }

    proptest! {
        /// Against a sorted map from (deadline, serial).
        #[test]
        fn a_heap_with_removal_is_a_sorted_map(ops in prop::collection::vec(op(), 1..120)) {
            let mut timers = Timers::default();
            let mut model = BTreeMap::new();
            let mut keys = Vec::new();
            for op in ops {
                match op {
                    Op::Insert(nanos) => {
                        let id = keys.len() as u32;
                        let deadline = Instant::START + Duration::from_nanos(nanos);
                        let key = crate::scheduler::TaskKey { slot: 0, id: TaskId(id) };
                        keys.push((deadline, timers.insert(deadline, Wakee::Task(key))));
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
                    }
                }
                let first = model.first_key_value().map(|(&(deadline, _), ())| deadline);
                prop_assert_eq!(timers.next_deadline(), first);
            }
        }
    }
}
