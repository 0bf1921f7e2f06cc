//! What follows a failure: it is repeated, shrunk, confirmed, explained, written down and reported.

use std::io;
use std::time::Duration;

use super::picture::Picture;
use super::task::Task;
use crate::explore::clock::{Deadline, timed};
use crate::explore::confirm::answer::{Answer, Silence};
use crate::explore::confirm::ask;
use crate::explore::confirm::parting::Parting;
use crate::explore::error::CheckError;
use crate::explore::explain::explain;
use crate::explore::outside::case::{Case, Drawing};
use crate::explore::outside::env::Errand;
use crate::explore::outside::regressions;
use crate::explore::outside::store::{Store, shown};
use crate::explore::outside::test_id::{MANY, TestId};
use crate::explore::say::{say, say_now};
use crate::explore::settings::Settings;
use crate::explore::shrink::endless::{Endless, shrink_endless};
use crate::explore::shrink::shrink;
use crate::explore::subject::{Sample, Subject};
use crate::failure::Failure;
use crate::report::{
    Difference, Explanation, FailureReport, difference, grouped, sentence, shorten, shrunk,
};
use crate::trace::{Trace, printable};

/// How many events are in the file with the trace, the first and the last: some megabytes. `DACAPO_TRACE` prints all.
const EVENTS: usize = 50_000;

/// The longest schedule that is printed to be pasted, in characters.
const PASTED: usize = 200;

/// The longest line about a failure that is not the one reported, in characters.
pub(super) const TITLE: usize = 200;

/// A failure on its way to a report.
pub(crate) struct Found<'a, 'b> {
    pub(super) task: Task<'a>,
    subject: Subject<'b>,
    /// What the report says about it, a word and a sentence each.
    pub(super) facts: Vec<(&'static str, String)>,
    scheduler: String,
    seed: Option<u64>,
    /// Whether to tell it as it is, because shrinking or explaining it has ended a process.
    is_unshrunk: bool,
}

/// The run that is reported, with its trace.
struct Least {
    sample: Sample,
    trace: Trace,
    shrink_runs: usize,
    /// The beginning of an endless run, which is what the trace is of.
    beginning: Option<Sample>,
    backtraces: Vec<(String, String)>,
}

impl Least {
    fn failure(&self) -> &Failure {
        self.sample.outcome.as_ref().expect_err("dacapo bug: the run that is reported passes")
    }
}

impl<'a, 'b> Found<'a, 'b> {
    /// A failure of the last run of the subject. `how` says where its schedule is from.
    pub(crate) fn new(task: Task<'a>, subject: Subject<'b>, how: String) -> Self {
        let facts = vec![("found by", how)];
        Self { task, subject, facts, scheduler: String::new(), seed: None, is_unshrunk: false }
    }

    /// Names the scheduler that found it, and its seed.
    pub(crate) fn by(mut self, scheduler: &str, seed: Option<u64>) -> Self {
        (self.scheduler, self.seed) = (scheduler.to_owned(), seed);
        self
    }

    /// Makes no runs that are not needed for a report.
    pub(crate) fn unshrunk(mut self) -> Self {
        self.is_unshrunk = true;
        self
    }

    /// How many runs may be made that a report does not need, out of those that a setting allows.
    pub(super) fn at_most(&self, runs: usize) -> usize {
        if self.is_unshrunk { 0 } else { runs }
    }

    /// Takes the failure through all steps, up to its report.
    pub(crate) fn report(mut self, first: Sample) -> CheckError {
        let found = first.clone();
        let reported = self.repeat(first).and_then(|first| {
            let least = self.shrink(first)?;
            self.confirm(&least)?;
            Ok(self.tell(least))
        });
        let reported = reported.or_else(|parting| self.elsewhere(&found, &parting).ok_or(parting));
        match reported {
            Ok(error) => error.by(self.scheduler, self.seed),
            Err(parting) => parting.report(self.task.test),
        }
    }

    /// Makes the run again by its schedule, which is what the report will tell.
    fn repeat(&mut self, first: Sample) -> Result<Sample, Box<Parting>> {
        if first.is_endless() {
            // It takes long, and is made again when it is shrunk.
            self.save(&first, Duration::ZERO);
            return Ok(first);
        }
        let trace = self.subject.take_trace();
        let (again, time) = timed(|| self.subject.replay(&first.schedule));
        if again.hash == first.hash {
            self.save(&first, time);
            return Ok(first);
        }
        let trace = trace.log().to_string();
        let schedule = first.schedule.clone();
        Err(Box::new(Parting::new(schedule, &first, trace, &again, &self.subject)))
    }

