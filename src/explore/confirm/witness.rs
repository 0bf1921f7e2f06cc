//! A run that may never end, or may end its process: made again in a process of its own, which writes down how
//! far it gets.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use super::process::{ExitStatus, Process, own_number, pause_long};
use crate::explore::outside::env::Witness;
use crate::explore::outside::store::Store;
use crate::explore::outside::test_id::TestId;
use crate::explore::subject::Subject;
use crate::schedule::{Answer, Schedule};
use crate::scheduler::{Choice, Plan, Progress, RunEnd, Scheduler};
use crate::session::show_place;

/// How far a run got.
pub(crate) struct Seen {
    pub(crate) schedule: Schedule,
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

/// Has run number `run` of the search of a test made by another process. `seed` makes it the first one.
///
/// # Errors
///
/// If that cannot be done, or if the run ends there, with the reason.
pub(crate) fn ask(
    test: &TestId,
    store: &Store,
    run: usize,
    seed: Option<u64>,
) -> Result<Seen, String> {
    let file = store.path(&format!("witness-{}.txt", own_number()));
    let _ = fs::remove_file(&file);
    let run = if seed.is_some() { 1 } else { run };
    let witness = format!("{run}:{}", file.display());
    let seeds = seed.map(|seed| format!("{seed}..{}", seed + 1));
    let mut variables = vec![("DACAPO_WITNESS", witness.as_ref())];
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
            (size, still) = (now, Duration::ZERO);
        } else if size > 0 && still >= PATIENCE {
            break None;
        } else if waited >= LONGEST {
            return Err(format!("another process did not get there in {} s", LONGEST.as_secs()));
        }
        let pause = pause_long();
        (still, waited) = (still + pause, waited + pause);
    };
    drop(process);
    let text = fs::read_to_string(&file).unwrap_or_default();
    let _ = fs::remove_file(&file);
    read(&text, ended)
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
    let schedule = format!("d1:{}{first}", answers.join("."));
    let schedule = schedule.parse().map_err(|_| "what it wrote is not complete".to_owned())?;
    Ok(Seen { schedule, task, spawned, ended })
}

const END: &str = "end";

/// The other side: makes run number `witness.run`, and writes down each answer and each step before it is
/// taken.
pub(crate) fn work(
    witness: &Witness,
    subject: &mut Subject<'_>,
    mut scheduler: Box<dyn Scheduler>,
    mut first: Option<Plan>,
) -> bool {
    let mut runs = 0;
    while let Some(plan) = first.take().or_else(|| scheduler.next_run()) {
        runs += 1;
        if runs < witness.run {
            (_, scheduler) = subject.run_only(scheduler, &plan);
            continue;
        }
        return write_down(&witness.file, subject, scheduler, &plan).is_ok();
    }
    false
}

fn write_down(
    path: &Path,
    subject: &mut Subject<'_>,
    scheduler: Box<dyn Scheduler>,
    plan: &Plan,
) -> io::Result<()> {
    let file = File::create(path)?;
    let faults = plan.faults().filter(|faults| !faults.is_none());
    let faults = faults.map_or_else(String::new, |faults| format!("+{faults}"));
    writeln!(&file, "{faults}@{}", plan.value_seed())?;
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
