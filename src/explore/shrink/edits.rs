//! Edits that make a schedule simpler, whatever decides whether it still does what matters.

use std::rc::Rc;

use crate::explore::subject::follow::Asked;
use crate::question::Question;
use crate::schedule::{Answer, Lasting, Schedule};
use crate::trace::mix;

/// A number that tells schedules apart: the lists themselves can be long, and are many.
pub(crate) fn fingerprint(schedule: &Schedule) -> u64 {
    let words = schedule.answers().iter().map(|answer| answer.word() + 1);
    schedule.faults().words().chain(words).fold(mix(schedule.seed(), 0), mix)
}

/// A schedule that is being made simpler.
///
/// As in Hypothesis (MacIver and Donaldson 2020, "Test-case reduction via test-case generation") it is
/// the list of choices that is edited, never the run, so each candidate is a run that can happen.
pub(crate) trait Edits {
    /// The answers of the least schedule so far.
    fn answers(&self) -> &[Answer];

    /// Tries these instead; returns whether they are simpler and will do, and so are the least now.
    fn try_answers(&mut self, answers: Vec<Answer>) -> bool;

    /// Whether nothing more may be tried.
    fn exhausted(&self) -> bool;

    /// Whether answers may be made to last.
    fn may_last(&self) -> bool;

    /// What is asked in a run with these answers, as far as that is known.
    fn asked(&mut self, answers: &[Answer]) -> Rc<[Asked]>;

    /// What is asked in the run with the least schedule, as far as that is known.
    fn asked_of_least(&mut self) -> Rc<[Asked]> {
        let answers = self.answers().to_vec();
        self.asked(&answers)
    }

    fn deviations(&self) -> Vec<usize> {
        let answers = self.answers().iter().enumerate();
        answers.filter(|(_, answer)| answer.is_deviation()).map(|(place, _)| place).collect()
    }

    /// Drops what is beside the point at the end, in steps that get smaller when they do not succeed.
    fn cut(&mut self) {
        let mut drop = self.answers().len() / 2;
        while drop > 0 && !self.exhausted() {
            let mut answers = self.answers().to_vec();
            answers.truncate(answers.len().saturating_sub(drop));
            if !self.try_answers(answers) {
                drop /= 2;
            }
            drop = drop.min(self.answers().len());
        }
    }

    fn make_lasting(&mut self) {
        const MOST: usize = 200;
        if !self.may_last() {
            return;
        }
        for at in 0..self.deviations().len().min(MOST) {
            // Only an answer that does not last, or is not alone, can gain from this.
            let places = self.deviations();
            let Some(&place) = places.get(at) else { return };
            if places.len() < 2 || self.exhausted() {
                return;
            }
            let option = self.answers()[place].option();
            let hows: &[Lasting] = match may_be_among_tasks(&self.asked_of_least(), place) {
                true => &[Lasting::Hold, Lasting::Ahead],
                false => &[Lasting::Once],
            };
            for &lasting in hows {
                let mut alone = vec![Answer::USUAL; place];
                alone.push(Answer::new(option, lasting));
                let mut last = self.answers()[..place].to_vec();
                last.push(Answer::new(option, lasting));
                if self.try_answers(alone) || self.try_answers(last) {
                    return;
                }
            }
        }
    }

    fn zero_chunks(&mut self) {
        let mut chunk = self.deviations().len();
        while chunk > 0 && !self.exhausted() {
            // From the end: what comes late is more often beside the point.
            let mut end = self.deviations().len();
            while end > 0 && !self.exhausted() {
                let places = self.deviations();
                let start = end.saturating_sub(chunk);
                let mut answers = self.answers().to_vec();
                for &place in &places[start..end] {
                    answers[place] = Answer::USUAL;
                }
                self.try_answers(answers);
                // The run may have become much shorter.
                end = start.min(self.deviations().len());
            }
            chunk /= 2;
        }
    }

    /// Leaves out one deviation, and with it another one, or lets that last.
    fn zero_pairs(&mut self) {
        const MOST: usize = 8;
        let places = self.deviations();
        if places.len() < 3 || places.len() > MOST {
            return;
        }
        let asked = self.asked_of_least();
        for &dropped in &places {
            for &other in places.iter().filter(|&&other| other != dropped) {
                let option = self.answers()[other].option();
                let instead = [
                    Answer::USUAL,
                    Answer::new(option, Lasting::Hold),
                    Answer::new(option, Lasting::Ahead),
                ];
                let count = if may_be_among_tasks(&asked, other) { instead.len() } else { 1 };
                for &instead in &instead[..count] {
                    let mut answers = self.answers().to_vec();
                    answers[dropped] = Answer::USUAL;
                    answers[other] = instead;
                    if self.exhausted() || self.try_answers(answers) {
                        return;
                    }
                }
            }
        }
    }