    /// Writes the schedule to its file as soon as it is known, so that nothing that happens later can lose it. If
    /// runs are slow, also prints it.
    fn save(&self, first: &Sample, time: Duration) {
        const SLOW: Duration = Duration::from_millis(20);
        let Task { test, env, drawing, .. } = self.task;
        if env.is_started() {
            return;
        }
        let case = Case { input: drawing.map(Drawing::input), schedule: first.schedule.clone() };
        // If this fails, the report will say so.
        let path = Store::open(test).and_then(|s| s.write("schedule.txt", &format!("{case}\n")));
        if path.is_ok() {
            self.task.known.has_saved();
        }
        if time >= SLOW {
            let mut pasted = case.to_string();
            if let (true, Ok(path)) = (pasted.len() > PASTED, path) {
                pasted = path.display().to_string();
            }
            let (name, (_, how)) = (test.name(), &self.facts[0]);
            let command = test.command();
            say_now(&format!(
                "dacapo: {name}: found by {how}; shrinking it now. DACAPO_REPLAY='{pasted}' {command}"
            ));
        }
    }

    /// Looks for the least input and the least schedule, and makes that run to be shown.
    fn shrink(&mut self, first: Sample) -> Result<Least, Box<Parting>> {
        let Task { settings, env, drawing, .. } = self.task;
        let from = first.schedule.clone();
        self.subject.set_deadline(Deadline::after(settings.max_shrink_time));
        let (first, inputs) = match drawing {
            Some(drawing) if !self.is_unshrunk => {
                drawing.shrink(&mut self.subject, first, settings.max_shrink_runs)
            }
            _ => (first, None),
        };
        let found = first.outcome.clone().err();
        let max_runs = self.at_most(settings.max_shrink_runs);
        let (shrinking, limit) = match first.is_endless() && max_runs > 0 {
            true => {
                let Endless { shrunk, limit } = shrink_endless(&mut self.subject, first, max_runs);
                (shrunk, limit)
            }
            false => (shrink(&mut self.subject, first, max_runs), None),
        };
        let is_late = self.subject.is_late();
        self.subject.set_deadline(Deadline::default());
        let least = shrinking.sample;
        let again = self.subject.show(&least.schedule);
        let trace = self.subject.take_trace_to_show(&again);
        if again.hash != least.hash {
            // Shrinking has kept no trace of the run that it ended with, so one more is made.
            let third = self.subject.show(&least.schedule);
            let again = Answer::of(&again, trace.log().to_string());
            let (names, answers) = match third.hash == again.hash {
                true => {
                    let odd = Answer::of(&least, String::new());
                    (["a run while shrinking", "the next run"], [odd, again])
                }
                false => {
                    let third = Answer::of(&third, self.subject.trace().log().to_string());
                    (["one run", "the next run"], [again, third])
                }
            };
            return Err(Box::new(Parting { schedule: least.schedule, names, answers }));
        }
        if env.trace {
            say(&trace.log().to_string());
        }
        if from != least.schedule || shrinking.runs > 0 || inputs.is_some() || is_late {
            let unfinished = unfinished(settings, is_late, shrinking.finished);
            let text = shrunk(&from, &least.schedule, shrinking.runs);
            let inputs = inputs.map_or_else(String::new, |cost| format!("{cost}; the schedule: "));
            self.facts.push(("shrunk", format!("{inputs}{text}{unfinished}")));
        }
        let shown = |failure: &Failure, schedule| {
            format!("{}, under `{}`", printable(&failure.title(), TITLE), shorten(schedule))
        };
        let has_changed = |found: &&Failure| {
            least.outcome.as_ref().is_err_and(|failure| !found.is_equal_in_words(failure))
        };
        if let Some(found) = found.as_ref().filter(has_changed) {
            self.facts.push(("first seen", shown(found, &from)));
        }
        if let Some((schedule, failure)) = &shrinking.other {
            let fact = format!("while shrinking, another failure: {}", shown(failure, schedule));
            self.facts.push(("also seen", fact));
        }
        let failure = least.outcome.as_ref().err();
        let backtraces =
            failure.map(|failure| self.subject.backtraces(failure)).unwrap_or_default();
        let shrink_runs = shrinking.runs;
        let mut least = Least { sample: least, trace, shrink_runs, beginning: None, backtraces };
        if let Some(limit) = limit {
            self.tell_beginning(&mut least, limit);
        }
        Ok(least)
    }

    /// Has the beginning of an endless run explained and told.
    fn tell_beginning(&mut self, least: &mut Least, limit: usize) {
        let schedule = &least.sample.schedule;
        let beginning = self.subject.within_steps(limit, |subject| subject.show(schedule));
        least.trace = self.subject.take_trace();
        let [limit, steps] = [limit, least.sample.steps].map(grouped);
        self.facts.push((
            "told",
            format!("the first {limit} steps, as of the random walks; the run itself fails at step {steps}"),
        ));
        least.beginning = Some(beginning);
    }

