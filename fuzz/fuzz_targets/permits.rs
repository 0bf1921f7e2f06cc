//! A workload of random size on a semaphore with a bug: both it and the schedule are read from the bytes.
#![no_main]

#[path = "fails.rs"]
mod fails;
#[path = "../../tests/support/semaphores.rs"]
mod semaphores;

use arbitrary::Arbitrary;
use dacapo::Schedule;
use libfuzzer_sys::fuzz_target;

#[derive(Arbitrary, Debug)]
struct Workload {
    permits: u8,
    tasks: u8,
    rounds: u8,
}

fuzz_target!(|input: (Workload, Schedule)| {
    let (Workload { permits, tasks, rounds }, schedule) = input;
    let [permits, tasks, rounds] = [permits % 4, tasks % 8, rounds % 4].map(|n| usize::from(n) + 1);
    fails::report(
        schedule,
        &format!("{permits} permits, {tasks} tasks, {rounds} rounds"),
        async || {
            assert!(semaphores::at_once(permits, tasks, rounds).await <= permits);
        },
    );
});
