//! What is said and kept when a process ends in the middle of a run.

use std::sync::{Mutex, PoisonError};
use std::thread::{self, ThreadId};

use super::outside::store::Store;
use super::outside::test_id::TestId;
use super::say::say_now;
use crate::executor;
use crate::schedule::Schedule;

/// The checks that are going on, each in its thread, and how to replay a run of them.
static CHECKS: Mutex<Vec<Check>> = Mutex::new(Vec::new());

struct Check {
    thread: ThreadId,
    test: TestId,
}

/// Keeps a check among those that are going on, until this is dropped.
pub(crate) struct Known(ThreadId);

/// Has the schedule of the current run written down, should this process end in the middle of it.
pub(crate) fn note(test: &TestId) -> Known {
    executor::set_last_words(last_words);
    let thread = thread::current().id();
    checks(|checks| checks.push(Check { thread, test: test.clone() }));
    Known(thread)
}

impl Drop for Known {
    fn drop(&mut self) {
        checks(|checks| {
            let place = checks.iter().rposition(|check| check.thread == self.0);
            place.map(|place| checks.remove(place));
        });
    }
}

fn checks<R>(f: impl FnOnce(&mut Vec<Check>) -> R) -> R {
    f(&mut CHECKS.lock().unwrap_or_else(PoisonError::into_inner))
}

fn last_words(message: &str, schedule: &Schedule) {
    let thread = thread::current().id();
    let test = checks(|checks| {
        let check = checks.iter().rev().find(|check| check.thread == thread);
        check.map(|check| check.test.clone())
    });
    let Some(test) = test else {
        say_now(&format!("\ndacapo: {message}\nTo replay this run: DACAPO_REPLAY='{schedule}'\n"));
        return;
    };
    let text = format!(
        "dacapo: {} fails\n\n  {message}\n\nreplay now   DACAPO_REPLAY='{schedule}' {}\n",
        test.name(),
        test.command()
    );
    say_now(&format!("\n{text}"));
    if let Ok(store) = Store::open(&test) {
        // There is nobody left to whom a mistake could be told.
        let _ = store.write("schedule.txt", &format!("{schedule}\n"));
        let _ = store.write("report.txt", &text);
    }
}
