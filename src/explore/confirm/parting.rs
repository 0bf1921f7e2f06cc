//! Two runs with one schedule that did different things.

use super::answer::Answer;
use crate::explore::error::CheckError;
use crate::explore::outside::store::Store;
use crate::explore::outside::test_id::TestId;
use crate::explore::subject::{Sample, Subject};
use crate::failure::{Failure, Kind};
use crate::report::{NondeterminismReport, difference};
use crate::schedule::Schedule;

/// Two runs with one schedule that went different ways.
pub(crate) struct Parting {
    pub(crate) schedule: Schedule,
    pub(crate) names: [&'static str; 2],
    pub(crate) answers: [Answer; 2],
}

impl Parting {
    /// A run that had this trace, and the same run `again`, which is the last one of the subject.
    pub(crate) fn new(
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

    pub(crate) fn describe<'a>(&'a self, test: &'a str) -> NondeterminismReport<'a> {
        let [a, b] = &self.answers;
        let is_traced = !a.trace.is_empty() && !b.trace.is_empty();
        NondeterminismReport {
            test,
            schedule: &self.schedule,
            runs: self.names,
            outcomes: [a.ending.clone(), b.ending.clone()],
            is_traced,
            difference: if is_traced { difference(&a.trace, &b.trace) } else { None },
            next: Vec::new(),
        }
    }

    /// The report, which is also written to a file.
    pub(crate) fn report(&self, test: &TestId) -> CheckError {
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
