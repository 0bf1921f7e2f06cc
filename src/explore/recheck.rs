//! Runs that are made again, to see that they can be, and what is said if they cannot.

use super::Builder;
use super::check::CheckError;
use super::confirm::Answer;
use super::store::Store;
use super::subject::{Sample, Subject};
use super::test_id::TestId;
use crate::failure::{Failure, Kind};
use crate::report::{NondeterminismReport, difference};
use crate::schedule::Schedule;

/// Makes some of the passing runs again.
#[derive(Clone, Copy)]
pub(super) struct Recheck {
    /// If it is not said, fewer and fewer.
    every: Option<usize>,
}

impl Recheck {
    /// So many of the first runs are always made again: a body that cannot be repeated mostly shows
    /// that at once.
    const FIRST: usize = 8;
    /// Then each of so many, as long as there were no more than [`SHARE`](Recheck::SHARE) of these.
    const EVERY: usize = 16;
    /// From then on so many while the number of runs doubles: what so many have not shown is seldom.
    const SHARE: usize = 64;

    pub(super) fn new(builder: &Builder) -> Self {
        Self { every: builder.recheck_every }
    }

    /// Whether run number `run`, from 1, is one to be made again.
    pub(super) fn is_due(self, run: usize) -> bool {
        let every = self.every.unwrap_or_else(|| {
            let doublings = (run / (Self::EVERY * Self::SHARE)).checked_ilog2();
            Self::EVERY << doublings.unwrap_or(0)
        });
        every > 0 && (run <= Self::FIRST || run.is_multiple_of(every))
    }

    /// Makes the last run again; returns how the two differ, if they do.
    pub(super) fn run(self, subject: &mut Subject<'_>, first: &Sample) -> Option<Parting> {
        let again = subject.repeat();
        (again.hash != first.hash).then(|| {
            let (schedule, trace) = subject.before();
            Parting::new(schedule, first, trace.log().to_string(), &again, subject)
        })
    }
}

/// Two runs with one schedule that went different ways.
pub(super) struct Parting {
    pub(super) schedule: Schedule,
    pub(super) names: [&'static str; 2],
    pub(super) answers: [Answer; 2],
}

impl Parting {
    /// That of a run, of which this was the trace, from the same `again`, which is the subject's last.
    pub(super) fn new(
        schedule: Schedule,
        first: &Sample,
        trace: String,
        again: &Sample,
        subject: &Subject<'_>,
    ) -> Self {
        let second = subject.trace().log().to_string();
        Self {
            schedule,
            names: ["the first run", "the second run"],
            answers: [Answer::of(first, trace), Answer::of(again, second)],
        }
    }

    pub(super) fn describe<'a>(&'a self, test: &'a str) -> NondeterminismReport<'a> {
        let [a, b] = &self.answers;
        NondeterminismReport {
            test,
            schedule: &self.schedule,
            runs: self.names,
            outcomes: [a.ending.clone(), b.ending.clone()],
            difference: difference(&a.trace, &b.trace),
            next: Vec::new(),
        }
    }

    /// The report, which is also written to a file.
    pub(super) fn report(&self, test: &TestId) -> CheckError {
        let mut report = self.describe(test.name());
        report.next.push(match self.store(test) {
            Ok(directory) => ("both traces", format!("{directory}/{{first,second}}.txt")),
            Err(error) => ("not written", error.to_string()),
        });
        let failure = Failure::new(Kind::NotDeterministic { difference: report.summary() });
        let report = report.to_string();
        // That it cannot be written has been said.
        let _ = Store::open(test).and_then(|store| store.write("report.txt", &report));
        CheckError::new(failure, self.schedule.clone(), report)
    }

    fn store(&self, test: &TestId) -> std::io::Result<String> {
        let store = Store::open(test)?;
        store.write("schedule.txt", &format!("{}\n", self.schedule))?;
        store.write("first.txt", &self.answers[0].trace)?;
        store.write("second.txt", &self.answers[1].trace)?;
        Ok(store.shown())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many of so many runs are made again.
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
