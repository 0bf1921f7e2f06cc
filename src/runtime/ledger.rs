//! What the primitives of a run hold, for those who ask whether all was given back.

use super::Runtime;

/// What a primitive holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Holding {
    /// So many permits are free.
    Permits(usize),
    /// A lock, which somebody has or not.
    Lock { taken: bool },
    /// So many items were taken out of a queue, and not done.
    Taken(usize),
    /// Nothing but those who wait.
    Waiters,
}

/// One primitive.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    /// What it is called.
    pub(crate) kind: &'static str,
    /// What it held when it was used first.
    pub(crate) first: Holding,
    pub(crate) last: Holding,
    /// Who stand in its lines.
    pub(crate) waiting: usize,
    /// Its number in the trace, if anybody has waited for it.
    pub(crate) number: Option<u32>,
}

impl Runtime {
    /// Whether accounts are kept in this run.
    pub(crate) fn keeps_accounts(&self) -> bool {
        self.core().limits.keeps_accounts
    }

    /// Opens an account, or brings the one of this number up to date; returns its number.
    pub(crate) fn keep_account(&self, number: Option<u32>, account: Entry) -> u32 {
        let accounts = &mut self.core().accounts;
        let known = number.and_then(|number| accounts.get_mut(number as usize));
        match (known, number) {
            (Some(known), Some(number)) => {
                *known = Entry { first: known.first, ..account };
                number
            }
            _ => {
                accounts.push(account);
                (accounts.len() - 1) as u32
            }
        }
    }
}
