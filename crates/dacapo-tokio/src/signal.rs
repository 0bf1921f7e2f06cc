//! tokio's signals. In a run, the test sends them.

use std::io;

#[doc(no_inline)]
pub use tokio::signal::*;

use crate::driver;

/// Waits for ctrl-c. In a run, that is the next call of [`raise_ctrl_c`].
///
/// # Errors
///
/// Outside of a run, as [`tokio::signal::ctrl_c`].
///
/// # Cancel safety
///
/// Nothing is lost if it is dropped. A signal before its first poll is not seen.
pub async fn ctrl_c() -> io::Result<()> {
    if !driver::in_tokio_run("ctrl_c") {
        return tokio::signal::ctrl_c().await;
    }
    let signals = driver::signals();
    signals.notified().await;
    Ok(())
}

/// Sends ctrl-c to the code under test: whatever waits in [`ctrl_c`] goes on.
///
/// # Panics
///
/// Outside of a run within tokio.
#[track_caller]
pub fn raise_ctrl_c() {
    assert!(
        driver::in_tokio_run("raise_ctrl_c"),
        "dacapo: `raise_ctrl_c` needs a run; send the process a signal instead"
    );
    driver::signals().notify_waiters();
}
