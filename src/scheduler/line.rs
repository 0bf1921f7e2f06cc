//! The tasks that are ready, in the order in which they stand in line.

use crate::schedule::{Answer, Lasting};
use crate::trace::TaskId;

/// A task of the present run: its place in the run's slab, and its id, which tells apart the tasks that
/// have had that place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct TaskKey {
    pub(crate) slot: u32,
    pub(crate) id: TaskId,
}

/// The tasks that are ready, the one that has been so for longest first; but those that stay ahead
/// before all others, and those that are held back behind.
#[derive(Clone, Debug, Default)]
pub struct Line {
    len: usize,
    ahead: Vec<TaskKey>,
    queue: Queue,
    held: Vec<TaskKey>,
    /// The tasks that stay ahead, ready or not.
    favoured: Vec<TaskId>,
}

impl Line {
    /// How many tasks are ready.
    #[inline]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether no task is ready.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The task at this place, of which the first is 0.
    pub fn get(&self, place: usize) -> Option<TaskId> {
        let Some(place) = place.checked_sub(self.ahead.len()) else {
            return Some(self.ahead[place].id);
        };
        let held = || self.held.get(place - self.queue.len).copied();
        self.queue.get(place).or_else(held).map(|key| key.id)
    }

    #[inline]
    pub(crate) fn first(&self) -> Option<TaskId> {
        match self.queue.len == self.len {
            true => self.queue.first().map(|key| key.id),
            false => self.get(0),
        }
    }

    /// Where a task stands, if it does.
    pub fn place_of(&self, task: TaskId) -> Option<usize> {
        let among = |keys: &[TaskKey]| keys.iter().position(|key| key.id == task);
        among(&self.ahead)
            .or_else(|| self.queue.place_of(task).map(|place| self.ahead.len() + place))
            .or_else(|| Some(self.ahead.len() + self.queue.len + among(&self.held)?))
    }

    /// Forgets all; `indexed` says whether somebody will ask for places.
    pub(crate) fn clear(&mut self, indexed: bool) {
        self.len = 0;
        self.ahead.clear();
        self.queue.clear(indexed);
        self.held.clear();
        self.favoured.clear();
    }

    #[inline(always)]
    pub(crate) fn push(&mut self, key: TaskKey) {
        self.len += 1;
        if !self.favoured.is_empty() && self.favoured.contains(&key.id) {
            self.ahead.push(key);
        } else {
            self.queue.push(key);
        }
    }

    /// Keeps those for whom this is so.
    pub(crate) fn retain(&mut self, keep: impl Fn(TaskKey) -> bool) {
        self.ahead.retain(|&key| keep(key));
        self.queue.retain(&keep);
        self.held.retain(|&key| keep(key));
        self.len = self.ahead.len() + self.queue.len + self.held.len();
    }

    /// Takes out the one whose turn it is; the others keep their order, unless they are held.
    #[inline(always)]
    pub(crate) fn take(&mut self, answer: Answer) -> Option<TaskKey> {
        let taken = match self.queue.len == self.len && answer.lasting() == Lasting::Once {
            true => self.queue.remove(answer.option() as usize)?,
            false => self.take_lasting(answer)?,
        };
        self.len -= 1;
        Some(taken)
    }

    #[cold]
    fn take_lasting(&mut self, answer: Answer) -> Option<TaskKey> {
        if self.held.len() == self.len {
            // Nobody else is ready: they are held no longer.
            self.held.drain(..).for_each(|key| self.queue.push(key));
        }
        let taken = self.remove(answer.option() as usize)?;
        match answer.lasting() {
            Lasting::Once => {}
            Lasting::Hold => self.hold(answer.option() as usize),
            Lasting::Ahead if self.favoured.contains(&taken.id) => {}
            Lasting::Ahead => self.favoured.push(taken.id),
        }
        Some(taken)
    }

    fn remove(&mut self, place: usize) -> Option<TaskKey> {
        let Some(place) = place.checked_sub(self.ahead.len()) else {
            return Some(self.ahead.remove(place));
        };
        let Some(place) = place.checked_sub(self.queue.len) else {
            return self.queue.remove(place);
        };
        (place < self.held.len()).then(|| self.held.remove(place))
    }

    /// Puts the first `count` behind all others.
    fn hold(&mut self, count: usize) {
        for _ in 0..count {
            let Some(key) = self.remove(0) else { return };
            self.favoured.retain(|favoured| *favoured != key.id);
            self.held.push(key);
        }
    }

    /// A task waits for something, or has ended, and does not stay ahead.
    #[inline]
    pub(crate) fn waits(&mut self, id: TaskId) {
        if !self.favoured.is_empty() {
            self.favoured.retain(|favoured| *favoured != id);
        }
    }
}

/// For the tests of a scheduler.
impl FromIterator<TaskId> for Line {
    fn from_iter<I: IntoIterator<Item = TaskId>>(tasks: I) -> Self {
        let mut line = Self::default();
        tasks.into_iter().for_each(|id| line.push(TaskKey { slot: 0, id }));
        line
    }
}

/// A queue from which any entry can be taken by its place.
///
/// Chunks of bounded size, each with its entries at its front. So to take one out moves half a chunk at
/// most, and to find it is to add up the lengths of the chunks, or of groups of chunks, before it. When
/// more than half of the places are empty the entries are packed anew, which comes to a few steps for
/// each that was taken. A short line is one chunk, and all this a few comparisons.
#[derive(Clone, Debug, Default)]
struct Queue {
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

impl Queue {
    fn clear(&mut self, indexed: bool) {
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

    #[inline(always)]
    fn push(&mut self, key: TaskKey) {
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
            self.pushed(key.id);
        }
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
            (0..kept).for_each(|at| self.note(self.entries[at].id, at / CHUNK));
        }
    }

