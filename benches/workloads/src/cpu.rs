//! Time that this process has spent on a processor, on all of its threads: on a machine that others use
//! too, it says more than the time on the wall.

use std::time::Duration;

use cpu_time::ProcessTime;

/// What `body` gives, and the processor time that it took.
pub fn timed<T>(body: impl FnOnce() -> T) -> (T, Duration) {
    let start = ProcessTime::now();
    let output = body();
    (output, start.elapsed())
}
