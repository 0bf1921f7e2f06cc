//! The files beside a report that are there to be looked at.

use std::io;
use std::path::PathBuf;

use crate::explore::outside::store::Store;
use crate::explore::subject::Subject;
use crate::failure::Failure;
use crate::report::Explanation;
use crate::schedule::Schedule;
use crate::trace::Trace;

/// How many events are drawn for Perfetto, the last ones: some megabytes.
const EVENTS: usize = 20_000;

/// The run that is reported, to be drawn.
pub(crate) struct Picture<'a> {
    pub(crate) test: &'a str,
    /// The input of the test, an argument a line.
    pub(crate) input: &'a [String],
    pub(crate) trace: &'a Trace,
    pub(crate) schedule: &'a Schedule,
    pub(crate) failure: &'a Failure,
    pub(crate) explanation: Option<&'a Explanation>,
    /// The command that makes the run again.
    pub(crate) replay: &'a str,
}

impl Picture<'_> {
    /// Draws it in each form, and returns the path of the page. On that, the nearest run that passes
    /// stands beside it, which is made once more for that.
    pub(crate) fn write(&self, subject: &mut Subject<'_>, store: &Store) -> io::Result<PathBuf> {
        let passing = self.explanation.and_then(Explanation::passing);
        let beside = passing.and_then(|schedule| {
            let passes = subject.replay(schedule).outcome.is_ok();
            passes.then(|| subject.take_trace())
        });
        let mut page = self.trace.html().title(self.test);
        if let Some(beside) = &beside {
            page = page.beside(beside);
        }
        page = page.failing(self.failure, [Some(self.schedule), passing]);
        for (number, argument) in self.input.iter().enumerate() {
            page = page.fact(if number == 0 { "input" } else { "" }, argument);
        }
        if let Some(explanation) = self.explanation {
            page = page.fact("why", explanation.sentence());
        }
        page = page.fact("replay now", self.replay);
        store.write("trace.mmd", &self.trace.mermaid().to_string())?;
        store.write("trace.json", &self.trace.perfetto_within(EVENTS).to_string())?;
        store.write("trace.html", &page.to_string())
    }
}
