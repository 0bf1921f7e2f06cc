//! What the end of a task wakes.

use super::waker::Wakee;

/// What awaits the end of a task, in the order in which it began to wait. The handle of the task has the number
/// [`HANDLE`]. Any other has a number that is larger than all before it.
#[derive(Default)]
pub(super) struct Joiners {
    /// In the order of their keys. An entry that was removed leaves a gap.
    entries: Vec<(u64, Option<Wakee>)>,
    /// How many entries are not gaps.
    len: usize,
    /// The key of the handle, which may come at any time.
    handle: Option<u64>,
}

/// The number of the handle of a task.
pub(super) const HANDLE: u32 = 0;

impl Joiners {
    pub(super) fn is_empty(&self) -> bool {
        self.len == 0
    }

    fn position(&self, number: u32) -> Option<usize> {
        let key = if number == HANDLE { self.handle? } else { key(number) };
        self.entries.binary_search_by_key(&key, |(key, _)| *key).ok()
    }

    pub(super) fn get_mut(&mut self, number: u32) -> Option<&mut Wakee> {
        let place = self.position(number)?;
        self.entries[place].1.as_mut()
    }

    /// Adds one behind all others. `last` is the number of the joiner that is stored elsewhere, if there is one.
    pub(super) fn push(&mut self, number: u32, wakee: Wakee, last: Option<u32>) {
        let last = self.entries.last().map(|(key, _)| *key).or(last.map(key)).unwrap_or(0);
        let key = if number == HANDLE { last + 1 } else { key(number) };
        if number == HANDLE {
            self.handle = Some(key);
        }
        self.entries.push((key, Some(wakee)));
        self.len += 1;
    }

    /// Adds one before all others.
    pub(super) fn push_first(&mut self, number: u32, wakee: Wakee) {
        if number == HANDLE {
            self.handle = Some(0);
        }
        self.entries.insert(0, (key(number), Some(wakee)));
        self.len += 1;
    }

    pub(super) fn remove(&mut self, number: u32) -> Option<Wakee> {
        let place = self.position(number)?;
        let removed = self.entries[place].1.take()?;
        if number == HANDLE {
            self.handle = None;
        }
        self.len -= 1;
        if self.len * 2 < self.entries.len() {
            self.entries.retain(|(_, wakee)| wakee.is_some());
        }
        Some(removed)
    }

    pub(super) fn take(&mut self) -> impl Iterator<Item = Wakee> + use<> {
        std::mem::take(self).entries.into_iter().filter_map(|(_, wakee)| wakee)
    }
}

/// Leaves room between two numbers for the key of the handle.
fn key(number: u32) -> u64 {
    u64::from(number) * 2
}
