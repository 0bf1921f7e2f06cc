//! The labels that the code under test gives to values, notes and marked futures.

use super::names::mix;
use crate::numbering::Numbering;

/// The labels of a run, each once, in one text that is kept from run to run for its memory.
#[derive(Clone, Debug, Default)]
pub(super) struct Labels {
    text: String,
    /// Where each ends in the text.
    ends: Vec<usize>,
    /// Their numbers by their hashes, if they are many.
    numbers: Numbering,
}

/// So few are compared one by one.
const FEW: usize = 16;

impl Labels {
    pub(super) fn clear(&mut self) {
        self.text.clear();
        self.ends.clear();
        self.numbers.clear();
    }

    pub(super) fn get(&self, number: u32) -> Option<&str> {
        let number = number as usize;
        let start = number.checked_sub(1).map_or(0, |before| self.ends[before]);
        Some(&self.text[start..*self.ends.get(number)?])
    }

    /// The number of a label that was added.
    pub(super) fn find(&self, label: &str) -> Option<u32> {
        let is_it = |number: &u32| self.get(*number) == Some(label);
        let len = self.ends.len() as u32;
        if self.ends.len() <= FEW {
            return (0..len).find(is_it);
        }
        // Two labels with one hash are told apart by the next hashes.
        let mut hash = hash(label);
        loop {
            let number = self.numbers.get(hash)? as u32;
            if is_it(&number) {
                return Some(number);
            }
            hash = hash.wrapping_add(1);
        }
    }

    /// Adds a label that is not there.
    pub(super) fn add(&mut self, label: &str) -> u32 {
        let number = self.ends.len();
        self.text.push_str(label);
        self.ends.push(self.text.len());
        if number == FEW {
            (0..=FEW as u32).for_each(|number| self.index(number));
        } else if number > FEW {
            self.index(number as u32);
        }
        number as u32
    }

    fn index(&mut self, number: u32) {
        let mut hash = self.get(number).map_or(0, hash);
        while self.numbers.get(hash).is_some() {
            hash = hash.wrapping_add(1);
        }
        self.numbers.number(hash);
    }
}

fn hash(label: &str) -> u64 {
    label.bytes().fold(label.len() as u64, |hash, byte| mix(hash, byte.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_label_has_one_number() {
        let mut labels = Labels::default();
        for run in 0..2 {
            labels.clear();
            let text = |number: u32| format!("label {}", number * (run + 1));
            for number in 0..1000 {
                assert_eq!(labels.find(&text(number)), None);
                assert_eq!(labels.add(&text(number)), number);
            }
            for number in 0..1000 {
                assert_eq!(labels.find(&text(number)), Some(number));
                assert_eq!(labels.get(number), Some(&*text(number)));
            }
            assert_eq!((labels.get(1000), labels.find("label")), (None, None));
        }
    }
}
