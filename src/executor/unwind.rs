//! Catches panics inside a run, with message and place, and keeps them off the terminal.
//!
//! A search may meet the same panic a thousand times; the report shows it once. The first run of a
//! process installs a panic hook for this. Outside of runs it does what the previous hook did.

use std::any::Any;
use std::backtrace::Backtrace;
use std::cell::{Cell, RefCell};
use std::fmt;
use std::io::Write as _;
use std::panic::{self, AssertUnwindSafe, PanicHookInfo};
use std::sync::{Once, OnceLock};

use crate::failure::MESSAGE;
use crate::schedule::Schedule;
use crate::trace::printable_lines;

/// The message of a panic, and its place.
#[derive(Clone, Debug)]
pub(crate) struct PanicNote {
    pub(crate) message: String,
    /// `file:line:column`. Unknown if another hook has replaced ours.
    pub(crate) location: Option<String>,
}

impl fmt::Display for PanicNote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let message = printable_lines(&self.message, MESSAGE);
        match &self.location {
            Some(location) => write!(f, "\"{message}\" at {location}"),
            None => write!(f, "\"{message}\""),
        }
    }
}

/// A caught panic.
pub(crate) struct Caught {
    pub(crate) payload: Box<dyn Any + Send>,
    pub(crate) note: PanicNote,
}

/// What the hook needs of the thread's state.
pub(super) struct Catcher {
    /// How many `catch` calls are on the stack.
    depth: Cell<u32>,
    last: RefCell<Option<PanicNote>>,
    /// The panic before the last one, which may still be unwinding.
    earlier: RefCell<Option<PanicNote>>,
    /// The first panics of a run that is shown, if backtraces are wanted.
    backtraces: RefCell<Option<Vec<(PanicNote, Backtrace)>>>,
}

impl Catcher {
    pub(super) const fn new() -> Self {
        Self {
            depth: Cell::new(0),
            last: RefCell::new(None),
            earlier: RefCell::new(None),
            backtraces: RefCell::new(None),
        }
    }

    /// Collects the backtraces of panics from now on, or no more. Returns those that were collected.
    pub(super) fn collect_backtraces(&self, on: bool) -> Vec<(PanicNote, Backtrace)> {
        self.backtraces.replace(on.then(Vec::new)).unwrap_or_default()
    }

    /// Calls code of the user.
    #[inline(always)]
    pub(super) fn catch<R>(&self, f: impl FnOnce() -> R) -> Result<R, Box<Caught>> {
        // Within a destructor: the panic that is unwinding is needed afterwards.
        if self.depth.get() > 0 {
            return self.catch_within(f);
        }
        self.catch_first(f)
    }

    /// The same when no other `catch` is on the stack.
    #[inline(always)]
    pub(super) fn catch_first<R>(&self, f: impl FnOnce() -> R) -> Result<R, Box<Caught>> {
        self.depth.set(1);
        // Only the rest of the test sees what the code leaves half done, and the panic fails the test
        // anyway.
        let result = panic::catch_unwind(AssertUnwindSafe(f));
        self.depth.set(0);
        match result {
            Ok(result) => Ok(result),
            Err(payload) => Err(self.caught(payload)),
        }
    }

    #[inline(never)]
    fn catch_within<R>(&self, f: impl FnOnce() -> R) -> Result<R, Box<Caught>> {
        let depth = self.depth.get();
        let before = self.last.take();
        self.depth.set(depth + 1);
        let result = panic::catch_unwind(AssertUnwindSafe(f));
        self.depth.set(depth);
        let result = result.map_err(|payload| self.caught(payload));
        if before.is_some() {
            self.last.replace(before);
        }
        result
    }

    #[cold]
    fn caught(&self, payload: Box<dyn Any + Send>) -> Box<Caught> {
        let message = message_of(&*payload);
        // The last panic that the hook saw may be another one: code may catch its own panics, and
        // `resume_unwind` does not call the hook.
        let note = self.last.take().filter(|note| note.message == message);
        let note = note.unwrap_or(PanicNote { message, location: None });
        Box::new(Caught { payload, note })
    }

    /// Called by the hook.
    fn note(&self, info: &PanicHookInfo<'_>) -> Noted {
        if self.depth.get() == 0 {
            return Noted::NotOurs;
        }
        let message = message_of(info.payload());
        if ABORTS.iter().any(|words| message.starts_with(words)) {
            let [first, second] = [&self.earlier, &self.last].map(RefCell::take);
            return Noted::Fatal(match (first, second) {
                (Some(first), Some(second)) => format!("{second}, while unwinding from {first}"),
                (_, Some(last)) => last.to_string(),
                _ => message,
            });
        }
        let location = info.location().map(ToString::to_string);
        let note = PanicNote { message, location };
        if cfg!(panic = "abort") {
            return Noted::Fatal(format!(
                "{note} (and this program is built with panic = \"abort\")"
            ));
        }
        if let Ok(mut backtraces) = self.backtraces.try_borrow_mut()
            && let Some(backtraces) = backtraces.as_mut()
            && backtraces.len() < BACKTRACES
        {
            backtraces.push((note.clone(), Backtrace::force_capture()));
        }
        self.earlier.replace(self.last.replace(Some(note)));
        Noted::Ours
    }
}

/// The most backtraces that are collected in one run.
const BACKTRACES: usize = 8;

/// std announces with these words that it will abort.
const ABORTS: [&str; 2] =
    ["panic in a destructor during cleanup", "panic in a function that cannot unwind"];

enum Noted {
    NotOurs,
    Ours,
    /// A destructor panicked while another panic was unwinding, so the process will abort.
    Fatal(String),
}

pub(crate) fn message_of(payload: &dyn Any) -> String {
    let text = payload.downcast_ref::<&str>().copied();
    let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("(the panic's value is not a text)").to_owned()
}

pub(super) fn install_hook() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let previous = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            match super::EXECUTOR.try_with(|executor| executor.catcher.note(info)) {
                Ok(Noted::Ours) => {}
                Ok(Noted::Fatal(message)) => last_words(&message),
                Ok(Noted::NotOurs) | Err(_) => previous(info),
            }
        }));
    });
}

/// What is done with the last message of a process, and the schedule of the run that ends it.
pub(crate) type LastWords = fn(&str, &Schedule);

static LAST_WORDS: OnceLock<LastWords> = OnceLock::new();

/// Has the last message of this process handled by `f`, unless another function was set.
pub(crate) fn set_last_words(f: LastWords) {
    LAST_WORDS.get_or_init(|| f);
}

fn last_words(message: &str) {
    let message = format!(
        "a destructor panicked while another panic was unwinding, so Rust aborts the process: {message}\n\
         (a destructor must not panic when std::thread::panicking() is true)"
    );
    say(&message, &super::schedule_so_far());
}

/// The process ends by `std::process::exit` in the middle of a run.
pub(super) fn exits(schedule: &Schedule) -> ! {
    let message =
        "the code under test ended the process in the middle of a run (std::process::exit?)";
    say(message, schedule);
    // An exit code of 0 would look as if the test had passed.
    std::process::abort()
}

fn say(message: &str, schedule: &Schedule) {
    match LAST_WORDS.get() {
        Some(f) => f(message, schedule),
        // Not by eprintln!, which the test harness captures until a test is over.
        None => drop(writeln!(
            std::io::stderr(),
            "\ndacapo: {message}\nTo replay this run: DACAPO_REPLAY='{schedule}'\n"
        )),
    }
}