    fn delete_chunks(&mut self) {
        let mut chunk = self.answers().len() / 2;
        while chunk > 0 && !self.exhausted() {
            let mut end = self.answers().len();
            while end > 0 && !self.exhausted() {
                let start = end.saturating_sub(chunk);
                let mut answers = self.answers().to_vec();
                answers.drain(start..end);
                self.try_answers(answers);
                end = start.min(self.answers().len());
            }
            chunk /= 2;
        }
    }

    /// Tries another answer at one place.
    fn try_answer(&mut self, place: usize, answer: Answer) -> bool {
        let mut answers = self.answers().to_vec();
        answers[place] = answer;
        self.try_answers(answers)
    }

    fn move_forward(&mut self) {
        for place in self.deviations() {
            let (mut place, mut stride) = (place, 1);
            while !self.exhausted()
                && self.answers().get(place).is_some_and(|answer| answer.is_deviation())
            {
                let before = self.answers()[..place].iter().rev();
                let free = before.take_while(|answer| !answer.is_deviation()).count();
                stride = stride.min(free);
                if stride == 0 {
                    break;
                }
                let mut answers = self.answers().to_vec();
                answers.swap(place - stride, place);
                if self.try_answers(answers) {
                    place -= stride;
                    stride *= 2;
                } else {
                    stride /= 2;
                }
            }
        }
    }

    /// None, one or two of the deviations, and any one besides: each task held back, or ahead, from each
    /// choice on, or just once.
    fn try_few(&mut self) {
        const MOST: usize = 8;
        let places = self.deviations();
        if !self.may_last() || !(2..=MOST).contains(&places.len()) {
            return;
        }
        let all = self.answers().to_vec();
        let keep = |kept: &[usize]| {
            let answers = all
                .iter()
                .enumerate()
                .map(|(place, &answer)| if kept.contains(&place) { answer } else { Answer::USUAL });
            answers.collect::<Vec<_>>()
        };
        let mut bases = vec![keep(&[])];
        if places.len() > 2 {
            bases.extend(places.iter().map(|&place| keep(&[place])));
        }
        if places.len() > 3 {
            for (at, &first) in places.iter().enumerate() {
                bases.extend(places[at + 1..].iter().map(|&second| keep(&[first, second])));
            }
        }
        for base in bases {
            if self.exhausted() || self.try_one_more(&base) {
                return;
            }
        }
    }

    /// The same with one deviation more, wherever it may be.
    fn try_one_more(&mut self, base: &[Answer]) -> bool {
        const MOST: usize = 1000;
        let asked = self.asked(base);
        let free = |place: usize| !base.get(place).is_some_and(|answer| answer.is_deviation());
        let candidates = || {
            let places = asked.iter().enumerate().filter(|(place, _)| free(*place));
            places.flat_map(|(place, asked)| one_answer(*asked).map(move |answer| (place, answer)))
        };
        if candidates().take(MOST + 1).count() > MOST {
            return false;
        }
        for (place, answer) in candidates() {
            let mut answers = base.to_vec();
            answers.resize(answers.len().max(place + 1), Answer::USUAL);
            answers[place] = answer;
            if self.exhausted() || self.try_answers(answers) {
                return true;
            }
        }
        false
    }
}

/// Whether the choice at this place is one among tasks, as far as is known. How long its answer lasts makes
/// a difference only then.
pub(super) fn may_be_among_tasks(asked: &[Asked], place: usize) -> bool {
    asked.get(place).is_none_or(|asked| asked.question == Question::Next)
}

/// The answers that are tried in place of several others.
fn one_answer(asked: Asked) -> impl Iterator<Item = Answer> {
    // Of many numbers, the largest: if it will do, smaller ones are tried later.
    const FEW: u32 = 8;
    let Asked { question, options } = asked;
    let is_among_tasks = question == Question::Next;
    let first = if is_among_tasks || options <= FEW { 0 } else { options - 1 };
    let how: &[Lasting] = match is_among_tasks {
        true => &[Lasting::Hold, Lasting::Ahead, Lasting::Once],
        false => &[Lasting::Once],
    };
    (first..options).flat_map(|option| how.iter().map(move |&how| Answer::new(option, how)))
}
