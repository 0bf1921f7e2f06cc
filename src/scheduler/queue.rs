//! A queue from which any entry can be taken by its place.

use super::chunks::Chunks;
use super::line::TaskKey;
use crate::trace::TaskId;

/// As long as it is short, one list with room at both its ends.
///
/// To take an entry out moves those behind it. (Those before it may be fewer, but which of the two it is to be
/// would be a coin toss for the processor too.) In a very short list, which most are, so many are moved always,
/// whether there are any or not: that is a few instructions without a branch.
#[derive(Clone, Debug, Default)]
pub(super) struct Queue {
    /// The places, of which those from `head` to `tail` are taken. After these are [`BLOCK`] more at least, or
    /// there are none at all.
    places: Vec<TaskKey>,
    head: usize,
    tail: usize,
    is_long: bool,
    /// What is in it while it is long.
    long: Chunks,
    /// Whether somebody asks for the places of tasks, for which a short queue is searched.
    is_searched: bool,
}

/// How many entries are moved at once.
const BLOCK: usize = 16;
/// The most places of a short queue. To move half of that many entries takes about as long as to find one in
/// a long queue.
const SHORT: usize = 512;
/// The same if it is searched.
const SHORT_SEARCHED: usize = 256;

impl Queue {
    pub(super) fn clear(&mut self, is_searched: bool) {
        (self.head, self.tail) = (0, 0);
        self.is_searched = is_searched;
        if self.is_long || is_searched {
            self.long.clear(is_searched);
            self.is_long = false;
        }
        self.places.truncate(self.most());
    }

    fn most(&self) -> usize {
        if self.is_searched { SHORT_SEARCHED } else { SHORT }
    }

    #[inline(always)]
    pub(super) fn len(&self) -> usize {
        if self.is_long { self.long.len() } else { self.tail - self.head }
    }

    fn entries(&self) -> &[TaskKey] {
        &self.places[self.head..self.tail]
    }

    #[inline(always)]
    pub(super) fn push(&mut self, key: TaskKey) {
        if self.is_long || self.tail + BLOCK >= self.places.len() {
            return self.push_slowly(key);
        }
        self.places[self.tail] = key;
        self.tail += 1;
    }

    #[cold]
    fn push_slowly(&mut self, key: TaskKey) {
        if self.is_long {
            if self.long.len() > self.most() / 8 {
                return self.long.push(key);
            }
            self.tail = 0;
            self.is_long = false;
            for key in std::mem::take(&mut self.long).into_entries() {
                self.push(key);
            }
        } else if self.head > self.places.len() / 2 {
            self.places.copy_within(self.head..self.tail, 0);
            (self.head, self.tail) = (0, self.tail - self.head);
        } else if self.places.len() < self.most() {
            self.places.resize((2 * self.places.len()).max(4 * BLOCK), TaskKey::default());
        } else {
            self.long.clear(self.is_searched);
            for at in self.head..self.tail {
                self.long.push(self.places[at]);
            }
            (self.head, self.tail, self.is_long) = (0, 0, true);
        }
        self.push(key);
    }

    pub(super) fn retain(&mut self, keep: impl Fn(TaskKey) -> bool) {
        if self.is_long {
            return self.long.retain(keep);
        }
        let mut kept = self.head;
        for at in self.head..self.tail {
            let key = self.places[at];
            self.places[kept] = key;
            kept += usize::from(keep(key));
        }
        self.tail = kept;
    }

    pub(super) fn get(&self, place: usize) -> Option<TaskKey> {
        if self.is_long { self.long.get(place) } else { self.entries().get(place).copied() }
    }

    /// Takes one out; also returns who was the first.
    #[inline(always)]
    pub(super) fn remove(&mut self, place: usize) -> Option<(TaskId, TaskKey)> {
        if self.is_long {
            return Some((self.long.first()?.id(), self.long.remove(place)?));
        }
        let (at, len) = (self.head + place, self.tail - self.head);
        if place >= len {
            return None;
        }
        let (first, key) = (self.places[self.head].id(), self.places[at]);
        if len <= BLOCK {
            let behind: [TaskKey; BLOCK] = *self.places[at + 1..].first_chunk()?;
            self.places[at..at + BLOCK].copy_from_slice(&behind);
            self.tail -= 1;
        } else if place == 0 {
            self.head += 1;
        } else {
            self.places.copy_within(at + 1..self.tail, at);
            self.tail -= 1;
        }
        Some((first, key))
    }

    pub(super) fn place_of(&self, task: TaskId) -> Option<usize> {
        if self.is_long {
            return self.long.place_of(task);
        }
        let is_it = |key: &TaskKey| key.id().as_u32() == task.as_u32();
        // A block at a time, all of which is compared at once.
        let (blocks, rest) = self.entries().as_chunks::<BLOCK>();
        let holds = |block: &[TaskKey; BLOCK]| block.iter().fold(false, |is, key| is | is_it(key));
        let (start, among) = match blocks.iter().position(holds) {
            Some(nth) => (nth * BLOCK, &blocks[nth][..]),
            None => (blocks.len() * BLOCK, rest),
        };
        among.iter().position(is_it).map(|place| start + place)
    }

    /// How many entries there is room for.
    #[cfg(test)]
    pub(super) fn memory(&self) -> usize {
        self.places.capacity() + self.long.memory()
    }
}
