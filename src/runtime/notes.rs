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
