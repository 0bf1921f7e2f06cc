//! Asks a process that knows nothing of this one to make a run.

use std::fs;
use std::path::Path;
use std::time::Duration;

use super::answer::{Answer, Silence};
use super::process::{ExitStatus, PAUSE, Process, leave, pause};
use crate::explore::outside::case::Case;
use crate::explore::outside::env::Confirm;
use crate::explore::outside::store::{Store, own_number};
use crate::explore::outside::test_id::TestId;
use crate::explore::subject::Subject;

/// How long the other process may take. It makes one run; what comes before that in its test is
/// not known here.
const PATIENCE: Duration = Duration::from_secs(60);

/// Runs this test once more, in a new process, with the schedule and the input in the environment.
///
/// # Errors
///
/// If that could not be done, with the reason.
pub(crate) fn in_fresh_process(
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
    let status = asked?;
    match text {
        Ok(text) => {
            Answer::parse(&text).ok_or_else(|| "its answer is not complete".to_owned().into())
        }
        Err(_) if status.success() => Err(Silence::NotReached),
        Err(_) => Err(Silence::Ended(status)),
    }
}

/// Starts the process, and waits until it has ended; returns how.
fn ask(test: &TestId, question: &Path, answer: &Path) -> Result<ExitStatus, String> {
    let variables =
        [("DACAPO_REPLAY", question.as_os_str()), ("DACAPO_CONFIRM", answer.as_os_str())];
    let mut process = Process::start(test, &variables)?;
    let mut waited = Duration::ZERO;
    loop {
        if let Some(status) = process.ended()? {
            return Ok(status);
        }
        if waited >= PATIENCE {
            return Err(format!("it had not ended after {} s", PATIENCE.as_secs()));
        }
        pause();
        waited += PAUSE;
    }
}

/// The other side: makes the run, writes what it saw, and ends the process.
pub(crate) fn answer(confirm: &Confirm, subject: &mut Subject<'_>) -> ! {
    let sample = subject.show(&confirm.case.schedule);
    let answer = Answer::with_account(&sample, subject.trace());
    // Without an answer the process that asked says so.
    let written = answer.write(&confirm.file);
    leave(written.is_ok());
}
