//! Catches panics inside a run, with message and place, and keeps them off the terminal.
//!
//! A search may meet the same panic a thousand times; the report shows it once. The first run of a
//! process installs a panic hook for this. Outside of runs it does what the previous hook did.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::panic::{self, AssertUnwindSafe, PanicHookInfo};
use std::sync::Once;

/// The message of a panic, and its place.
#[derive(Clone, Debug)]
pub(crate) struct PanicNote {
    pub(crate) message: String,
    /// `file:line:column`. Unknown if another hook has replaced ours.
    pub(crate) location: Option<String>,
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
}

impl Catcher {
    pub(super) const fn new() -> Self {
        Self { depth: Cell::new(0), last: RefCell::new(None) }
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
            let last = self.last.take();
            return Noted::Fatal(last.map_or(message, |note| note.message));
        }
        let location = info.location().map(ToString::to_string);
        self.last.replace(Some(PanicNote { message, location }));
        Noted::Ours
    }
}

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

/// The last message before Rust aborts the process.
#[expect(clippy::print_stderr, reason = "no report will follow")]
fn last_words(message: &str) {
    let schedule = super::schedule_so_far();
    eprintln!(
        "\ndacapo: a destructor panicked while another panic was unwinding, for which Rust aborts the \
         process: {message}\n(a destructor must not panic when std::thread::panicking() is true)\n\
         To replay this run: DACAPO_REPLAY='{schedule}'\n"
    );
}
