//! The answers of the current run. Most take one byte, because a run may have very many.

use std::rc::Rc;

use crate::buffer::Buffer;
use crate::schedule::{Answer, Lasting};
use crate::scheduler::{Choice, Plan, Scheduler};

/// A list of answers.
#[derive(Default)]
pub(crate) struct Answers {
    /// An option below [`SHORT`] that applies once is one byte. Any other answer is a byte for how long
    /// it applies and four bytes for the option, or two if it applies once and they are enough.
    bytes: Buffer<u8>,
    /// How many more bytes than answers there are.
    more: usize,
}

const SHORT: u8 = 0xf0;
/// Follows the bytes that say how long an answer applies.
const TWO_BYTES: u8 = SHORT + Lasting::Ahead as u8 + 1;

impl Answers {
    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.more = 0;
    }

    pub(crate) fn len(&self) -> usize {
        self.bytes.len() - self.more
    }

    #[inline(always)]
    pub(crate) fn push(&mut self, answer: Answer) {
        if answer.option() >= u32::from(SHORT) || !answer.is_once() {
            return self.push_long(answer);
        }
        self.bytes.push(answer.option() as u8);
    }

    #[cold]
    #[inline(never)]
    fn push_long(&mut self, answer: Answer) {
        let before = self.bytes.len();
        match u16::try_from(answer.option()) {
            Ok(option) if answer.lasting() == Lasting::Once => {
                self.bytes.push(TWO_BYTES);
                self.bytes.extend(option.to_le_bytes());
            }
            _ => {
                self.bytes.push(SHORT + answer.lasting() as u8);
                self.bytes.extend(answer.option().to_le_bytes());
            }
        }
        self.more += self.bytes.len() - before - 1;
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = Answer> {
        let mut at = 0;
        std::iter::from_fn(move || self.next(&mut at))
    }

    /// The answer that begins at a byte. Moves `at` to the byte after it.
    #[inline]
    fn next(&self, at: &mut usize) -> Option<Answer> {
        let first = *self.bytes.get(*at)?;
        *at += 1;
        if first < SHORT {
            return Some(Answer::from(u32::from(first)));
        }
        let lasting = match first - SHORT {
            0 => Lasting::Once,
            1 => Lasting::Hold,
            2 => Lasting::Ahead,
            _ => {
                let option = self.bytes[*at..].first_chunk()?;
                *at += option.len();
                return Some(Answer::from(u32::from(u16::from_le_bytes(*option))));
            }
        };
        let option = self.bytes[*at..].first_chunk()?;
        *at += option.len();
        Some(Answer::new(u32::from_le_bytes(*option), lasting))
    }
}

/// Gives the answers of the last run again, from the memory that they are in.
pub(crate) struct Again {
    answers: Rc<Answers>,
    next: usize,
}

impl Again {
    pub(crate) fn new(answers: Rc<Answers>) -> Self {
        Self { answers, next: 0 }
    }
}

impl Scheduler for Again {
    fn name(&self) -> &str {
        "the same once more"
    }

    /// It is prepared already.
    fn next_run(&mut self) -> Option<Plan> {
        None
    }

    fn choose(&mut self, choice: &Choice<'_>) -> Answer {
        let given = self.answers.next(&mut self.next).unwrap_or_default();
        match (given.option() as usize) < choice.options() {
            true => given,
            // The run took another way. Its hash will tell.
            false => Answer::from_place(choice.options() - 1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_pushed_is_there() {
        let options = [0, 1, 239, 240, 241, 255, 256, 65_535, 65_536, u32::MAX];
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
