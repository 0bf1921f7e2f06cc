//! Panics inside a run: caught, with their message and place, and kept from the terminal.
//!
//! A search may meet the same panic a thousand times; it is shown once, in the report. For that a
//! panic hook is installed at the first run of the process. Outside of runs it does what the hook
//! before it did.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::panic::{self, AssertUnwindSafe, PanicHookInfo};
use std::sync::Once;

/// What a panic said, and where.
#[derive(Clone, Debug)]
pub(crate) struct PanicNote {
    pub(crate) message: String,
    /// `file:line:column`; unknown if somebody else's hook has replaced ours.
    pub(crate) location: Option<String>,
}

/// A caught panic.
pub(crate) struct Caught {
    pub(crate) payload: Box<dyn Any + Send>,
    pub(crate) note: PanicNote,
}

/// The part of the thread's state that the hook needs.
pub(super) struct Catcher {
    /// How many `catch` are on the stack.
    depth: Cell<u32>,
    last: RefCell<Option<PanicNote>>,
}

impl Catcher {
    pub(super) const fn new() -> Self {
        Self { depth: Cell::new(0), last: RefCell::new(None) }
    }

    /// Runs code of the user.
    #[inline(always)]
    pub(super) fn catch<R>(&self, f: impl FnOnce() -> R) -> Result<R, Box<Caught>> {
        // Within a destructor, that of a panic that goes on is wanted afterwards.
        if self.depth.get() > 0 {
            return self.catch_within(f);
        }
        self.catch_first(f)
    }

    /// The same where no other one is on the stack.
    #[inline(always)]
    pub(super) fn catch_first<R>(&self, f: impl FnOnce() -> R) -> Result<R, Box<Caught>> {
        self.depth.set(1);
        // What the code leaves behind half done is seen by the rest of the test only, which the
        // panic fails anyway.
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
        // The last panic need not be this one: code may catch its own, and `resume_unwind` does not
        // tell the hook.
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

/// With these words std announces that it is about to abort.
const ABORTS: [&str; 2] =
    ["panic in a destructor during cleanup", "panic in a function that cannot unwind"];

enum Noted {
    NotOurs,
    Ours,
    /// A destructor panicked while another panic was unwinding, and the process will abort.
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

/// All that can still be said before Rust aborts the process.
#[expect(clippy::print_stderr, reason = "no report will follow")]
fn last_words(message: &str) {
    let schedule = super::schedule_so_far();
    eprintln!(
        "\ndacapo: a destructor panicked while another panic was unwinding, for which Rust aborts the \
         process: {message}\n(a destructor must not panic when std::thread::panicking() is true)\n\
         To replay this run: DACAPO_REPLAY='{schedule}'\n"
    );
}
