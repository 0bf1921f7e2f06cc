//! What a target does with a run.

use dacapo::scheduler::Replay;
use dacapo::{Builder, Schedule};

/// Makes one run. If it fails, panics with the whole report of dacapo: the fuzzer keeps the bytes, and the
/// report has the least schedule for them.
pub fn report(schedule: Schedule, input: &str, body: impl AsyncFn()) {
    let builder = Builder::new().max_steps(20_000).fresh_process(false);
    if !builder.replay(schedule.clone(), &body).is_ok() {
        eprintln!("the input: {input}");
        builder.check(Replay::new(schedule), body);
    }
}