    fn retain(&mut self, keep: impl Fn(TaskKey) -> bool) {
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
    #[inline(always)]
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

    fn get(&self, place: usize) -> Option<TaskKey> {
        let (chunk, place) = self.find(place)?;
        Some(self.entries[chunk * CHUNK + place])
    }

    #[inline]
    fn first(&self) -> Option<TaskKey> {
        (self.len > 0).then(|| self.entries[self.head * CHUNK])
    }

    #[inline(always)]
    fn remove(&mut self, place: usize) -> Option<TaskKey> {
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

    fn place_of(&self, task: TaskId) -> Option<usize> {
        let within = |chunk: usize| self.entries_of(chunk).iter().position(|key| key.id == task);
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The same without any thought of speed: all in one list.
    #[derive(Default)]
    struct Model {
        line: Vec<TaskId>,
        ahead: usize,
        held: usize,
        favoured: Vec<TaskId>,
    }

    impl Model {
        fn push(&mut self, id: TaskId) {
            let mut place = self.line.len() - self.held;
            if self.favoured.contains(&id) {
                place = self.ahead;
                self.ahead += 1;
            }
            self.line.insert(place, id);
        }

        fn remove(&mut self, place: usize) -> Option<TaskId> {
            let held_from = self.line.len() - self.held;
            let id = (place < self.line.len()).then(|| self.line.remove(place))?;
            self.ahead -= usize::from(place < self.ahead);
            self.held -= usize::from(place >= held_from);
            Some(id)
        }

        fn take(&mut self, answer: Answer) -> Option<TaskId> {
            if self.held == self.line.len() {
                self.held = 0;
            }
            let taken = self.remove(answer.option() as usize)?;
            if answer.lasting() == Lasting::Hold {
                for _ in 0..answer.option() {
                    let Some(id) = self.remove(0) else { break };
                    self.favoured.retain(|favoured| *favoured != id);
                    self.line.push(id);
                    self.held += 1;
                }
            }
            if answer.lasting() == Lasting::Ahead && !self.favoured.contains(&taken) {
                self.favoured.push(taken);
            }
            Some(taken)
        }
    }

    #[derive(Clone, Debug)]
    enum Op {
        Push(usize),
        Take(prop::sample::Index, Lasting),
        /// The one taken last goes back, or waits.
        Again(bool),
        Retain(u32),
    }

    fn op() -> impl Strategy<Value = Op> {
        let lasting = prop_oneof![
            20 => Just(Lasting::Once),
            1 => Just(Lasting::Hold),
            1 => Just(Lasting::Ahead),
        ];
        prop_oneof![
            3 => (1..200usize).prop_map(Op::Push),
            60 => (any::<prop::sample::Index>(), lasting).prop_map(|(i, l)| Op::Take(i, l)),
            30 => any::<bool>().prop_map(Op::Again),
            1 => (1..5u32).prop_map(Op::Retain),
        ]
    }

    proptest! {
        #[test]
        fn a_line_is_a_list(ops in prop::collection::vec(op(), 1..150), indexed: bool) {
            let (mut line, mut model) = (Line::default(), Model::default());
            line.clear(indexed);
            let (mut next, mut last) = (0, None);
            for op in ops {
                match op {
                    Op::Push(count) => for _ in 0..count {
                        line.push(TaskKey { slot: 0, id: TaskId(next) });
                        model.push(TaskId(next));
                        next += 1;
                    },
                    Op::Take(index, lasting) => {
                        let option = if model.line.is_empty() { 0 } else { index.index(model.line.len()) };
                        let answer = Answer::new(option as u32, lasting);
                        last = model.take(answer);
                        prop_assert_eq!(line.take(answer).map(|key| key.id), last);
                    }
                    Op::Again(ready) => if let Some(id) = last.take() {
                        if ready {
                            line.push(TaskKey { slot: 0, id });
                            model.push(id);
                        } else {
                            line.waits(id);
                            model.favoured.retain(|favoured| *favoured != id);
                        }
                    },
                    Op::Retain(modulus) => {
                        let keep = |id: TaskId| id.as_u32() % 5 != modulus;
                        line.retain(|key| keep(key.id));
                        let mut place = 0;
                        while place < model.line.len() {
                            if keep(model.line[place]) { place += 1 } else { model.remove(place); }
                        }
                    }
                }
                prop_assert_eq!(line.len(), model.line.len());
                prop_assert_eq!(line.first(), model.line.first().copied());
                for (place, id) in model.line.iter().enumerate().step_by(7) {
                    prop_assert_eq!(line.get(place), Some(*id));
                    prop_assert_eq!(line.place_of(*id), Some(place));
                }
                prop_assert_eq!(line.get(model.line.len()), None);
                prop_assert_eq!(last.and_then(|id| line.place_of(id)), None);
            }
        }
    }

    /// Taking from a long line looks at a few hundred lengths, not at all entries.
    #[test]
    fn a_long_line_stays_packed() {
        let mut line = Line::default();
        (0..10_000).for_each(|id| line.push(TaskKey { slot: 0, id: TaskId(id) }));
        for turn in 0..30_000_u32 {
            let place = (u64::from(turn) * 2_654_435_761 % 10_000) as u32;
            let key = line.take(Answer::from(place)).unwrap();
            line.push(key);
        }
        assert_eq!(line.len(), 10_000);
        assert!(line.queue.chunks.len() * CHUNK <= 3 * line.len());
    }
}
