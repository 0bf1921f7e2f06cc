//! What is done about a process that has ended in the middle of a check, without a report.

use super::task::Task;
use crate::explore::confirm::answer::Silence;
use crate::explore::confirm::ask;
use crate::explore::confirm::process::has_failed_as_a_test;
use crate::explore::confirm::witness::{self, Seen};
use crate::explore::error::CheckError;
use crate::explore::outside::case::Case;
use crate::explore::outside::env::RunNumber;
use crate::explore::outside::journal::{Entry, Place, Remains};
use crate::explore::outside::store::{Store, shown};
use crate::explore::say::say_now;
use crate::failure::{Failure, Kind};
use crate::report::indent;

/// Looks whether a run ends the process, for each process that has ended in the middle of this check. Returns the
/// failure that such a process had found before, if it ended while shrinking or explaining it.
///
/// # Errors
///
/// If a run ends the process again, with the report.
pub(crate) fn examine(task: Task<'_>, remains: Vec<Remains>) -> Result<Option<Case>, CheckError> {
    let mut found = None;
    for remains in remains {
        match remains.entry.clone() {
            Entry::Idle => remains.remove(),
            Entry::Found => {
                found = read_schedule(task);
                remains.remove();
            }
            entry @ (Entry::Searching(_) | Entry::Replaying(_)) => {
                say_now(&format!(
                    "dacapo: {}: the last process ended in {}, without a report; looking whether a run ends it",
                    task.test.name(),
                    place_of(&entry)
                ));
                match look(task, &entry) {
                    Ok(Some((seen, entry))) => {
                        // Until it is mended, each process reports it, instead of being ended by it.
                        remains.keep(&entry);
                        return Err(report(task, &seen));
                    }
                    Ok(None) => tell(
                        task,
                        "no run ends the process now; perhaps something else did, such as Ctrl+C or a time limit",
                    ),
                    Err(why) => tell(task, &format!("not known which run that was: {why}")),
                }
                remains.remove();
            }
        }
    }
    Ok(found)
}

fn tell(task: Task<'_>, text: &str) {
    say_now(&format!("dacapo: {}: {text}", task.test.name()));
}

fn place_of(entry: &Entry) -> String {
    match entry {
        Entry::Searching(Place { seed: Some(seed), .. }) => {
            format!("the run of seed {seed} or soon after it (DACAPO_SEEDS={seed}..)")
        }
        Entry::Searching(Place { run: 1, .. }) => "the first second of this search".to_owned(),
        Entry::Searching(Place { run, .. }) => format!("run {run} of this search or soon after it"),
        Entry::Replaying(case) => format!("the replay of `{case}`"),
        Entry::Idle | Entry::Found => "this check".to_owned(),
    }
}

fn read_schedule(task: Task<'_>) -> Option<Case> {
    let path = Store::open(task.test).ok()?.path("schedule.txt");
    std::fs::read_to_string(path).ok()?.parse().ok()
}

/// How a run has ended the process.
struct Ended {
    case: Case,
    status: String,
    /// The task that was polled last, and where it was spawned.
    task: Option<(String, Option<String>)>,
}

/// Looks for the run that ends the process, in another process.
fn look(task: Task<'_>, entry: &Entry) -> Result<Option<(Ended, Entry)>, String> {
    let Task { settings, test, .. } = task;
    if !settings.fresh_process {
        return Err("Builder::fresh_process(false)".to_owned());
    }
    let store = Store::open(test).map_err(|error| error.to_string())?;
    match entry {
        Entry::Searching(place) => {
            let Some(run) = witness::find(test, &store, place)? else { return Ok(None) };
            let Seen { case, task, spawned, ended } =
                witness::ask(test, &store, run, place.seeds.as_ref())?;
            let Some(status) = ended else { return Ok(None) };
            let ended = Ended { case, status: status.to_string(), task: Some((task, spawned)) };
            let place = match run {
                RunNumber::Nth(run) => Place { run, seed: None, ..place.clone() },
                RunNumber::Seed(seed) => Place { seed: Some(seed), ..place.clone() },
            };
            Ok(Some((ended, Entry::Searching(place))))
        }
        Entry::Replaying(case) => match ask::in_fresh_process(test, &store, case) {
            Err(Silence::Ended(status)) if !has_failed_as_a_test(status) => {
                let ended = Ended { case: case.clone(), status: status.to_string(), task: None };
                Ok(Some((ended, entry.clone())))
            }
            Err(Silence::Other(why)) => Err(why),
            Ok(_) | Err(Silence::NotReached | Silence::Ended(_)) => Ok(None),
        },
        Entry::Idle | Entry::Found => Ok(None),
    }
}

fn report(task: Task<'_>, ended: &Ended) -> CheckError {
    let test = task.test;
    let Ended { case, status, .. } = ended;
    let failure =
        Failure::new(Kind::ProcessEnded { status: status.clone(), last: ended.task.clone() });
    let mut report = format!(
        "dacapo: {} fails\n\n{}\nfound by     the last process, which ended in this run without a report\n\
         confirmed    this run has ended another process, too\n\
         replay now   DACAPO_REPLAY='{case}' {}\n",
        test.name(),
        indent(&failure.to_string(), "  "),
        test.command()
    );
    let written = Store::open(test).and_then(|store| {
        let path = store.write("schedule.txt", &format!("{case}\n"))?;
        store.write("report.txt", &report)?;
        Ok(path)
    });
    report += &match written {
        Ok(path) => format!("schedule     {}\n", shown(&path)),
        Err(error) => format!("not written  {error}\n"),
    };
    CheckError::new(failure, case.schedule.clone(), report)
}
