//! The orders in which queues return their items.

use std::cmp::Ordering;
use std::collections::{BinaryHeap, VecDeque};

pub(super) trait Store: Default {
    type Item;

    fn put(&mut self, item: Self::Item);
    fn get(&mut self) -> Option<Self::Item>;
    fn len(&self) -> usize;
}

/// First in, first out.
pub(super) struct Fifo<T>(VecDeque<T>);

impl<T> Default for Fifo<T> {
    fn default() -> Self {
        Self(VecDeque::new())
    }
}

impl<T> Store for Fifo<T> {
    type Item = T;

    fn put(&mut self, item: T) {
        self.0.push_back(item);
    }

    fn get(&mut self) -> Option<T> {
        self.0.pop_front()
    }

    fn len(&self) -> usize {
        self.0.len()
    }
}

/// Last in, first out.
pub(super) struct Lifo<T>(Vec<T>);

impl<T> Default for Lifo<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Store for Lifo<T> {
    type Item = T;

    fn put(&mut self, item: T) {
        self.0.push(item);
    }

    fn get(&mut self) -> Option<T> {
        self.0.pop()
    }

    fn len(&self) -> usize {
        self.0.len()
    }
}

/// The least item first; among equal items, the oldest.
pub(super) struct Least<T> {
    heap: BinaryHeap<Ranked<T>>,
    /// How many items were put so far.
    count: u64,
}

struct Ranked<T> {
    item: T,
    number: u64,
}

impl<T: Ord> Default for Least<T> {
    fn default() -> Self {
        Self { heap: BinaryHeap::new(), count: 0 }
    }
}

impl<T: Ord> Store for Least<T> {
    type Item = T;

    fn put(&mut self, item: T) {
        self.heap.push(Ranked { item, number: self.count });
        self.count += 1;
    }

    fn get(&mut self) -> Option<T> {
        self.heap.pop().map(|ranked| ranked.item)
    }

    fn len(&self) -> usize {
        self.heap.len()
    }
}

impl<T: Ord> Ord for Ranked<T> {
    /// Reversed, because the greatest item is the first to leave a `BinaryHeap`.
    fn cmp(&self, other: &Self) -> Ordering {
        (&other.item, other.number).cmp(&(&self.item, self.number))
    }
}

impl<T: Ord> PartialOrd for Ranked<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T: Ord> PartialEq for Ranked<T> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl<T: Ord> Eq for Ranked<T> {}
