//! The order of turns in a run, two of them that are swapped, and the orders that lie between two runs.

use std::collections::BTreeMap;

use crate::explore::subject::steer::Record;

/// One of the turns of a task.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Turn {
    pub(super) task: u64,
    nth: usize,
}

impl Turn {
    /// As [`numbered`] has it.
    fn numbered(self) -> (u64, usize) {
        (self.task, self.nth + 1)
    }
}

/// Two turns. The first one had to wait for the second.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Turns {
    pub(super) early: Turn,
    pub(super) late: Turn,
}

impl Turns {
    /// Those with which two orders part.
    pub(super) fn at_parting(fails: &[u64], passes: &[u64]) -> Option<Self> {
        let place = parting(fails, passes)?;
        let turn = |task: u64| {
            let nth = fails[..place].iter().filter(|&&other| other == task).count();
            Turn { task, nth }
        };
        Some(Self { early: turn(fails[place]), late: turn(passes[place]) })
    }

    pub(super) fn swapped(self) -> Self {
        Self { early: self.late, late: self.early }
    }

    /// These two, if the second task has no turn between them; then others of their tasks between them that have none,
    /// the last ones first.
    pub(super) fn pairs_between(self, steps: &[u64]) -> Vec<Self> {
        let Self { early, late } = self;
        let mut turns = numbered(steps);
        if !turns.contains(&late.numbered()) {
            turns.push(late.numbered());
        }
        let place = |turn: Turn| turns.iter().position(|&other| other == turn.numbered());
        let (Some(first), Some(last)) = (place(early), place(late)) else { return Vec::new() };
        let mut pairs = Vec::new();
        let mut next = late;
        for &(task, nth) in turns.get(first..=last).unwrap_or_default().iter().rev() {
            let turn = Turn { task, nth: nth - 1 };
            if task == late.task {
                next = turn;
            } else if task == early.task {
                pairs.push(Self { early: turn, late: next });
            }
        }
        if let Some(place) = pairs.iter().position(|pair| *pair == self) {
            pairs[..=place].rotate_right(1);
        }
        pairs
    }

    /// Orders with these two the other way round, and how much of them is about that: with the second turn taken forward,
    /// and with the first one put off, together with what its task does after it. The others' turns stay as they were.
    pub(super) fn swaps(self, steps: &[u64]) -> Vec<(Vec<u64>, usize)> {
        let turns = numbered(steps);
        let place =
            |turn: Turn| turns.iter().position(|&(task, nth)| (task, nth) == turn.numbered());
        let mut put_off = steps.to_vec();
        let Some(early) = place(self.early) else { return Vec::new() };
        // If it never came to the second one, that would have been next.
        let late = place(self.late).unwrap_or_else(|| {
            put_off.push(self.late.task);
            put_off.len() - 1
        });
        let mut forward = put_off.clone();
        forward[early..=late].rotate_right(1);
        split(&mut put_off[early..=late], |task| task != self.early.task);
        let is_one = forward == put_off;
        let mut swaps = vec![(forward, early + 2), (put_off, late + 1)];
        swaps.truncate(if is_one { 1 } else { 2 });
        swaps
    }
}

impl Record {
    /// The place of a turn, if the task has had it.
    pub(super) fn step_of(&self, turn: Turn) -> Option<usize> {
        let mut before = 0;
        self.steps.iter().position(|&task| {
            let is_its = task == turn.task;
            before += usize::from(is_its);
            is_its && before > turn.nth
        })
    }

    /// Whether the first of two turns came before the second, if that came at all.
    pub(super) fn has(&self, Turns { early, late }: Turns) -> bool {
        match (self.step_of(early), self.step_of(late)) {
            (Some(early), late) => late.is_none_or(|late| early < late),
            (None, _) => false,
        }
    }
}

/// Puts the turns of some tasks before those of all others, which keep their order.
fn split(turns: &mut [u64], is_first: impl Fn(u64) -> bool) {
    let (mut first, rest): (Vec<u64>, Vec<u64>) = turns.iter().partition(|&&task| is_first(task));
    first.extend(rest);
    turns.copy_from_slice(&first);
}

/// Where two orders part.
pub(super) fn parting(a: &[u64], b: &[u64]) -> Option<usize> {
    a.iter().zip(b).position(|(a, b)| a != b)
}

