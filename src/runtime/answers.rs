//! The answers of a run while it goes on: a byte for most of them, since a run may have very many.

use crate::schedule::{Answer, Lasting};

/// A list of answers.
#[derive(Default)]
pub(super) struct Answers {
    /// An option below [`SHORT`], once, is one byte. Anything else is one that says for how long it
    /// matters, and four with the option.
    bytes: Vec<u8>,
    /// How many answers take more than a byte.
    long: usize,
}

const SHORT: u8 = 0xf0;
/// The bytes of an answer that takes more than one.
const LONG: usize = 5;

impl Answers {
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.long = 0;
    }

    pub(super) fn len(&self) -> usize {
        self.bytes.len() - (LONG - 1) * self.long
    }

    #[inline(always)]
    pub(super) fn push(&mut self, answer: Answer) {
        if answer.option() >= u32::from(SHORT) || answer.lasting() != Lasting::Once {
            return self.push_long(answer);
        }
        self.bytes.push(answer.option() as u8);
    }

    #[cold]
    fn push_long(&mut self, answer: Answer) {
        self.long += 1;
        self.bytes.push(SHORT + answer.lasting() as u8);
        self.bytes.extend(answer.option().to_le_bytes());
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Answer> {
        let mut bytes = self.bytes.iter();
        std::iter::from_fn(move || {
            let first = *bytes.next()?;
            let lasting = match first.checked_sub(SHORT) {
                None => return Some(Answer::from(u32::from(first))),
                Some(0) => Lasting::Once,
                Some(1) => Lasting::Hold,
                Some(_) => Lasting::Ahead,
            };
            let option = [(); 4].map(|()| bytes.next().copied().unwrap_or(0));
            Some(Answer::new(u32::from_le_bytes(option), lasting))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_pushed_is_there() {
        let options = [0, 1, 239, 240, 241, 255, 256, 65_536, u32::MAX];
        let lasting = [Lasting::Once, Lasting::Hold, Lasting::Ahead];
        let all: Vec<Answer> = options
            .iter()
            .flat_map(|&option| lasting.map(|lasting| Answer::new(option, lasting)))
            .collect();
        let mut answers = Answers::default();
        all.iter().for_each(|&answer| answers.push(answer));
        assert_eq!(answers.iter().collect::<Vec<_>>(), all);
        assert_eq!(answers.len(), all.len());
    }
}
