//! A run that may never end, or may end its process: made again in a process of its own, which writes down how
//! far it gets.

use std::fs::{self, File};
use std::io::{self, Write};
use std::ops::Range;
use std::path::Path;
use std::time::Duration;

use super::process::{ExitStatus, Process, pause_long};
use crate::explore::outside::case::{Case, Drawing};
use crate::explore::outside::env::{RunNumber, Witness};
use crate::explore::outside::journal::Place;
use crate::explore::outside::store::{Store, own_number};
use crate::explore::outside::test_id::TestId;
use crate::explore::subject::Subject;
use crate::schedule::Answer;
use crate::scheduler::{Choice, Plan, Progress, RunEnd, Scheduler};
use crate::session::show_place;

/// How far a run got.
pub(crate) struct Seen {
    pub(crate) case: Case,
    /// The task that was polled last, and where it was spawned.
    pub(crate) task: String,
    pub(crate) spawned: Option<String>,
    /// How the process ended; `None` if the run did not go on and the process was killed.
    pub(crate) ended: Option<ExitStatus>,
}

/// How long a run may not go on until it counts as stuck here too.
const PATIENCE: Duration = Duration::from_secs(3);
/// How long all runs before it may take.
const LONGEST: Duration = Duration::from_secs(60);
/// How long the runs may take that began soon after the last one that was written down, and all runs before it.
const LOOK: Duration = Duration::from_secs(3);
const LOOK_LONGEST: Duration = Duration::from_secs(15);

/// Has a run of the search of a test made by another process. `seeds` are those of the search, if they were set.
///
/// # Errors
///
/// If that cannot be done, or if the run ends there, with the reason.
pub(crate) fn ask(
    test: &TestId,
    store: &Store,
    run: RunNumber,
    seeds: Option<&Range<u64>>,
) -> Result<Seen, String> {
    let seeds = match run {
        RunNumber::Seed(seed) => Some(seed..seed.saturating_add(1)),
        RunNumber::Nth(_) => seeds.cloned(),
    };
    let (text, ended) =
        watch(test, store, run, (false, seeds), |size, still, waited| match size {
            0 if waited >= LONGEST => Watch::Late,
            0 => Watch::GoOn,
            _ if still >= PATIENCE => Watch::Enough,
            _ => Watch::GoOn,
        })?;
    read(&text, ended)
}

/// Has the runs of a search made by another process, from this place on, until one ends the process. Returns that run,
/// or `None` if all of them end.
///
/// # Errors
///
/// If that cannot be done, with the reason.
pub(crate) fn find(
    test: &TestId,
    store: &Store,
    place: &Place,
) -> Result<Option<RunNumber>, String> {
    let (run, seeds) = match place.seed {
        Some(seed) => {
            let end = seed.saturating_add(place.left.unwrap_or(u64::MAX)).saturating_add(1);
            (RunNumber::Seed(seed), Some(seed..end))
        }
        None => (RunNumber::Nth(place.run), place.seeds.clone()),
    };
    let (text, ended) = watch(test, store, run, (true, seeds), |size, _, waited| match size {
        0 if waited >= LOOK_LONGEST => Watch::Late,
        _ if size > 0 && waited >= LOOK => Watch::Enough,
        _ => Watch::GoOn,
    })?;
    let last = text.lines().last().unwrap_or_default();
    if ended.is_none() || last.trim() == END {
        return Ok(None);
    }
    let run = last.split_once(' ').and_then(|(kind, number)| match kind {
        "run" => number.trim().parse().ok().map(RunNumber::Nth),
        "seed" => number.trim().parse().ok().map(RunNumber::Seed),
        _ => None,
    });
    run.map(Some).ok_or_else(|| "another process did not get to this run".to_owned())
}

/// Whether to go on watching another process.
enum Watch {
    GoOn,
    Enough,
    /// It has not come to the run.
    Late,
}

/// Watches another process until it ends. `look` is told how long its file is, for how long that has not grown, and
/// how long it has been there (in all, while it has none).
fn watch(
    test: &TestId,
    store: &Store,
    run: RunNumber,
    (goes_on, seeds): (bool, Option<Range<u64>>),
    look: impl Fn(u64, Duration, Duration) -> Watch,
) -> Result<(String, Option<ExitStatus>), String> {
    let file = store.path(&format!("witness-{}.txt", own_number()));
    let _ = fs::remove_file(&file);
    let errand = Witness::variable(run, goes_on, &file);
    let seeds = seeds.map(|Range { start, end }| format!("{start}..{end}"));
    let mut variables = vec![("DACAPO_WITNESS", errand.as_os_str())];
    if let Some(seeds) = &seeds {
        variables.push(("DACAPO_SEEDS", seeds.as_ref()));
    }
    let mut process = Process::start(test, &variables)?;
    let (mut size, mut still, mut waited) = (0, Duration::ZERO, Duration::ZERO);
    let ended = loop {
        if let Some(status) = process.ended()? {
            break Some(status);
        }
        let now = fs::metadata(&file).map_or(0, |file| file.len());
        if now > size {
            if size == 0 {
                waited = Duration::ZERO;
            }
            (size, still) = (now, Duration::ZERO);
        }
        match look(size, still, waited) {
            Watch::GoOn => {}
            Watch::Enough => break None,
            Watch::Late => {
                return Err(format!("another process did not get there in {} s", waited.as_secs()));
            }
        }
        let pause = pause_long();
        (still, waited) = (still + pause, waited + pause);
    };
    drop(process);
    let text = fs::read_to_string(&file).unwrap_or_default();
    let _ = fs::remove_file(&file);
    Ok((text, ended))
}

