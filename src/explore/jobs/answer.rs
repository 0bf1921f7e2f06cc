//! What a process that shares a search tells the process that has started it: in words, in files.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::PathBuf;

use super::share::{End, Part};
use crate::explore::subject::OutcomeKey;
use crate::explore::tally::coverage::Coverage;
use crate::explore::tally::{Row, Tally};

/// How far a process has come. It is written now and then, so it is also a sign of life.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Heartbeat {
    /// How often it has been written.
    pub(crate) beats: u64,
    pub(crate) runs: usize,
    /// The number of the run at which the search ends, as far as this process knows.
    pub(crate) end: Option<usize>,
}

/// The directory in which processes leave word for each other. Each file has one writer, and gets its
/// name when it is whole.
#[derive(Debug, Clone)]
pub(crate) struct Letters(PathBuf);

impl Letters {
    pub(crate) fn new(directory: PathBuf) -> Self {
        Self(directory)
    }

    /// Whether the search is still going on.
    pub(crate) fn are_wanted(&self) -> bool {
        self.0.is_dir()
    }

    pub(crate) fn write_state(&self, member: usize, state: Heartbeat) -> io::Result<()> {
        let Heartbeat { beats, runs, end } = state;
        let end = end.map_or_else(|| "-".to_owned(), |end| end.to_string());
        self.write(&format!("{member}.state"), &format!("{beats} {runs} {end}\n"))
    }

    /// The last state that a process has written, and its text; nothing if there is none yet.
    pub(crate) fn state(&self, member: usize) -> Option<(Heartbeat, String)> {
        let text = fs::read_to_string(self.0.join(format!("{member}.state"))).ok()?;
        let mut words = text.split_whitespace();
        let beats = words.next()?.parse().ok()?;
        let runs = words.next()?.parse().ok()?;
        let end = words.next()?.parse().ok();
        Some((Heartbeat { beats, runs, end }, text))
    }

    pub(crate) fn write_part(&self, member: usize, part: Part) -> io::Result<()> {
        self.write(&format!("{member}.part"), &to_text(part))
    }

