//! A printer that jobs take and return by hand, and a sweep that cancels each job at each await.
//!
//! `cargo run --example leaked_permit`

#![allow(clippy::print_stdout, reason = "an example prints")]

use std::rc::Rc;
use std::time::Duration;

use dacapo::scheduler::CancelSweep;
use dacapo::sync::Semaphore;
use dacapo::task::spawn_named;
use dacapo::time::{sleep, timeout};

const PAGE: Duration = Duration::from_secs(1);

/// Returns the printer when the job is done. If the job is cancelled while it prints, it never does.
async fn by_hand(printer: Rc<Semaphore>) {
    printer.acquire().await.unwrap().forget();
    sleep(PAGE).await;
    printer.add_permits(1);
}

/// Returns the printer however the job ends.
async fn by_guard(printer: Rc<Semaphore>) {
    let _permit = printer.acquire().await.unwrap();
    sleep(PAGE).await;
}

/// Two jobs and one printer. It is not an error if a job is cancelled, or gives up after a minute.
async fn office<J: Future<Output = ()> + 'static>(job: impl Fn(Rc<Semaphore>) -> J) {
    let printer = Rc::new(Semaphore::new(1));
    let jobs = ["letter", "poster"].map(|name| {
        let patience = Duration::from_secs(60);
        spawn_named(name, timeout(patience, job(Rc::clone(&printer))))
    });
    for job in jobs {
        let _printed_or_cancelled = job.await;
    }
}

fn main() {
    print!("{}", story());
}

pub(crate) fn story() -> String {
    let builder = dacapo::Builder::new().fresh_process(false);
    let sweep = CancelSweep::new();
    let swept = sweep.swept();
    let broken = builder.try_check(CancelSweep::new(), async || office(by_hand).await);
    let right = builder.try_check(sweep, async || office(by_guard).await);
    match (broken, right) {
        (Err(report), Ok(())) => format!("{report}\nwith a guard it passes:\n{swept}"),
        (broken, right) => unreachable!("one is wrong and one is right: {broken:?}, {right:?}"),
    }
}
