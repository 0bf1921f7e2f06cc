//! What a run is made again from: its schedule, and the input of the test if it draws one.

use std::fmt;
use std::str::FromStr;

use crate::explore::subject::{Sample, Subject};
use crate::schedule::{ParseScheduleError, Schedule};
use crate::trace::printable;

/// `d1:0x2.1`, or with an input `i1:17/s4c~8c1f09aa d1:0x2.1`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Case {
    pub(crate) input: Option<Input>,
    pub(crate) schedule: Schedule,
}

/// The input of a test that draws its arguments, in words with which it is drawn again: values have no
/// text form from which they could be read.
///
/// After the seed stands for each argument, behind a `/`, in what way it was shrunk: `s` for a simplification,
/// `c` for a complication, which is how proptest takes a part of one back, and how often. At the end stands
/// a check sum of what the values look like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Input {
    pub(crate) seed: u64,
    /// For each argument up to the last one that was shrunk.
    pub(crate) edits: Vec<Vec<Edit>>,
    check: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Edit {
    Simplify,
    Complicate,
}

/// Draws the inputs of a test.
pub(crate) trait Drawing {
    /// Whether the scheduler of an input compares what primitives hold.
    fn compares_holdings(&self) -> bool;

    /// Draws this input. Returns what it looks like now, if that is not what it was.
    ///
    /// # Errors
    ///
    /// If there is none to be had of that seed, with the reason.
    fn load(&self, input: &Input) -> Result<Option<Shown>, String>;

    /// The present input.
    fn input(&self) -> Input;

    /// What it looks like.
    fn shown(&self) -> Shown;

    /// Looks for simpler inputs under which a run fails, and says what that has cost. The present input is
    /// then the simplest that was found, and the sample a run with that.
    fn shrink(
        &self,
        subject: &mut Subject<'_>,
        first: Sample,
        max_runs: usize,
    ) -> (Sample, Option<String>);
}

/// The names of arguments, and the `Debug` texts of their values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Shown(pub(crate) Vec<(&'static str, String)>);

impl Shown {
    /// A number that differs for nearly all other texts. The order within braces does not count, because
    /// a `HashSet` has another order each time.
    #[cfg(feature = "proptest")]
    pub(crate) fn check(&self) -> u32 {
        let texts = self.0.iter().map(|(_, text)| {
            let mut words: Vec<_> = match text.contains('{') {
                true => text.split([' ', ',', '{', '}', '\n']).collect(),
                false => vec![text.as_str()],
            };
            words.sort_unstable();
            words.join(" ")
        });
        let bytes =
            texts.flat_map(|text| text.into_bytes().into_iter().map(u64::from).chain([256]));
        let hash = bytes.fold(0, crate::trace::mix);
        (hash >> 32) as u32 ^ hash as u32
    }

    /// One line for each argument.
    pub(crate) fn lines(&self) -> Vec<String> {
        const LONGEST: usize = 1000;
        let line = |(name, text): &(&str, String)| {
            format!("{} = {}", printable(name, 100), printable(text, LONGEST))
        };
        self.0.iter().map(line).collect()
    }

    /// Whether the texts are simpler than those, as far as one can see.
    #[cfg(feature = "proptest")]
    pub(crate) fn is_simpler(&self, other: &Self) -> bool {
        let size = |shown: &Self| shown.0.iter().map(|(_, text)| text.len()).sum::<usize>();
        let texts = |shown: &Self| shown.0.iter().map(|(_, text)| text.clone()).collect::<Vec<_>>();
        (size(self), texts(self)) < (size(other), texts(other))
    }
}

/// In one line, which is not too long.
impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const LONGEST: usize = 300;
        let all: Vec<_> = self.0.iter().map(|(name, text)| format!("{name} = {text}")).collect();
        f.write_str(&printable(&all.join(", "), LONGEST))
    }
}

impl Input {
    pub(crate) fn new(seed: u64, mut edits: Vec<Vec<Edit>>, check: u32) -> Self {
        while edits.last().is_some_and(Vec::is_empty) {
            edits.pop();
        }
        Self { seed, edits, check }
    }

    /// Whether it looks as it once did.
    #[cfg(feature = "proptest")]
    pub(crate) fn looks_like(&self, shown: &Shown) -> bool {
        self.check == shown.check()
    }
}

impl From<Schedule> for Case {
    fn from(schedule: Schedule) -> Self {
        Self { input: None, schedule }
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(input) = &self.input {
            write!(f, "{input} ")?;
        }
        self.schedule.fmt(f)
    }
}

impl fmt::Display for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}", self.seed)?;
        for edits in &self.edits {
            f.write_str("/")?;
            for run in edits.chunk_by(|a, b| a == b) {
                let letter = if run[0] == Edit::Simplify { 's' } else { 'c' };
                match run.len() {
                    1 => write!(f, "{letter}")?,
                    count => write!(f, "{letter}{count}")?,
                }
            }
        }
        write!(f, "~{:08x}", self.check)
    }
}

