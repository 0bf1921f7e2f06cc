//! Whether operations can be put into an order that the model allows.
//! The search is by J. M. Wing and C. Gong, "Testing and Verifying Concurrent Objects" (1993), with the
//! memory of G. Lowe, "Testing for linearizability" (2017). An operation can be next if it was called
//! before the first return that is left. Take one, let the model do it, and go on; go back where none
//! fits; and never go on twice from the same state with the same operations left. The list of calls and
//! returns, out of which operations are lifted and put back, is by A. Horn and D. Kroening, "Faster
//! linearizability checking via P-compositionality" (2015), also known from Porcupine.
//!
//! It departs from them in these:
//!
//! - An operation without a return may be left out, and is where it would change nothing.
//! - The operation that returns first is tried first, since it has to be taken before any that is called
//!   later; then those without a return, for which nothing speaks but that it does not fit; then the others as
//!   they were called. So little is decided too early.
//! - What has to come before what, as far as that was learnt ([`items`](super::items)), is observed.
//! - An eager search, which may miss an order but not invent one, takes what changes nothing as soon as it fits.
//! - What is remembered leaves out the words of the bit set that are full at its front or empty at its end.

use std::collections::HashSet;
use std::hash::{BuildHasherDefault, DefaultHasher};

use super::Model;
use super::items::Before;
use super::operation::Entry;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Linearizable,
    /// How many of the returns, by their time, were behind in the order that came farthest.
    NotLinearizable {
        reached: usize,
    },
    /// There were not steps enough.
    Undecided,
}

