//! Schedules under which a test has failed once, in a text file that is committed with the test.
//!
//! The file is `dacapo-regressions/<test>.txt` beside the package's Cargo.toml. It is written only if
//! `DACAPO_ACCEPT` says so, and then only added to, so that what people write into it stays.

use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::PathBuf;

use super::case::{Case, Drawing, Shown};
use super::env::Env;
use super::store::{self, Store};
use super::test_id::TestId;
use crate::explore::say::say_now;
use crate::explore::subject::{Sample, Subject};

/// Beside the `Cargo.toml` of the package.
pub(crate) const DIRECTORY: &str = "dacapo-regressions";

/// The longest schedule that is printed to be pasted, in characters.
const LONGEST: usize = 200;

/// The file of one test, as it is now.
struct Regressions {
    path: PathBuf,
    /// Empty if the file is not there.
    text: String,
    lines: Vec<Line>,
}

#[derive(Debug, PartialEq, Eq)]
struct Line {
    /// Counted from 1.
    number: usize,
    case: Case,
}

/// Replays what is kept of earlier failures: if it should be accepted, first the schedule that the last
/// search of this test has left; then each line of the file. Returns the first run that fails, and where
/// its schedule is from, in words. `begin` is told of each schedule before its run.
///
/// # Errors
///
/// If the file cannot be read, with the place of the mistake and what to do.
pub(crate) fn first_failure(
    subject: &mut Subject<'_>,
    env: &Env,
    test: &TestId,
    drawing: Option<&dyn Drawing>,
    begin: &dyn Fn(&Case),
) -> Result<Option<(Sample, String)>, String> {
    // A process that confirms a failure is asked about that one only.
    if env.is_started() {
        return Ok(None);
    }
    let Some(file) = Regressions::of(test)? else { return Ok(None) };
    if env.accept
        && let Some(found) = stored_failure(subject, test, &file, drawing, begin)
    {
        return Ok(Some(found));
    }
    for line in &file.lines {
        // As strict as it is tolerant: the run is the same, and whether it fits is looked at here.
        let place = format!("line {} of {}", line.number, file.shown());
        if let Some(other) =
            load(drawing, &line.case).map_err(|mistake| format!("{place} {mistake}"))?
        {
            say_now(&format!(
                "dacapo: {}: {place} does not fit the test any more: the strategies of its arguments draw \
                 another input for it now, which is tried instead: {other}. Remove the line; or record it \
                 anew, with the bug put back for a moment: {}",
                test.name(),
                accept_command(test)
            ));
        }
        begin(&line.case);
        let sample = subject.replay(&line.case.schedule);
        if let Some(divergence) = sample.divergence {
            let ending = if sample.outcome.is_ok() { "passes" } else { "still fails" };
            say_now(&format!(
                "dacapo: {}: {place} does not fit the code any more: {divergence}. Replayed as far \
                 as it fits, it {ending}. Remove the line; or record it anew, with the bug put back \
                 for a moment: {}",
                test.name(),
                accept_command(test)
            ));
        }
        if sample.outcome.is_err() {
            return Ok(Some((sample, place)));
        }
    }
    Ok(None)
}

/// Draws the input of a case. Returns what it looks like now, if that is not what it was.
///
/// # Errors
///
/// If the test draws none and there is one, or the other way round, with what to do.
pub(crate) fn load(drawing: Option<&dyn Drawing>, case: &Case) -> Result<Option<Shown>, String> {
    match (drawing, &case.input) {
        (None, None) => Ok(None),
        (Some(drawing), Some(input)) => drawing
            .load(input)
            .map_err(|reason| format!("has an input that cannot be drawn any more: {reason}")),
        (None, Some(_)) => {
            Err("has an input (`i1:…`), and this test draws none; leave it out".to_owned())
        }
        (Some(_), None) => Err(
            "has no input (`i1:…`) before the schedule, and this test draws one; what was found \
                 without one says nothing about it"
                .to_owned(),
        ),
    }
}

/// The schedule that the last failing search has left in the target directory, if it still fails.
fn stored_failure(
    subject: &mut Subject<'_>,
    test: &TestId,
    file: &Regressions,
    drawing: Option<&dyn Drawing>,
    begin: &dyn Fn(&Case),
) -> Option<(Sample, String)> {
    let store = Store::open(test).ok()?;
    let path = store.path("schedule.txt");
    let text = fs::read_to_string(&path).ok()?;
    let place = format!("the schedule in {}", store::shown(&path));
    let case = match text.parse::<Case>() {
        // It was accepted before, and has its turn with the others.
        Ok(case) if file.line_of(&case).is_some() => return None,
        Ok(case) => load(drawing, &case).map(|_| case),
        Err(error) => Err(error.to_string()),
    };
    let sample = match case {
        Ok(case) => {
            begin(&case);
            subject.replay(&case.schedule)
        }
        Err(error) => {
            say_now(&format!("dacapo: {}: not kept: {place}: {error}", test.name()));
            return None;
        }
    };
    if sample.outcome.is_ok() {
        say_now(&format!(
            "dacapo: {}: not kept: {place} passes now; what is to be kept has to fail, so put the \
             bug back for a moment",
            test.name()
        ));
        return None;
    }
    Some((sample, place))
}