const PREFIX: &str = "i1:";

/// What is wrong with the text of a case: its column, counted from 1, and a sentence.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ParseCaseError {
    pub(crate) column: usize,
    sentence: String,
}

impl fmt::Display for ParseCaseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence)
    }
}

impl From<ParseScheduleError> for ParseCaseError {
    fn from(error: ParseScheduleError) -> Self {
        Self { column: error.column(), sentence: error.to_string() }
    }
}

impl FromStr for Case {
    type Err = ParseCaseError;

    fn from_str(text: &str) -> Result<Self, ParseCaseError> {
        let start = text.len() - text.trim_start().len();
        let input = &text[start..];
        let mut input = &input[..input.find(char::is_whitespace).unwrap_or(input.len())];
        if !input.starts_with(PREFIX) {
            input = "";
        }
        let malformed = |place: usize, expected: &str| {
            let column = start + place + 1;
            let sentence = format!("malformed input: at column {column}, expected {expected}");
            ParseCaseError { column, sentence }
        };
        let rest = &text[start + input.len()..];
        if input.is_empty() {
            return Ok(Self { input: None, schedule: text.parse()? });
        }
        let parsed = input.parse().map_err(|(place, expected)| malformed(place, expected))?;
        if rest.trim().is_empty() {
            return Err(malformed(input.len(), "white space and a schedule (`d1:…`)"));
        }
        // As long as before, so that the columns are right.
        let schedule = (" ".repeat(start + input.len()) + rest).parse()?;
        Ok(Self { input: Some(parsed), schedule })
    }
}

impl FromStr for Input {
    /// The place of the mistake, and what was expected there.
    type Err = (usize, &'static str);

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        /// So that a mistyped count does not take for ever.
        const MOST: usize = 1 << 20;
        let rest = text.strip_prefix(PREFIX).ok_or((0, "`i1:`"))?;
        let at = |part: &str| part.as_ptr() as usize - text.as_ptr() as usize;
        let (drawn, check) = rest.split_once('~').ok_or((text.len(), "`~` and a check sum"))?;
        let mut parts = drawn.split('/');
        let seed = parts.next().unwrap_or_default();
        let seed = seed.parse().map_err(|_| (at(seed), "a seed from 0 to 2^64 - 1"))?;
        let arguments = parts.map(|part| {
            let mut edits = Vec::new();
            let mut left = part;
            while let Some(letter) = left.chars().next() {
                let edit = match letter {
                    's' => Edit::Simplify,
                    'c' => Edit::Complicate,
                    _ => return Err((at(left), "`s`, `c`, `/`, or `~`")),
                };
                left = &left[1..];
                let digits =
                    left.len() - left.trim_start_matches(|c: char| c.is_ascii_digit()).len();
                let count = if digits == 0 { Some(1) } else { left[..digits].parse().ok() };
                let count = count.filter(|count| (1..=MOST - edits.len()).contains(count));
                edits.resize(edits.len() + count.ok_or((at(left), "a count from 1"))?, edit);
                left = &left[digits..];
            }
            Ok(edits)
        });
        let edits = arguments.collect::<Result<Vec<_>, _>>()?;
        let check = u32::from_str_radix(check, 16)
            .map_err(|_| (at(check), "a check sum of hexadecimal digits"))?;
        Ok(Self::new(seed, edits, check))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expectation: Result<&str, &str>) {
        let parsed = text.parse::<Case>().map(|case| case.to_string());
        let parsed = parsed.map_err(|error| error.to_string());
        assert_eq!(parsed, expectation.map(str::to_owned).map_err(str::to_owned));
    }

    #[test]
    fn good_texts() {
        check("d1:0x2.1", Ok("d1:0x2.1"));
        check(" i1:17~0000002a  d1:1\n", Ok("i1:17~0000002a d1:1"));
        check("i1:0/s4cs//c12/~8c1f09aa d1:", Ok("i1:0/s4cs//c12~8c1f09aa d1:"));
    }

    #[test]
    fn bad_texts() {
        check("i1:17 d1:1", Err("malformed input: at column 6, expected `~` and a check sum"));
        check(
            "i1:x~2a d1:1",
            Err("malformed input: at column 4, expected a seed from 0 to 2^64 - 1"),
        );
        check(
            " i1:1/s2x~2a d1:",
            Err("malformed input: at column 9, expected `s`, `c`, `/`, or `~`"),
        );
        check("i1:1/s0~2a d1:", Err("malformed input: at column 7, expected a count from 1"));
        check(
            "i1:1/s9999999999~2a d1:",
            Err("malformed input: at column 7, expected a count from 1"),
        );
        check(
            "i1:1~ d1:",
            Err("malformed input: at column 6, expected a check sum of hexadecimal digits"),
        );
        check(
            "i1:1~2a",
            Err("malformed input: at column 8, expected white space and a schedule (`d1:…`)"),
        );
    }
}
