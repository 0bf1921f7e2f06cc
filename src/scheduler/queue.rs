//! A queue from which any entry can be taken by its place.

use super::chunks::Chunks;
use super::line::TaskKey;
use crate::trace::TaskId;

/// As long as it is short, one list with room at its front, so that the first entry leaves without a move. Any
/// other has those behind it moved. (To move those before it if they are fewer takes longer: which of the two it
/// is to be is a coin toss for the processor as well.)
#[derive(Clone, Debug, Default)]
pub(super) struct Queue {
    entries: Vec<TaskKey>,
    /// The place of the first entry.
    head: usize,
    is_long: bool,
    /// What is in it while it is long.
    long: Chunks,
    /// Whether somebody asks for the places of tasks, for which a short queue is searched.
    is_searched: bool,
}

/// The most places of a short queue. To move half of that many entries takes about as long as to find one in
/// a long queue.
const SHORT: usize = 512;
/// The same if it is searched.
const SHORT_SEARCHED: usize = 128;

impl Queue {
    pub(super) fn clear(&mut self, is_searched: bool) {
        self.entries.clear();
        self.head = 0;
        self.is_searched = is_searched;
        if self.is_long || is_searched {
            self.long.clear(is_searched);
            self.is_long = false;
        }
        self.entries.shrink_to(self.most());
    }

    fn most(&self) -> usize {
        if self.is_searched { SHORT_SEARCHED } else { SHORT }
    }

    #[inline(always)]
    pub(super) fn len(&self) -> usize {
        if self.is_long { self.long.len() } else { self.entries.len() - self.head }
    }

    #[inline(always)]
    pub(super) fn push(&mut self, key: TaskKey) {
        if self.is_long || self.entries.len() == self.entries.capacity() {
            return self.push_slowly(key);
        }
        self.entries.push(key);
    }

    #[cold]
    fn push_slowly(&mut self, key: TaskKey) {
        let full = self.entries.len();
        if self.is_long {
            if self.long.len() > self.most() / 8 {
                return self.long.push(key);
            }
            self.long.drain(|key| self.entries.push(key));
            self.is_long = false;
        } else if self.head > full / 2 {
            self.entries.drain(..self.head);
            self.head = 0;
        } else if full < self.most() {
            self.entries.reserve(full.max(32));
        } else {
            self.long.clear(self.is_searched);
            self.entries.drain(..).skip(self.head).for_each(|key| self.long.push(key));
            (self.head, self.is_long) = (0, true);
            return self.long.push(key);
        }
        self.entries.push(key);
    }

    pub(super) fn retain(&mut self, keep: impl Fn(TaskKey) -> bool) {
        self.entries.drain(..self.head);
        self.head = 0;
        self.entries.retain(|&key| keep(key));
        if self.is_long {
            self.long.retain(keep);
        }
    }

    pub(super) fn get(&self, place: usize) -> Option<TaskKey> {
        if self.is_long {
            return self.long.get(place);
        }
        self.entries.get(self.head + place).copied()
    }

    /// Takes one out; also returns who was the first.
    #[inline(always)]
    pub(super) fn remove(&mut self, place: usize) -> Option<(TaskId, TaskKey)> {
        if self.is_long {
            return Some((self.long.first()?.id, self.long.remove(place)?));
        }
        let first = self.entries.get(self.head)?.id;
        let at = self.head + place;
        let key = *self.entries.get(at)?;
        if place == 0 {
            self.head += 1;
        } else {
            self.entries.remove(at);
        }
        Some((first, key))
    }

    pub(super) fn place_of(&self, task: TaskId) -> Option<usize> {
        if self.is_long {
            return self.long.place_of(task);
        }
        self.entries[self.head..].iter().position(|key| key.id == task)
    }

    /// How many entries there is room for.
    #[cfg(test)]
    pub(super) fn memory(&self) -> usize {
        self.entries.capacity() + self.long.memory()
    }
}
