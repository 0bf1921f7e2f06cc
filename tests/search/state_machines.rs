//! Concurrent state machines: a queue, a map and a cache, each with a twin that is broken.
//!
//! The twins are victims, run in processes of their own.
#![cfg(feature = "proptest")]

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use crate::support::histories::{Queue, QueueOp};
use crate::support::{assert_snapshot, is_victim, millis, run_victim};
use dacapo::history::{Model, linearize};
use dacapo::proptest::commands;
use dacapo::sync::Lock;
use dacapo::task::yield_now;
use dacapo::time::sleep;
use proptest::prelude::*;

fn queue_op() -> impl Strategy<Value = QueueOp> {
    prop_oneof![(0..10_u64).prop_map(QueueOp::Push), Just(QueueOp::Pop)]
}

/// A queue whose items are stored elsewhere, which takes a moment.
#[derive(Default)]
struct StoredQueue {
    slots: RefCell<BTreeMap<usize, u64>>,
    end: Cell<usize>,
    lock: Lock,
    broken: bool,
}

impl StoredQueue {
    async fn apply(&self, op: QueueOp) -> Option<u64> {
        // The broken one assumes that no other task comes at that very moment.
        let _guard = if self.broken { None } else { Some(self.lock.lock().await) };
        match op {
            QueueOp::Push(item) => {
                let slot = self.end.get();
                yield_now().await;
                self.slots.borrow_mut().insert(slot, item);
                self.end.set(slot + 1);
                None
            }
            QueueOp::Pop => self.slots.borrow_mut().pop_first().map(|(_, item)| item),
        }
    }
}

#[derive(Clone, Debug)]
enum MapOp {
    Get(u8),
    Insert(u8, u8),
    Remove(u8),
}

/// All answer with what was there before.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
struct Map(BTreeMap<u8, u8>);

impl Model for Map {
    type Op = MapOp;
    type Output = Option<u8>;

    fn step(&mut self, op: &MapOp) -> Option<u8> {
        match *op {
            MapOp::Get(key) => self.0.get(&key).copied(),
            MapOp::Insert(key, value) => self.0.insert(key, value),
            MapOp::Remove(key) => self.0.remove(&key),
        }
    }

    fn key(op: &MapOp) -> impl Ord {
        match *op {
            MapOp::Get(key) | MapOp::Insert(key, _) | MapOp::Remove(key) => key,
        }
    }
}

fn map_op() -> impl Strategy<Value = MapOp> {
    prop_oneof![
        (0..3_u8).prop_map(MapOp::Get),
        (0..3_u8, 0..10_u8).prop_map(|(key, value)| MapOp::Insert(key, value)),
        (0..3_u8).prop_map(MapOp::Remove),
    ]
}

/// A map behind a lock, which is slow to write.
#[derive(Default)]
struct LockedMap {
    map: RefCell<Map>,
    lock: Lock,
    broken: bool,
}

impl LockedMap {
    async fn apply(&self, op: MapOp) -> Option<u8> {
        let mut guard = self.lock.lock().await;
        let (MapOp::Get(key) | MapOp::Insert(key, _) | MapOp::Remove(key)) = op;
        let before = self.map.borrow_mut().step(&MapOp::Get(key));
        if self.broken {
            // A client that comes in between sees the same.
            drop(guard);
            guard = self.lock.lock().await;
        }
        yield_now().await;
        self.map.borrow_mut().step(&op);
        drop(guard);
        before
    }
}

#[derive(Clone, Debug)]
enum PageOp {
    Read(u8),
    Write(u8, u8),
}

/// What clients see if there is no cache: pages, each 0 at first.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
struct Pages(BTreeMap<u8, u8>);

impl Model for Pages {
    type Op = PageOp;
    type Output = u8;

    fn step(&mut self, op: &PageOp) -> u8 {
        match *op {
            PageOp::Read(page) => self.0.get(&page).copied().unwrap_or(0),
            PageOp::Write(page, text) => {
                self.0.insert(page, text);
                text
            }
        }
    }

    fn key(op: &PageOp) -> impl Ord {
        match *op {
            PageOp::Read(page) | PageOp::Write(page, _) => page,
        }
    }
}

fn page_op() -> impl Strategy<Value = PageOp> {
    prop_oneof![
        (0..2_u8).prop_map(PageOp::Read),
        (0..2_u8, 1..10_u8).prop_map(|(page, text)| PageOp::Write(page, text)),
    ]
}

/// A cache that reads through: after Nishtala et al., "Scaling Memcache at Facebook" (2013).
#[derive(Default)]
struct Cache {
    database: RefCell<Pages>,
    cached: RefCell<BTreeMap<u8, u8>>,
    /// How often each page was invalidated: the lease of the client that fills the cache.
    invalidated: RefCell<BTreeMap<u8, u32>>,
    broken: bool,
}

impl Cache {
    async fn apply(&self, op: PageOp) -> u8 {
        let (PageOp::Read(page) | PageOp::Write(page, _)) = op;
        let lease = self.invalidated.borrow().get(&page).copied();
        if let (PageOp::Read(_), Some(&text)) = (&op, self.cached.borrow().get(&page)) {
            return text;
        }
        let text = self.database.borrow_mut().step(&op);
        if let PageOp::Write(..) = op {
            *self.invalidated.borrow_mut().entry(page).or_default() += 1;
            self.cached.borrow_mut().remove(&page);
        }
        // The answer is on its way.
        sleep(millis(10)).await;
        if self.broken || lease == self.invalidated.borrow().get(&page).copied() {
            self.cached.borrow_mut().insert(page, text);
        }
        text
    }
}

dacapo::proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    async fn queue(workload in commands(queue_op(), 2..=3, 1..6)) {
        let queue = StoredQueue { broken: is_victim(), ..StoredQueue::default() };
        linearize(Queue::default(), workload, async move |op| queue.apply(op).await).await?;
    }

    #[test]
    async fn map(workload in commands(map_op(), 2..=3, 1..6)) {
        let map = LockedMap { broken: is_victim(), ..LockedMap::default() };
        linearize(Map::default(), workload, async move |op| map.apply(op).await).await?;
    }

    #[test]
    async fn cache(workload in commands(page_op(), 2..=3, 1..6)) {
        let cache = Cache { broken: is_victim(), ..Cache::default() };
        linearize(Pages::default(), workload, async move |op| cache.apply(op).await).await?;
    }
}

/// The report of the twin that is broken.
#[track_caller]
fn is_caught(test: &str, story: &str) {
    let (passed, text) = run_victim(test, &[]);
    assert!(!passed, "{text}");
    let start = text.find("dacapo: ").expect("there is a report");
    let end = text[start..].find("\nreplay now").expect("it ends with what to do");
    assert_snapshot!(format!("linearize_{test}"), story, text[start..start + end]);
}

#[test]
fn a_slot_that_is_taken_twice_is_found() {
    is_caught("queue", "A queue stores two items in one slot, so that the first of them is lost.");
}

#[test]
fn a_lock_that_is_let_go_of_is_found() {
    is_caught(
        "map",
        "A map lets go of its lock between the look at what was there and the change.",
    );
}

#[test]
fn a_stale_fill_is_found() {
    is_caught(
        "cache",
        "A cache is filled with what was in the database before it was invalidated.",
    );
}
