//! Which runs of a search are made again, to see that they can be.

use super::parting::Parting;
use crate::explore::settings::Settings;
use crate::explore::subject::{Sample, Subject};

/// Makes some of the passing runs again.
#[derive(Clone, Copy)]
pub(crate) struct Recheck {
    /// If it is not said, fewer and fewer.
    every: Option<usize>,
}

impl Recheck {
    /// How many of the first runs are always made again: a body that cannot be repeated mostly shows that
    /// at once.
    const FIRST: usize = 8;
    /// After these, one in this many is made again, up to [`SHARE`](Recheck::SHARE) runs.
    const EVERY: usize = 16;
    /// After these, as many again each time that the number of runs doubles, since what many repeats have
    /// not shown, more seldom do.
    const SHARE: usize = 64;

    pub(crate) fn new(settings: &Settings) -> Self {
        Self { every: settings.recheck_every }
    }

    /// Whether run number `run`, from 1, is one to be made again.
    pub(crate) fn is_due(self, run: usize) -> bool {
        let every = self.every.unwrap_or_else(|| {
            let doublings = (run / (Self::EVERY * Self::SHARE)).checked_ilog2();
            Self::EVERY << doublings.unwrap_or(0)
        });
        every > 0 && (run <= Self::FIRST || run.is_multiple_of(every))
    }

    /// Makes the last run again; returns how the two differ, if they do.
    pub(crate) fn run(self, subject: &mut Subject<'_>, first: &Sample) -> Option<Parting> {
        let again = subject.repeat();
        (again.hash != first.hash).then(|| {
            let (schedule, trace) = subject.before();
            Parting::new(schedule, first, trace.log().to_string(), &again, subject)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many of this many runs are made again.
    fn check(every: Option<usize>, runs: usize, expected: usize) {
        let recheck = Recheck { every };
        assert_eq!((1..=runs).filter(|run| recheck.is_due(*run)).count(), expected, "{every:?}");
    }

    #[test]
    fn most_are_made_again_in_the_beginning() {
        check(None, 8, 8);
        check(None, 1024, 8 + 64);
        check(None, 2048, 8 + 128);
        check(None, 1 << 20, 8 + 64 * 11);
        check(Some(1), 10_000, 10_000);
        check(Some(16), 10_000, 8 + 625);
        check(Some(0), 10_000, 0);
    }
}
