//! What the code under test says of itself.

use std::fmt::{self, Write as _};

use super::Runtime;
use super::core::Shows;
use crate::trace::VALUE;

impl Runtime {
    /// Records a note. The text of its value is made only if somebody will see it.
    pub(crate) fn note(&self, label: &'static str, value: Option<&dyn fmt::Debug>) {
        let shows = self.core().shows;
        if shows == Shows::Busy {
            return;
        }
        let text = value.map(|value| (shows == Shows::Values).then(|| self.text_of(value)));
        self.core().note(label, text);
    }

    /// The same for who may be called from anywhere: in a scheduler, there is nothing to be noted.
    #[cfg(feature = "tracing")]
    pub(crate) fn note_if_free(&self, label: &'static str, value: &dyn fmt::Debug) {
        if self.is_free() {
            self.note(label, Some(value));
        }
    }

    /// The text of a value, if this run is shown.
    #[cfg(feature = "tracing")]
    pub(crate) fn shown_text(&self, value: &dyn fmt::Debug) -> Option<Box<str>> {
        let shown = self.is_free() && self.core().shows == Shows::Values;
        shown.then(|| self.text_of(value))
    }

    /// Whether the run can be asked: a scheduler is called while its core is borrowed.
    #[cfg(feature = "tracing")]
    fn is_free(&self) -> bool {
        self.core.try_borrow_mut().is_ok()
    }

    /// Where the run is, unless a scheduler asks.
    #[cfg(feature = "tracing")]
    pub(crate) fn here(&self) -> Option<Here> {
        let core = self.core.try_borrow_mut().ok()?;
        let task = core.current.map_or(crate::trace::TaskId::MAIN, |key| key.id());
        let task = core.trace.names().get(task).to_string();
        Some(Here {
            run: self.id.get().number(),
            time: core.now,
            task,
            shown: core.shows != Shows::Nothing,
        })
    }

    /// The beginning of the `Debug` text of a value, a little more than is shown.
    fn text_of(&self, value: &dyn fmt::Debug) -> Box<str> {
        self.core().shows = Shows::Busy;
        let mut beginning = Beginning { text: String::new(), left: VALUE + 1 };
        // It ends with an error when there is enough.
        let made = self.catch(|| write!(beginning, "{value:?}"));
        self.core().shows = Shows::Values;
        match made {
            Ok(_) => beginning.text.into(),
            Err(_) => "(its Debug panics)".into(),
        }
    }
}

/// A place in a run: which, when, and in whose turn.
#[cfg(feature = "tracing")]
#[derive(Clone, Debug)]
pub struct Here {
    run: u64,
    time: crate::instant::Instant,
    task: String,
    shown: bool,
}

#[cfg(feature = "tracing")]
impl Here {
    /// Which of the runs that this thread has made it is, counted from 1.
    pub fn run(&self) -> u64 {
        self.run
    }

    /// The virtual time.
    pub fn time(&self) -> crate::instant::Instant {
        self.time
    }

    /// The name of the task.
    pub fn task(&self) -> &str {
        &self.task
    }

    /// Whether the run may be seen: `false` in those of a search, of which only the report is.
    pub fn is_shown(&self) -> bool {
        self.shown
    }
}

/// Takes so many characters, and no more.
struct Beginning {
    text: String,
    left: usize,
}

impl fmt::Write for Beginning {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let end = text.char_indices().nth(self.left).map_or(text.len(), |(end, _)| end);
        self.text.push_str(&text[..end]);
        self.left -= text[..end].chars().count();
        if self.left == 0 { Err(fmt::Error) } else { Ok(()) }
    }
}
