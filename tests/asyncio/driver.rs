//! Runs a program from its start to its outcome.

use std::rc::Rc;
use std::time::Duration;

use dacapo::future::wait;
use dacapo::time::sleep;
use serde_json::{Value as Json, json};

use crate::machine::{Job, Machine, Unit, now};
use crate::program::{Program, Shutdown};

/// Longer than any program takes. If this is over, none of its timers is left, and it is deadlocked.
const FOREVER: Duration = Duration::from_secs(1_000_000_000);

/// The body of a run: the program's main is a task of its own beside it.
pub(crate) async fn outcome(program: &Rc<Program>) -> Json {
    let machine = Machine::new(program);
    let unit = Unit::main();
    let body = machine.call(&unit, "main", Vec::new());
    let main = machine.spawn(unit, body);

    let is_done = end_of(&[Rc::clone(&main)]).await;
    main.seen.set(true);
    let mut outcome = json!({
        "status": if is_done { "ok" } else { "deadlock" },
        "result": is_done.then(|| main.render_ending(program.cancel_msg)),
        "end_ms": if is_done { now() } else { machine.last_active() },
        "pending": pending(&machine),
    });
    if is_done && program.shutdown == Shutdown::Cancel && !pending(&machine).is_empty() {
        outcome["shutdown"] = shut_down(&machine).await;
    }
    outcome["unretrieved"] = machine.unretrieved();
    outcome["log"] = machine.close();
    for job in machine.jobs() {
        // That a program fails is no failure of the run, and what it has left does not matter any more.
        job.task().mark_retrieved();
        job.task().abort();
    }
    outcome
}

/// Waits until these have ended, and for what is ready then; `false` if they never end.
async fn end_of(jobs: &[Rc<Job>]) -> bool {
    let (_, left) = wait(jobs.iter().map(|job| job.task())).timeout(FOREVER).await;
    if left.is_empty() {
        // A timer fires only when nothing is ready, so this is the shortest way to let all run.
        sleep(Duration::from_nanos(1)).await;
    }
    left.is_empty()
}

/// As `asyncio.run` does when main is over.
async fn shut_down(machine: &Machine) -> Json {
    let left: Vec<_> = machine.jobs().into_iter().filter(|job| !job.task().is_finished()).collect();
    for job in &left {
        job.task().cancel();
    }
    let is_done = end_of(&left).await;
    if is_done {
        left.iter().for_each(|job| job.seen.set(true));
    }
    json!({
        "end_ms": if is_done { now() } else { machine.last_active() },
        "pending": pending(machine),
    })
}

/// The units of the tasks that have not ended, sorted.
fn pending(machine: &Machine) -> Vec<String> {
    let jobs = machine.jobs().into_iter();
    let pending = jobs.filter(|job| !job.unit.anonymous && !job.task().is_finished());
    let mut names: Vec<_> = pending.map(|job| job.unit.name.to_string()).collect();
    names.sort();
    names
}
