//! The hashes of traces, to count how many are different.

/// A set of hashes of traces.
///
/// Each run adds one, and hardly anything is asked before the end. So they are a list that is sorted when it is full,
/// which takes less time than a hash set.
#[derive(Clone, Debug, Default)]
pub(crate) struct Traces {
    hashes: Vec<u64>,
    /// Whether they are sorted and different.
    is_tidy: bool,
    /// Whether no more are kept.
    is_full: bool,
}

impl Traces {
    /// How many are kept. The list has at most twice as many: 16 MiB.
    pub(crate) const MAX: usize = 1 << 20;
    /// How many there is room for at first.
    const FEW: usize = 1 << 10;

    #[inline]
    pub(crate) fn add(&mut self, hash: u64) {
        if self.hashes.len() == self.hashes.capacity() {
            self.make_room();
        }
        if !self.is_full {
            self.hashes.push(hash);
            self.is_tidy = false;
        }
    }

    /// Leaves room for as many as there are, so that sorting takes little time for each.
    #[cold]
    fn make_room(&mut self) {
        self.tidy();
        self.hashes.reserve_exact(self.hashes.len().max(Self::FEW));
    }

    fn tidy(&mut self) {
        if !std::mem::replace(&mut self.is_tidy, true) {
            self.hashes.sort_unstable();
            self.hashes.dedup();
            self.hashes.truncate(Self::MAX);
            self.is_full = self.hashes.len() == Self::MAX;
        }
    }

    /// How many were different from all others, as far as they are kept.
    pub(crate) fn len(&mut self) -> usize {
        self.tidy();
        self.hashes.len()
    }

    /// Whether there may be more than are kept.
    pub(crate) fn is_full(&mut self) -> bool {
        self.tidy();
        self.is_full
    }

    /// All of them, in their order.
    pub(crate) fn take(&mut self) -> Vec<u64> {
        self.tidy();
        std::mem::take(self).hashes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_counted_once_each() {
        let mut traces = Traces::default();
        assert_eq!(traces.len(), 0);
        for round in 0..3 {
            for hash in (0..5000_u64).rev() {
                traces.add(hash);
                traces.add(hash / 7);
            }
            assert_eq!(traces.len(), 5000, "{round}");
        }
        assert!(!traces.is_full());
        assert_eq!(traces.take(), (0..5000).collect::<Vec<_>>());
        assert_eq!(traces.len(), 0);
    }

    #[test]
    fn few_different_ones_take_little_memory() {
        let mut traces = Traces::default();
        (0..1_000_000).for_each(|n| traces.add(n % 10));
        assert_eq!(traces.len(), 10);
        assert!(traces.hashes.capacity() <= 2 * Traces::FEW, "{}", traces.hashes.capacity());
    }

    #[test]
    fn at_most_so_many_are_kept() {
        let mut traces = Traces::default();
        (0..3 * Traces::MAX as u64).for_each(|n| traces.add(n));
        assert!(traces.is_full());
        assert_eq!(traces.len(), Traces::MAX);
        traces.add(5);
        assert_eq!(traces.take().len(), Traces::MAX);
    }
}
