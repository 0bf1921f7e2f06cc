//! A file that stands beside a search while its process lives: how far the search has come.
//!
//! However a process ends, the next one finds the file and knows which run was going on. The process holds a lock on
//! it, which the operating system releases when the process ends, so that nothing depends on process numbers.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::case::Case;
use super::store::{Store, own_number};

/// What a search is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Entry {
    /// Nothing that could end the process.
    Idle,
    /// It was in this run, or in one that began within about a second of it.
    Searching(Place),
    /// It replays a kept schedule.
    Replaying(Case),
    /// It has found a failure, whose schedule is in `schedule.txt`, and shrinks or explains it.
    Found,
}

/// How far a search has come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Place {
    /// The number of the run, from 1.
    pub(crate) run: usize,
    /// The seed on which alone the run depends, if it has one.
    pub(crate) seed: Option<u64>,
    /// How many runs there are after it, if that is known.
    pub(crate) left: Option<u64>,
    /// The seeds of the search, if the environment has set them.
    pub(crate) seeds: Option<Range<u64>>,
}

/// The file of a process that lives.
#[derive(Debug)]
pub(crate) struct Journal {
    file: File,
    path: PathBuf,
    /// How long its text is.
    len: u64,
}

/// The file of a process that has ended without a report. It is locked, so that one process deals with it.
#[derive(Debug)]
pub(crate) struct Remains {
    journal: Journal,
    pub(crate) entry: Entry,
}

impl Journal {
    /// A new file in the directory of a test.
    ///
    /// # Errors
    ///
    /// If it cannot be written or locked. The search goes on without it.
    pub(crate) fn new(store: &Store) -> io::Result<Self> {
        let path = store.path(&format!("search-{}.txt", own_number()));
        Self::locked(path)
    }

    /// A new file, locked. Another process that looks at it before that takes it for an abandoned one and removes it;
    /// it says nothing yet.
    fn locked(path: PathBuf) -> io::Result<Self> {
        let file = OpenOptions::new().write(true).create(true).truncate(true).open(&path)?;
        file.try_lock().map_err(io::Error::from)?;
        Ok(Self { file, path, len: 0 })
    }

    /// Writes what the search does now. Costs one or two system calls.
    pub(crate) fn write(&mut self, entry: &Entry) {
        let text = entry.to_text();
        // Without a journal the search is as good as with it, unless the process ends. What is left of a longer text
        // stands behind the last line of this one, so it is never half of a text.
        let _ = self.file.rewind();
        let _ = self.file.write_all(text.as_bytes());
        let before = std::mem::replace(&mut self.len, text.len() as u64);
        if before > self.len {
            let _ = self.file.set_len(self.len);
        }
    }

    /// The search is over.
    pub(crate) fn remove(self) {
        // In this order: another process that gets the lock sees that the file is gone.
        let _ = fs::remove_file(&self.path);
        drop(self.file);
    }
}

impl Remains {
    /// Keeps the file, which the next process finds again.
    pub(crate) fn keep(mut self, entry: &Entry) {
        self.journal.write(entry);
    }

    pub(crate) fn remove(self) {
        self.journal.remove();
    }
}

/// A lock in a directory that one process has for itself. `None` if locks are not to be had there.
pub(crate) fn lock(directory: &Path) -> Option<Journal> {
    Journal::locked(directory.join(LOCK)).ok()
}

const LOCK: &str = "lock";

/// Removes from the directory of a test what processes have left there that have ended. Returns the journals among
/// that.
pub(crate) fn clean(store: &Store) -> Vec<Remains> {
    let Ok(files) = fs::read_dir(store.directory()) else { return Vec::new() };
    let own = own_number();
    let (mut remains, mut living, mut rest) = (Vec::new(), vec![own], Vec::new());
    for file in files.flatten() {
        let path = file.path();
        let name = file.file_name();
        let Some((kind, process)) = name.to_str().and_then(leftover) else { continue };
        if kind != "search" {
            rest.push((path, process));
            continue;
        }
        match abandoned(path) {
            Some(found) => remains.push(found),
            None => living.push(process),
        }
    }
    rest.retain(|(_, process)| !living.contains(process));
    for (path, _) in rest {
        if !path.is_dir() {
            let _ = fs::remove_file(path);
        } else if abandoned(path.join(LOCK)).is_some() || !path.join(LOCK).exists() {
            let _ = fs::remove_dir_all(path);
        }
    }
    remains
}

