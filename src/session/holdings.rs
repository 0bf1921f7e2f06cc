//! What the primitives of a run hold, to see whether all of it was given back.

use super::Session;

/// What a primitive holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Holding {
    /// This many permits are free.
    Permits(usize),
    Lock {
        taken: bool,
    },
    /// This many items were taken out of a queue and are not done.
    Taken(usize),
    /// Nothing: it only has waiters.
    Waiters,
}

/// One primitive over a run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Holdings {
    /// What reports call it.
    pub(crate) kind: &'static str,
    /// What it held at its first use.
    pub(crate) first: Holding,
    pub(crate) last: Holding,
    /// How many tasks wait for it.
    pub(crate) waiting: usize,
    /// Its number in the trace, if any task has waited for it.
    pub(crate) number: Option<u32>,
}

impl Session {
    /// Whether this run records what primitives hold.
    pub(crate) fn records_holdings(&self) -> bool {
        self.limits.records_holdings
    }

    /// Records what a primitive holds now. Returns its number among the holdings, to be passed in next time.
    pub(crate) fn record_holdings(&mut self, number: Option<u32>, now: Holdings) -> u32 {
        let known = number.and_then(|number| self.holdings.get_mut(number as usize));
        match (known, number) {
            (Some(known), Some(number)) => {
                *known = Holdings { first: known.first, ..now };
                number
            }
            _ => {
                self.holdings.push(now);
                (self.holdings.len() - 1) as u32
            }
        }
    }
}
