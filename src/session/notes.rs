//! What the code under test notes about itself.

use std::fmt;

use super::Session;
use crate::trace::{Record, VALUE};

/// What becomes of the values that the code under test notes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Shows {
    /// The run is not shown, so no text is made.
    #[default]
    Nothing,
    Values,
    /// A value is being formatted. That calls code of the user which other runs do not call, so it must
    /// leave no trace.
    Formatting,
}

/// The text of a noted value: `None` if the run is not shown.
pub(crate) type Text = Option<Box<str>>;

impl Session {
    /// Records a note of the current task, with its value if it has one.
    pub(crate) fn note(&mut self, label: &'static str, value: Option<Text>) {
        self.notes = self.notes.wrapping_add(1);
        let task = self.current_id();
        let label = self.trace.intern(label);
        let value = value.map(|text| self.trace.push_value(text));
        self.record(Record::note(task, label, value));
    }
}

/// The beginning of a text, a little more than is ever shown.
pub(crate) struct Beginning {
    text: String,
    left: usize,
}

impl Beginning {
    pub(crate) fn new() -> Self {
        Self { text: String::new(), left: VALUE + 1 }
    }

    pub(crate) fn into_text(self) -> Box<str> {
        self.text.into()
    }
}

/// Ends with an error once there is enough.
impl fmt::Write for Beginning {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let end = text.char_indices().nth(self.left).map_or(text.len(), |(end, _)| end);
        self.text.push_str(&text[..end]);
        self.left -= text[..end].chars().count();
        if self.left == 0 { Err(fmt::Error) } else { Ok(()) }
    }
}
