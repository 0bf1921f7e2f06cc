//! One process's share of the runs of a search.

use crate::explore::confirm::recheck::Recheck;
use crate::explore::subject::Subject;
use crate::explore::tally::Tally;
use crate::schedule::Schedule;
use crate::scheduler::{Divergence, Plan, Scheduler};

/// Which of the runs of a search are whose.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Share {
    pub(crate) member: usize,
    pub(crate) members: usize,
}

impl Share {
    /// The runs are dealt out in turn, and the turn begins one later after every sixteen runs: what
    /// comes every second, fourth or sixteenth run, as a scheduler of a portfolio or a run that is
    /// made twice, should not always be the same process's.
    fn has(self, number: usize) -> bool {
        (number + number / 16) % self.members == self.member
    }
}

/// What the runs of a share came to.
#[derive(Debug, Clone, Default)]
pub(crate) struct Part {
    pub(crate) tally: Tally,
    /// The first of these runs and the hash of its trace. Replaying it shows whether this is the same
    /// search.
    pub(crate) first: Option<(Schedule, u64)>,
    pub(crate) end: Option<End>,
    /// How many runs there are in the whole search, if all have been passed by.
    pub(crate) runs: usize,
}

/// The run at which a search ends early.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct End {
    /// The place of the run in the search, from 0.
    pub(crate) number: usize,
    /// How this run and its repetition differed; if they did not, the run failed.
    pub(crate) difference: Option<String>,
}

/// A search from one run on, which has been prepared and has this number and plan.
pub(crate) struct Rest {
    pub(crate) scheduler: Box<dyn Scheduler>,
    pub(crate) plan: Plan,
    pub(crate) number: usize,
    /// Whether a run that fails ends it.
    pub(crate) ends_at_failure: bool,
}

impl Rest {
    /// The same once more: by what it was made for, it has a scheduler that can be forked.
    pub(crate) fn again(&self) -> Self {
        let scheduler = self.scheduler.fork().expect("dacapo bug: a fork cannot be forked");
        let Self { number, ends_at_failure, .. } = *self;
        Self { scheduler, plan: self.plan.clone(), number, ends_at_failure }
    }

    /// Makes the runs of a share, up to one that ends the search, or past one that ends it elsewhere.
    /// `begin` is told of each run before it, with its number from 1; `elsewhere` is told what has been made, and returns the number of that run. What comes after it
    /// does not matter.
    pub(crate) fn make(
        self,
        share: Share,
        subject: &mut Subject<'_>,
        recheck: Recheck,
        begin: &dyn Fn(usize, &Plan),
        mut elsewhere: impl FnMut(&Part) -> Option<usize>,
    ) -> Part {
        let Self { mut scheduler, plan, mut number, ends_at_failure } = self;
        let mut part = Part::default();
        let mut next = Some(plan);
        while let Some(plan) = next {
            if share.has(number) {
                begin(number + 1, &plan);
                let mut sample;
                (sample, scheduler) = subject.run_only(scheduler, &plan);
                // The outcomes before the first failure are all alike, and the rest is not needed.
                if ends_at_failure {
                    part.tally.runs += 1;
                    part.tally.coverage.count(subject.marks());
                    part.tally.add_trace(sample.hash);
                } else {
                    part.tally.count(&sample, subject.marks());
                    sample.schedule = subject.schedule();
                }
                if part.first.is_none() {
                    part.first = Some((subject.schedule(), sample.hash));
                }
                let mut difference = sample
                    .divergence
                    .filter(Divergence::is_nondeterminism)
                    .map(|divergence| divergence.to_string());
                let failed = ends_at_failure && sample.outcome.is_err();
                if !failed && difference.is_none() && recheck.is_due(number + 1) {
                    let parting = recheck.run(subject, &sample);
                    difference = parting.map(|parting| parting.describe("").summary());
                }
                if failed || difference.is_some() {
                    part.end = Some(End { number, difference });
                    break;
                }
                if !ends_at_failure {
                    part.tally.add(number, sample);
                }
                if elsewhere(&part).is_some_and(|end| end <= number) {
                    break;
                }
            }
            number += 1;
            next = scheduler.next_run();
        }
        part.runs = number;
        part
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each run is of one share, and what comes every `every` runs is dealt out, more or less evenly.
    #[track_caller]
    fn check(members: usize, every: usize) {
        let mut made = vec![0_usize; members];
        for number in (0..every * members * 16).step_by(every) {
            let owners: Vec<_> =
                (0..members).filter(|&member| Share { member, members }.has(number)).collect();
            assert_eq!(owners.len(), 1, "run {number}");
            made[owners[0]] += 1;
        }
        let [least, most] = [made.iter().min(), made.iter().max()].map(|n| *n.expect("some"));
        assert!(3 * least >= 2 * most, "{members} members, every {every}: {made:?}");
    }

    #[test]
    fn runs_are_dealt_out_evenly() {
        for members in 1..=8 {
            for every in [1, 2, 3, 4, 6, 16] {
                check(members, every);
            }
        }
    }
}