/// Looks for an order in which the model gives all outputs, in at most this many steps of the model.
/// Subtracts the steps that it took.
pub(super) fn search<M: Model>(first: &M, entries: &[Entry<'_, M>], steps: &mut u64) -> Verdict {
    search_after(first, entries, &Vec::new(), steps)
}

/// The same, if it is known what has to come before what.
pub(super) fn search_after<M: Model>(
    first: &M,
    entries: &[Entry<'_, M>],
    before: &Before,
    steps: &mut u64,
) -> Verdict {
    Search::new(first, entries, before, steps).run()
}

/// Looks for an order in which each operation that changes nothing comes as soon as it fits. There may be
/// other orders, so this can only show that a history is linearizable. Returns whether it is, or `None` if
/// there were not steps enough.
///
/// If a read fits now, it seldom fits after the next write. A search that passes over it finds out only when the
/// read is due, after it has tried all orders of the writes until then.
pub(super) fn search_eagerly<M: Model>(
    first: &M,
    entries: &[Entry<'_, M>],
    before: &Before,
    steps: &mut u64,
) -> Option<bool> {
    match Search::new(first, entries, before, steps).run_eagerly() {
        Verdict::Linearizable => Some(true),
        Verdict::NotLinearizable { .. } => Some(false),
        Verdict::Undecided => None,
    }
}

/// Searches for a report, which may take this many steps of the model in all.
pub(super) struct Budget {
    left: u64,
    /// The most steps of one of them.
    one: u64,
}

impl Budget {
    pub(super) fn new(steps: u64) -> Self {
        Self { left: steps, one: steps }
    }

    pub(super) fn left(&self) -> u64 {
        self.left
    }

    /// One search may take no more than this.
    pub(super) fn each(self, one: u64) -> Self {
        Self { one, ..self }
    }

    pub(super) fn search<M: Model>(&mut self, first: &M, entries: &[Entry<'_, M>]) -> Verdict {
        self.spend(|steps| search(first, entries, steps))
    }

    pub(super) fn is_wrong<M: Model>(&mut self, first: &M, entries: &[Entry<'_, M>]) -> bool {
        matches!(self.search(first, entries), Verdict::NotLinearizable { .. })
    }

    fn spend<R>(&mut self, search: impl FnOnce(&mut u64) -> R) -> R {
        let granted = self.one.min(self.left);
        let mut left = granted;
        let found = search(&mut left);
        self.left -= granted - left;
        found
    }
}

/// Up to `most` different outputs that the model gives for the operation `asked` where it can be next.
pub(super) fn outputs<M: Model>(
    first: &M,
    entries: &[Entry<'_, M>],
    asked: usize,
    most: usize,
    budget: &mut Budget,
) -> Vec<M::Output> {
    budget.spend(|steps| {
        let before = Vec::new();
        let mut search = Search::new(first, entries, &before, steps);
        (search.asked, search.most) = (Some(asked), most);
        search.run();
        search.outputs
    })
}

/// The operations that have been taken, as bits in the order of calls.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Taken {
    /// Full words at the front, which are not stored.
    full: usize,
    words: Box<[u64]>,
}

type Seen<M> = HashSet<(Taken, M), BuildHasherDefault<DefaultHasher>>;

/// An operation that was taken, and the state before.
struct Step<M> {
    entry: usize,
    before: M,
    /// What an eager search takes instead, the last one first, with the states after it.
    instead: Vec<(usize, M)>,
}

/// Whether a node of the list is a return.
fn is_return(node: usize) -> bool {
    node % 2 == 1
}

/// In which order the operations that can be next are tried.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    /// It returns first.
    Due,
    /// Its return was not seen.
    Open,
    Returned,
}

struct Search<'s, 'a, M: Model> {
    entries: &'s [Entry<'a, M>],
    before: &'s Before,
    /// The list of calls (2 × entry) and returns (2 × entry + 1) that are left, and its two ends in one.
    next: Vec<usize>,
    previous: Vec<usize>,
    /// How many operations with a return are left.
    left: usize,
    state: M,
    taken: Vec<u64>,
    steps: &'s mut u64,
    seen: Seen<M>,
    path: Vec<Step<M>>,
    /// The place of each entry in the order of returns.
    place: Vec<usize>,
    reached: usize,
    asked: Option<usize>,
    outputs: Vec<M::Output>,
    most: usize,
}

impl<'s, 'a, M: Model> Search<'s, 'a, M> {
    fn new(first: &M, entries: &'s [Entry<'a, M>], before: &'s Before, steps: &'s mut u64) -> Self {
        let mut events: Vec<(usize, usize)> = Vec::with_capacity(2 * entries.len());
        for (number, entry) in entries.iter().enumerate() {
            events.push((entry.called, 2 * number));
            events.extend(entry.returned.map(|(event, _)| (event, 2 * number + 1)));
        }
        events.sort_unstable();
        let ends = 2 * entries.len();
        let mut next = vec![ends; ends + 1];
        let mut previous = vec![ends; ends + 1];
        let mut last = ends;
        for &(_, node) in &events {
            (next[last], previous[node]) = (node, last);
            last = node;
        }
        (next[last], previous[ends]) = (ends, last);
        let returns = events.iter().filter(|(_, node)| is_return(*node));
        let mut place = vec![0; entries.len()];
        let mut left = 0;
        for &(_, node) in returns {
            place[node / 2] = left;
            left += 1;
        }
        Self {
            entries,
            before,
            next,
            previous,
            left,
            state: first.clone(),
            taken: vec![0; entries.len().div_ceil(64)],
            steps,
            seen: Seen::default(),
            path: Vec::new(),
            place,
            reached: 0,
            asked: None,
            outputs: Vec::new(),
            most: 0,
        }
    }

    fn run(&mut self) -> Verdict {
        // The operation after which to look for the next one to try.
        let mut tried = None;
        loop {
            if self.left == 0 {
                return Verdict::Linearizable;
            }
            let due = self.due();
            self.reached = self.reached.max(self.place[due]);
            let Some(entry) = self.candidate(due, tried) else {
                let Some(step) = self.path.pop() else {
                    return Verdict::NotLinearizable { reached: self.reached };
                };
                self.state = step.before;
                self.put_back(step.entry);
                tried = Some(step.entry);
                continue;
            };
            if *self.steps == 0 {
                return Verdict::Undecided;
            }
            *self.steps -= 1;
            tried = match self.step(entry) {
                Some(after) => {
                    self.lift(entry);
                    match self.seen.insert((self.taken(), after.clone())) {
                        true => {
                            let before = std::mem::replace(&mut self.state, after);
                            self.path.push(Step { entry, before, instead: Vec::new() });
                            None
                        }
                        false => {
                            self.put_back(entry);
                            Some(entry)
                        }
                    }
                }
                None => Some(entry),
            };
        }
    }

    /// See [`search_eagerly`].
    fn run_eagerly(&mut self) -> Verdict {
        while self.left > 0 {
            let due = self.due();
            self.reached = self.reached.max(self.place[due]);
            let Some(mut next) = self.promising(due) else { return Verdict::Undecided };
            loop {
                let Some((entry, after)) = next.pop() else {
                    let Some(step) = self.path.pop() else {
                        return Verdict::NotLinearizable { reached: self.reached };
                    };
                    self.state = step.before;
                    self.put_back(step.entry);
                    next = step.instead;
                    continue;
                };
                self.lift(entry);
                if self.seen.insert((self.taken(), after.clone())) {
                    let before = std::mem::replace(&mut self.state, after);
                    self.path.push(Step { entry, before, instead: next });
                    break;
                }
                self.put_back(entry);
            }
        }
        Verdict::Linearizable
    }

    /// What can be next, the first to try last, with the states after it: one operation that changes nothing, or
    /// else all. `None` if there are not steps enough.
    fn promising(&mut self, due: usize) -> Option<Vec<(usize, M)>> {
        let mut all = Vec::new();
        let mut tried = None;
        while let Some(entry) = self.candidate(due, tried) {
            tried = Some(entry);
            *self.steps = self.steps.checked_sub(1)?;
            match self.step(entry) {
                Some(after) if after == self.state => return Some(vec![(entry, after)]),
                Some(after) => all.push((entry, after)),
                None => {}
            }
        }
        all.reverse();
        Some(all)
    }

    /// The state after this operation, if the model allows it now.
    fn step(&mut self, entry: usize) -> Option<M> {
        let early = |before: &Vec<usize>| before.iter().any(|&entry| !self.is_taken(entry));
        if self.before.get(entry).is_some_and(early) {
            return None;
        }
        let mut after = self.state.clone();
        let Entry { op, returned, .. } = self.entries[entry];
        match returned {
            Some(_) if self.asked == Some(entry) => {
                let output = after.step(op);
                if self.outputs.len() < self.most && !self.outputs.contains(&output) {
                    self.outputs.push(output);
                }
                None
            }
            Some((_, output)) => after.accepts(op, output).then_some(after),
            None => {
                after.step(op);
                (after != self.state).then_some(after)
            }
        }
    }
}

impl<M: Model> Search<'_, '_, M> {
    fn ends(&self) -> usize {
        self.next.len() - 1
    }

    /// The operation whose return is the first that is left.
    fn due(&self) -> usize {
        let mut node = self.next[self.ends()];
        while !is_return(node) {
            node = self.next[node];
        }
        node / 2
    }

    fn rank(&self, entry: usize, due: usize) -> Rank {
        match self.entries[entry].returned {
            _ if entry == due => Rank::Due,
            Some(_) => Rank::Returned,
            None => Rank::Open,
        }
    }

    /// The operation to try after this one.
    fn candidate(&self, due: usize, tried: Option<usize>) -> Option<usize> {
        let Some(tried) = tried else { return Some(due) };
        let (mut rank, mut node) = match self.rank(tried, due) {
            Rank::Due => (Rank::Open, self.next[self.ends()]),
            rank => (rank, self.next[2 * tried]),
        };
        loop {
            while !is_return(node) {
                if self.rank(node / 2, due) == rank {
                    return Some(node / 2);
                }
                node = self.next[node];
            }
            if rank == Rank::Returned {
                return None;
            }
            (rank, node) = (Rank::Returned, self.next[self.ends()]);
        }
    }

    fn nodes(&self, entry: usize) -> impl DoubleEndedIterator<Item = usize> + use<M> {
        let count = 1 + usize::from(self.entries[entry].returned.is_some());
        2 * entry..2 * entry + count
    }

    /// Takes an operation: it leaves the list.
    fn lift(&mut self, entry: usize) {
        for node in self.nodes(entry) {
            let (before, after) = (self.previous[node], self.next[node]);
            (self.next[before], self.previous[after]) = (after, before);
        }
        self.taken[entry / 64] |= 1 << (entry % 64);
        self.left -= usize::from(self.entries[entry].returned.is_some());
    }

    /// The operation that was taken last comes back: what was lifted still knows its neighbours.
    fn put_back(&mut self, entry: usize) {
        for node in self.nodes(entry).rev() {
            let (before, after) = (self.previous[node], self.next[node]);
            (self.next[before], self.previous[after]) = (node, node);
        }
        self.taken[entry / 64] &= !(1 << (entry % 64));
        self.left += usize::from(self.entries[entry].returned.is_some());
    }

    fn is_taken(&self, entry: usize) -> bool {
        self.taken[entry / 64] & (1 << (entry % 64)) != 0
    }

    fn taken(&self) -> Taken {
        let full = self.taken.iter().take_while(|&&word| word == u64::MAX).count();
        let rest = &self.taken[full..];
        let end = rest.iter().rposition(|&word| word != 0).map_or(0, |last| last + 1);
        Taken { full, words: rest[..end].into() }
    }
}