/// Reads what a witness has written.
fn read(text: &str, ended: Option<ExitStatus>) -> Result<Seen, String> {
    let mut lines = text.lines();
    let first = lines.next().ok_or("another process did not get to this run")?;
    let (mut task, mut spawned, mut answers) = ("main".to_owned(), None, Vec::new());
    for line in lines {
        match line.split_once(' ') {
            Some(("answer", answer)) => answers.push(answer),
            Some(("step", step)) => {
                let (name, place) = step.split_once('\t').unwrap_or((step, ""));
                task = name.to_owned();
                spawned = (!place.is_empty()).then(|| place.to_owned());
            }
            _ if line == END => {
                return Err("it does not happen again in another process".to_owned());
            }
            _ => {}
        }
    }
    let (input, rest) = first.split_once(' ').unwrap_or(("", first));
    let case = format!("{input} d1:{}{rest}", answers.join("."));
    let case = case.parse().map_err(|_| "what it wrote is not complete".to_owned())?;
    Ok(Seen { case, task, spawned, ended })
}

const END: &str = "end";

/// The other side: makes a run, and writes down each answer and each step before it is taken; or makes all runs from
/// this one on, and writes down which one begins.
pub(crate) fn work(
    witness: &Witness,
    subject: &mut Subject<'_>,
    mut scheduler: Box<dyn Scheduler>,
    mut first: Option<Plan>,
    drawing: Option<&dyn Drawing>,
) -> bool {
    let mut runs = 0;
    let mut log = None;
    while let Some(plan) = first.take().or_else(|| scheduler.next_run()) {
        runs += 1;
        let is_it = match witness.run {
            RunNumber::Nth(nth) => runs == nth,
            // The runs of all seeds depend on one that comes first and has none.
            RunNumber::Seed(seed) => plan.seed() == Some(seed),
        };
        if is_it && !witness.goes_on {
            return write_down(&witness.file, subject, scheduler, &plan, drawing).is_ok();
        }
        if is_it {
            log = File::create(&witness.file).ok();
        }
        if let Some(log) = &mut log {
            let written = match (witness.run, plan.seed()) {
                (RunNumber::Seed(_), Some(seed)) => writeln!(log, "seed {seed}"),
                _ => writeln!(log, "run {runs}"),
            };
            if written.is_err() {
                return false;
            }
        }
        (_, scheduler) = subject.run_only(scheduler, &plan);
    }
    log.is_some_and(|mut log| writeln!(log, "{END}").is_ok())
}

fn write_down(
    path: &Path,
    subject: &mut Subject<'_>,
    scheduler: Box<dyn Scheduler>,
    plan: &Plan,
    drawing: Option<&dyn Drawing>,
) -> io::Result<()> {
    let file = File::create(path)?;
    let faults = subject.faults_of(plan);
    let faults = if faults.is_none() { String::new() } else { format!("+{faults}") };
    let input = drawing.map_or_else(String::new, |drawing| format!("{} ", drawing.input()));
    writeln!(&file, "{input}{faults}@{}", plan.value_seed())?;
    let steps = file.try_clone()?;
    subject.set_witness(Box::new(move |name, place| {
        let place = place.map(show_place).unwrap_or_default();
        let name: String = name.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        // Whether it can be written shows when it is read.
        let _ = writeln!(&steps, "step {name}\t{place}");
    }));
    let answers = file.try_clone()?;
    subject.run_only(Box::new(Writer { scheduler, answers }), plan);
    writeln!(&file, "{END}")
}

/// Writes down each answer of another scheduler.
struct Writer {
    scheduler: Box<dyn Scheduler>,
    answers: File,
}

impl Scheduler for Writer {
    fn name(&self) -> &str {
        self.scheduler.name()
    }

    fn next_run(&mut self) -> Option<Plan> {
        self.scheduler.next_run()
    }

    fn choose(&mut self, choice: &Choice<'_>) -> Answer {
        let answer = self.scheduler.choose(choice);
        let _ = writeln!(self.answers, "answer {answer}");
        answer
    }

    fn observe(&mut self, progress: &Progress<'_>) {
        self.scheduler.observe(progress);
    }

    fn end_run(&mut self) -> RunEnd {
        self.scheduler.end_run()
    }
}
