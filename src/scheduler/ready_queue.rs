//! The ready queue.

use super::queue::Queue;
use super::task_key::TaskKey;
use crate::schedule::{Answer, Lasting};
use crate::trace::TaskId;

/// The ready tasks, in the order in which they became ready. Tasks that stay ahead come before all
/// others, and tasks that are held back come after them.
#[derive(Clone, Debug, Default)]
pub struct ReadyQueue {
    queue: Queue,
    /// Whether the following fields have contents, which is rare.
    is_zoned: bool,
    ahead: Vec<TaskKey>,
    held: Vec<TaskKey>,
    /// The tasks that stay ahead, ready or not.
    favoured: Vec<TaskId>,
}

impl ReadyQueue {
    /// How many tasks are ready.
    #[inline(always)]
    pub fn len(&self) -> usize {
        let len = self.queue.len();
        if self.is_zoned { self.ahead.len() + len + self.held.len() } else { len }
    }

    /// Whether no task is ready.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The task at this place, counted from 0.
    pub fn get(&self, place: usize) -> Option<TaskId> {
        let Some(place) = place.checked_sub(self.ahead.len()) else {
            return Some(self.ahead[place].id());
        };
        let held = || self.held.get(place - self.queue.len()).copied();
        self.queue.get(place).or_else(held).map(|key| key.id())
    }

    /// The place of a task, if it is in the queue.
    pub fn place_of(&self, task: TaskId) -> Option<usize> {
        if !self.is_zoned {
            return self.queue.place_of(task);
        }
        let among = |keys: &[TaskKey]| keys.iter().position(|key| key.id() == task);
        among(&self.ahead)
            .or_else(|| self.queue.place_of(task).map(|place| self.ahead.len() + place))
            .or_else(|| Some(self.ahead.len() + self.queue.len() + among(&self.held)?))
    }

    /// Removes all tasks. `indexed` says whether [`place_of`](ReadyQueue::place_of) will be called.
    pub(crate) fn clear(&mut self, indexed: bool) {
        self.queue.clear(indexed);
        if self.is_zoned {
            self.ahead.clear();
            self.held.clear();
            self.favoured.clear();
            self.is_zoned = false;
        }
    }

    #[inline(always)]
    pub(crate) fn push(&mut self, key: TaskKey) {
        if self.is_zoned && self.favoured.contains(&key.id()) {
            self.ahead.push(key);
        } else {
            self.queue.push(key);
        }
    }

    /// Keeps the tasks for which `keep` returns `true`.
    pub(crate) fn retain(&mut self, keep: impl Fn(TaskKey) -> bool) {
        self.ahead.retain(|&key| keep(key));
        self.queue.retain(&keep);
        self.held.retain(|&key| keep(key));
        self.look_at_zones();
    }

    /// Removes the task that an answer chooses. The others keep their order, unless they are held
    /// back. Also returns the first task.
    #[inline(always)]
    pub(crate) fn take(&mut self, answer: Answer) -> Option<(TaskId, TaskKey)> {
        if self.is_zoned || !answer.is_once() {
            return self.take_zoned(answer);
        }
        self.queue.remove(answer.option() as usize)
    }

    #[cold]
    fn take_zoned(&mut self, answer: Answer) -> Option<(TaskId, TaskKey)> {
        let first = self.get(0)?;
        if self.held.len() == self.len() {
            // No other task is ready, so they are held no longer.
            self.held.drain(..).for_each(|key| self.queue.push(key));
        }
        let taken = self.remove(answer.option() as usize)?;
        match answer.lasting() {
            Lasting::Once => {}
            Lasting::Hold => self.hold(answer.option() as usize),
            Lasting::Ahead if self.favoured.contains(&taken.id()) => {}
            Lasting::Ahead => self.favoured.push(taken.id()),
        }
        self.look_at_zones();
        Some((first, taken))
    }

    fn look_at_zones(&mut self) {
        self.is_zoned =
            !(self.ahead.is_empty() && self.held.is_empty() && self.favoured.is_empty());
    }

