//! A queue from which any entry can be removed by its place.

use std::ops::Range;

use super::chunks::{CHUNK, Chunks, PAGE, PAGE_STRIDE, STRIDE};
use super::task_key::TaskKey;
use crate::trace::TaskId;

/// A list while it is short, which it is most of the time, and chunks when it is long.
///
/// Removing an entry moves those behind it in the list, or those before it in its chunk. It always
/// moves as many places as there can be, whether they are used or not: that takes a few
/// instructions and no branch. (Without optimisation a branch is cheaper, and only the used places
/// are moved.)
///
///
/// When the chunks are used up, the entries are packed again, which moves at most two for each one
/// that was pushed. The first entry and the last one are removed without a look at the chunks: this
/// is how tasks take turns, and how one task goes on.
#[derive(Clone, Debug, Default)]
pub(super) struct Queue {
    /// The list or the chunks, followed by at least [`CHUNK`] more places; or nothing at all.
    places: Vec<TaskKey>,
    /// Where the next entry goes, and the first place beyond the list or the last chunk.
    tail: usize,
    end: usize,
    len: usize,
    is_long: bool,
    /// Whether [`place_of`](Queue::place_of) will be called.
    is_searched: bool,

    // The rest is used only while the queue is long.
    chunks: Chunks,
    /// Where the first entry is.
    head: usize,
    /// How many entries were removed from the front without telling the chunks.
    gone: usize,
    /// The first place that is not used before the entries are packed.
    limit: usize,
    /// By task, where it was put, if the queue is indexed. The task is in that chunk, there or
    /// further back.
    index: Vec<u32>,
}

impl Queue {
    pub(super) fn clear(&mut self, is_searched: bool) {
        (self.tail, self.end, self.len) = (0, 0, 0);
        (self.is_long, self.is_searched) = (false, is_searched);
    }

    #[inline(always)]
    pub(super) fn len(&self) -> usize {
        self.len
    }

    #[inline(always)]
    pub(super) fn push(&mut self, key: TaskKey) {
        if self.tail == self.end {
            self.make_room();
        }
        self.places[self.tail] = key;
        if self.is_long & self.is_searched {
            self.note(self.tail);
        }
        self.tail += 1;
        self.len += 1;
    }

    #[cold]
    fn make_room(&mut self) {
        // A queue that has become much shorter is packed sooner, because fewer chunks are faster.
        if self.is_long && self.tail < self.limit && self.len > self.limit / STRIDE {
            self.tail += STRIDE - CHUNK;
            self.grow(self.end + STRIDE);
        } else {
            self.list();
            self.pack();
        }
    }

    fn grow(&mut self, end: usize) {
        self.end = end;
        let most = self.places.len().max(end + CHUNK);
        self.places.resize(most, TaskKey::default());
    }

    /// Turns the queue into one list, however long it is.
    fn list(&mut self) {
        if !self.is_long {
            return;
        }
        let mut to = 0;
        for chunk in self.head / STRIDE..self.end / STRIDE {
            let Range { start, end } = self.entries_of(chunk);
            self.places.copy_within(start..start + CHUNK, to);
            to += end - start;
        }
        self.is_long = false;
    }

    /// Turns the list into chunks, unless it is short.
    fn pack(&mut self) {
        let len = self.len;
        if len < CHUNK {
            self.tail = len;
            return self.grow(CHUNK);
        }
        let (full, rest) = (len / CHUNK, len % CHUNK);
        self.grow((full + 1) * STRIDE);
        self.tail = self.end - CHUNK + rest;
        for chunk in (0..=full).rev() {
            let start = chunk * CHUNK;
            self.places.copy_within(start..start + CHUNK, chunk * STRIDE + STRIDE - CHUNK);
        }
        let pages = (len + len.max(PAGE) / 2).div_ceil(PAGE);
        self.chunks.fill(pages);
        (self.head, self.gone, self.limit) = (STRIDE - CHUNK, 0, pages * PAGE_STRIDE);
        self.is_long = true;
        if self.is_searched {
            for chunk in 0..=full {
                self.entries_of(chunk).for_each(|at| self.note(at));
            }
        }
    }

    /// Where the entries of a chunk are.
    fn entries_of(&self, chunk: usize) -> Range<usize> {
        let end = (chunk + 1) * STRIDE;
        (end - self.chunks.count(chunk)).max(self.head)..end.min(self.tail)
    }

    #[inline]
    fn note(&mut self, at: usize) {
        let task = self.places[at].id().as_u32() as usize;
        if self.index.len() <= task {
            self.index.resize(task + 1, 0);
        }
        self.index[task] = at as u32;
    }

    pub(super) fn retain(&mut self, keep: impl Fn(TaskKey) -> bool) {
        self.list();
        let mut kept = 0;
        for at in 0..self.len {
            let key = self.places[at];
            self.places[kept] = key;
            kept += usize::from(keep(key));
        }
        self.len = kept;
        self.pack();
    }

    pub(super) fn get(&self, place: usize) -> Option<TaskKey> {
        if place >= self.len {
            return None;
        }
        let at = if self.is_long { self.chunks.find(self.gone + place) } else { place };
        Some(self.places[at])
    }

