//! What is said and kept when a process ends in the middle of a search, or when a run never ends.

use std::cell::Cell;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, Once, PoisonError};
use std::thread::{self, ThreadId};
use std::time::Duration;

use super::clock::{Vigil, is_unoptimised};
use super::confirm::process::{each_second, give_up};
use super::confirm::witness;
use super::outside::case::Case;
use super::outside::env::{Env, Errand, RunNumber};
use super::outside::journal::{self, Entry, Journal, Place, Remains};
use super::outside::store::Store;
use super::outside::test_id::TestId;
use super::say::{say, say_now};
use super::settings::Settings;
use crate::executor::{self, Heartbeat};
use crate::report::count;
use crate::schedule::Schedule;
use crate::scheduler::Plan;

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
    /// Whether it draws inputs, so that a seed alone says nothing about a run.
    draws: bool,
    /// The seeds that the environment has set.
    seeds: Option<Range<u64>>,
    journal: Mutex<Option<Logbook>>,
}

/// What is written about a check while it goes on.
struct Logbook {
    journal: Journal,
    entry: Entry,
}

impl Logbook {
    fn write(&mut self, entry: Entry) {
        if self.entry != entry {
            self.journal.write(&entry);
            self.entry = entry;
        }
    }
}

impl Progress {
    fn run(&self) -> RunNumber {
        let run = self.run.load(Ordering::Relaxed);
        let seed = self.seed.load(Ordering::Relaxed).checked_sub(1);
        match seed.filter(|_| !self.draws) {
            Some(seed) => RunNumber::Seed(seed),
            None => RunNumber::Nth(run as usize),
        }
    }

