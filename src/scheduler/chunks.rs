//! A long queue from which any entry can be taken by its place.

use super::line::TaskKey;
use crate::trace::TaskId;

/// Chunks of bounded size, each with its entries at its front.
///
/// So to take one out moves a chunk at most, and to find it is to add up the lengths of the chunks, or of
/// groups of chunks, before it. When more than half of the places are empty the entries are packed anew, which
/// comes to a few steps for each that was taken.
#[derive(Clone, Debug, Default)]
pub(super) struct Chunks {
    entries: Vec<TaskKey>,
    /// How many entries each chunk has.
    chunks: Vec<u32>,
    /// How many each group of chunks has, if there are several.
    groups: Vec<u32>,
    /// The first chunk that is not empty, or the last.
    head: usize,
    /// Where the next entry has its place, and the first place beyond its chunk.
    tail: usize,
    end: usize,
    len: usize,
    /// By task, the chunk in which it was last, if somebody asks for places.
    index: Option<Vec<u32>>,
}

const CHUNK: usize = 64;
const GROUP: usize = 64;

impl Chunks {
    pub(super) fn clear(&mut self, indexed: bool) {
        self.entries.clear();
        self.chunks.clear();
        self.groups.clear();
        (self.head, self.tail, self.end, self.len) = (0, 0, 0, 0);
        self.index = indexed.then(|| {
            let mut index = self.index.take().unwrap_or_default();
            index.clear();
            index
        });
    }

    pub(super) fn push(&mut self, key: TaskKey) {
        if self.tail == self.end {
            self.add_chunk();
        }
        if let Some(entry) = self.entries.get_mut(self.tail) {
            *entry = key;
        }
        self.tail += 1;
        self.len += 1;
        if let Some(chunk) = self.chunks.last_mut() {
            *chunk += 1;
        }
        if self.chunks.len() > GROUP || self.index.is_some() {
            self.pushed(key.id());
        }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// All of them, in their order.
    pub(super) fn into_entries(self) -> impl Iterator<Item = TaskKey> {
        (0..self.chunks.len()).flat_map(move |chunk| self.entries_of(chunk).to_vec())
    }

    #[cfg(test)]
    pub(super) fn memory(&self) -> usize {
        self.entries.len()
    }

    /// The rest of it, which is seldom needed.
    #[cold]
    fn pushed(&mut self, task: TaskId) {
        let chunk = self.chunks.len() - 1;
        if self.chunks.len() > GROUP {
            self.groups[chunk / GROUP] += 1;
        }
        if self.index.is_some() {
            self.note(task, chunk);
        }
    }

    /// Adds an empty chunk at the end, unless packing has made room.
    #[cold]
    fn add_chunk(&mut self) {
        if self.chunks.len() * CHUNK >= 2 * self.len + 2 * CHUNK {
            self.pack(|_| true);
            if self.tail < self.end {
                return;
            }
        }
        if self.chunks.len().is_multiple_of(GROUP) {
            // The first one is not counted as long as it is the only one.
            if let [first] = &mut self.groups[..] {
                *first = self.chunks.iter().sum();
            }
            self.groups.push(0);
        }
        self.tail = self.chunks.len() * CHUNK;
        self.end = self.tail + CHUNK;
        self.chunks.push(0);
        self.entries.resize(self.end, TaskKey::default());
        self.find_head();
    }

    /// Moves all that are kept to the front.
    fn pack(&mut self, keep: impl Fn(TaskKey) -> bool) {
        let mut kept = 0;
        for chunk in 0..self.chunks.len() {
            let start = chunk * CHUNK;
            for from in start..start + self.chunks[chunk] as usize {
                let key = self.entries[from];
                if keep(key) {
                    self.entries[kept] = key;
                    kept += 1;
                }
            }
        }
        (self.len, self.head) = (kept, 0);
        self.chunks.clear();
        self.chunks.extend((0..kept).step_by(CHUNK).map(|at| (kept - at).min(CHUNK) as u32));
        self.groups.clear();
        self.groups.extend(self.chunks.chunks(GROUP).map(|group| group.iter().sum::<u32>()));
        (self.tail, self.end) = (kept, self.chunks.len() * CHUNK);
        self.entries.truncate(self.end);
        if self.index.is_some() {
            (0..kept).for_each(|at| self.note(self.entries[at].id(), at / CHUNK));
        }
    }

    pub(super) fn retain(&mut self, keep: impl Fn(TaskKey) -> bool) {
        self.pack(keep);
    }

    fn note(&mut self, task: TaskId, chunk: usize) {
        let Some(index) = &mut self.index else { return };
        let at = task.as_u32() as usize;
        if index.len() <= at {
            index.resize(at + 1, u32::MAX);
        }
        index[at] = chunk as u32;
    }

    fn find_head(&mut self) {
        let chunks = self.chunks[self.head..].iter();
        let empty = chunks.take_while(|&&len| len == 0).count();
        self.head = (self.head + empty).min(self.chunks.len() - 1);
    }

    /// The chunk in which a place is, and where in it.
    fn find(&self, mut place: usize) -> Option<(usize, usize)> {
        if place >= self.len {
            return None;
        }
        let mut chunk = self.head;
        if self.groups.len() > 1 {
            let mut group = 0;
            while place >= self.groups[group] as usize {
                place -= self.groups[group] as usize;
                group += 1;
            }
            chunk = chunk.max(group * GROUP);
        }
        while place >= self.chunks[chunk] as usize {
            place -= self.chunks[chunk] as usize;
            chunk += 1;
        }
        Some((chunk, place))
    }

    pub(super) fn get(&self, place: usize) -> Option<TaskKey> {
        let (chunk, place) = self.find(place)?;
        Some(self.entries[chunk * CHUNK + place])
    }

    pub(super) fn first(&self) -> Option<TaskKey> {
        (self.len > 0).then(|| self.entries[self.head * CHUNK])
    }

    pub(super) fn remove(&mut self, place: usize) -> Option<TaskKey> {
        let (chunk, place) = self.find(place)?;
        let start = chunk * CHUNK;
        let entries = &mut self.entries[start..start + self.chunks[chunk] as usize];
        let key = entries[place];
        entries.copy_within(place + 1.., place);
        self.chunks[chunk] -= 1;
        if self.chunks.len() > GROUP {
            self.groups[chunk / GROUP] -= 1;
        }
        self.len -= 1;
        if chunk + 1 == self.chunks.len() {
            self.tail -= 1;
        } else if self.chunks[chunk] == 0 && chunk == self.head {
            self.find_head();
        }
        Some(key)
    }

    fn entries_of(&self, chunk: usize) -> &[TaskKey] {
        let start = chunk * CHUNK;
        &self.entries[start..start + self.chunks[chunk] as usize]
    }

    pub(super) fn place_of(&self, task: TaskId) -> Option<usize> {
        let within = |chunk: usize| self.entries_of(chunk).iter().position(|key| key.id() == task);
        let (chunk, place) = match &self.index {
            Some(index) => {
                let chunk = *index.get(task.as_u32() as usize)? as usize;
                (chunk, (chunk < self.chunks.len()).then(|| within(chunk))??)
            }
            None => {
                let mut chunks = 0..self.chunks.len();
                chunks.find_map(|chunk| within(chunk).map(|place| (chunk, place)))?
            }
        };
        let group = chunk / GROUP;
        let groups: u32 = self.groups[..group].iter().sum();
        let chunks: u32 = self.chunks[group * GROUP..chunk].iter().sum();
        Some((groups + chunks) as usize + place)
    }
}
