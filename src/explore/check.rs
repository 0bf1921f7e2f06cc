//! A search that ends at the first failure, and reports it.

use std::fmt;

use super::Builder;
use super::case::{Case, Drawing, Shown};
use super::confirm::{self, Answer, Silence};
use super::coverage::Coverage;
use super::env::Env;
use super::explain::explain;
use super::jobs::{self, Jobs};
use super::picture::Picture;
use super::progress::Progress;
use super::recheck::{Parting, Recheck};
use super::regressions;
use super::say;
use super::shrink::shrink;
use super::store::{Store, shown};
use super::subject::{Sample, Subject};
use super::test_id::TestId;
use crate::failure::{Failure, Kind};
use crate::report::{
    Explanation, FailureReport, Findings, USUAL_CAUSES, count, indent, sentence, shrunk,
};
use crate::schedule::Schedule;
use crate::scheduler::{Completeness, Divergence, Plan, Scheduler};
use crate::trace::Trace;

/// From which check in one test on a fresh process is asked no more: each time it makes all the
/// checks before.
const MANY: u32 = 8;

/// What a [`check`](crate::check) found. Its text (`Display`) is the report.
#[derive(Clone, Debug)]
pub struct CheckError(Box<Found>);

#[derive(Clone, Debug)]
struct Found {
    failure: Failure,
    schedule: Schedule,
    explanation: Option<Explanation>,
    report: String,
    runs: usize,
    shrink_runs: usize,
}

impl CheckError {
    pub(super) fn new(failure: Failure, schedule: Schedule, report: String) -> Self {
        Self(Box::new(Found {
            failure,
            schedule,
            explanation: None,
            report,
            runs: 0,
            shrink_runs: 0,
        }))
    }

    /// The effort that it took to find it.
    fn after(mut self, runs: usize) -> Self {
        self.0.runs = runs;
        self
    }

    /// The effort that it took to shrink it.
    fn shrunk(mut self, runs: usize) -> Self {
        self.0.shrink_runs = runs;
        self
    }

    fn explained(mut self, explanation: Option<Explanation>) -> Self {
        self.0.explanation = explanation;
        self
    }

    /// What makes the difference to the nearest run that passes, if that was looked for.
    pub fn explanation(&self) -> Option<&Explanation> {
        self.0.explanation.as_ref()
    }

    /// Why the run with the [`schedule`](CheckError::schedule) fails.
    pub fn failure(&self) -> &Failure {
        &self.0.failure
    }

    /// The least schedule that was found to fail. It is empty if all passed, and fail only
    /// [together](Failure::is_unmet).
    pub fn schedule(&self) -> &Schedule {
        &self.0.schedule
    }

    /// How many runs the search made, with the one that failed; 0 if it did not come to search.
    pub fn runs(&self) -> usize {
        self.0.runs
    }

    /// How many runs shrinking made.
    pub fn shrink_runs(&self) -> usize {
        self.0.shrink_runs
    }
}

impl fmt::Display for CheckError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.report)
    }
}

impl std::error::Error for CheckError {}