    fn with_logbook(&self, f: impl FnOnce(&mut Option<Logbook>)) {
        f(&mut self.journal.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn write(&self, entry: Entry) {
        self.with_logbook(|logbook| {
            if let Some(logbook) = logbook {
                logbook.write(entry);
            }
        });
    }

    /// Writes down how far the search has come since the last time.
    fn write_down(&self) {
        let (now, nth) = (self.run.load(Ordering::Relaxed), self.run());
        self.with_logbook(|logbook| {
            let Some(logbook) = logbook else { return };
            if let Entry::Searching(mut place) = logbook.entry.clone() {
                let passed = now.saturating_sub(place.run as u64);
                place.left = place.left.map(|left| left.saturating_sub(passed));
                place.run = now as usize;
                place.seed = match nth {
                    RunNumber::Seed(seed) => Some(seed),
                    RunNumber::Nth(_) => None,
                };
                logbook.write(Entry::Searching(place));
            }
        });
    }

    /// What there is to say of this check has been said.
    fn close(&self) {
        self.with_logbook(|logbook| {
            if let Some(logbook) = logbook.take() {
                logbook.journal.remove();
            }
        });
    }
}

/// Keeps a check registered until this is dropped.
pub(crate) struct Known {
    thread: ThreadId,
    progress: Arc<Progress>,
    has_begun: Cell<bool>,
    test: TestId,
    /// The directory of the test, if files are written there.
    store: Option<Store>,
}

/// From now on, a process that ends in the middle of a run leaves how to replay it, and a run that never ends is
/// reported. Returns also what processes have left that ended in the middle of this check.
pub(crate) fn note(
    settings: &Settings,
    test: &TestId,
    env: &Env,
    draws: bool,
) -> (Known, Vec<Remains>) {
    static WATCHDOG: Once = Once::new();
    executor::set_last_words(last_words);
    if !env.is_started() {
        WATCHDOG.call_once(|| each_second(look));
    }
    // With another errand, the user has the schedule, or another process keeps the journal.
    let is_wanted = env.errand == Errand::Search && !test.is_one_of_many();
    let store = is_wanted.then(|| Store::open(test).ok()).flatten();
    let remains = store.as_ref().map_or_else(Vec::new, journal::clean);
    let journal = store.as_ref().and_then(|store| Journal::new(store).ok());
    let logbook = journal.map(|journal| Logbook { journal, entry: Entry::Idle });
    let (seeds, journal) = (env.seeds.clone(), Mutex::new(logbook));
    let progress = Progress { draws, seeds, journal, ..Progress::default() };
    let (thread, progress) = (thread::current().id(), Arc::new(progress));
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
    (Known { thread, progress, has_begun: Cell::new(false), test: test.clone(), store }, remains)
}

impl Known {
    /// A run of the search begins.
    #[inline]
    pub(crate) fn begin(&self, run: usize, plan: &Plan) {
        self.progress.run.store(run as u64, Ordering::Relaxed);
        let seed = plan.seed();
        self.progress.seed.store(seed.map_or(0, |seed| seed.wrapping_add(1)), Ordering::Relaxed);
        if !self.has_begun.get() {
            self.begin_search(run, plan);
        }
    }

    #[cold]
    fn begin_search(&self, run: usize, plan: &Plan) {
        self.has_begun.set(true);
        let seed = plan.seed().filter(|_| !self.progress.draws);
        let (left, seeds) = (plan.runs_left(), self.progress.seeds.clone());
        self.progress.write(Entry::Searching(Place { run, seed, left, seeds }));
    }

    /// A kept schedule is replayed.
    pub(crate) fn replays(&self, case: &Case) {
        self.progress.write(Entry::Replaying(case.clone()));
    }

    /// The search has ended, and no run has failed. `how` follows "passes in".
    pub(crate) fn passed(&self, how: &str, time: Duration) {
        // One of many small checks says nothing; and an ordinary program has an output of its own.
        let Some(store) = &self.store else { return };
        let line = format!("dacapo: {} passes in {how}", self.test.name());
        if time >= Duration::from_secs(1) {
            advise(time);
        }
        if self.test.is_of_harness() {
            say(&line);
        }
        // It is a help for people, and no failure if it is missing.
        let _ = store.write("search.txt", &format!("{line}\n"));
    }

    /// The search has ended with a failure.
    pub(crate) fn has_found(&self) {
        self.progress.has_found.store(true, Ordering::Relaxed);
    }

    /// The schedule of the failure is on disk.
    pub(crate) fn has_saved(&self) {
        self.progress.write(Entry::Found);
    }
}

/// Says once in a process how searches become faster, if that is so.
fn advise(time: Duration) {
    static SAID: Once = Once::new();
    SAID.call_once(|| {
        if is_unoptimised() {
            say_now(&format!(
                "dacapo: a search took {:.1} s, and dacapo was built without optimisation. With these lines in \
                 Cargo.toml, dacapo's own part of a run is about 7 times as fast, and a build from scratch takes about \
                 10 s more:\n\n  [profile.dev.package]\n  dacapo = {{ opt-level = 1, debug = false }}\n",
                time.as_secs_f64()
            ));
        }
    });
}

impl Drop for Known {
    fn drop(&mut self) {
        checks(|checks| {
            let place = checks.iter().rposition(|check| check.thread == self.thread);
            place.map(|place| checks.remove(place));
        });
        self.progress.close();
    }
}

fn checks<R>(f: impl FnOnce(&mut Vec<Check>) -> R) -> R {
    f(&mut CHECKS.lock().unwrap_or_else(PoisonError::into_inner))
}

fn last_words(message: &str, schedule: &Schedule) {
    let thread = thread::current().id();
    let known = checks(|checks| {
        let check = checks.iter().rev().find(|check| check.thread == thread);
        check.map(|check| (check.test.clone(), Arc::clone(&check.progress)))
    });
    match known {
        // The input is not known here. The next process finds it by the number of the run.
        Some((test, progress)) if progress.draws => {
            progress.write_down();
            let message = format!(
                "{message}\nRun the test again, and it reports the input and the schedule."
            );
            tell(&test, &message, None);
        }
        Some((test, progress)) => {
            tell(&test, message, Some(&schedule.clone().into()));
            progress.close();
        }
        None => say_now(&format!(
            "\ndacapo: {message}\nTo replay this run: DACAPO_REPLAY='{schedule}'\n"
        )),
    }
}

/// Prints a report, and writes it to the files of a test.
fn tell(test: &TestId, message: &str, case: Option<&Case>) {
    let mut text = format!("dacapo: {} fails\n\n  {message}\n", test.name());
    if let Some(case) = case {
        let command = test.command();
        text += &format!("\nreplay now   DACAPO_REPLAY='{case}' {command}\n");
    }
    say_now(&format!("\n{text}"));
    if let Ok(store) = Store::open(test) {
        // Nothing is left that could report an error.
        if let Some(case) = case {
            let _ = store.write("schedule.txt", &format!("{case}\n"));
        }
        let _ = store.write("report.txt", &text);
    }
}

/// Looks whether all checks go on. If one does not, reports it and ends the process.
fn look() {
    let stuck = checks(|checks| {
        checks.iter_mut().find_map(|check| {
            check.progress.write_down();
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
        stuck.progress.close();
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
        let nth = self.progress.run();
        say_now(&format!("dacapo: {}: {what}; looking where", self.test.name()));
        let seen = match self.fresh_process {
            true => Store::open(&self.test).map_err(|error| error.to_string()).and_then(|store| {
                witness::ask(&self.test, &store, nth, self.progress.seeds.as_ref())
            }),
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
                tell(&self.test, &message, Some(&seen.case));
            }
            Err(why) => {
                let seed = match nth {
                    RunNumber::Seed(seed) => format!(", seed {seed}"),
                    RunNumber::Nth(_) => String::new(),
                };
                let message =
                    format!("{what}, in run {run}{seed}. Where is not known: {why}\n\n{CAUSES}");
                tell(&self.test, &message, None);
            }
        }
    }
}
