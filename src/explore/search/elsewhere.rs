//! A failure that this process cannot repeat, but fresh processes can: an earlier run left something behind.

use super::found::{Found, TITLE, keep_line, replay_line, unfinished};
use crate::explore::clock::Deadline;
use crate::explore::confirm::answer::Answer;
use crate::explore::confirm::parting::Parting;
use crate::explore::error::CheckError;
use crate::explore::outside::case::{Case, Drawing};
use crate::explore::outside::store::Store;
use crate::explore::shrink::processes::shrink_in_processes;
use crate::explore::subject::Sample;
use crate::report::{ToldReport, shrunk};
use crate::schedule::Schedule;
use crate::trace::printable;

impl Found<'_, '_> {
    /// Makes the report from runs of fresh processes, if two of them see the same failure under the schedule
    /// that was found.
    pub(super) fn elsewhere(&mut self, first: &Sample, parting: &Parting) -> Option<CheckError> {
        let settings = self.task.settings;
        let bug = first.key().bug?;
        let told = self.make_elsewhere(&first.schedule)?;
        let again = self.make_elsewhere(&first.schedule)?;
        if told.bug.as_ref() != Some(&bug) || !again.is_same_run(&told) {
            return None;
        }
        let deadline = Deadline::after(settings.max_shrink_time);
        let mut make = |schedule: &Schedule| self.make_elsewhere(schedule);
        let max_runs = self.at_most(settings.max_shrink_runs);
        let shrinking = shrink_in_processes(&mut make, told, max_runs, deadline);
        let least = shrinking.least;
        if !self.make_elsewhere(&least.schedule)?.is_same_run(&least) {
            return None;
        }
        let mut facts = vec![self.facts[0].clone()];
        let unfinished = unfinished(settings, deadline.is_over(), shrinking.finished);
        let text = shrunk(&first.schedule, &least.schedule, shrinking.runs);
        facts.push(("shrunk", format!("{text}, each in a process of its own{unfinished}")));
        let hash = least.hash_of_trace();
        let fact = format!("the same failure and trace, hash {hash:016x}, in two fresh processes");
        facts.push(("confirmed", fact.clone()));
        let difference = printable(&parting.describe("").summary(), 2 * TITLE);
        facts.push(("but", format!("runs that follow others in one process differ: {difference}")));
        facts.push((
            "look for",
            "statics, thread-locals and caches that an earlier run leaves".to_owned(),
        ));
        Some(self.tell_elsewhere(first, least, facts, shrinking.runs).confirmed(Some(fact)))
    }

    fn make_elsewhere(&self, schedule: &Schedule) -> Option<Answer> {
        let input = self.task.drawing.map(Drawing::input);
        self.ask(&Case { input, schedule: schedule.clone() }).ok()
    }

    fn tell_elsewhere(
        &self,
        first: &Sample,
        least: Answer,
        facts: Vec<(&'static str, String)>,
        shrink_runs: usize,
    ) -> CheckError {
        let (test, drawing) = (self.task.test, self.task.drawing);
        let case = Case { input: drawing.map(Drawing::input), schedule: least.schedule.clone() };
        let store = Store::open(test);
        let written = store.as_ref().ok().and_then(|store| {
            let path = store.write("schedule.txt", &format!("{case}\n")).ok()?;
            store.write("trace.txt", &least.trace).ok()?;
            Some(path.display().to_string())
        });
        let mut next = vec![("replay now", replay_line(test, &case, written.as_deref()))];
        let title = printable(least.ending.lines().next().unwrap_or_default(), TITLE);
        next.extend(keep_line(self.task, test, &case, &title, written.is_some()));
        let report = ToldReport {
            test: test.name(),
            ending: &least.ending,
            input: drawing.map(|drawing| drawing.shown().lines()).unwrap_or_default(),
            facts,
            account: &least.account,
            next,
        };
        let report = report.to_string();
        if let Ok(store) = store {
            // That it cannot be written is no reason to lose it.
            let _ = store.write("report.txt", &report);
        }
        let failure = first.outcome.clone().expect_err("dacapo bug: a failure that passes");
        CheckError::new(failure, least.schedule, report).shrunk(shrink_runs)
    }
}
