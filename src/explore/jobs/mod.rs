//! A search in several processes, which finds what it finds in one.
//!
//! Processes, and not threads: bodies need not be `Sync`, and the statics and thread-locals of the code
//! under test stay apart. What the others tell is only where to look. The run that is reported is made
//! in this process, as if it had made all runs before it too.

mod answer;
pub(crate) mod progress;
mod share;
mod team;

use self::progress::Progress;
use self::share::{End, Part, Rest};
use self::team::Team;
use crate::explore::confirm::process::{end_with_starter, leave};
use crate::explore::confirm::recheck::Recheck;
use crate::explore::last_words::Known;
use crate::explore::outside::env::{Env, Share};
use crate::explore::outside::test_id::TestId;
use crate::explore::say::say;
use crate::explore::settings::Settings;
use crate::explore::subject::Subject;
use crate::explore::tally::coverage::Coverage;
use crate::explore::tally::traces::Traces;
use crate::scheduler::{Plan, Scheduler};
use crate::session::Marks;

/// Whether and how a search is shared.
pub(crate) struct Jobs<'a> {
    settings: &'a Settings,
    env: &'a Env,
    test: Option<&'a TestId>,
    known: Option<&'a Known>,
    sharing: Sharing,
}

enum Sharing {
    /// Until there is a run that may be left out.
    Waiting,
    Alone,
    Scouted(Scouted),
}

/// What is known of a search that ends at the first failure.
struct Scouted {
    /// The runs before this one pass. It is the one at which the search ends, or the last one.
    passing: usize,
    /// What another process saw of this run, if the search ends there.
    seen: Option<String>,
    remarks: Vec<String>,
    /// What all runs of the search have seen, and the hashes of their traces, until it is asked for.
    coverage: Option<(Coverage, Vec<u64>)>,
}

/// In a process that was started for this: makes its share of the search, whose first run may be prepared.
pub(crate) fn work(
    settings: &Settings,
    share: &Share,
    subject: &mut Subject<'_>,
    mut scheduler: Box<dyn Scheduler>,
    mut first: Option<Plan>,
    ends_at_failure: bool,
) -> ! {
    end_with_starter();
    let mut number = 0;
    while let Some(plan) = first.take().or_else(|| scheduler.next_run()) {
        if let Some(scheduler) = scheduler.fork() {
            let rest = Rest { scheduler, plan, number, ends_at_failure };
            team::work(share, rest, subject, Recheck::new(settings));
        }
        (_, scheduler) = subject.run(scheduler, &plan);
        number += 1;
    }
    leave(false)
}

impl<'a> Jobs<'a> {
    /// Without a test, the search is made by this process alone.
    pub(crate) fn new(
        settings: &'a Settings,
        env: &'a Env,
        test: Option<&'a TestId>,
        known: Option<&'a Known>,
    ) -> Self {
        let sharing = if env.jobs() > 1 { Sharing::Waiting } else { Sharing::Alone };
        Self { settings, env, test, known, sharing }
    }

    /// Whether the run that was prepared, number `number` from 0, is known to pass. If so, it may be
    /// left out. When this is first asked of a run that depends on its seed alone, the whole search is
    /// made, by all processes.
    pub(crate) fn know_to_pass(
        &mut self,
        subject: &mut Subject<'_>,
        scheduler: &dyn Scheduler,
        plan: &Plan,
        number: usize,
        progress: &mut Progress,
    ) -> bool {
        if let Some((part, remarks)) = self.make(subject, scheduler, plan, number, true, progress) {
            let (passing, seen) = match part.end {
                Some(End { number, difference: None }) => {
                    let seen =
                        format!("run {} failed in another process, and passes here", number + 1);
                    (number, Some(seen))
                }
                Some(End { number, difference }) => (number, difference),
                None => (part.runs.saturating_sub(1), None),
            };
            let mut tally = part.tally;
            let traces = tally.take_traces();
            let coverage = Some((tally.coverage, traces));
            self.sharing = Sharing::Scouted(Scouted { passing, seen, remarks, coverage });
        }
        matches!(&self.sharing, Sharing::Scouted(scouted) if number < scouted.passing)
    }

    /// Counts the marks that a run has met, and its trace; or, if all runs of the search have been counted already, adds
    /// these instead.
    pub(crate) fn count(
        &mut self,
        coverage: &mut Coverage,
        traces: &mut Traces,
        marks: &Marks,
        hash: u64,
    ) {
        match &mut self.sharing {
            Sharing::Scouted(scouted) => {
                if let Some((counted, hashes)) = scouted.coverage.take() {
                    coverage.merge(&counted);
                    hashes.into_iter().for_each(|hash| traces.add(hash));
                }
            }
            _ => coverage.count(marks),
        }
        traces.add(hash);
    }

    /// What was wrong with a run elsewhere in which nothing is wrong here.
    pub(crate) fn contradiction(&self, number: usize) -> Option<&str> {
        match &self.sharing {
            Sharing::Scouted(scouted) if number == scouted.passing => scouted.seen.as_deref(),
            _ => None,
        }
    }

    /// What the report says about lost processes, after how the failure was found.
    pub(crate) fn remarks(&self) -> String {
        match &self.sharing {
            Sharing::Scouted(scouted) => {
                scouted.remarks.iter().map(|remark| format!("; {remark}")).collect()
            }
            _ => String::new(),
        }
    }

    /// Makes all runs from the one on that was prepared, if they may be shared. Otherwise the caller
    /// makes this run, and asks again.
    pub(crate) fn make_rest(
        &mut self,
        subject: &mut Subject<'_>,
        scheduler: &dyn Scheduler,
        plan: &Plan,
        number: usize,
        progress: &mut Progress,
    ) -> Option<Part> {
        let (mut part, _) = self.make(subject, scheduler, plan, number, false, progress)?;
        self.sharing = Sharing::Alone;
        if let Some(difference) = part.tally.restore_failures(subject) {
            part.end.get_or_insert(End { number, difference: Some(difference) });
        }
        Some(part)
    }

    fn make(
        &mut self,
        subject: &mut Subject<'_>,
        scheduler: &dyn Scheduler,
        plan: &Plan,
        number: usize,
        ends_at_failure: bool,
        progress: &mut Progress,
    ) -> Option<(Part, Vec<String>)> {
        let (Sharing::Waiting, Some(test)) = (&self.sharing, self.test) else { return None };
        let rest =
            Rest { scheduler: scheduler.fork()?, plan: plan.clone(), number, ends_at_failure };
        let team = self.obstacle(test).map_or_else(
            || Team::start(test, self.env.jobs(), self.known).map_err(|error| error.to_string()),
            |why| Err(why.to_owned()),
        );
        match team {
            Ok(team) => Some(team.make(&rest, subject, Recheck::new(self.settings), progress)),
            Err(why) => {
                self.sharing = Sharing::Alone;
                if test.note_reason() {
                    say(&format!("dacapo: {}: made by one process: {why}", test.name()));
                }
                None
            }
        }
    }

    /// Why another process would not come to this search, or to another one.
    fn obstacle(&self, test: &TestId) -> Option<&'static str> {
        if !self.settings.fresh_process {
            Some("Builder::fresh_process(false)")
        } else if test.arguments().is_none() {
            Some("which test this thread belongs to is not known")
        } else if test.before().tables > 0 {
            Some(
                "each process would first have to make the table that comes before this in the test",
            )
        } else if test.before().failed {
            Some("a check before this in the test has failed")
        } else if test.is_one_of_many() {
            Some("there were more than 8 checks before this in the test")
        } else {
            None
        }
    }
}
