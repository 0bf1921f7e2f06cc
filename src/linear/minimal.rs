//! The shortest part of a history that cannot be linearized.
//!
//! An operation cannot just be left out: without the push, each pop of its item would be wrong. But all
//! operations on an item can ([`Model::item`]), and any operation may be *opened*: its return is forgotten, so
//! that it may take effect at any time after its call, or never. What an opened history allows, with or
//! without any of its open operations, includes all that the history allows. So if it cannot be linearized all
//! the same, then what was opened makes no difference. "Shortest" is
//!
//! 1. only operations on as few items as can be found;
//! 2. up to the return at which it goes wrong: one return less could be linearized;
//! 3. of the operations until then, as few closed ones as can be found by opening them: none of those left
//!    could be opened as well;
//! 4. beside these, only open operations without which there would be less to see: each closed one is needed to
//!    make it wrong, which is not so if its other halves are missing, such as the push of an item that is popped.

use super::Model;
use super::operation::Entry;
use super::search::{Budget, Verdict};

/// The most steps of the model to find fewer operations.
const REPORT: u64 = 100_000;

/// Operations that cannot be linearized, by their places among the entries.
pub(super) struct Minimal {
    /// Operations after this event are not in it, nor returns.
    pub(super) until: usize,
    /// The operation with whose return it goes wrong.
    pub(super) culprit: usize,
    /// What a report shows of it, in the order of calls.
    pub(super) shown: Vec<usize>,
}

/// These operations until the end of this event.
pub(super) fn prefix<'a, M: Model>(
    entries: &[Entry<'a, M>],
    numbers: &[usize],
    until: usize,
) -> Vec<Entry<'a, M>> {
    let cut = |entry: Entry<'a, M>| match entry.returned {
        Some((event, _)) if event > until => entry.open(),
        _ => entry,
    };
    numbers.iter().map(|&number| cut(entries[number])).collect()
}

/// The shortest part of those of the operations that cannot be linearized, as far as it is found.
pub(super) fn minimal<M: Model>(
    first: &M,
    entries: &[Entry<'_, M>],
    wrong: Vec<usize>,
    max_steps: u64,
) -> Minimal {
    let mut budget = Budget::new(REPORT).each(REPORT / 4);
    let mut items: Vec<usize> = wrong.iter().filter_map(|&number| entries[number].item).collect();
    items.sort_unstable();
    items.dedup();
    let on = |items: &[usize]| -> Vec<usize> {
        let is_on = |number: &usize| entries[*number].item.is_none_or(|item| items.contains(&item));
        wrong.iter().copied().filter(is_on).collect()
    };
    let items =
        least(items, |items| budget.is_wrong(first, &prefix(entries, &on(items), usize::MAX)));
    let wrong = on(&items);

    let mut returns: Vec<(usize, usize)> =
        wrong.iter().filter_map(|&number| Some((entries[number].returned?.0, number))).collect();
    returns.sort_unstable();
    let until = |event: usize| -> Vec<usize> {
        wrong.iter().copied().take_while(|&number| entries[number].called <= event).collect()
    };
    // The first `good` returns can be linearized, the first `bad` cannot, and mostly they are neighbours. To know
    // that may take as long as it took to know that all of them cannot.
    let mut cutting = Budget::new(max_steps);
    let (mut good, mut bad) = match cutting.search(first, &prefix(entries, &wrong, usize::MAX)) {
        Verdict::NotLinearizable { reached } => (reached, returns.len()),
        // As it is known to be wrong, there were not steps enough.
        Verdict::Linearizable | Verdict::Undecided => (0, returns.len()),
    };
    let mut stride = 1;
    while good + 1 < bad {
        let middle = (good + stride).min(good.midpoint(bad)).max(good + 1);
        let event = returns[middle - 1].0;
        match cutting.is_wrong(first, &prefix(entries, &until(event), event)) {
            true => bad = middle,
            false => good = middle,
        }
        stride *= 2;
    }
    let (event, culprit) = returns[bad - 1];
    let all = until(event);
    let part = prefix(entries, &all, event);
    // What is opened should not be much harder, or there would be few trials.
    let left = budget.left();
    budget.search(first, &part);
    let one = 4 * (left - budget.left()) + 1_000;
    let budget = &mut budget.each(one);
    let place = all.iter().position(|&number| number == culprit);
    let culprit_place = place.expect("dacapo bug: what returns was called");
    let shown = Lessening { first, part: &part, culprit: culprit_place, budget }.shown();
    let shown = shown.into_iter().map(|place| all[place]).collect();
    Minimal { until: event, culprit, shown }
}

struct Lessening<'a, 'm, M: Model> {
    first: &'m M,
    part: &'m [Entry<'a, M>],
    culprit: usize,
    budget: &'m mut Budget,
}

impl<M: Model> Lessening<'_, '_, M> {
    fn shown(&mut self) -> Vec<usize> {
        let all: Vec<usize> = (0..self.part.len()).collect();
        let closed: Vec<usize> = all
            .iter()
            .copied()
            .filter(|&entry| self.part[entry].returned.is_some() && entry != self.culprit)
            .collect();
        // The culprit stays closed: without its return the rest can be linearized.
        let mut closed = least(closed, |closed| self.is_wrong(closed, Some(self.culprit), &all));
        closed.push(self.culprit);
        let open = all.into_iter().filter(|entry| !closed.contains(entry)).collect();
        let open = least(open, |open| {
            let shown = merged(&closed, open);
            closed.iter().all(|left_out| {
                let rest: Vec<usize> =
                    closed.iter().copied().filter(|entry| entry != left_out).collect();
                self.is_right(&rest, &shown)
            })
        });
        merged(&closed, &open)
    }

    /// These operations. Only some of them are closed.
    fn search(&mut self, closed: &[usize], also: Option<usize>, shown: &[usize]) -> Verdict {
        let entries: Vec<Entry<'_, M>> = shown
            .iter()
            .map(|&entry| match closed.contains(&entry) || also == Some(entry) {
                true => self.part[entry],
                false => self.part[entry].open(),
            })
            .collect();
        self.budget.search(self.first, &entries)
    }

    fn is_wrong(&mut self, closed: &[usize], also: Option<usize>, shown: &[usize]) -> bool {
        matches!(self.search(closed, also, shown), Verdict::NotLinearizable { .. })
    }

    fn is_right(&mut self, closed: &[usize], shown: &[usize]) -> bool {
        self.search(closed, None, shown) == Verdict::Linearizable
    }
}

fn merged(some: &[usize], others: &[usize]) -> Vec<usize> {
    let mut all = [some, others].concat();
    all.sort_unstable();
    all
}

/// As few of these as still do, none of which can be left out. Halves them as in Zeller and Hildebrandt,
/// "Simplifying and isolating failure-inducing input" (2002), from the last one on.
fn least(mut all: Vec<usize>, mut will_do: impl FnMut(&[usize]) -> bool) -> Vec<usize> {
    let mut size = all.len();
    while size > 0 {
        let mut end = all.len();
        while end > 0 {
            let start = end.saturating_sub(size);
            let fewer = [&all[..start], &all[end..]].concat();
            if will_do(&fewer) {
                all = fewer;
            }
            end = start;
        }
        size /= 2;
    }
    all
}
