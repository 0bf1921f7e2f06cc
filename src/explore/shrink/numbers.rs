//! Edits that make numbers smaller: options whose order means size.
//!
//! The probes and the bisection are those of Hypothesis's integer shrinker (MacIver and Donaldson 2020,
//! "Test-case reduction via test-case generation"), and so is trading one number against another. It
//! departs in that a number may also rise by less than the other one falls.

use super::edits::{Edits, may_be_among_tasks};
use crate::question::Question;
use crate::schedule::Answer;

/// Makes numbers smaller, each in a number of runs that is logarithmic in its size.
///
/// Bisection assumes that a failure stays when a number grows. If that is so, each number ends at the
/// smallest value that fails with the others as they are. If not, it ends at a value that fails where the
/// value below it does not.
pub(crate) trait Numbers: Edits {
    /// Makes single answers smaller.
    fn lower(&mut self) {
        for place in self.deviations() {
            if self.exhausted() {
                return;
            }
            if let Some(&answer) = self.answers().get(place) {
                self.try_answer(place, Answer::from(answer.option()));
            }
            self.pass_over_fewer(place);
            self.lower_one(place);
        }
    }

    /// Makes one answer smaller: probes small values and powers of two, and bisects from there on.
    fn lower_one(&mut self, place: usize) {
        const FEW: u32 = 8;
        let mut passes = 0;
        let mut probe = 1;
        while probe < self.option(place) && !self.exhausted() {
            if self.lower_to(place, probe) {
                break;
            }
            passes = probe;
            probe = if probe < FEW { probe + 1 } else { probe.saturating_mul(2) };
        }
        self.bisect(place, passes);
    }

    /// Looks for the smallest option at this place that fails, above one that passes.
    fn bisect(&mut self, place: usize, mut passes: u32) {
        while self.option(place) > passes.saturating_add(1) && !self.exhausted() {
            let middle = passes.midpoint(self.option(place));
            if !self.lower_to(place, middle) {
                passes = middle;
            }
        }
    }

    /// The option at this place. It may have become smaller than the one that was tried, since an answer that
    /// is too large is replaced by the largest.
    fn option(&self, place: usize) -> u32 {
        self.answers().get(place).map_or(0, |answer| answer.option())
    }

    fn lower_to(&mut self, place: usize, option: u32) -> bool {
        let Some(&answer) = self.answers().get(place) else { return false };
        let shorter = Answer::new(option, answer.lasting());
        self.try_answer(place, Answer::from(option))
            || (!answer.is_once() && self.try_answer(place, shorter))
    }

    /// Passes over some of the tasks not now, but after those before them have had their turn.
    fn pass_over_fewer(&mut self, mut place: usize) {
        if self.option(place) < 2 || !may_be_among_tasks(&self.asked_of_least(), place) {
            return;
        }
        // All but one at once is mostly enough.
        let mut fewer = self.option(place) as usize - 1;
        while fewer > 0 && self.option(place) >= 2 && !self.exhausted() {
            let answer = self.answers()[place];
            fewer = fewer.min(answer.option() as usize - 1);
            let mut answers = self.answers().to_vec();
            answers[place] = Answer::USUAL;
            answers.resize(answers.len().max(place + fewer + 1), Answer::USUAL);
            answers[place + fewer] = Answer::new(answer.option() - fewer as u32, answer.lasting());
            match self.try_answers(answers) {
                true => place += fewer,
                false => fewer /= 2,
            }
        }
    }

    /// The numbers that the program asked for and that are not 0, with the largest value of each.
    fn values(&mut self) -> Vec<(usize, u32)> {
        let places = self.deviations();
        let asked = self.asked_of_least();
        let values = places.into_iter().filter_map(|place| {
            let asked = asked.get(place).filter(|asked| asked.question == Question::Value)?;
            Some((place, asked.options - 1))
        });
        values.collect()
    }

    /// Makes the sum of the program's numbers smaller where no single one can be: one becomes 0 and others
    /// take it over, or one falls and another one rises, by less or at a later place.
    fn trade(&mut self) {
        /// Of more numbers, only neighbours are traded.
        const MOST: usize = 8;
        if self.deviations().len() < 2 {
            return;
        }
        let mut values = self.values();
        let mut at = values.len();
        while at > 0 && values.len() > 1 && !self.exhausted() {
            at -= 1;
            if self.hand_over(&values, at) {
                self.lower();
                values = self.values();
                at = values.len();
            }
        }
        let few = values.len() <= MOST;
        for lowered in 0..values.len() {
            for raised in 0..values.len() {
                if lowered != raised && (few || lowered.abs_diff(raised) == 1) {
                    let [lowered, raised] = [values[lowered], values[raised]];
                    self.trade_pair(lowered.0, raised);
                }
            }
        }
    }

    /// Sets one number to 0, and others so much higher together, or all others as high as possible.
    fn hand_over(&mut self, values: &[(usize, u32)], at: usize) -> bool {
        let (place, _) = values[at];
        let others = || values.iter().filter(|(other, _)| *other != place);
        let mut left = self.option(place);
        let [mut sum, mut most] = [self.answers().to_vec(), self.answers().to_vec()];
        if values.iter().any(|(place, _)| *place >= sum.len()) {
            return false;
        }
        (sum[place], most[place]) = (Answer::USUAL, Answer::USUAL);
        // The last ones first, so that the earlier ones stay small.
        for &(other, largest) in others().rev() {
            let option = sum[other].option();
            let more = left.min(largest.saturating_sub(option));
            left -= more;
            sum[other] = Answer::from(option + more);
            most[other] = Answer::from(largest);
        }
        self.try_answers(sum) || self.try_answers(most)
    }

    /// Lowers one number by a little more than it raises another one, or by as much if that comes later.
    fn trade_pair(&mut self, lowered: usize, (raised, largest): (usize, u32)) {
        let gain = u32::from(raised < lowered);
        let room = largest.saturating_sub(self.option(raised)).min(self.option(lowered));
        let mut amount = room.checked_ilog2().map_or(0, |log| 1 << log);
        while amount > 0 && !self.exhausted() {
            let [low, high] = [self.option(lowered), self.option(raised)];
            if low > amount + gain && largest - high.min(largest) >= amount {
                let mut answers = self.answers().to_vec();
                answers[lowered] = Answer::from(low - amount - gain);
                answers[raised] = Answer::from(high + amount);
                if self.try_answers(answers) {
                    self.bisect(lowered, 0);
                }
            }
            amount /= 2;
        }
    }

    /// Makes a number smaller that is a count of repetitions, along with the choices of as many: the first ones
    /// after it.
    fn leave_out_repetitions(&mut self) {
        /// How many choices a repetition has.
        const CHOICES: std::ops::RangeInclusive<usize> = 1..=3;
        let last = |edits: &Self| edits.deviations().last().copied();
        if self.deviations().len() < 2 {
            return;
        }
        for (place, _) in self.values() {
            for choices in CHOICES {
                let count = self.option(place);
                let mut fewer = count.checked_ilog2().map_or(0, |log| 1 << log);
                while fewer > 0 && last(self) > Some(place) && !self.exhausted() {
                    let (count, start) = (self.option(place), place + 1);
                    let end = start + fewer as usize * choices;
                    if fewer < count && end < self.answers().len() {
                        let mut answers = self.answers().to_vec();
                        answers[place] = Answer::from(count - fewer);
                        answers.drain(start..end);
                        self.try_answers(answers);
                    }
                    fewer /= 2;
                }
            }
        }
    }
}

impl<E: Edits> Numbers for E {}