    fn remove(&mut self, place: usize) -> Option<TaskKey> {
        let Some(place) = place.checked_sub(self.ahead.len()) else {
            return Some(self.ahead.remove(place));
        };
        let Some(place) = place.checked_sub(self.queue.len()) else {
            return self.queue.remove(place).map(|(_, key)| key);
        };
        (place < self.held.len()).then(|| self.held.remove(place))
    }

    /// Moves the first `count` tasks behind all others.
    fn hold(&mut self, count: usize) {
        for _ in 0..count {
            let Some(key) = self.remove(0) else { return };
            self.favoured.retain(|favoured| *favoured != key.id());
            self.held.push(key);
        }
    }

    /// Called when a task waits or has ended: it does not stay ahead.
    #[inline(always)]
    pub(crate) fn waits(&mut self, id: TaskId) {
        if self.is_zoned {
            self.favoured.retain(|favoured| *favoured != id);
            self.look_at_zones();
        }
    }
}

/// A queue of these tasks, for the tests of a scheduler.
impl FromIterator<TaskId> for ReadyQueue {
    fn from_iter<I: IntoIterator<Item = TaskId>>(tasks: I) -> Self {
        let mut queue = Self::default();
        tasks.into_iter().for_each(|id| queue.push(TaskKey::new(0, id)));
        queue
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The same in one list, which is slow.
    #[derive(Default)]
    struct Model {
        queue: Vec<TaskId>,
        ahead: usize,
        held: usize,
        favoured: Vec<TaskId>,
    }

    impl Model {
        fn push(&mut self, id: TaskId) {
            let mut place = self.queue.len() - self.held;
            if self.favoured.contains(&id) {
                place = self.ahead;
                self.ahead += 1;
            }
            self.queue.insert(place, id);
        }

        fn remove(&mut self, place: usize) -> Option<TaskId> {
            let held_from = self.queue.len() - self.held;
            let id = (place < self.queue.len()).then(|| self.queue.remove(place))?;
            self.ahead -= usize::from(place < self.ahead);
            self.held -= usize::from(place >= held_from);
            Some(id)
        }

        fn take(&mut self, answer: Answer) -> Option<TaskId> {
            if self.held == self.queue.len() {
                self.held = 0;
            }
            let taken = self.remove(answer.option() as usize)?;
            if answer.lasting() == Lasting::Hold {
                for _ in 0..answer.option() {
                    let Some(id) = self.remove(0) else { break };
                    self.favoured.retain(|favoured| *favoured != id);
                    self.queue.push(id);
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
        /// The task that was taken last is ready again, or waits.
        Again(bool),
        /// So many times, a task is taken and is ready again: the first, the last, or any.
        Turns(usize, Pick),
        Retain(u32),
        /// Another run.
        Clear(bool),
    }

    #[derive(Clone, Copy, Debug)]
    enum Pick {
        First,
        Last,
        Any,
    }

    fn op() -> impl Strategy<Value = Op> {
        let lasting = prop_oneof![
            20 => Just(Lasting::Once),
            1 => Just(Lasting::Hold),
            1 => Just(Lasting::Ahead),
        ];
        let pick = prop_oneof![Just(Pick::First), Just(Pick::Last), Just(Pick::Any)];
        prop_oneof![
            // A long queue has another representation.
            3 => prop_oneof![1..20usize, 1..200usize, 400..900usize].prop_map(Op::Push),
            3 => (1..300usize, pick).prop_map(|(count, pick)| Op::Turns(count, pick)),
            90 => (any::<prop::sample::Index>(), lasting).prop_map(|(i, l)| Op::Take(i, l)),
            30 => any::<bool>().prop_map(Op::Again),
            1 => (1..5u32).prop_map(Op::Retain),
            1 => any::<bool>().prop_map(Op::Clear),
        ]
    }

    proptest! {
        #[test]
        fn a_ready_queue_is_a_list(ops in prop::collection::vec(op(), 1..300), indexed: bool) {
            let (mut queue, mut model) = (ReadyQueue::default(), Model::default());
            queue.clear(indexed);
            let (mut next, mut last) = (0, None);
            for op in ops {
                match op {
                    Op::Push(count) => for _ in 0..count {
                        queue.push(TaskKey::new(0, TaskId(next)));
                        model.push(TaskId(next));
                        next += 1;
                    },
                    Op::Take(index, lasting) => {
                        let option = if model.queue.is_empty() { 0 } else { index.index(model.queue.len()) };
                        let answer = Answer::new(option as u32, lasting);
                        let first = model.queue.first().copied();
                        last = model.take(answer);
                        prop_assert_eq!(queue.clone().take(answer).map(|(id, _)| id), first);
                        prop_assert_eq!(queue.take(answer).map(|(_, key)| key.id()), last);
                    }
                    Op::Again(ready) => if let Some(id) = last.take() {
                        if ready {
                            queue.push(TaskKey::new(0, id));
                            model.push(id);
                        } else {
                            queue.waits(id);
                            model.favoured.retain(|favoured| *favoured != id);
                        }
                    },
                    Op::Turns(count, pick) => for nth in 0..count.min(count * model.queue.len()) {
                        let len = model.queue.len();
                        let option = match pick {
                            Pick::First => 0,
                            Pick::Last => len - 1,
                            Pick::Any => nth * 0x9e37_79b9 % len,
                        };
                        let answer = Answer::from_place(option);
                        let (_, key) = queue.take(answer).unwrap();
                        prop_assert_eq!(Some(key.id()), model.take(answer));
                        queue.push(key);
                        model.push(key.id());
                    },
                    Op::Retain(modulus) => {
                        let keep = |id: TaskId| id.as_u32() % 5 != modulus;
                        queue.retain(|key| keep(key.id()));
                        let mut place = 0;
                        while place < model.queue.len() {
                            if keep(model.queue[place]) { place += 1 } else { model.remove(place); }
                        }
                    }
                    Op::Clear(indexed) => {
                        queue.clear(indexed);
                        (model, next, last) = (Model::default(), 0, None);
                    }
                }
                prop_assert_eq!(queue.len(), model.queue.len());
                prop_assert_eq!(queue.get(0), model.queue.first().copied());
                let step = 7 + model.queue.len() / 20;
                for (place, id) in model.queue.iter().enumerate().step_by(step) {
                    prop_assert_eq!(queue.get(place), Some(*id));
                    prop_assert_eq!(queue.place_of(*id), Some(place));
                }
                prop_assert_eq!(queue.get(model.queue.len()), None);
                for id in (0..next).step_by(1 + next as usize / 10).map(TaskId) {
                    let place = model.queue.iter().position(|other| *other == id);
                    prop_assert_eq!(queue.place_of(id), place);
                }
            }
        }
    }

    /// Even if it becomes empty exactly at the end of a chunk.
    #[test]
    fn an_emptied_ready_queue_is_as_new() {
        for len in 1..600 {
            let mut queue = ReadyQueue::default();
            for _ in 0..2 {
                (0..len).for_each(|id| queue.push(TaskKey::new(0, TaskId(id))));
                for id in 0..len {
                    let taken = queue.take(Answer::USUAL).map(|(first, key)| (first, key.id()));
                    assert_eq!(taken, Some((TaskId(id), TaskId(id))));
                }
                assert_eq!(queue.take(Answer::USUAL), None);
            }
        }
    }

    /// Most of the memory of a queue is used.
    #[test]
    fn a_long_ready_queue_stays_packed() {
        let mut queue = ReadyQueue::default();
        (0..10_000).for_each(|id| queue.push(TaskKey::new(0, TaskId(id))));
        for turn in 0..30_000_u32 {
            let place = (u64::from(turn) * 2_654_435_761 % 10_000) as u32;
            let (_, key) = queue.take(Answer::from(place)).unwrap();
            queue.push(key);
        }
        assert_eq!(queue.len(), 10_000);
        assert!(queue.queue.memory() <= 4 * queue.len());
    }
}
