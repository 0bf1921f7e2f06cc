//! The hashes of traces, to count how many are different.

use std::collections::HashSet;
use std::hash::{BuildHasherDefault, Hasher};

/// A set of hashes of traces.
#[derive(Clone, Debug, Default)]
pub(crate) struct Traces(HashSet<u64, BuildHasherDefault<AsItIs>>);

/// They are hashes already.
#[derive(Clone, Copy, Debug, Default)]
struct AsItIs(u64);

impl Hasher for AsItIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = bytes.iter().fold(self.0, |hash, byte| hash.rotate_left(8) ^ u64::from(*byte));
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

impl Traces {
    /// How many are kept: 8 MiB, and the overhead of a set.
    pub(crate) const MAX: usize = 1 << 20;

    #[inline]
    pub(crate) fn add(&mut self, hash: u64) {
        if self.0.len() < Self::MAX {
            self.0.insert(hash);
        }
    }

    /// How many were different from all others, as far as they are kept.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there may be more than are kept.
    pub(crate) fn is_full(&self) -> bool {
        self.0.len() >= Self::MAX
    }

    /// All of them, in their order.
    pub(crate) fn take(&mut self) -> Vec<u64> {
        let mut traces: Vec<u64> = std::mem::take(&mut self.0).into_iter().collect();
        traces.sort_unstable();
        traces
    }
}
