//! Reports of searches that do not end with a failure to shrink.

use super::found::Found;
use super::task::Task;
use crate::explore::error::CheckError;
use crate::explore::outside::case::{Case, Drawing, Shown};
use crate::explore::outside::test_id::TestId;
use crate::explore::say::{say, say_now};
use crate::explore::subject::{Sample, Subject};
use crate::failure::{Failure, Kind};
use crate::report::{FailureReport, USUAL_CAUSES, count, indent};
use crate::schedule::Schedule;
use crate::trace::Trace;

/// Makes the one run that the environment asks for.
pub(crate) fn replay(
    task: Task<'_>,
    mut subject: Subject<'_>,
    case: &Case,
    other: Option<Shown>,
) -> Result<(), CheckError> {
    let Task { env, test, drawing, .. } = task;
    let sample = subject.show(&case.schedule);
    if env.accept && sample.outcome.is_err() {
        return Err(Found::new(task, subject, "DACAPO_REPLAY".to_owned()).report(sample));
    }
    let trace = subject.take_trace_to_show(&sample);
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
    if env.accept {
        facts.push(("not kept", "what you keep has to fail".to_owned()));
    }
    let Err(failure) = &sample.outcome else {
        for (word, fact) in facts {
            say_now(&format!("dacapo: {}: {word} {fact}; it passes", test.name()));
        }
        return Ok(());
    };
    facts.push(("trace", format!("hash {:016x}", trace.hash())));
    let backtraces = subject.backtraces(failure);
    Err(as_it_is(failure, &sample, &trace, backtraces, test, drawing, facts))
}

/// A strict replay that did not fit: there is nothing to shrink or to keep.
pub(crate) fn misfit(
    mut subject: Subject<'_>,
    sample: &Sample,
    test: &TestId,
    how: String,
) -> CheckError {
    subject.show(&sample.schedule);
    let trace = subject.take_trace();
    let failure = sample.outcome.as_ref().expect_err("dacapo bug: a misfit passes").clone();
    let backtraces = subject.backtraces(&failure);
    as_it_is(&failure, sample, &trace, backtraces, test, None, vec![("found by", how)])
}

/// The report of a failure that is neither shrunk nor explained.
fn as_it_is(
    failure: &Failure,
    sample: &Sample,
    trace: &Trace,
    backtraces: Vec<(String, String)>,
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
        backtraces: &backtraces,
        next: Vec::new(),
    };
    CheckError::new(failure.clone(), sample.schedule.clone(), report.to_string())
}

/// A search that has seen that equal answers lead to different runs.
pub(crate) fn unsteady(sample: &Sample, difference: String, test: &TestId) -> CheckError {
    let failure = Failure::new(Kind::NotDeterministic { difference });
    let report =
        format!("dacapo: {} fails\n\n  {failure}\n\nusual causes\n{USUAL_CAUSES}", test.name());
    CheckError::new(failure, sample.schedule.clone(), report)
}

/// A search that has found no failure, but not all that it was to see either.
pub(crate) fn unmet(failure: Failure, searched: &str, test: &TestId) -> CheckError {
    let reason = indent(&failure.to_string(), "  ");
    let report = format!(
        "dacapo: {} fails\n\n{reason}\nsearched   {}\n",
        test.name(),
        crate::trace::printable(searched, 300)
    );
    CheckError::new(failure, Schedule::default(), report)
}
