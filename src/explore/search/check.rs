//! A search that ends at the first failure.

use super::aftermath;
use super::found::Found;
use super::orphans;
use super::task::Task;
use super::verdicts::{misfit, replay, unmet, unsteady};
use crate::explore::clock::Stopwatch;
use crate::explore::confirm::ask;
use crate::explore::confirm::process::leave;
use crate::explore::confirm::recheck::Recheck;
use crate::explore::confirm::witness;
use crate::explore::error::CheckError;
use crate::explore::jobs::progress::Progress;
use crate::explore::jobs::{self, Jobs};
use crate::explore::last_words;
use crate::explore::outside::case::{Case, Drawing};
use crate::explore::outside::env::{self, Env, Errand};
use crate::explore::outside::regressions;
use crate::explore::outside::test_id::TestId;
use crate::explore::outside::tokio::{INSIDE_TOKIO, is_inside_tokio};
use crate::explore::say::{say, say_now};
use crate::explore::settings::Settings;
use crate::explore::subject::{Sample, Subject};
use crate::explore::tally::coverage::Coverage;
use crate::explore::tally::reach::Reach;
use crate::explore::tally::traces::Traces;
use crate::failure::Failure;
use crate::report::{Findings, PassReport, count};
use crate::scheduler::{Divergence, Plan, Scheduler};

/// Makes all runs that the scheduler asks for, until one fails.
///
/// # Errors
///
/// If a run fails or cannot be repeated.
#[track_caller]
pub(crate) fn check(
    settings: &Settings,
    mut subject: Subject<'_>,
    mut scheduler: Box<dyn Scheduler>,
    test: &TestId,
    drawing: Option<&dyn Drawing>,
) -> Result<(), CheckError> {
    let env = Env::read();
    let (known, remains) = last_words::note(settings, test, &env, drawing.is_some());
    let task = Task { settings, env: &env, test, drawing, known: &known };
    if env::wants_backtraces() {
        subject.collect_backtraces();
    }
    if env.trace {
        subject.show_all();
    }
    if let (Some(seeds), Some(own)) = (env.seeds.clone(), scheduler.seeds()) {
        *own = seeds;
    }
    let first = prepare(&mut subject, &mut *scheduler, drawing);
    match &env.errand {
        Errand::Replay(case) => {
            let other = task.load(case);
            return replay(task, subject, case, other);
        }
        Errand::Confirm(confirm) if confirm.test == test.name() => {
            task.load(&confirm.case);
            ask::answer(confirm, &mut subject)
        }
        Errand::Share(share) if share.test == test.name() => {
            jobs::work(settings, share, &mut subject, scheduler, first, true)
        }
        Errand::Witness(errand) if errand.test == test.name() => {
            leave(witness::work(errand, &mut subject, scheduler, first, drawing))
        }
        // A check before the one in question, which has passed in the process that started this one.
        Errand::Share(_) | Errand::Witness(_) => return Ok(()),
        Errand::Confirm(_) | Errand::Search => {}
    }
    if let Some(case) = aftermath::examine(task, remains)? {
        let how = "the last process, which ended while it shrank or explained this failure; not shrunk now";
        // What has changed since then, and passes, is searched as usual.
        if regressions::load(drawing, &case).is_ok()
            && let sample = subject.replay(&case.schedule)
            && sample.outcome.is_err()
        {
            known.has_found();
            return Err(Found::new(task, subject, how.to_owned()).unshrunk().report(sample));
        }
    }
    if env.errand == Errand::Search {
        orphans::look(test);
    }
    let begin = |case: &Case| known.replays(case);
    match regressions::first_failure(&mut subject, &env, test, drawing, &begin) {
        Ok(None) => {}
        Ok(Some((sample, how))) => {
            known.has_found();
            return Err(Found::new(task, subject, how).report(sample));
        }
        Err(mistake) => panic!("dacapo: {mistake}"),
    }
    search(task, subject, scheduler, first)
}

/// Has the runs before a search judged as those of the search. Returns the plan of the first run, if it had to
/// be made for that.
fn prepare(
    subject: &mut Subject<'_>,
    scheduler: &mut dyn Scheduler,
    drawing: Option<&dyn Drawing>,
) -> Option<Plan> {
    // With inputs to draw, the scheduler cannot be asked yet, because that draws one.
    let (first, compares_holdings) = match drawing {
        Some(drawing) => (None, drawing.compares_holdings()),
        None => {
            let first = scheduler.next_run();
            let compares_holdings = first.as_ref().is_some_and(Plan::compares_holdings);
            (first, compares_holdings)
        }
    };
    if compares_holdings {
        subject.compare_holdings();
    }
    first
}