    fn case(&self, least: &Least) -> Case {
        let schedule = least.sample.schedule.clone();
        Case { input: self.task.drawing.map(Drawing::input), schedule }
    }

    /// Asks a fresh process whether it sees the same.
    fn confirm(&mut self, least: &Least) -> Result<(), Box<Parting>> {
        let test = self.task.test;
        let mut noted = self.notes_again(least);
        let answer = self.ask(&self.case(least));
        if let (Ok(answer), None) = (&answer, &noted) {
            noted = other_notes(least, answer.values, &answer.trace);
        }
        let (same, but) = match noted {
            None => (format!("trace, hash {:016x}", least.trace.hash()), String::new()),
            Some(noted) => ("events".to_owned(), format!("; other values were noted: {noted}")),
        };
        let fact = match answer {
            Ok(answer) if answer.hash == least.sample.hash => {
                format!("the same failure and {same}, again here and in a fresh process{but}")
            }
            // The earlier checks of this test may leave, or draw, other things there.
            Ok(answer) if test.nth() > 1 => format!(
                "the same failure and {same}, again here; a fresh process, in which this check of the test \
                 may meet other inputs, did otherwise: {}",
                answer.ending.lines().next().unwrap_or_default()
            ),
            Ok(answer) => {
                let own = Answer::of(&least.sample, least.trace.log().to_string());
                let names = ["the run in this process", "the run in a fresh process"];
                let schedule = least.sample.schedule.clone();
                return Err(Box::new(Parting { schedule, names, answers: [own, answer] }));
            }
            Err(why) => format!(
                "the same failure and {same}, again here; not in a fresh process: {why}{but}"
            ),
        };
        self.facts.push(("confirmed", fact));
        Ok(())
    }

    /// How the values differ that the run notes when it is shown again, if it notes any.
    fn notes_again(&mut self, least: &Least) -> Option<String> {
        if least.trace.hash_of_values() == 0 {
            return None;
        }
        let again = self.subject.show(&least.sample.schedule);
        let same = again.hash == least.sample.hash;
        let trace = self.subject.take_trace();
        same.then(|| other_notes(least, again.values, &trace.log().to_string())).flatten()
    }

    /// Has a fresh process make a run.
    pub(super) fn ask(&self, case: &Case) -> Result<Answer, Silence> {
        let Task { settings, env, test, .. } = self.task;
        if !settings.fresh_process {
            return Err("Builder::fresh_process(false)".to_owned().into());
        }
        if let Errand::Confirm(_) = env.errand {
            return Err("this is one".to_owned().into());
        }
        // It would make all earlier checks first.
        if test.is_one_of_many() {
            return Err(format!("there were more than {MANY} checks in this test").into());
        }
        let store = Store::open(test).map_err(|error| error.to_string())?;
        ask::in_fresh_process(test, &store, case)
    }

    /// Explains the failure, writes its files, and makes the report.
    fn tell(&mut self, least: Least) -> CheckError {
        let Task { settings, drawing, .. } = self.task;
        self.subject.set_deadline(Deadline::after(settings.max_explain_time));
        let max_runs = self.at_most(settings.max_explain_runs);
        let explanation = match &least.beginning {
            Some(beginning) => self.subject.within_steps(beginning.steps, |subject| {
                explain(subject, beginning, &least.trace, max_runs)
            }),
            None => explain(&mut self.subject, &least.sample, &least.trace, max_runs),
        };
        if self.subject.is_late() {
            let time = seconds(settings.max_explain_time);
            let fact = format!("not finished in {time}, see Builder::max_explain_time");
            self.facts.push(("explained", fact));
        }
        self.subject.set_deadline(Deadline::default());
        let anonymous;
        let test = match self.task.test.without_thread() {
            // To run it by that name would run nothing, which looks as if all were well.
            Some((thread, other)) if self.is_not_reached() => {
                let why = format!(
                    "the name was taken from the thread `{}`, which is not that of a test",
                    printable(thread, usize::MAX)
                );
                self.replace_silence(&why);
                anonymous = other;
                &anonymous
            }
            _ => self.task.test,
        };
        let case = self.case(&least);
        let stored = self.store(test, &case, &least);
        let path = stored.as_ref().ok().map(|(_, path)| path.as_str());
        let replay = replay_line(test, &case, path);
        let input = drawing.map(|drawing| drawing.shown().lines()).unwrap_or_default();
        let drawn = stored.and_then(|(store, _)| {
            let picture = Picture {
                test: test.name(),
                input: &input,
                trace: &least.trace,
                schedule: &least.sample.schedule,
                failure: least.failure(),
                explanation: explanation.as_ref(),
                replay: &replay,
            };
            let page = picture.write(&mut self.subject, &store)?;
            Ok((store, page))
        });
        let mut next = vec![("replay now", replay)];
        let why = sentence(&least.trace, least.failure(), explanation.as_ref());
        let comment =
            drawing.map_or_else(|| why.clone(), |drawing| format!("{}: {why}", drawing.shown()));
        next.extend(keep_line(self.task, test, &case, &comment, drawn.is_ok()));
        next.push(match &drawn {
            Ok((_, page)) => ("look at it", shown(page)),
            Err(error) => ("not written", error.to_string()),
        });
        let facts = std::mem::take(&mut self.facts);
        let store = drawn.ok().map(|(store, _)| store);
        finish(test, least, explanation, Parts { input, facts, next, store })
    }