/// A file whose process has ended.
fn abandoned(path: PathBuf) -> Option<Remains> {
    let mut file = OpenOptions::new().read(true).write(true).open(&path).ok()?;
    // Where there are no locks, no process is known to have ended.
    file.try_lock().ok()?;
    if !path.exists() {
        // It was removed by the process that had the lock.
        return None;
    }
    let mut text = String::new();
    // What cannot be read says nothing.
    let _ = file.read_to_string(&mut text);
    let len = text.len() as u64;
    let entry = Entry::parse(&text).unwrap_or(Entry::Idle);
    Some(Remains { journal: Journal { file, path, len }, entry })
}

/// What a file is that one process had for itself, and the number of that process.
fn leftover(name: &str) -> Option<(&'static str, u32)> {
    const KINDS: [&str; 5] = ["search", "answer", "question", "witness", "jobs"];
    if let Some((_, process)) = name.rsplit_once(".part-") {
        return Some(("part", process.parse().ok()?));
    }
    let (kind, rest) = name.split_once('-')?;
    let kind = KINDS.into_iter().find(|known| *known == kind)?;
    let process = rest.split('.').next()?;
    Some((kind, process.parse().ok()?))
}

const HEAD: &str = "\
# How far a search of dacapo has come; written about once a second. If its process has ended without a report, the
# next run of the test finds out which run of the search has ended it, and how to replay that.
";
/// The last line.
const END: &str = "end";

impl Entry {
    fn to_text(&self) -> String {
        let lines = match self {
            Self::Idle => return String::new(),
            Self::Searching(Place { run, seed, left, seeds }) => {
                let number = |name: &str, number: &Option<u64>| {
                    number.map_or_else(String::new, |number| format!("{name} {number}\n"))
                };
                let seeds = seeds.as_ref().map_or_else(String::new, |Range { start, end }| {
                    format!("seeds {start}..{end}\n")
                });
                format!("run {run}\n{}{}{seeds}", number("seed", seed), number("left", left))
            }
            Self::Replaying(case) => format!("replays {case}\n"),
            Self::Found => "found schedule.txt\n".to_owned(),
        };
        format!("{HEAD}{lines}{END}\n")
    }

    fn parse(text: &str) -> Option<Self> {
        let (lines, _) = text.split_once(&format!("\n{END}\n"))?;
        let lines = lines.lines().filter(|line| !line.starts_with('#'));
        let mut entry = None;
        for line in lines {
            let (name, value) = line.split_once(' ')?;
            match (name, &mut entry) {
                ("run", _) => {
                    let run = value.parse().ok()?;
                    entry = Some(Self::Searching(Place { run, ..Place::default() }));
                }
                ("seed", Some(Self::Searching(place))) => place.seed = Some(value.parse().ok()?),
                ("left", Some(Self::Searching(place))) => place.left = Some(value.parse().ok()?),
                ("seeds", Some(Self::Searching(place))) => {
                    let (start, end) = value.split_once("..")?;
                    place.seeds = Some(start.parse().ok()?..end.parse().ok()?);
                }
                ("replays", _) => entry = Some(Self::Replaying(value.parse().ok()?)),
                ("found", _) => entry = Some(Self::Found),
                _ => return None,
            }
        }
        entry
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedule::Schedule;

    #[test]
    fn an_entry_is_read_as_it_was_written() {
        let searching = |seed: Option<u64>, left| {
            let seeds = seed.map(|seed| 7..seed);
            Entry::Searching(Place { run: 38, seed, left, seeds })
        };
        for entry in [
            searching(None, None),
            searching(Some(u64::MAX), Some(0)),
            Entry::Replaying(Case::from(Schedule::new([0, 2]))),
            Entry::Found,
        ] {
            let text = entry.to_text();
            assert_eq!(Entry::parse(&text), Some(entry), "{text}");
            assert_eq!(Entry::parse(&text[..text.len() - 1]), None, "half of {text}");
        }
        // The end of a longer text that stood there before.
        let text = format!("{}left 9\nend\n", searching(None, None).to_text());
        assert_eq!(Entry::parse(&text), Some(searching(None, None)));
        assert_eq!(Entry::parse(""), None);
    }

    #[test]
    fn files_of_one_process_have_its_number() {
        let check = |name: &str, expectation| assert_eq!(leftover(name), expectation, "{name}");
        check("search-12.txt", Some(("search", 12)));
        check("jobs-7", Some(("jobs", 7)));
        check("answer-7.part", Some(("answer", 7)));
        check("schedule.txt.part-31", Some(("part", 31)));
        check("schedule.txt", None);
        check("my-12.txt", None);
        check("search-x.txt", None);
    }
}