/// Makes all runs that the scheduler asks for.
///
/// # Errors
///
/// If one fails or cannot be repeated.
#[track_caller]
pub(super) fn check(
    builder: &Builder,
    mut subject: Subject<'_>,
    mut scheduler: Box<dyn Scheduler>,
    test: &TestId,
    drawing: Option<&dyn Drawing>,
) -> Result<(), CheckError> {
    let env = Env::read();
    if env.trace {
        subject.show_all();
    }
    if let (Some(seeds), Some(own)) = (env.seeds.clone(), scheduler.seeds()) {
        *own = seeds;
    }
    // What is replayed before the search is judged as the search is. With inputs to draw, the scheduler
    // cannot be asked yet, because that draws one.
    let mut first = None;
    let compares_holdings = match drawing {
        Some(drawing) => drawing.compares_holdings(),
        None => {
            first = scheduler.next_run();
            first.as_ref().is_some_and(Plan::compares_holdings)
        }
    };
    if compares_holdings {
        subject.compare_holdings();
    }
    if let Some(case) = &env.replay {
        let load = || match regressions::load(drawing, case) {
            Ok(other) => other,
            Err(mistake) => panic!("dacapo: {}: DACAPO_REPLAY={case} {mistake}", test.name()),
        };
        match &env.confirm {
            Some(confirm) if confirm.test == test.name() => {
                load();
                confirm::answer(confirm, &mut subject, &case.schedule)
            }
            // Another check of the test that is in question, which it is not here to answer for.
            Some(_) => {}
            None => {
                let other = load();
                return replay(subject, &case.schedule, &env, test, drawing, other);
            }
        }
    }
    if let Some(share) = &env.share {
        if share.test == test.name() {
            jobs::work(builder, share, &mut subject, scheduler, first, true);
        }
        // A check before the one in question, which has passed where this process was started.
        return Ok(());
    }
    match regressions::first_failure(&mut subject, &env, test, drawing) {
        Ok(None) => {}
        Ok(Some((sample, how))) => {
            return Err(found(builder, subject, sample, &env, test, drawing, how));
        }
        Err(mistake) => panic!("dacapo: {mistake}"),
    }
    let mut progress = Progress::new(&env, test.name());
    let mut jobs = Jobs::new(builder, &env, Some(test));
    let name = scheduler.name().to_owned();
    let recheck = Recheck::new(builder);
    let mut coverage = Coverage::new(&builder.expected);
    let mut runs = 0;
    let mut note = None;
    let mut completeness = Completeness::default();
    while let Some(plan) = first.take().or_else(|| scheduler.next_run()) {
        if jobs.know_to_pass(&mut subject, &*scheduler, &plan, runs, &mut progress) {
            runs += 1;
            continue;
        }
        let mut sample;
        (sample, scheduler) = subject.run_only(scheduler, &plan);
        completeness = sample.completeness;
        runs += 1;
        if sample.outcome.is_err() || sample.divergence.is_some() {
            sample.schedule = subject.schedule();
        }
        jobs.count(&mut coverage, subject.marks());
        progress.tell(runs, || plan.runs_left(), Findings::NoFailure);
        if sample.outcome.is_err() {
            progress.end();
            let seed = plan.seed().map_or_else(String::new, |seed| format!(", seed {seed}"));
            let how = format!("{}{seed}, run {runs}{}", scheduler.name(), jobs.remarks());
            return Err(match sample.divergence {
                Some(divergence) if divergence.is_failure() => misfit(subject, &sample, test, how),
                _ => found(builder, subject, sample, &env, test, drawing, how).after(runs),
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
        say(&format!("dacapo: {}: the run does not fit its schedule: {divergence}", test.name()));
    }
    if completeness == Completeness::Partial {
        let runs = count(runs, "run");
        say(&format!("dacapo: {}: stopped after {runs}, which are not all there are", test.name()));
    }
    if env.trace {
        say(&subject.trace().log().to_string());
    }
    match coverage.unmet(completeness == Completeness::Complete, env.seeds.is_some()) {
        Some(failure) => Err(unmet(failure, &format!("{name}, {}", count(runs, "run")), test)),
        None => Ok(()),
    }
}

/// Makes the one run that the environment asks for.
fn replay(
    mut subject: Subject<'_>,
    schedule: &Schedule,
    env: &Env,
    test: &TestId,
    drawing: Option<&dyn Drawing>,
    other: Option<Shown>,
) -> Result<(), CheckError> {
    let sample = subject.show(schedule);
    let trace = subject.take_trace();
    if env.trace {
        say(&trace.log().to_string());
    }
    let mut facts = vec![("replayed", format!("DACAPO_REPLAY, {}", count(sample.steps, "step")))];
    if let Some(other) = other {
        let other = format!("the strategies of the arguments draw another input now: {other}");
        facts.push(("but", other));
    }
    if let Some(divergence) = sample.divergence {
        facts.push(("but", format!("it does not fit the schedule any more: {divergence}")));
    }
    let Err(failure) = &sample.outcome else {
        for (word, fact) in facts {
            say(&format!("dacapo: {}: {word} {fact}; it passes", test.name()));
        }
        return Ok(());
    };
    facts.push(("trace", format!("hash {:016x}", sample.hash)));
    Err(as_it_is(failure, &sample, &trace, test, drawing, facts))
}

/// A strict replay that did not fit: there is nothing to shrink or to keep.
fn misfit(mut subject: Subject<'_>, sample: &Sample, test: &TestId, how: String) -> CheckError {
    subject.show(&sample.schedule);
    let trace = subject.take_trace();
    let failure = sample.outcome.as_ref().expect_err("dacapo bug: a misfit passes").clone();
    as_it_is(&failure, sample, &trace, test, None, vec![("found by", how)])
}

/// The report of a failure that is neither shrunk nor explained.
fn as_it_is(
    failure: &Failure,
    sample: &Sample,
    trace: &Trace,
    test: &TestId,
    drawing: Option<&dyn Drawing>,
    facts: Vec<(&'static str, String)>,
) -> CheckError {
    let report = FailureReport {
        test: test.name(),
        failure,
        input: drawing.map(|drawing| drawing.shown().lines()).unwrap_or_default(),
        facts,
        schedule: &sample.schedule,
        is_least: false,
        explanation: None,
        trace,
        next: Vec::new(),
    };
    CheckError::new(failure.clone(), sample.schedule.clone(), report.to_string())
}

/// A search that has seen that equal answers lead to different runs.
fn unsteady(sample: &Sample, difference: String, test: &TestId) -> CheckError {
    let failure = Failure::new(Kind::NotDeterministic { difference });
    let report =
        format!("dacapo: {} fails\n\n  {failure}\n\nusual causes\n{USUAL_CAUSES}", test.name());
    CheckError::new(failure, sample.schedule.clone(), report)
}

/// A search that has found no failure, but not all that it was to see either.
fn unmet(failure: Failure, searched: &str, test: &TestId) -> CheckError {
    let reason = indent(&failure.to_string(), "  ");
    let report = format!("dacapo: {} fails\n\n{reason}\nsearched   {searched}\n", test.name());
    CheckError::new(failure, Schedule::default(), report)
}

/// Shrinks a failure, makes sure of it, and writes the report.
fn found(
    builder: &Builder,
    mut subject: Subject<'_>,
    first: Sample,
    env: &Env,
    test: &TestId,
    drawing: Option<&dyn Drawing>,
    how: String,
) -> CheckError {
    let first_trace = subject.take_trace();
    // By its schedule, which is what will be told.
    let again = subject.replay(&first.schedule);
    if again.hash != first.hash {
        let trace = first_trace.log().to_string();
        return Parting::new(first.schedule.clone(), &first, trace, &again, &subject).report(test);
    }
    let from = first.schedule.clone();
    let (first, inputs) = match drawing {
        Some(drawing) => drawing.shrink(&mut subject, first, builder.max_shrink_runs),
        None => (first, None),
    };
    let shrinking = shrink(&mut subject, first, builder.max_shrink_runs);
    let least = shrinking.sample;
    let case = Case { input: drawing.map(Drawing::input), schedule: least.schedule.clone() };
    let again = subject.show(&least.schedule);
    let trace = subject.take_trace();
    if again.hash != least.hash {
        // The shrinking has kept no trace of the run that it ended with; make one more.
        let third = subject.show(&least.schedule);
        let answers = [
            Answer::of(&again, trace.log().to_string()),
            Answer::of(&third, subject.trace().log().to_string()),
        ];
        let names = ["one run", "the next run"];
        return Parting { schedule: least.schedule, names, answers }.report(test);
    }
    if env.trace {
        say(&trace.log().to_string());
    }

    let mut facts = vec![("found by", how)];
    if from != least.schedule || shrinking.runs > 0 || inputs.is_some() {
        let unfinished =
            if shrinking.finished { "" } else { "; not finished, see Builder::max_shrink_runs" };
        let text = shrunk(&from, &least.schedule, shrinking.runs);
        let inputs = inputs.map_or_else(String::new, |cost| format!("{cost}; the schedule: "));
        facts.push(("shrunk", format!("{inputs}{text}{unfinished}")));
    }
    let store = Store::open(test);
    let hash = least.hash;
    let asked = store.as_ref().map_err(|error| error.to_string().into()).and_then(|store| {
        if !builder.fresh_process {
            return Err("Builder::fresh_process(false)".to_owned().into());
        }
        if env.confirm.is_some() {
            return Err("this is one".to_owned().into());
        }
        if test.nth() > MANY {
            return Err(format!("there were more than {MANY} checks in this test").into());
        }
        confirm::in_fresh_process(test, store, &case)
    });
    let anonymous;
    let (test, asked) = match (asked, test.without_thread()) {
        // To run it by that name would run nothing, which looks as if all were well.
        (Err(Silence::NotReached), Some((thread, other))) => {
            anonymous = other;
            let why = format!(
                "the name was taken from the thread `{thread}`, which is not that of a test"
            );
            (&anonymous, Err(Silence::Other(why)))
        }
        (asked, _) => (test, asked),
    };
    match asked {
        Ok(answer) if answer.hash == hash => facts.push((
            "confirmed",
            format!("the same failure and trace, hash {hash:016x}, again here and in a fresh process"),
        )),
        // What the earlier checks of this test have left, or drawn, is another matter there.
        Ok(answer) if test.nth() > 1 => facts.push((
            "confirmed",
            format!(
                "the same failure and trace, hash {hash:016x}, again here; a fresh process, in which \
                 this check of the test may meet other inputs, did otherwise: {}",
                answer.ending.lines().next().unwrap_or_default()
            ),
        )),
        Ok(answer) => {
            let answers = [Answer::of(&least, trace.log().to_string()), answer];
            let names = ["the run in this process", "the run in a fresh process"];
            return Parting { schedule: least.schedule, names, answers }.report(test);
        }
        Err(why) => facts.push((
            "confirmed",
            format!(
                "the same failure and trace, hash {hash:016x}, again here; not in a fresh process: {why}"
            ),
        )),
    }

    let explanation = explain(&mut subject, &least, &trace, builder.max_explain_runs);
    let least_text = case.to_string();
    let mut next = Vec::new();
    let failure = least.outcome.as_ref().expect_err("dacapo bug: a shrunk run passes");
    let stored = store.and_then(|store| {
        let path = store.write("schedule.txt", &format!("{least_text}\n"))?;
        store.write("trace.txt", &trace.log().to_string())?;
        Ok((store, path))
    });
    // A longer line is nothing that one would paste.
    let pasted = match &stored {
        Ok((_, path)) if least_text.len() > 200 => path.display().to_string(),
        _ => least_text.clone(),
    };
    let replay = format!("DACAPO_REPLAY='{pasted}' {}", test.command());
    let input = drawing.map(|drawing| drawing.shown().lines()).unwrap_or_default();
    let drawn = stored.and_then(|(store, _)| {
        let picture = Picture {
            test: test.name(),
            input: &input,
            trace: &trace,
            schedule: &least.schedule,
            failure,
            explanation: explanation.as_ref(),
            replay: &replay,
        };
        let page = picture.write(&mut subject, &store)?;
        Ok((store, page))
    });
    next.push(("replay now", replay));
    let file = drawn.as_ref().ok();
    let why = sentence(&trace, failure, explanation.as_ref());
    let comment =
        drawing.map_or_else(|| why.clone(), |drawing| format!("{}: {why}", drawing.shown()));
    let kept = file.and_then(|_| regressions::keep(env, test, &case, &comment));
    next.extend(kept.or_else(|| {
        let strict = format!("Replay::strict({least_text:?}) as its scheduler");
        (least_text.len() <= 200 && drawing.is_none()).then_some(("keep as a test", strict))
    }));
    next.push(match &drawn {
        Ok((_, page)) => ("look at it", shown(page)),
        Err(error) => ("not written", error.to_string()),
    });
    let report = FailureReport {
        test: test.name(),
        failure,
        input,
        facts,
        schedule: &least.schedule,
        is_least: true,
        explanation: explanation.as_ref(),
        trace: &trace,
        next,
    };
    let mut report = report.to_string();
    if let Ok((store, _)) = &drawn
        && let Err(error) = store.write("report.txt", &report)
    {
        report.push_str(&format!("(not written to {}: {error})\n", store.shown()));
    }
    let error = CheckError::new(failure.clone(), least.schedule, report);
    error.shrunk(shrinking.runs).explained(explanation)
}
