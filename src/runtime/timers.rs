//! The deadlines of a run: a heap from which a timer can also be taken out again.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::task::Waker;

use super::Runtime;
use super::core::Core;
use super::places::{Awaited, Place};
use super::waker::Wakee;
use crate::instant::Instant;
use crate::trace::Wait;

/// Timers in the order of their deadlines; of equal ones in the order in which they were set.
///
/// Whom a timer wakes is in a slab, and its place in the order is a node of a heap. A timer that is no
/// longer needed leaves the slab at once. Its node stays, since to know where that is would take a note at
/// each move within the heap; but it never comes first, and when more than half of the nodes are such,
/// all of them are swept out. Nothing is allocated once heap and slab have grown.
#[derive(Default)]
pub(crate) struct Timers {
    heap: BinaryHeap<Node>,
    entries: slab::Slab<Entry>,
    /// Timers set so far in this run: breaks ties, and tells apart the users of one slab entry.
    set: u64,
}

#[derive(Clone, Copy)]
struct Node {
    deadline: Instant,
    serial: u64,
    entry: usize,
}

struct Entry {
    serial: u64,
    wakee: Wakee,
}

/// A timer that was set.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TimerKey {
    entry: usize,
    serial: u64,
}

/// Left nodes that are not worth a sweep.
const LEFT_BEHIND: usize = 32;

impl Timers {
    pub(crate) fn clear(&mut self) {
        self.heap.clear();
        self.entries.clear();
        self.set = 0;
    }

    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        self.heap.peek().map(|node| node.deadline)
    }

    /// The first deadline after a time.
    pub(crate) fn deadline_after(&self, time: Instant) -> Option<Instant> {
        let set = self.heap.iter().filter(|node| is_set(&self.entries, node));
        set.map(|node| node.deadline).filter(|&deadline| deadline > time).min()
    }

    pub(crate) fn insert(&mut self, deadline: Instant, wakee: Wakee) -> TimerKey {
        let serial = self.set;
        self.set += 1;
        let entry = self.entries.insert(Entry { serial, wakee });
        self.heap.push(Node { deadline, serial, entry });
        TimerKey { entry, serial }
    }

    /// Whom a timer wakes, to be replaced; `None` if it has fired.
    pub(crate) fn wakee_mut(&mut self, key: TimerKey) -> Option<&mut Wakee> {
        let entry = self.entries.get_mut(key.entry)?;
        (entry.serial == key.serial).then_some(&mut entry.wakee)
    }

    /// Takes a timer out, unless it has fired.
    pub(crate) fn remove(&mut self, key: TimerKey) -> Option<Wakee> {
        self.wakee_mut(key)?;
        let entry = self.entries.remove(key.entry);
        if self.heap.len() > 2 * self.entries.len() + LEFT_BEHIND {
            self.heap.retain(|node| is_set(&self.entries, node));
        }
        self.uncover();
        Some(entry.wakee)
    }

    /// Takes out the first timer, if it is due at `now`.
    #[inline]
    pub(crate) fn pop_due(&mut self, now: Instant) -> Option<Wakee> {
        if self.next_deadline()? > now {
            return None;
        }
        let first = self.heap.pop()?;
        let entry = self.entries.remove(first.entry);
        self.uncover();
        Some(entry.wakee)
    }

    /// Takes away the nodes before the first timer that is set.
    #[inline]
    fn uncover(&mut self) {
        while self.heap.len() > self.entries.len()
            && self.heap.peek().is_some_and(|node| !is_set(&self.entries, node))
        {
            self.heap.pop();
        }
    }
}

fn is_set(entries: &slab::Slab<Entry>, node: &Node) -> bool {
    entries.get(node.entry).is_some_and(|entry| entry.serial == node.serial)
}

impl Node {
    /// One number, for it is compared more than anything else.
    fn rank(&self) -> u128 {
        (u128::from(self.deadline.as_nanos()) << 64) | u128::from(self.serial)
    }
}

/// The earliest is the greatest, as the heap wants it.
impl Ord for Node {
    fn cmp(&self, other: &Self) -> Ordering {
        other.rank().cmp(&self.rank())
    }
}

impl PartialOrd for Node {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Node {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Node {}

impl Core {
    /// Wakes those whose time has come, up to the first one with a waker of his own, which is returned.
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
        core.wait_on(Awaited { wait: Wait::Until(deadline), place: Some(place) });
        if deadline == Instant::FAR_FUTURE {
            return false;
        }
        let wakee = match core.own_task(waker) {
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
            Wakee::Task(key) => key.id.as_u32(),
            Wakee::Waker(_) => unreachable!("only tasks were put in"),
        }
    }

    fn of_task(id: u32) -> Wakee {
        Wakee::Task(crate::scheduler::TaskKey { slot: 0, id: TaskId(id) })
    }

    /// As a timeout does that is never needed, again and again.
    #[test]
    fn what_is_taken_out_leaves_little_behind() {
        let mut timers = Timers::default();
        // The first one, so that the others are not met at the head of the heap.
        timers.insert(Instant::START, of_task(0));
        for nth in 1..1000 {
            let key = timers.insert(Instant::START + Duration::from_secs(nth), of_task(1));
            assert_eq!(timers.remove(key).map(task), Some(1));
            assert!(timers.heap.len() <= LEFT_BEHIND + 2, "{} nodes", timers.heap.len());
        }
        assert_eq!(timers.pop_due(Instant::FAR_FUTURE).map(task), Some(0));
        assert!(timers.heap.is_empty());
    }

    proptest! {
        /// Against a sorted map from (deadline, serial).
        #[test]
        fn a_heap_with_removal_is_a_sorted_map(ops in prop::collection::vec(op(), 1..400)) {
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