/// The orders that lie between two: turn by turn, what is next in the second one is taken forward in
/// the first one, past one neighbour at a time.
pub(super) struct Path {
    from: Vec<(u64, usize)>,
    to: Vec<(u64, usize)>,
}

impl Path {
    pub(super) fn new(from: &[u64], to: &[u64]) -> Self {
        let (mut from, to) = (numbered(from), numbered(to));
        // The turns that the first run did not come to would have been its next ones.
        let had = counts(&from);
        from.extend(to.iter().filter(|turn| !is_counted(**turn, &had)));
        Self { from, to }
    }

    /// The turns of the first order that are not among the first ones of the second order.
    fn rest(&self, placed: usize) -> Vec<(u64, usize)> {
        let placed = counts(&self.to[..placed]);
        self.from.iter().filter(|turn| !is_counted(**turn, &placed)).copied().collect()
    }

    /// How many others the next turn has to be moved past, when this many are in place.
    pub(super) fn distance(&self, placed: usize) -> usize {
        let next = self.to.get(placed);
        self.rest(placed).iter().position(|turn| Some(turn) == next).unwrap_or(0)
    }

    /// The first turns as in the second order, and the next one moved past this many others.
    pub(super) fn order(&self, placed: usize, past: usize) -> Vec<u64> {
        let mut rest = self.rest(placed);
        if let Some(next) = self.to.get(placed)
            && let Some(place) = rest.iter().position(|turn| turn == next)
        {
            rest[place.saturating_sub(past)..=place].rotate_right(1);
        }
        self.to[..placed].iter().chain(&rest).map(|&(task, _)| task).collect()
    }
}

/// Each turn with its number among those of its task.
fn numbered(steps: &[u64]) -> Vec<(u64, usize)> {
    let mut turns = BTreeMap::new();
    let number = |&task: &u64| {
        let nth = turns.entry(task).or_insert(0);
        *nth += 1;
        (task, *nth)
    };
    steps.iter().map(number).collect()
}

/// How many turns each task has in the beginning of an order, by the numbers of its last ones there.
fn counts(turns: &[(u64, usize)]) -> BTreeMap<u64, usize> {
    let mut counts = BTreeMap::new();
    for &(task, nth) in turns {
        counts.insert(task, nth);
    }
    counts
}

/// Whether a turn is among those that were counted. The turns of a task come in the order of their
/// numbers.
fn is_counted((task, nth): (u64, usize), counts: &BTreeMap<u64, usize>) -> bool {
    counts.get(&task).is_some_and(|&count| nth <= count)
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: u64 = 1;
    const B: u64 = 2;
    const C: u64 = 3;

    fn turns(early: (u64, usize), late: (u64, usize)) -> Turns {
        let turn = |(task, nth)| Turn { task, nth };
        Turns { early: turn(early), late: turn(late) }
    }

    #[test]
    fn a_swap_moves_one_turn() {
        let swaps = |steps: &[u64]| turns((A, 0), (B, 0)).swaps(steps);
        assert_eq!(swaps(&[C, A, B, C]), [(vec![C, B, A, C], 3)]);
        // With another task between the two, either of them may be the one that moves.
        assert_eq!(swaps(&[A, C, B]), [(vec![B, A, C], 2), (vec![C, B, A], 3)]);
        // The second one never came to its turn.
        assert_eq!(swaps(&[A, C]), [(vec![B, A, C], 2), (vec![C, B, A], 3)]);
        // What a task does later stays later.
        assert_eq!(swaps(&[A, A, B]), [(vec![B, A, A], 2)]);
        assert_eq!(swaps(&[C]), []);
    }

    #[test]
    fn only_pairs_without_a_turn_of_the_second_task_between_them_are_swapped() {
        let pairs = turns((A, 0), (B, 1)).pairs_between(&[A, B, A, B]);
        assert_eq!(pairs, [turns((A, 1), (B, 1)), turns((A, 0), (B, 0))]);
        let pairs = turns((A, 0), (B, 0)).pairs_between(&[A, A, B]);
        assert_eq!(pairs, [turns((A, 0), (B, 0)), turns((A, 1), (B, 0))]);
        assert_eq!(turns((A, 0), (B, 0)).pairs_between(&[B, A]), []);
    }
}