/// Keeps the schedule of a failure, if the environment says so. Returns what the report says about that,
/// a word and a sentence. `None` if the test cannot have a file.
pub(crate) fn keep(
    env: &Env,
    test: &TestId,
    case: &Case,
    sentence: &str,
) -> Option<(&'static str, String)> {
    if env.is_started() {
        return None;
    }
    let file = match Regressions::of(test) {
        Ok(file) => file?,
        Err(error) => return Some(("not kept", error)),
    };
    if let Some(number) = file.line_of(case) {
        return Some(("kept", format!("it is line {number} of {}", file.shown())));
    }
    if !env.accept {
        let case = case.to_string();
        // With the schedule it works on another machine, too, where no search has left it.
        let line = match case.len() <= LONGEST {
            true => format!("DACAPO_ACCEPT=1 DACAPO_REPLAY='{case}' {}", test.command()),
            false => accept_command(test),
        };
        return Some(("keep it", line));
    }
    Some(match file.add(test, case, sentence) {
        Ok(number) => (
            "kept",
            format!(
                "as line {number} of {}; commit that file, which is replayed first from now on",
                file.shown()
            ),
        ),
        Err(error) => ("not kept", format!("{}: {error}", file.shown())),
    })
}

fn accept_command(test: &TestId) -> String {
    format!("DACAPO_ACCEPT=1 {}", test.command())
}

impl Regressions {
    /// The file of a test. None if it is not known which test or package this is.
    fn of(test: &TestId) -> Result<Option<Self>, String> {
        let Some(package) = test.manifest_directory() else { return Ok(None) };
        let path = package.join(DIRECTORY).join(format!("{}.txt", test.file()));
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
            Err(error) => {
                let path = store::shown(&path);
                // Some shells write UTF-16.
                let encoded = error.kind() == ErrorKind::InvalidData;
                let remedy = if encoded { "; save it as UTF-8, or remove it" } else { "" };
                return Err(format!(
                    "{path}, which keeps schedules, cannot be read: {error}{remedy}"
                ));
            }
        };
        let lines = parse(&text).map_err(|mistake| format!("{}:{mistake}", store::shown(&path)))?;
        Ok(Some(Self { path, text, lines }))
    }

    fn shown(&self) -> String {
        store::shown(&self.path)
    }

    fn line_of(&self, case: &Case) -> Option<usize> {
        let line = self.lines.iter().find(|line| line.case == *case);
        line.map(|line| line.number)
    }

    /// Adds a line; returns its number.
    fn add(&self, test: &TestId, case: &Case, sentence: &str) -> io::Result<usize> {
        if let Some(directory) = self.path.parent() {
            fs::create_dir_all(directory)?;
        }
        let (addition, number) = addition(&self.text, test.name(), case, sentence);
        // Added to, not written anew: another process may be about to do the same.
        let mut file = OpenOptions::new().append(true).create(true).open(&self.path)?;
        let length = file.metadata()?.len();
        if let Err(error) = file.write_all(addition.as_bytes()) {
            // Half a line could not be read the next time.
            let _ = file.set_len(length);
            return Err(error);
        }
        Ok(number)
    }
}

/// Reads `SCHEDULE # COMMENT` lines; lines may also be empty or comments only.
///
/// The error begins with the line and column of the mistake.
fn parse(text: &str) -> Result<Vec<Line>, String> {
    // Some editors begin a file with this mark.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let lines = text.lines().zip(1..).filter_map(|(line, number)| {
        let case = line.split('#').next().unwrap_or_default();
        if case.trim().is_empty() {
            return None;
        }
        Some(match case.parse::<Case>() {
            Ok(case) => Ok(Line { number, case }),
            Err(error) => Err(format!(
                "{number}:{}: {error}; correct the line, or remove it (a line is a schedule, after an input \
                 if the test draws one, and what follows a # is for people)",
                error.column
            )),
        })
    });
    lines.collect()
}

/// What to add to a file for one more schedule, and the number of the line on which that will be.
fn addition(text: &str, test: &str, case: &Case, sentence: &str) -> (String, usize) {
    let mut lines = Vec::new();
    if text.trim().is_empty() {
        let what = if case.input.is_some() { "Inputs and schedules" } else { "Schedules" };
        let line = if case.input.is_some() { "An input and a schedule" } else { "One schedule" };
        lines.extend([
            format!("# {what} under which `{test}` has failed, found by dacapo."),
            "# Commit this file: these are replayed first, before any search, so that a bug which was".into(),
            format!("# found once does not come back unseen. {line} a line; what follows a # is for people."),
            "# Remove a line when its schedule does not fit the code any more.".into(),
            String::new(),
        ]);
    }
    let case = case.to_string();
    lines.push(format!("{case:<11} # {sentence}"));
    let end = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let before = if text.is_empty() || text.ends_with('\n') { "" } else { end };
    let number = text.lines().count() + lines.len();
    (format!("{before}{}{end}", lines.join(end)), number)
}
