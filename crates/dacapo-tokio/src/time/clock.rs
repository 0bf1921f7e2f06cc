use std::time::Duration;

use crate::driver;

/// Pauses time. In a run, where time is virtual anyway, this only matters for [`resume`].
///
/// # Panics
///
/// If time is paused. Outside of a run, as [`tokio::time::pause`].
#[track_caller]
pub fn pause() {
    if !driver::in_tokio_run("pause") {
        return tokio::time::pause();
    }
    assert!(!driver::is_frozen(), "time is already frozen");
    driver::set_frozen(true);
}

/// Resumes time. In a run it remains virtual.
///
/// # Panics
///
/// If time is not paused. Outside of a run, as [`tokio::time::resume`].
#[track_caller]
pub fn resume() {
    if !driver::in_tokio_run("resume") {
        return tokio::time::resume();
    }
    assert!(driver::is_frozen(), "time is not frozen");
    driver::set_frozen(false);
}

/// Moves the clock forward, and yields. Timers that are due fire after that.
///
/// # Panics
///
/// Outside of a run, as [`tokio::time::advance`].
pub async fn advance(duration: Duration) {
    if !driver::in_tokio_run("advance") {
        return tokio::time::advance(duration).await;
    }
    driver::move_clock(duration);
    dacapo::task::yield_now().await;
}