    /// What a process has made, if it is done.
    ///
    /// # Errors
    ///
    /// If that cannot be read.
    pub(crate) fn part(&self, member: usize) -> Result<Option<Part>, String> {
        match fs::read_to_string(self.0.join(format!("{member}.part"))) {
            Ok(text) => match from_text(&text) {
                Some(part) => Ok(Some(part)),
                None => Err("left an answer that is not complete".to_owned()),
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(format!("left an answer that cannot be read: {error}")),
        }
    }

    fn write(&self, file: &str, text: &str) -> io::Result<()> {
        let path = self.0.join(file);
        let unfinished = self.0.join(format!("{file}.unfinished"));
        fs::write(&unfinished, text)?;
        fs::rename(unfinished, path)
    }
}

/// The last line, so that half a text is not taken for a whole one.
const END: &str = "that is all";

fn to_text(mut part: Part) -> String {
    let traces = part.tally.take_traces();
    let Tally { rows, runs, steps, choices, .. } = &part.tally;
    let mut out = String::new();
    let mut line = |text: String| {
        out.push_str(&text);
        out.push('\n');
    };
    line(format!("{} {runs} {steps} {choices}", part.runs));
    match &part.first {
        Some((schedule, hash)) => line(format!("{hash:x} {schedule}")),
        None => line("-".to_owned()),
    }
    match &part.end {
        Some(End { number, difference: None }) => line(format!("{number} fails")),
        Some(End { number, difference: Some(text) }) => line(format!("{number} {}", quote(text))),
        None => line("-".to_owned()),
    }
    line(rows.len().to_string());
    for (OutcomeKey { text, bug }, row) in rows {
        let Row { runs, first, first_seen, least, .. } = row;
        line(format!("{runs} {first} {first_seen} {least} {}", quote(text)));
        line(bug.as_deref().map_or_else(|| "-".to_owned(), quote));
    }
    let coverage = &part.tally.coverage;
    line(format!("{} {}", coverage.runs(), coverage.marks().len()));
    for mark in coverage.marks() {
        let [evaluated, held] = [mark.runs_evaluated(), mark.runs_held()];
        line(format!("{} {evaluated} {held} {}", mark.evaluations(), quote(mark.label())));
    }
    let mut hashes = String::with_capacity(16 * traces.len());
    for hash in traces {
        // Writing to a text does not fail.
        let _ = write!(hashes, "{hash:016x}");
    }
    line(hashes);
    line(END.to_owned());
    out
}

fn from_text(text: &str) -> Option<Part> {
    let mut part = Part::default();
    let mut lines = text.lines();
    let numbers: Result<Vec<usize>, _> =
        lines.next()?.split(' ').map(|word| word.parse::<usize>()).collect();
    let [all, runs, steps, choices] = numbers.ok()?.try_into().ok()?;
    (part.runs, part.tally.runs, part.tally.steps, part.tally.choices) =
        (all, runs, steps, choices);
    if let first @ [_, _, ..] = lines.next()?.split(' ').collect::<Vec<_>>().as_slice() {
        part.first = Some((first[1].parse().ok()?, u64::from_str_radix(first[0], 16).ok()?));
    }
    if let Some((number, how)) = lines.next()?.split_once(' ') {
        let difference = if how == "fails" { None } else { Some(unquote(how)?) };
        part.end = Some(End { number: number.parse().ok()?, difference });
    }
    for _ in 0..lines.next()?.parse::<usize>().ok()? {
        let words: Vec<&str> = lines.next()?.splitn(5, ' ').collect();
        let [runs, first, first_seen, least, text] = words.try_into().ok()?;
        let row = Row {
            runs: runs.parse().ok()?,
            first: first.parse().ok()?,
            first_seen: first_seen.parse().ok()?,
            failure: None,
            least: least.parse().ok()?,
        };
        let bug = match lines.next()? {
            "-" => None,
            bug => Some(unquote(bug)?),
        };
        part.tally.rows.insert(OutcomeKey { text: unquote(text)?, bug }, row);
    }
    let (runs, count) = lines.next()?.split_once(' ')?;
    let mut marks = Vec::new();
    for _ in 0..count.parse::<usize>().ok()? {
        let words: Vec<&str> = lines.next()?.splitn(4, ' ').collect();
        let [evaluations, evaluated, held, label] = words.try_into().ok()?;
        let numbers = [evaluations, evaluated, held].map(|word| word.parse().ok());
        let [Some(evaluations), Some(evaluated), Some(held)] = numbers else { return None };
        marks.push((unquote(label)?, [evaluations, evaluated, held]));
    }
    part.tally.coverage = Coverage::told(runs.parse().ok()?, marks);
    let hashes = lines.next()?;
    for place in (0..hashes.len()).step_by(16) {
        part.tally.add_trace(u64::from_str_radix(hashes.get(place..place + 16)?, 16).ok()?);
    }
    (lines.next()? == END).then_some(part)
}

/// A text in one line.
fn quote(text: &str) -> String {
    format!("'{}", text.replace('\\', "\\\\").replace('\n', "\\n").replace('\r', "\\r"))
}

fn unquote(text: &str) -> Option<String> {
    let mut out = String::new();
    let mut rest = text.strip_prefix('\'')?.chars();
    while let Some(c) = rest.next() {
        out.push(match c {
            '\\' => match rest.next()? {
                'n' => '\n',
                'r' => '\r',
                c => c,
            },
            c => c,
        });
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedule::Schedule;

    #[track_caller]
    fn check(part: Part) {
        let text = to_text(part.clone());
        let again = from_text(&text).expect("it can be read");
        assert_eq!(format!("{again:?}"), format!("{part:?}"), "{text}");
        let (half, _) = text.split_at(text.len() / 2);
        assert!(from_text(half).is_none(), "{half}");
    }

    #[test]
    fn a_part_survives_the_post() {
        check(Part::default());
        let mut part = Part { runs: 9, ..Part::default() };
        part.tally.add_trace(7);
        part.first = Some((Schedule::new([0, 3]).with_seed(9), u64::MAX));
        part.end = Some(End { number: 8, difference: None });
        for (text, bug) in [("", None), ("a\\n\nb\r c", Some("-\n")), ("'fails", Some(""))] {
            let row = Row {
                runs: 3,
                first: 2,
                first_seen: Schedule::new([1]),
                failure: None,
                least: Schedule::default(),
            };
            let bug = bug.map(str::to_owned);
            part.tally.rows.insert(OutcomeKey { text: text.to_owned(), bug }, row);
        }
        let marks = [("a label".to_owned(), [7, 2, 1]), ("b'\n".to_owned(), [1, 1, 0])];
        part.tally.coverage = Coverage::told(5, marks);
        check(part.clone());
        part.end = Some(End { number: 8, difference: Some("`fails`\nand `\\`".to_owned()) });
        check(part);
    }
}
