//! Numbers for things that are known by other numbers.

use std::collections::BTreeMap;

/// Counts the different keys, from 0, in the order in which they come: what there is of each is then in a
/// list.
///
/// A map is the same, and much more to compile where nothing is optimised: each type of [`BTreeMap`] with the
/// sort that it is collected by is a hundredth of the whole library, for whoever builds it and whoever links
/// it. So maps that are not of `u64` to `usize` have to be worth it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Numbering(BTreeMap<u64, usize>);

impl Numbering {
    /// The number of a key. That of a new one is how many there were.
    pub(crate) fn number(&mut self, key: u64) -> usize {
        let next = self.0.len();
        *self.0.entry(key).or_insert(next)
    }

    pub(crate) fn clear(&mut self) {
        // Most are empty, and to clear a map takes a call all the same.
        if !self.0.is_empty() {
            self.0.clear();
        }
    }

    pub(crate) fn get(&self, key: u64) -> Option<usize> {
        self.0.get(&key).copied()
    }

    /// The numbers in the order of their keys.
    pub(crate) fn by_key(&self) -> impl Iterator<Item = usize> {
        self.0.values().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_counted_as_they_come() {
        let mut numbering = Numbering::default();
        let numbers: Vec<usize> = [7, 3, 7, 9, 3].map(|key| numbering.number(key)).into();
        assert_eq!(numbers, [0, 1, 0, 2, 1]);
        assert_eq!([numbering.get(9), numbering.get(8)], [Some(2), None]);
        assert_eq!(numbering.by_key().collect::<Vec<_>>(), [1, 0, 2]);
    }
}