    /// Removes an entry. Returns the first task, and the removed one.
    #[inline(always)]
    pub(super) fn remove(&mut self, place: usize) -> Option<(TaskId, TaskKey)> {
        if place >= self.len {
            return None;
        }
        self.len -= 1;
        if self.is_long {
            return Some(self.remove_from_chunk(place));
        }
        self.tail -= 1;
        let count = if cfg!(debug_assertions) { self.tail - place } else { CHUNK };
        let places = self.places.as_mut_slice();
        let first = places[0].id();
        let behind: &mut [TaskKey; CHUNK + 1] = places[place..].first_chunk_mut()?;
        let key = behind[0];
        // No iterator, because those are slow without optimisation.
        let mut at = 0;
        while at < count {
            behind[at] = behind[at + 1];
            at += 1;
        }
        Some((first, key))
    }

    #[inline(always)]
    fn remove_from_chunk(&mut self, place: usize) -> (TaskId, TaskKey) {
        let first = self.places[self.head];
        if place == 0 {
            self.head += 1;
            self.gone += 1;
            if self.head.is_multiple_of(STRIDE) {
                self.find_head();
            }
            return (first.id(), first);
        }
        if place == self.len && self.has_last() {
            // The chunks need not know of this entry either: it is as if it were still to come.
            self.tail -= 1;
            return (first.id(), self.places[self.tail]);
        }
        let at = self.chunks.take(self.gone + place);
        // Removing an entry from the chunk of the first one moves that one too.
        self.head += usize::from(self.head ^ at < STRIDE);
        let up_to_it = &mut self.places[at - CHUNK..=at];
        let key = up_to_it[CHUNK];
        up_to_it.copy_within(..CHUNK, 1);
        (first.id(), key)
    }

    /// Whether the last entry is directly before the tail, and not in another chunk.
    #[inline]
    fn has_last(&self) -> bool {
        !self.entries_of(self.end / STRIDE - 1).is_empty()
    }

    /// It comes after the last entry of its chunk.
    #[cold]
    fn find_head(&mut self) {
        if self.len == 0 {
            self.clear(self.is_searched);
        } else {
            self.head = self.chunks.find(self.gone);
        }
    }

    #[inline]
    pub(super) fn place_of(&self, task: TaskId) -> Option<usize> {
        if self.is_long { self.place_in_chunks(task) } else { self.place_in_list(task) }
    }

    #[inline(never)]
    fn place_in_chunks(&self, task: TaskId) -> Option<usize> {
        let among = |mut places: Range<usize>| places.find(|&at| self.places[at].id() == task);
        let at = if self.is_searched {
            let put = *self.index.get(task.as_u32() as usize)? as usize;
            // For a task that is not in the queue, the index may be out of date.
            if put >= self.tail {
                return None;
            }
            let Range { start, end } = self.entries_of(put / STRIDE);
            among(start.max(put)..end)?
        } else {
            let mut chunks = self.head / STRIDE..self.end / STRIDE;
            chunks.find_map(|chunk| among(self.entries_of(chunk)))?
        };
        Some(self.chunks.nth(at) - self.gone)
    }

    /// All places of a list are compared at once, because where the task is cannot be predicted.
    fn place_in_list(&self, task: TaskId) -> Option<usize> {
        let places = self.places.as_slice();
        if cfg!(debug_assertions) {
            return places[..self.len].iter().position(|key| key.id() == task);
        }
        let list: &[TaskKey; CHUNK] = places.first_chunk()?;
        let equal = (0..CHUNK).fold(0, |equal, at| equal | u32::from(list[at].id() == task) << at);
        // Places behind the last entry have old contents.
        let found = equal & ((1 << self.len) - 1);
        (found != 0).then(|| found.trailing_zeros() as usize)
    }

    /// How many entries there is room for.
    #[cfg(test)]
    pub(super) fn memory(&self) -> usize {
        self.places.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A queue that has become shorter is as cheap as one that was never longer.
    #[test]
    fn a_queue_that_has_become_shorter_is_kept_as_such() {
        let mut queue = Queue::default();
        (0..10_000).for_each(|id| queue.push(TaskKey::new(0, TaskId(id))));
        let mut shorten = |len| {
            while queue.len() > len {
                queue.remove(len);
            }
            for _ in 0..CHUNK {
                let (_, key) = queue.remove(0).unwrap();
                queue.push(key);
            }
            queue.is_long.then_some(queue.limit)
        };
        assert_eq!(shorten(100), Some(2 * PAGE_STRIDE));
        assert_eq!(shorten(8), None);
    }

    /// A task that runs again and again uses no places up.
    #[test]
    fn the_last_party_that_comes_again_gets_the_same_place() {
        let mut queue = Queue::default();
        (0..100).for_each(|id| queue.push(TaskKey::new(0, TaskId(id))));
        let tail = queue.tail;
        for _ in 0..1000 {
            let (_, key) = queue.remove(99).unwrap();
            queue.push(key);
            assert_eq!(queue.tail, tail);
        }
    }
}
