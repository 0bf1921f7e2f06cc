//! Ready tasks by their priorities.

use std::collections::BinaryHeap;

use super::Choice;
use crate::trace::TaskId;

/// Finds the ready task of the highest priority without looking at all of them.
///
/// Entries of tasks that had a step are stale, which is noticed when they come to the top. The
/// entry of the chosen task stays at the top too: mostly the task is ready again next, and its new
/// entry replaces the old one.
#[derive(Clone, Debug, Default)]
pub(super) struct Ranking {
    heap: BinaryHeap<Ranked>,
    /// By task: the number of its last entry, or 0 if it is not ready.
    current: Vec<u64>,
    entries: u64,
    /// How many tasks are ready.
    ready: usize,
}

/// Ordered by the fields. Of equal priorities, the later entry wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Ranked {
    priority: u64,
    entry: u64,
    task: u32,
}

impl Ranking {
    pub(super) fn clear(&mut self) {
        self.heap.clear();
        self.current.clear();
        self.entries = 0;
        self.ready = 0;
    }

    /// Adds a task that has become ready, or changes its priority.
    #[inline]
    pub(super) fn insert(&mut self, task: TaskId, priority: u64) {
        let place = task.as_u32() as usize;
        if let (Some(top), Some(current @ 0)) = (self.heap.peek(), self.current.get_mut(place))
            && (top.task, top.priority) == (task.as_u32(), priority)
        {
            *current = top.entry;
            self.ready += 1;
            return;
        }
        self.insert_entry(place, priority);
    }

    #[inline(never)]
    fn insert_entry(&mut self, place: usize, priority: u64) {
        if self.current.len() <= place {
            self.current.resize(place + 1, 0);
        }
        self.entries += 1;
        self.ready += usize::from(self.current[place] == 0);
        self.current[place] = self.entries;
        let ranked = Ranked { priority, entry: self.entries, task: place as u32 };
        if let Some(mut top) = self.heap.peek_mut()
            && self.current[top.task as usize] != top.entry
        {
            *top = ranked;
            return;
        }
        if self.heap.len() > 2 * self.ready + 64 {
            let current = &self.current;
            self.heap.retain(|ranked| current[ranked.task as usize] == ranked.entry);
        }
        self.heap.push(ranked);
    }

    /// Removes a task, because it had a step.
    #[inline]
    pub(super) fn remove(&mut self, task: TaskId) {
        if let Some(current) = self.current.get_mut(task.as_u32() as usize) {
            self.ready -= usize::from(*current != 0);
            *current = 0;
        }
    }

    pub(super) fn contains(&self, task: TaskId) -> bool {
        self.current.get(task.as_u32() as usize).is_some_and(|&entry| entry != 0)
    }

    /// Removes the task with the highest priority that can be chosen. Also returns its place in the
    /// ready queue.
    #[inline]
    pub(super) fn pop(&mut self, choice: &Choice<'_>) -> Option<(TaskId, usize)> {
        loop {
            let &Ranked { entry, task, .. } = self.heap.peek()?;
            if self.current[task as usize] != entry {
                self.heap.pop();
                continue;
            }
            let task = TaskId(task);
            self.remove(task);
            if let Some(place) = choice.place_of(task) {
                return Some((task, place));
            }
        }
    }
}
