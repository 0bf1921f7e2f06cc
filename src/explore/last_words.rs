//! What is said and kept when a process ends in the middle of a search, or when a run never ends.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, Once, PoisonError};
use std::thread::{self, ThreadId};
use std::time::Duration;

use super::clock::Vigil;
use super::confirm::process::{each_second, give_up};
use super::confirm::witness;
use super::outside::store::Store;
use super::outside::test_id::TestId;
use super::say::say_now;
use super::settings::Settings;
use crate::executor::{self, Heartbeat};
use crate::report::count;
use crate::schedule::Schedule;

/// The checks that are going on, each in its thread.
static CHECKS: Mutex<Vec<Check>> = Mutex::new(Vec::new());

struct Check {
    thread: ThreadId,
    test: TestId,
    heartbeat: Heartbeat,
    progress: Arc<Progress>,
    max_step_time: Duration,
    fresh_process: bool,
    vigil: Vigil,
}

/// How far a check has come.
#[derive(Default)]
struct Progress {
    /// The number of the run, from 1.
    run: AtomicU64,
    /// The seed of the run plus 1, or 0 if it has none.
    seed: AtomicU64,
    /// Whether it has found a failure, whose schedule is on disk.
    has_found: AtomicBool,
}

/// Keeps a check registered until this is dropped.
pub(crate) struct Known {
    thread: ThreadId,
    progress: Arc<Progress>,
}

/// From now on, a process that ends in the middle of a run writes down how to replay it, and a run that never
/// ends is reported.
pub(crate) fn note(settings: &Settings, test: &TestId, is_started: bool) -> Known {
    static WATCHDOG: Once = Once::new();
    executor::set_last_words(last_words);
    if !is_started {
        WATCHDOG.call_once(|| each_second(look));
    }
    let (thread, progress) = (thread::current().id(), Arc::<Progress>::default());
    let check = Check {
        thread,
        test: test.clone(),
        heartbeat: executor::heartbeat(),
        progress: Arc::clone(&progress),
        max_step_time: settings.max_step_time,
        fresh_process: settings.fresh_process,
        vigil: Vigil::new(),
    };
    checks(|checks| checks.push(check));
    Known { thread, progress }
}

impl Known {
    /// A run of the search begins.
    pub(crate) fn begin(&self, run: usize, seed: Option<u64>) {
        self.progress.run.store(run as u64, Ordering::Relaxed);
        self.progress.seed.store(seed.map_or(0, |seed| seed.wrapping_add(1)), Ordering::Relaxed);
    }

    /// The search has ended with a failure.
    pub(crate) fn has_found(&self) {
        self.progress.has_found.store(true, Ordering::Relaxed);
    }
}

impl Drop for Known {
    fn drop(&mut self) {
        checks(|checks| {
            let place = checks.iter().rposition(|check| check.thread == self.thread);
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
    match test {
        Some(test) => tell(&test, message, Some(schedule)),
        None => say_now(&format!(
            "\ndacapo: {message}\nTo replay this run: DACAPO_REPLAY='{schedule}'\n"
        )),
    }
}

/// Prints a report, and writes it to the files of a test.
fn tell(test: &TestId, message: &str, schedule: Option<&Schedule>) {
    let mut text = format!("dacapo: {} fails\n\n  {message}\n", test.name());
    if let Some(schedule) = schedule {
        let command = test.command();
        text += &format!("\nreplay now   DACAPO_REPLAY='{schedule}' {command}\n");
    }
    say_now(&format!("\n{text}"));
    if let Ok(store) = Store::open(test) {
        // Nothing is left that could report an error.
        if let Some(schedule) = schedule {
            let _ = store.write("schedule.txt", &format!("{schedule}\n"));
        }
        let _ = store.write("report.txt", &text);
    }
}

/// Looks whether all checks go on. If one does not, reports it and ends the process.
fn look() {
    let stuck = checks(|checks| {
        checks.iter_mut().find_map(|check| {
            let beat = check.heartbeat.beat().map(|beat| format!("{beat:?}"));
            let is_over = check.vigil.is_over(beat.as_deref(), check.max_step_time);
            (is_over && beat.is_some()).then(|| Stuck {
                test: check.test.clone(),
                progress: Arc::clone(&check.progress),
                time: check.max_step_time,
                fresh_process: check.fresh_process,
            })
        })
    });
    if let Some(stuck) = stuck {
        stuck.report();
        give_up();
    }
}

/// A check whose run does not go on.
struct Stuck {
    test: TestId,
    progress: Arc<Progress>,
    time: Duration,
    fresh_process: bool,
}

const CAUSES: &str = "usual causes
  a loop without an await, or one that spins until another task does something
  a std Mutex, or another lock that blocks, held across an await: the task that wants it blocks the thread, so the
  task that has it never runs again; use an async lock, or drop the guard before the await
  a call that blocks: a channel of std, a join of a thread, input";

impl Stuck {
    fn report(&self) {
        let time = count(self.time.as_secs() as usize, "second");
        let what = format!("a step has not come to an end in {time} (Builder::max_step_time)");
        if self.progress.has_found.load(Ordering::Relaxed) {
            let message = format!(
                "{what}\n  This happened while a failure was being shrunk or explained. That failure is in schedule.txt \
                 in target/dacapo, beside this report.\n\n{CAUSES}"
            );
            return tell(&self.test, &message, None);
        }
        let run = self.progress.run.load(Ordering::Relaxed);
        let seed = self.progress.seed.load(Ordering::Relaxed).checked_sub(1);
        say_now(&format!("dacapo: {}: {what}; looking where", self.test.name()));
        let seen = match self.fresh_process {
            true => Store::open(&self.test)
                .map_err(|error| error.to_string())
                .and_then(|store| witness::ask(&self.test, &store, run as usize, seed)),
            false => Err("Builder::fresh_process(false)".to_owned()),
        };
        match seen {
            Ok(seen) => {
                let spawned = seen
                    .spawned
                    .map_or_else(String::new, |at| format!(", which was spawned at {at}"));
                let died = match seen.ended {
                    Some(status) => format!("; made again, it ended the process ({status})"),
                    None => String::new(),
                };
                let task = seen.task;
                let message =
                    format!("{what}: it polls {task}{spawned} (run {run}{died})\n\n{CAUSES}");
                tell(&self.test, &message, Some(&seen.schedule));
            }
            Err(why) => {
                let seed = seed.map_or_else(String::new, |seed| format!(", seed {seed}"));
                let message =
                    format!("{what}, in run {run}{seed}. Where is not known: {why}\n\n{CAUSES}");
                tell(&self.test, &message, None);
            }
        }
    }
}
