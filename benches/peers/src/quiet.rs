//! Panics that are looked for, kept from the terminal.

use std::cell::{Cell, RefCell};
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::panic::{AssertUnwindSafe, PanicHookInfo};

thread_local! {
    static LOOKED_FOR: Cell<bool> = const { Cell::new(false) };
    /// The message of the first one, and the file where it was.
    static FIRST: RefCell<Option<Panic>> = const { RefCell::new(None) };
}

/// What is known of a panic.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Panic {
    pub message: String,
    pub file: String,
}

/// Runs `body`; `Err` if it panics.
pub fn caught<T>(body: impl FnOnce() -> T) -> Result<T, Panic> {
    LOOKED_FOR.set(true);
    FIRST.take();
    let output = std::panic::catch_unwind(AssertUnwindSafe(body));
    LOOKED_FOR.set(false);
    output.map_err(|_| FIRST.take().expect("the hook has seen the panic: `silence` installs it"))
}

/// Silences the panics of [`caught`], and everything that the simulators themselves write to the standard
/// error. What this returns still writes there.
///
/// Call it when a run of shuttle has been: its first run installs a hook around the one there is.
pub fn silence() -> io::Result<File> {
    let terminal = File::from(io::stderr().as_fd().try_clone_to_owned()?);
    let others = terminal.try_clone()?;
    rustix::stdio::dup2_stderr(File::create("/dev/null")?)?;
    std::panic::set_hook(Box::new(move |panic| {
        if LOOKED_FOR.get() {
            FIRST.with_borrow_mut(|first| {
                first.get_or_insert_with(|| describe(panic));
            });
        } else {
            // If this fails, there is nowhere to report it.
            let _ = writeln!(&others, "{panic}");
        }
    }));
    Ok(terminal)
}

fn describe(panic: &PanicHookInfo<'_>) -> Panic {
    let message = panic.payload_as_str().unwrap_or("(no text)").to_owned();
    let file = panic.location().map_or_else(String::new, |place| place.file().to_owned());
    Panic { message, file }
}
