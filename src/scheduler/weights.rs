//! Ready tasks by their weights.

use crate::trace::TaskId;

/// Draws a task in proportion to its weight, without looking at all of them: sums over ranges of tasks,
/// as in P. Fenwick 1994, "A new data structure for cumulative frequency tables".
#[derive(Clone, Debug, Default)]
pub(super) struct Weights {
    /// By task.
    weights: Vec<u64>,
    /// At each place the sum of the weights of as many tasks up to it as its lowest bit says.
    sums: Vec<u64>,
    total: u64,
}

impl Weights {
    pub(super) fn clear(&mut self) {
        self.weights.clear();
        self.sums.clear();
        self.total = 0;
    }

    pub(super) fn total(&self) -> u64 {
        self.total
    }

    pub(super) fn set(&mut self, task: TaskId, weight: u64) {
        let place = task.as_u32() as usize;
        if place >= self.weights.len() {
            if weight == 0 {
                return;
            }
            self.grow(place + 1);
        }
        let before = std::mem::replace(&mut self.weights[place], weight);
        if before == weight {
            return;
        }
        self.total = self.total - before + weight;
        let mut at = place + 1;
        while at <= self.sums.len() {
            self.sums[at - 1] = self.sums[at - 1] - before + weight;
            at += at & at.wrapping_neg();
        }
    }

    /// Makes place for more tasks, of weight 0.
    fn grow(&mut self, len: usize) {
        let len = len.next_power_of_two().max(16);
        self.weights.resize(len, 0);
        self.sums.clear();
        self.sums.extend_from_slice(&self.weights);
        for at in 1..=len {
            let next = at + (at & at.wrapping_neg());
            if next <= len {
                self.sums[next - 1] += self.sums[at - 1];
            }
        }
    }

    /// The task in whose share a number below the total falls.
    pub(super) fn find(&self, mut number: u64) -> TaskId {
        debug_assert!(number < self.total);
        let mut found = 0;
        let mut width = self.sums.len();
        while width > 0 {
            if found + width <= self.sums.len() && self.sums[found + width - 1] <= number {
                number -= self.sums[found + width - 1];
                found += width;
            }
            width /= 2;
        }
        TaskId(found as u32)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn each_number_falls_into_the_share_of_its_task(
            sets in prop::collection::vec((0..70u32, 0..5u64), 1..100),
        ) {
            let mut weights = Weights::default();
            let mut model = [0; 70];
            for (task, weight) in sets {
                weights.set(TaskId(task), weight);
                model[task as usize] = weight;
            }
            let shares = (0u32..).zip(model).flat_map(|(task, weight)| (0..weight).map(move |_| task));
            let shares: Vec<_> = shares.collect();
            prop_assert_eq!(weights.total(), shares.len() as u64);
            for (number, task) in (0..).zip(shares) {
                prop_assert_eq!(weights.find(number), TaskId(task));
            }
        }
    }
}
