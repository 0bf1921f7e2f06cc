//! Makes the text of noted values, which is code of the user.

use std::fmt::{self, Write as _};

use super::Executor;
use crate::session::{Beginning, Shows};

impl Executor {
    /// Records a note. The text of its value is made only if the run is shown.
    pub(crate) fn note(&self, label: &'static str, value: Option<&dyn fmt::Debug>) {
        let shows = self.session().shows;
        if shows == Shows::Formatting {
            return;
        }
        let text = value.map(|value| (shows == Shows::Values).then(|| self.text_of(value)));
        self.session().note(label, text);
    }

    /// Records a note unless it comes from a scheduler, which is called while the run is borrowed.
    #[cfg(feature = "tracing")]
    pub(crate) fn note_if_free(&self, label: &'static str, value: &dyn fmt::Debug) {
        if self.is_free() {
            self.note(label, Some(value));
        }
    }

    /// The text of a value, if this run is shown.
    #[cfg(feature = "tracing")]
    pub(crate) fn shown_text(&self, value: &dyn fmt::Debug) -> Option<Box<str>> {
        let shown = self.is_free() && self.session().shows == Shows::Values;
        shown.then(|| self.text_of(value))
    }

    /// Whether the run can be borrowed. While a scheduler is called, it cannot.
    #[cfg(feature = "tracing")]
    fn is_free(&self) -> bool {
        self.core.try_borrow_mut().is_ok()
    }

    /// Where the run is, unless a scheduler asks.
    #[cfg(feature = "tracing")]
    pub(crate) fn here(&self) -> Option<Here> {
        let core = self.core.try_borrow_mut().ok()?;
        let session = &core.session;
        Some(Here {
            run: self.id.get().number(),
            time: session.now,
            task: session.name(session.current_id()),
            shown: session.shows != Shows::Nothing,
        })
    }

    fn text_of(&self, value: &dyn fmt::Debug) -> Box<str> {
        self.session().shows = Shows::Formatting;
        let mut beginning = Beginning::new();
        let made = self.catch(|| write!(beginning, "{value:?}"));
        self.session().shows = Shows::Values;
        match made {
            Ok(_) => beginning.into_text(),
            Err(_) => "(its Debug panics)".into(),
        }
    }
}

/// A point in a run: which run, when, and in which task.
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
    /// The number of the run among those of this thread, counted from 1.
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

    /// Whether the run may be seen. `false` in the runs of a search, which only end up in a report.
    pub fn is_shown(&self) -> bool {
        self.shown
    }
}
