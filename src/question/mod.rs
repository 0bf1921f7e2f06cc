//! What can be asked in a run: one row for each question, from which everything else about it is made.

mod table;

pub(crate) use table::questions;

/// What there is to say about a question.
///
/// In its texts, these placeholders stand for what the trace of the run knows. `{instead}` is only for
/// `otherwise`.
///
/// | placeholder | stands for |
/// |---|---|
/// | `{task}` `{host}` `{link}` `{label}` | the subject; for `{task}` without one, the current task |
/// | `{other}` | the task that was passed over |
/// | `{more}` | how many more tasks were passed over |
/// | `{answer}` `{instead}` | the answer, and the one that passes |
/// | `{thing}` | a lock, or a permit |
/// | `{deadline}` `{jump}` | the next deadline, and where the clock jumps |
/// | `{number}` | a number, such as that of a message |
/// | `{nth}` | the number of an await |
/// | `{when}` `{moment}` `{waits}` | whether the task waited or was woken, and what it waited for |
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row {
    /// What it is called in a serialized trace.
    #[cfg_attr(
        not(feature = "serde"),
        allow(dead_code, reason = "only serialized traces have it")
    )]
    pub(crate) name: &'static str,
    /// The letter that stands for it in the text of a schedule, if it is a fault.
    pub(crate) letter: Option<char>,
    /// Whether a run has only so many of these faults.
    pub(crate) is_counted: bool,
    /// Whether correct code survives this fault.
    pub(crate) is_harmless: bool,
    pub(crate) bias: Bias,
    /// What it is about, for a log.
    pub(crate) about: &'static str,
    /// The words for each option. The last one is also that of all options after it.
    pub(crate) options: &'static [Words],
    /// What an explanation says of the answer that passes.
    pub(crate) otherwise: &'static str,
}

/// How often an answer other than 0 should be drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bias {
    /// Each option is as likely as the others.
    Even,
    /// Once in so many times, an option other than 0 is drawn. Each of these is as likely as the others.
    OnceIn(u32),
}

/// The words for one option.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Words {
    /// What the option is.
    pub(crate) text: &'static str,
    /// What it means that it was chosen.
    pub(crate) sentence: &'static str,
    /// What is written beside what comes of it, in a story.
    pub(crate) aside: &'static str,
    /// What the task does by that, in a story, if that gets a line of its own.
    pub(crate) act: &'static str,
}

const NONE: Words = Words { text: "", sentence: "", aside: "", act: "" };

const ORDINARY: Row = Row {
    name: "",
    letter: None,
    is_counted: false,
    is_harmless: false,
    bias: Bias::Even,
    about: "",
    options: &[],
    otherwise: "",
};

/// If every second chance for a fault were taken, hardly anything else would happen.
const FAULT: Row = Row { bias: Bias::OnceIn(8), otherwise: "otherwise it passes", ..ORDINARY };

const HARMLESS: Row = Row { is_harmless: true, ..FAULT };

macro_rules! is_given {
    () => {
        false
    };
    ($n:ident) => {
        true
    };
}

macro_rules! define {
    ($(
        $(#[$doc:meta])*
        $question:ident {
            $($(#[$method_doc:meta])* fault: $method:ident($($n:ident)?) $letter:literal, $what:literal;)?
            row: $row:expr
        }
    )*) => {
        /// What can be asked in a run. An answer is the number of an option; 0 is what an ordinary event loop
        /// does.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        #[repr(u8)]
        pub enum Question {
            $($(#[$doc])* $question,)*
        }

        impl Question {
            pub(crate) const ALL: &[Self] = &[$(Self::$question,)*];
        }

        static ROWS: [Row; Question::ALL.len()] = [$(
            Row {
                letter: [$(Some($letter),)? None][0],
                is_counted: is_given!($($($n)?)?),
                ..$row
            },
        )*];
    };
}
questions!(define);

impl Question {
    #[inline]
    pub(crate) const fn row(self) -> &'static Row {
        &ROWS[self as usize]
    }

    /// Whether it asks about a [fault](crate::Faults). Such a question is asked only in runs in which the
    /// fault is on.
    pub fn is_fault(self) -> bool {
        self.row().letter.is_some()
    }

    /// How often an answer other than 0 should be drawn.
    pub fn bias(self) -> Bias {
        self.row().bias
    }

    /// The words for an option.
    pub(crate) fn words(self, option: u32) -> &'static Words {
        let options = self.row().options;
        &options[options.len().saturating_sub(1).min(option as usize)]
    }

    /// All that are faults.
    pub(crate) fn faults() -> impl Iterator<Item = Self> {
        Self::ALL.iter().copied().filter(|question| question.is_fault())
    }

    /// The fault of a letter.
    pub(crate) fn of_letter(letter: char) -> Option<Self> {
        Self::faults().find(|question| question.row().letter == Some(letter))
    }
}

/// Replaces each `{placeholder}` of a text by its value.
pub(crate) fn fill(text: &str, mut value: impl FnMut(&str) -> String) -> String {
    let mut filled = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        let (name, after) = after.split_once('}').expect("dacapo bug: a `{` without a `}`");
        filled.push_str(before);
        filled.push_str(&value(name));
        rest = after;
    }
    filled + rest
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// A row has what everything else relies on.
    #[test]
    fn rows_are_whole() {
        let mut names = BTreeSet::new();
        let mut letters = BTreeSet::new();
        for (place, &question) in Question::ALL.iter().enumerate() {
            let row = question.row();
            assert_eq!(question as usize, place);
            assert!(!row.name.is_empty() && names.insert(row.name), "{question:?}");
            assert!(!row.about.is_empty(), "{question:?}");
            assert!(!row.options.is_empty(), "{question:?}");
            assert!(row.letter.is_none_or(|letter| letters.insert(letter)), "{question:?}");
            assert!(row.letter.is_some() || !row.is_counted && !row.is_harmless, "{question:?}");
            let last = row.options.last().unwrap();
            assert!(!last.sentence.is_empty(), "{question:?}");
        }
        assert_eq!(Question::faults().count(), letters.len());
    }

    #[test]
    fn placeholders_are_filled() {
        let value = |name: &str| name.to_uppercase();
        assert_eq!(fill("{task} waits", value), "TASK waits");
        assert_eq!(fill("for {a}{b}, too", value), "for AB, too");
        assert_eq!(fill("nothing", value), "nothing");
    }
}
