//! A map from numbers to consecutive numbers.

use std::collections::BTreeMap;

/// Numbers the different keys from 0 in the order in which they come, so that a `Vec` can hold what
/// belongs to them.
///
/// Most maps of the library are this one and a `Vec`, because each other type of [`BTreeMap`] is
/// compiled for itself: without optimisation, one type adds a hundredth to the time that the
/// library takes to compile and to link. A map of other types has to be worth that.
#[derive(Clone, Debug, Default)]
pub(crate) struct Numbering(BTreeMap<u64, usize>);

impl Numbering {
    /// The number of a key. A new key gets the next number.
    pub(crate) fn number(&mut self, key: u64) -> usize {
        let next = self.0.len();
        *self.0.entry(key).or_insert(next)
    }

    pub(crate) fn clear(&mut self) {
        // Most maps are empty, and clearing one is a call all the same.
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