    /// Whether the fresh process never got to this check.
    fn is_not_reached(&self) -> bool {
        let not_reached = Silence::NotReached.to_string();
        self.facts.iter().any(|(word, fact)| *word == "confirmed" && fact.ends_with(&not_reached))
    }

    fn replace_silence(&mut self, why: &str) {
        let not_reached = Silence::NotReached.to_string();
        for (_, fact) in self.facts.iter_mut().filter(|(word, _)| *word == "confirmed") {
            *fact = fact.replace(&not_reached, why);
        }
    }

    /// Writes the schedule and the trace. Returns the path of the schedule, as it is shown.
    fn store(&self, test: &TestId, case: &Case, least: &Least) -> io::Result<(Store, String)> {
        let store = Store::open(test)?;
        let path = store.write("schedule.txt", &format!("{case}\n"))?;
        store.write("trace.txt", &least.trace.log_within(EVENTS).to_string())?;
        Ok((store, path.display().to_string()))
    }
}

/// How the values that the code under test noted differ in another run with the same events.
fn other_notes(least: &Least, values: u64, log: &str) -> Option<String> {
    if values == least.trace.hash_of_values() {
        return None;
    }
    let differ = difference(&least.trace.log().to_string(), log);
    Some(match differ {
        Some(Difference { first, second, .. }) => {
            format!("`{}`, and then `{}`", first.trim(), second.trim())
        }
        None => "in events that are not kept".to_owned(),
    })
}

/// The line that makes the run of a case again. `path` is where its schedule is written, in case that it is long.
pub(super) fn replay_line(test: &TestId, case: &Case, path: Option<&str>) -> String {
    let text = case.to_string();
    let pasted = match path {
        Some(path) if text.len() > PASTED => path,
        _ => &text,
    };
    format!("DACAPO_REPLAY='{pasted}' {}", test.command())
}

/// How to keep a case, which may now have been kept.
pub(super) fn keep_line(
    task: Task<'_>,
    test: &TestId,
    case: &Case,
    comment: &str,
    is_stored: bool,
) -> Option<(&'static str, String)> {
    let Task { env, drawing, .. } = task;
    let kept = is_stored.then(|| regressions::keep(env, test, case, comment)).flatten();
    kept.or_else(|| {
        let text = case.to_string();
        let strict = format!("Replay::strict({text:?}) as its scheduler");
        (text.len() <= PASTED && drawing.is_none()).then_some(("keep as a test", strict))
    })
}

/// What to add about shrinking that was cut short.
pub(super) fn unfinished(settings: &Settings, is_late: bool, is_finished: bool) -> String {
    match (is_late, is_finished) {
        (true, _) => {
            let time = seconds(settings.max_shrink_time);
            format!("; not finished in {time}, see Builder::max_shrink_time")
        }
        (false, false) => "; not finished, see Builder::max_shrink_runs".to_owned(),
        (false, true) => String::new(),
    }
}

fn seconds(time: Duration) -> String {
    format!("{} s", time.as_secs_f64())
}

/// What a report has besides the run.
struct Parts {
    input: Vec<String>,
    facts: Vec<(&'static str, String)>,
    next: Vec<(&'static str, String)>,
    store: Option<Store>,
}

fn finish(
    test: &TestId,
    least: Least,
    explanation: Option<Explanation>,
    parts: Parts,
) -> CheckError {
    let confirmation = parts.facts.iter().find(|(word, _)| *word == "confirmed");
    let confirmation = confirmation.map(|(_, fact)| fact.clone());
    let report = FailureReport {
        test: test.name(),
        failure: least.failure(),
        input: parts.input,
        facts: parts.facts,
        schedule: &least.sample.schedule,
        is_least: true,
        explanation: explanation.as_ref(),
        trace: &least.trace,
        backtraces: &least.backtraces,
        next: parts.next,
    };
    let mut report = report.to_string();
    if let Some(store) = &parts.store
        && let Err(error) = store.write("report.txt", &report)
    {
        report.push_str(&format!("(not written to {}: {error})\n", store.shown()));
    }
    let failure = least.failure().clone();
    let error = CheckError::new(failure, least.sample.schedule, report);
    error.shrunk(least.shrink_runs).explained(explanation).confirmed(confirmation)
}
