//! Edits that make a schedule simpler, whatever decides whether it still does what matters.

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

    /// How many options each choice has in a run with these answers, as far as that can be told.
    fn options(&mut self, answers: &[Answer]) -> Vec<u32>;

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
            for lasting in [Lasting::Hold, Lasting::Ahead] {
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
        for &dropped in &places {
            for &other in places.iter().filter(|&&other| other != dropped) {
                let option = self.answers()[other].option();
                let instead = [
                    Answer::USUAL,
                    Answer::new(option, Lasting::Hold),
                    Answer::new(option, Lasting::Ahead),
                ];
                for instead in instead {
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

    fn lower(&mut self) {
        for place in self.deviations() {
            if self.exhausted() {
                return;
            }
            if let Some(&answer) = self.answers().get(place) {
                self.try_answer(place, Answer::from(answer.option()));
            }
            self.pass_over_fewer(place);
            // 1 is nearly always either enough or the beginning of a short climb.
            let mut lower = 1;
            while !self.exhausted()
                && let Some(&answer) = self.answers().get(place)
                && lower <= answer.option()
            {
                let once = self.try_answer(place, Answer::from(lower));
                let shorter = Answer::new(lower, answer.lasting());
                if once || (shorter < answer && self.try_answer(place, shorter)) {
                    break;
                }
                lower = if lower < 8 { lower + 1 } else { lower.saturating_mul(2) };
                if lower == u32::MAX {
                    break;
                }
            }
        }
    }

    /// Passes over some of the tasks not now but when those before them have had their turn.
    fn pass_over_fewer(&mut self, mut place: usize) {
        // More are hardly in one line; it may be a value of the program's own.
        const MOST: u32 = 1000;
        while let Some(&answer) = self.answers().get(place)
            && (2..=MOST).contains(&answer.option())
            && !self.exhausted()
        {
            let all_but_one = answer.option() as usize - 1;
            let later = |fewer: usize| {
                let mut answers = self.answers().to_vec();
                answers[place] = Answer::USUAL;
                answers.resize(answers.len().max(place + fewer + 1), Answer::USUAL);
                answers[place + fewer] =
                    Answer::new(answer.option() - fewer as u32, answer.lasting());
                answers
            };
            let (last, next) = (later(all_but_one), later(1));
            if self.try_answers(last) || !self.try_answers(next) {
                return;
            }
            place += 1;
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
            let mut place = place;
            while !self.exhausted()
                && place > 0
                && self.answers().get(place).is_some_and(|answer| answer.is_deviation())
            {
                if self.answers()[place - 1].is_deviation() {
                    break;
                }
                let mut answers = self.answers().to_vec();
                answers.swap(place - 1, place);
                if !self.try_answers(answers) {
                    break;
                }
                place -= 1;
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
        let options = self.options(base);
        if options.iter().map(|&options| options as usize).sum::<usize>() * 3 > MOST {
            return false;
        }
        for (place, &options) in options.iter().enumerate() {
            if base.get(place).is_some_and(|answer| answer.is_deviation()) {
                continue;
            }
            for option in 0..options {
                for lasting in [Lasting::Hold, Lasting::Ahead, Lasting::Once] {
                    let mut answers = base.to_vec();
                    answers.resize(answers.len().max(place + 1), Answer::USUAL);
                    answers[place] = Answer::new(option, lasting);
                    if self.exhausted() || self.try_answers(answers) {
                        return true;
                    }
                }
            }
        }
        false
    }
}
