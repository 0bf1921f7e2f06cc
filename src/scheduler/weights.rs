//! Ready tasks by their weights.

use crate::trace::TaskId;

/// Draws a task with a probability proportional to its weight, without looking at all tasks. It is
/// a tree of sums.
///
/// Changing a weight takes an addition for each level of the tree, and finding one a look at about
/// six places of each level. A binary tree (P. Fenwick 1994, "A new data structure for cumulative
/// frequency tables") looks at fewer places, but has four times as many levels, each with a branch
/// that cannot be predicted.
#[derive(Clone, Debug, Default)]
pub(super) struct Weights {
    /// By task. The length is a multiple of a group.
    weights: Vec<u64>,
    /// On each level, the sums of the groups of the level below, as long as there are several
    /// groups. The lengths are multiples of a group too.
    sums: Vec<Vec<u64>>,
    total: u64,
}

const GROUP: usize = 16;

impl Weights {
    pub(super) fn clear(&mut self) {
        self.weights.clear();
        self.sums.clear();
        self.total = 0;
    }

    #[inline]
    pub(super) fn total(&self) -> u64 {
        self.total
    }

    #[inline]
    pub(super) fn set(&mut self, task: TaskId, weight: u64) {
        let mut place = task.as_u32() as usize;
        let Some(own) = self.weights.get_mut(place) else {
            return self.set_first(task, weight);
        };
        // If the weight shrinks, the sums wrap around and come back.
        let more = weight.wrapping_sub(*own);
        *own = weight;
        self.total = self.total.wrapping_add(more);
        for level in &mut self.sums {
            place /= GROUP;
            if let Some(sum) = level.get_mut(place) {
                *sum = sum.wrapping_add(more);
            }
        }
    }

    /// Sets the weight of a task that has no place yet.
    #[cold]
    #[inline(never)]
    fn set_first(&mut self, task: TaskId, weight: u64) {
        if weight > 0 {
            self.grow(task.as_u32() as usize);
            self.set(task, weight);
        }
    }

    /// Adds places of weight 0 up to this one.
    fn grow(&mut self, mut place: usize) {
        let mut level = &mut self.weights;
        let mut above = 0;
        loop {
            level.resize((place + 1).next_multiple_of(GROUP), 0);
            if level.len() == GROUP {
                return;
            }
            if above == self.sums.len() {
                // All weights so far are in the first group below.
                self.sums.push(vec![self.total]);
            }
            level = &mut self.sums[above];
            above += 1;
            place /= GROUP;
        }
    }

    /// The task whose share of the total contains this number.
    #[inline]
    pub(super) fn find(&self, mut number: u64) -> TaskId {
        debug_assert!(number < self.total);
        let mut found = 0;
        for level in self.sums.iter().rev() {
            found = find_in_group(level, found, &mut number);
        }
        TaskId(find_in_group(&self.weights, found, &mut number) as u32)
    }
}

/// The place in this group of a level whose share contains a number. Subtracts the shares before it
/// from the number.
#[inline]
fn find_in_group(level: &[u64], group: usize, number: &mut u64) -> usize {
    let mut found = group * GROUP;
    if let Some([others @ .., _]) = level.as_chunks::<GROUP>().0.get(group) {
        // If it is in none of the others, it is in the last one.
        for sum in others {
            if *number < *sum {
                break;
            }
            *number -= sum;
            found += 1;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn each_number_falls_into_the_share_of_its_task(
            // The last two ranges need a level more, and two levels more.
            sets in prop::collection::vec(
                (prop_oneof![0..12u32, 0..70u32, 0..300u32, 0..5000u32], 0..5u64),
                1..100,
            ),
            earlier in prop::collection::vec((0..5000u32, 1..5u64), 0..3),
        ) {
            let mut weights = Weights::default();
            // From the run before.
            earlier.into_iter().for_each(|(task, weight)| weights.set(TaskId(task), weight));
            weights.clear();
            let mut model = [0; 5000];
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
