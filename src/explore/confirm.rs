//! Is a failure the same in a process that knows nothing of this one?

use std::fmt;
use std::fs;
use std::path::Path;
use std::time::Duration;

use super::case::Case;
use super::env::Confirm;
use super::process::{PAUSE, Process, leave, own_number, pause};
use super::store::Store;
use super::subject::{Sample, Subject};
use super::test_id::TestId;
use crate::schedule::Schedule;

/// What another process saw of a run.
pub(super) struct Answer {
    pub(super) hash: u64,
    pub(super) ending: String,
    pub(super) trace: String,
}

/// Why there is no answer.
pub(super) enum Silence {
    /// The process has ended well, and made nothing of this check.
    NotReached,
    Other(String),
}

impl From<String> for Silence {
    fn from(why: String) -> Self {
        Self::Other(why)
    }
}

impl fmt::Display for Silence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotReached => "the test, run alone, did not get as far as this check",
            Self::Other(why) => why,
        })
    }
}

/// How long the other process may take. It makes one run; what comes before that in its test is
/// not known here.
const PATIENCE: Duration = Duration::from_secs(60);

/// Runs this test once more, in a new process, with the schedule and the input in the environment.
///
/// # Errors
///
/// If that could not be done, with the reason.
pub(super) fn in_fresh_process(
    test: &TestId,
    store: &Store,
    case: &Case,
) -> Result<Answer, Silence> {
    // Another process may be at the same test, for another package or in another terminal.
    let own = |file| store.path(&format!("{file}-{}.txt", own_number()));
    let (answer, question) = (own("answer"), own("question"));
    fs::write(&question, format!("{case}\n"))
        .map_err(|error| format!("the schedule could not be written: {error}"))?;
    let asked = ask(test, &question, &answer);
    let _ = fs::remove_file(&question);
    let text = fs::read_to_string(&answer);
    let _ = fs::remove_file(&answer);
    let passed = asked?;
    match text {
        Ok(text) => {
            Answer::parse(&text).ok_or_else(|| "its answer is not complete".to_owned().into())
        }
        Err(_) if passed => Err(Silence::NotReached),
        Err(_) => Err(Silence::NotReached.to_string().into()),
    }
}

/// Starts the process, and waits until it has ended; returns whether nothing failed there.
fn ask(test: &TestId, question: &Path, answer: &Path) -> Result<bool, String> {
    let variables =
        [("DACAPO_REPLAY", question.as_os_str()), ("DACAPO_CONFIRM", answer.as_os_str())];
    let mut process = Process::start(test, &variables)?;
    let mut waited = Duration::ZERO;
    loop {
        if let Some(status) = process.ended()? {
            return Ok(status.success());
        }
        if waited >= PATIENCE {
            return Err(format!("it had not ended after {} s", PATIENCE.as_secs()));
        }
        pause();
        waited += PAUSE;
    }
}

/// The other side: makes the run, writes what it saw, and ends the process.
pub(super) fn answer(confirm: &Confirm, subject: &mut Subject<'_>, schedule: &Schedule) -> ! {
    let sample = subject.show(schedule);
    let answer = Answer::of(&sample, subject.trace().log().to_string());
    // Without an answer the process that asked says so.
    let written = answer.write(&confirm.file);
    leave(written.is_ok());
}

const END: &str = "end of the ending";

impl Answer {
    pub(super) fn of(sample: &Sample, trace: String) -> Self {
        Self { hash: sample.hash, ending: sample.ending(), trace }
    }

    fn write(&self, file: &Path) -> std::io::Result<()> {
        // Renamed when it is whole, so that nobody reads half of it.
        let part = file.with_extension("part");
        let Self { hash, ending, trace } = self;
        fs::write(&part, format!("{hash:016x}\n{ending}\n{END}\n{trace}"))?;
        fs::rename(part, file)
    }

    fn parse(text: &str) -> Option<Self> {
        let (hash, rest) = text.split_once('\n')?;
        let (ending, trace) = rest.split_once(&format!("\n{END}\n"))?;
        Some(Self {
            hash: u64::from_str_radix(hash, 16).ok()?,
            ending: ending.to_owned(),
            trace: trace.to_owned(),
        })
    }
}