/// Panics if a run is stuck because of tokio's runtime, in which the search was started.
#[track_caller]
fn refuse_tokio(sample: &Sample) {
    let blocked = sample.outcome.as_ref().err().map(Failure::blocked).unwrap_or_default();
    let is_foreign = blocked.iter().any(|task| task.waits().is_empty());
    assert!(!is_foreign || !is_inside_tokio(), "dacapo: {INSIDE_TOKIO}");
}

#[track_caller]
fn search(
    task: Task<'_>,
    mut subject: Subject<'_>,
    mut scheduler: Box<dyn Scheduler>,
    mut first: Option<Plan>,
) -> Result<(), CheckError> {
    let Task { settings, env, test, known, .. } = task;
    let mut progress = Progress::new(env, test.name());
    let mut jobs = Jobs::new(settings, env, Some(test), Some(known));
    let name = scheduler.name().to_owned();
    let recheck = Recheck::new(settings);
    let mut coverage = Coverage::new(&settings.expected);
    let mut runs = 0;
    let mut note = None;
    let mut reach = Reach::default();
    let (mut traces, clock) = (Traces::default(), Stopwatch::new());
    while let Some(plan) = first.take().or_else(|| scheduler.next_run()) {
        if jobs.know_to_pass(&mut subject, &*scheduler, &plan, runs, &mut progress) {
            runs += 1;
            continue;
        }
        known.begin(runs + 1, &plan);
        let mut sample: Sample;
        (sample, scheduler) = subject.run_only(scheduler, &plan);
        reach.add(&sample);
        runs += 1;
        if sample.outcome.is_err() || sample.divergence.is_some() {
            sample.schedule = subject.schedule();
        }
        jobs.count(&mut coverage, &mut traces, subject.marks(), sample.hash);
        progress.tell(runs, || plan.runs_left(), Findings::NoFailure);
        if sample.outcome.is_err() {
            progress.end();
            known.has_found();
            refuse_tokio(&sample);
            let seed = plan.seed().map_or_else(String::new, |seed| format!(", seed {seed}"));
            let how = format!("{}{seed}, run {runs}{}", scheduler.name(), jobs.remarks());
            return Err(match sample.divergence {
                Some(divergence) if divergence.is_failure() => misfit(subject, &sample, test, how),
                _ => {
                    let found = Found::new(task, subject, how).by(scheduler.name(), plan.seed());
                    found.report(sample).after(runs)
                }
            });
        }
        if let Some(divergence) = sample.divergence.filter(Divergence::is_nondeterminism) {
            return Err(unsteady(&sample, divergence.to_string(), test));
        }
        note = note.or(sample.divergence);
        if recheck.is_due(runs)
            && let Some(difference) = recheck.run(&mut subject, &sample)
        {
            return Err(difference.report(test));
        }
        if let Some(seen) = jobs.contradiction(runs - 1) {
            sample.schedule = subject.schedule();
            return Err(unsteady(&sample, seen.to_owned(), test));
        }
    }
    assert!(runs > 0, "dacapo: the scheduler `{name}` made no run, so nothing was tested");
    if let Some(divergence) = note {
        // Nobody sees what a passing test prints in the usual way.
        say_now(&format!(
            "dacapo: {}: the run does not fit its schedule: {divergence}",
            test.name()
        ));
    }
    let number = runs;
    let runs = count(runs, "run");
    let extent = reach.extent();
    if reach.is_partial() {
        say(&format!("dacapo: {}: stopped after {runs}, which are not all there are", test.name()));
    }
    if env.trace {
        say(&subject.trace().log().to_string());
    }
    if let Some(failure) = coverage.unmet(extent, env.seeds.is_some()) {
        return Err(unmet(failure, &format!("{name}, {runs}"), test));
    }
    if let Some(remark) = blind_spot(&subject, number, &reach) {
        say_now(&format!("dacapo: {}: {remark}", test.name()));
    }
    let distinct = traces.len();
    let time = clock.elapsed();
    let passed = PassReport { runs: number, distinct, at_least: traces.is_full(), time, extent };
    known.passed(&passed.to_string(), time);
    Ok(())
}

/// What a sweep of cancellations could not see, if it could not see much.
fn blind_spot(subject: &Subject<'_>, runs: usize, reach: &Reach) -> Option<&'static str> {
    let watched = subject.watched()?;
    if runs == 1 && !reach.is_partial() {
        return Some(
            "the sweep cancelled nothing, because no task but main waits; spawn what you want to have cancelled",
        );
    }
    (watched == 0).then_some(
        "the sweep watched nothing, because the body uses no primitive of dacapo::sync: permits, locks and items that \
         other crates lose are only found if the body then fails or gets stuck (dacapo::sync::Resource watches your own)",
    )
}
