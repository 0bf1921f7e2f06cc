//! The environment variables that change what a search does. No other file reads any.
//!
//! | variable | value | what it does |
//! |---|---|---|
//! | `DACAPO_REPLAY` | a schedule (`d1:…`), after an input (`i1:…`) if the test draws one, or a file with these | makes that one run only |
//! | `DACAPO_JOBS` | `N`, from 1 to 256 | makes the runs of a search in so many processes; 1 if it is not set |
//! | `DACAPO_SEEDS` | `N`, or `A..B` | the seeds of every scheduler that works from seeds: 0 to N, or A to B, without the last |
//! | `DACAPO_SEARCH` | `1` (or `0`) | searches tests that otherwise make one run, such as `#[dacapo_tokio::test]` |
//! | `DACAPO_ACCEPT` | `1` (or `0`) | the schedule that was found to fail, or is found now, is added to `dacapo-regressions/<test>.txt` |
//! | `DACAPO_TRACE` | `1` (or `0`) | prints the whole trace of the last run, or of the one that failed |
//! | `RUST_BACKTRACE` | anything but `0` | a report of a panic shows the frames that are neither dacapo's nor std's |
//! | `CI` | anything | there is no progress line, which else the feature `progress` shows on a terminal |
//! dacapo sets `DACAPO_CONFIRM` and `DACAPO_TEST` for the process that confirms a failure,
//! `DACAPO_WITNESS` and `DACAPO_TEST` for one that makes a run which may not end, and `DACAPO_SHARE`,
//! `DACAPO_SHARE_IN` and `DACAPO_TEST` for those that share a search, and `DACAPO_LIST` for one that lists its tests. cargo sets `CARGO_PKG_NAME`, which
//! names the package in lines to paste, and `CARGO_MANIFEST_DIR`, where schedules are kept.

use std::ffi::OsString;
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::case::{Case, ParseCaseError};
use crate::trace::printable;

/// What the environment asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Env {
    pub(crate) errand: Errand,
    pub(crate) seeds: Option<Range<u64>>,
    pub(crate) trace: bool,
    /// Whether a failing schedule is kept among the sources.
    pub(crate) accept: bool,
    /// Whether tests are searched that else make one run.
    pub(crate) search: bool,
    jobs: Option<usize>,
    /// Whether nobody watches the terminal.
    pub(crate) ci: bool,
}

/// What this process is here for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum Errand {
    /// To search.
    #[default]
    Search,
    /// To make one run.
    Replay(Case),
    /// To confirm a failure that another process has found.
    Confirm(Confirm),
    /// To make its share of the runs of another process.
    Share(Share),
    /// To make a run that may not come to an end, and write down how far it gets.
    Witness(Witness),
}

/// The failure to confirm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Confirm {
    /// The test in question. Other tests are not concerned.
    pub(crate) test: String,
    pub(crate) case: Case,
    /// Where the answer goes.
    pub(crate) file: PathBuf,
}

/// The run to make as a witness.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Witness {
    /// The test in question. Other tests are not concerned.
    pub(crate) test: String,
    pub(crate) run: RunNumber,
    /// Whether to go on with the runs after it.
    pub(crate) goes_on: bool,
    pub(crate) file: PathBuf,
}

/// Which run of a search.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RunNumber {
    /// By its place in the search, from 1.
    Nth(usize),
    /// By its seed, on which alone it depends.
    Seed(u64),
}

impl Witness {
    /// The value of the variable that asks for this.
    pub(crate) fn variable(run: RunNumber, goes_on: bool, file: &Path) -> OsString {
        let (kind, number) = match run {
            RunNumber::Nth(run) => ("run", run as u64),
            RunNumber::Seed(seed) => ("seed", seed),
        };
        let from = if goes_on { "from-" } else { "" };
        let mut value = OsString::from(format!("{from}{kind}:{number}:"));
        value.push(file);
        value
    }

    fn parse(test: &str, text: &str) -> Option<Self> {
        let (kind, rest) = text.split_once(':')?;
        let (number, file) = rest.split_once(':')?;
        let (goes_on, kind) = kind.strip_prefix("from-").map_or((false, kind), |kind| (true, kind));
        let run = match kind {
            "run" => RunNumber::Nth(number.parse().ok()?),
            "seed" => RunNumber::Seed(number.parse().ok()?),
            _ => return None,
        };
        Some(Self { test: test.to_owned(), run, goes_on, file: file.into() })
    }
}

/// The share of a search that this process makes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Share {
    /// The test in question. Other tests are not concerned.
    pub(crate) test: String,
    /// Which process this is, and of how many. Process 0 has started the others.
    pub(crate) member: usize,
    pub(crate) members: usize,
    /// Where the processes leave messages for each other.
    pub(crate) directory: PathBuf,
}

impl Env {
    /// How many processes may share a search. A process that was started by another one starts none.
    pub(crate) fn jobs(&self) -> usize {
        if self.errand == Errand::Search { self.jobs.unwrap_or(1) } else { 1 }
    }

    /// Whether this process was started by another one, which will speak for it.
    pub(crate) fn is_started(&self) -> bool {
        matches!(self.errand, Errand::Confirm(_) | Errand::Share(_) | Errand::Witness(_))
    }

    /// Reads the variables.
    ///
    /// # Panics
    ///
    /// If one is malformed, naming it and what was expected.
    #[track_caller]
    pub(crate) fn read() -> Self {
        let names = names();
        let get = |name: &str| variable(name).filter(|value| !value.is_empty());
        match reject_unknown(names).and_then(|()| Self::parse(get)) {
            Ok(env) => env,
            Err(message) => panic!("dacapo: {message}"),
        }
    }

    fn parse(get: impl Fn(&str) -> Option<String>) -> Result<Self, String> {
        Ok(Self {
            errand: errand(&get)?,
            seeds: get("DACAPO_SEEDS").map(|value| seeds(&value)).transpose()?,
            trace: get("DACAPO_TRACE")
                .map_or(Ok(false), |value| switch("DACAPO_TRACE", &value, "print the trace"))?,
            accept: get("DACAPO_ACCEPT")
                .map_or(Ok(false), |value| switch("DACAPO_ACCEPT", &value, "keep what fails"))?,
            search: get("DACAPO_SEARCH")
                .map_or(Ok(false), |value| switch("DACAPO_SEARCH", &value, "search all tests"))?,
            ci: get("CI").is_some(),
            jobs: get("DACAPO_JOBS").map(|value| jobs(&value)).transpose()?,
        })
    }
}

fn errand(get: &impl Fn(&str) -> Option<String>) -> Result<Errand, String> {
    let own = || format!("DACAPO_WITNESS: {OWN_VARIABLES}");
    if get("DACAPO_LIST").is_some() {
        return Err(format!("DACAPO_LIST: {OWN_VARIABLES}"));
    }
    let case = get("DACAPO_REPLAY").map(|value| replay(&value)).transpose()?;
    let test = get("DACAPO_TEST");
    let share = [get("DACAPO_SHARE"), get("DACAPO_SHARE_IN")];
    if let (Some(test), Some(witness), None) = (&test, get("DACAPO_WITNESS"), &case) {
        return Witness::parse(test, &witness).map(Errand::Witness).ok_or_else(own);
    }
    match (case, test, get("DACAPO_CONFIRM"), share) {
        (None, None, None, [None, None]) => Ok(Errand::Search),
        (Some(case), None, None, [None, None]) => Ok(Errand::Replay(case)),
        (Some(case), Some(test), Some(file), [None, None]) => {
            Ok(Errand::Confirm(Confirm { test, case, file: file.into() }))
        }
        (None, Some(test), None, [Some(share), Some(directory)]) => {
            let numbers = share.split_once('/').and_then(|(member, members)| {
                let (member, members) = (member.parse().ok()?, members.parse().ok()?);
                (member < members).then_some((member, members))
            });
            let (member, members) = numbers.ok_or_else(|| {
                format!("DACAPO_SHARE={}: {OWN_VARIABLES}", printable(&share, VALUE))
            })?;
            Ok(Errand::Share(Share { test, member, members, directory: directory.into() }))
        }
        _ => Err(format!("DACAPO_TEST, DACAPO_CONFIRM and DACAPO_SHARE: {OWN_VARIABLES}")),
    }
}

const OWN_VARIABLES: &str = "dacapo sets this for the processes that it starts; unset it";

/// The variables that have a meaning.
const KNOWN: [&str; 12] = [
    "DACAPO_ACCEPT",
    "DACAPO_CONFIRM",
    "DACAPO_JOBS",
    "DACAPO_LIST",
    "DACAPO_REPLAY",
    "DACAPO_SEARCH",
    "DACAPO_SEEDS",
    "DACAPO_SHARE",
    "DACAPO_SHARE_IN",
    "DACAPO_TEST",
    "DACAPO_TRACE",
    "DACAPO_WITNESS",
];

/// Rejects a variable that looks like one of dacapo's and is none, such as a typo.
fn reject_unknown(names: impl Iterator<Item = String>) -> Result<(), String> {
    let mut unknown = names.filter(|name| name.starts_with("DACAPO_"));
    let Some(name) = unknown.find(|name| !KNOWN.contains(&name.as_str())) else { return Ok(()) };
    let distance = |known: &&str| distance(&name, known);
    let nearest = KNOWN.into_iter().filter(|known| !OWN.contains(known)).min_by_key(distance);
    let nearest = nearest.filter(|known| distance(known) <= 3);
    let hint = nearest.map_or_else(
        || "the variables are DACAPO_ACCEPT, DACAPO_JOBS, DACAPO_REPLAY, DACAPO_SEARCH, DACAPO_SEEDS and DACAPO_TRACE".to_owned(),
        |nearest| format!("did you mean {nearest}?"),
    );
    Err(format!("{}: dacapo has no such variable; {hint}", printable(&name, 100)))
}

/// The variables that only dacapo sets.
const OWN: [&str; 6] = [
    "DACAPO_CONFIRM",
    "DACAPO_LIST",
    "DACAPO_SHARE",
    "DACAPO_SHARE_IN",
    "DACAPO_TEST",
    "DACAPO_WITNESS",
];

/// The number of letters to insert, delete or replace (Levenshtein 1966).
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, a) in a.bytes().enumerate() {
        let mut before = std::mem::replace(&mut row[0], i + 1);
        for (j, b) in b.bytes().enumerate() {
            let replaced = before + usize::from(a != b);
            before = row[j + 1];
            row[j + 1] = replaced.min(before + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[expect(clippy::disallowed_methods, reason = "this is the one file that reads the environment")]
fn variable(name: &str) -> Option<String> {
    // A value that is not Unicode is rejected where it is parsed.
    std::env::var_os(name).map(|value| value.to_string_lossy().into_owned())
}

fn names() -> impl Iterator<Item = String> {
    std::env::vars_os().map(|(name, _)| name.to_string_lossy().into_owned())
}

/// Whether std would print a backtrace of a panic.
pub(crate) fn wants_backtraces() -> bool {
    variable("RUST_BACKTRACE").is_some_and(|value| value != "0")
}

/// The package whose tests or example cargo runs, as far as that is known.
pub(crate) fn package() -> Option<String> {
    variable("CARGO_PKG_NAME")
}

/// The directory of that package.
pub(crate) fn manifest_directory() -> Option<PathBuf> {
    variable("CARGO_MANIFEST_DIR").map(PathBuf::from)
}

fn replay(value: &str) -> Result<Case, String> {
    let shown = printable(value, VALUE);
    if ["d1:", "i1:"].iter().any(|prefix| value.trim_start().starts_with(prefix)) {
        return value
            .parse()
            .map_err(|error: ParseCaseError| format!("DACAPO_REPLAY={shown}: {error}"));
    }
    let text = std::fs::read_to_string(value).map_err(|error| {
        format!(
            "DACAPO_REPLAY={shown}: expected a schedule, which begins with `d1:`, or the path of a \
             file that holds one; there is no such file to read: {error}"
        )
    })?;
    text.parse()
        .map_err(|error: ParseCaseError| format!("DACAPO_REPLAY: in the file {shown}: {error}"))
}

/// The longest value that is shown, in characters.
const VALUE: usize = 200;

fn seeds(value: &str) -> Result<Range<u64>, String> {
    let shown = printable(value, VALUE);
    let expected =
        "expected a number of seeds, such as 10000, or a range of them, such as 500..600";
    let number = |text: &str| {
        let digits = text.trim().replace('_', "");
        digits.parse::<u64>().map_err(|error| format!("DACAPO_SEEDS={shown}: {expected}: {error}"))
    };
    let range = match value.split_once("..") {
        Some((start, end)) => number(start)?..number(end)?,
        None => 0..number(value)?,
    };
    if range.is_empty() {
        return Err(format!("DACAPO_SEEDS={shown}: the range is empty; {expected}"));
    }
    Ok(range)
}

fn jobs(value: &str) -> Result<usize, String> {
    let number = value.trim().parse().ok().filter(|number| (1..=256).contains(number));
    number.ok_or_else(|| {
        let shown = printable(value, VALUE);
        format!("DACAPO_JOBS={shown}: expected a number of processes, 1 to 256")
    })
}

fn switch(name: &str, value: &str, what: &str) -> Result<bool, String> {
    match value {
        "0" => Ok(false),
        "1" => Ok(true),
        _ => {
            let shown = printable(value, VALUE);
            Err(format!("{name}={shown}: expected 1 ({what}) or 0"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedule::Schedule;

    #[track_caller]
    fn check(name: &str, value: &str, expectation: Result<Env, &str>) {
        let env = Env::parse(|asked| (asked == name).then(|| value.to_owned()));
        match (env, expectation) {
            (Err(message), Err(part)) => assert!(message.contains(part), "{message}"),
            (env, expectation) => assert_eq!(env, expectation.map_err(str::to_owned)),
        }
    }

    #[test]
    fn good_values() {
        let seeds = |seeds| Ok(Env { seeds: Some(seeds), ..Env::default() });
        check("DACAPO_SEEDS", "10_000", seeds(0..10_000));
        check("DACAPO_SEEDS", "7..9", seeds(7..9));
        check("DACAPO_TRACE", "1", Ok(Env { trace: true, ..Env::default() }));
        check("DACAPO_TRACE", "0", Ok(Env::default()));
        check("DACAPO_ACCEPT", "1", Ok(Env { accept: true, ..Env::default() }));
        check("DACAPO_SEARCH", "1", Ok(Env { search: true, ..Env::default() }));
        check("DACAPO_JOBS", "2", Ok(Env { jobs: Some(2), ..Env::default() }));
        let replay = Errand::Replay(Case::from(Schedule::new([0, 2])));
        check("DACAPO_REPLAY", " d1:0.2\n", Ok(Env { errand: replay, ..Env::default() }));
        check("CI", "true", Ok(Env { ci: true, ..Env::default() }));
        check("SOMETHING_ELSE", "x", Ok(Env::default()));
    }

    #[test]
    fn a_process_that_was_started_starts_none() {
        let jobs = |more: &[(&str, &str)]| {
            let all = [&[("DACAPO_JOBS", "3")], more].concat();
            let get = |name: &str| {
                all.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
            };
            Env::parse(get).map(|env| env.jobs())
        };
        assert_eq!(jobs(&[]), Ok(3));
        let (test, replay) = (("DACAPO_TEST", "a"), ("DACAPO_REPLAY", "d1:"));
        assert_eq!(jobs(&[test, ("DACAPO_SHARE", "1/3"), ("DACAPO_SHARE_IN", "x")]), Ok(1));
        assert_eq!(jobs(&[test, replay, ("DACAPO_CONFIRM", "x")]), Ok(1));
        assert_eq!(jobs(&[replay]), Ok(1));
    }

    /// Set by hand, they would make every check pass without a run.
    #[test]
    fn dacapo_s_own_variables_make_sense_together_only() {
        for name in
            ["DACAPO_TEST", "DACAPO_SHARE", "DACAPO_SHARE_IN", "DACAPO_CONFIRM", "DACAPO_LIST"]
        {
            check(name, "1/2", Err("unset it"));
        }
    }

    #[test]
    fn an_unknown_variable_is_rejected_with_the_nearest_name() {
        let check = |name: &str, part: Option<&str>| {
            let result = reject_unknown([name.to_owned()].into_iter());
            match part {
                None => assert_eq!(result, Ok(())),
                Some(part) => assert!(result.unwrap_err().contains(part), "{name}"),
            }
        };
        check("DACAPO_SEED", Some("did you mean DACAPO_SEEDS?"));
        check("DACAPO_REPALY", Some("did you mean DACAPO_REPLAY?"));
        check("DACAPO_VERBOSE", Some("the variables are DACAPO_ACCEPT,"));
        check("DACAPO_JOBS", None);
        check("DACAPO", None);
        check("PATH", None);
    }

    #[test]
    fn a_terminal_obeys_nothing_in_a_value() {
        for name in ["DACAPO_SEEDS", "DACAPO_TRACE", "DACAPO_JOBS", "DACAPO_REPLAY"] {
            check(name, "\u{1b}[2J\u{202e}", Err(r"=\u{1b}[2J\u{202e}: expected"));
        }
        check("DACAPO_REPLAY", "d1:\u{1b}", Err(r"DACAPO_REPLAY=d1:\u{1b}: "));
    }

    #[test]
    fn bad_values_are_named_with_what_was_expected() {
        check("DACAPO_SEEDS", "many", Err("DACAPO_SEEDS=many: expected a number of seeds"));
        check("DACAPO_SEEDS", "0", Err("the range is empty"));
        check("DACAPO_SEEDS", "9..7", Err("the range is empty"));
        check("DACAPO_SEEDS", "-1", Err("expected a number of seeds"));
        check("DACAPO_TRACE", "yes", Err("DACAPO_TRACE=yes: expected 1"));
        check("DACAPO_ACCEPT", "all", Err("DACAPO_ACCEPT=all: expected 1 (keep what fails) or 0"));
        check("DACAPO_JOBS", "all", Err("DACAPO_JOBS=all: expected a number of processes"));
        check("DACAPO_JOBS", "0", Err("1 to 256"));
        check("DACAPO_REPLAY", "d1:0x", Err("at column 6, expected a count from 1"));
        check("DACAPO_REPLAY", "no/such/file", Err("the path of a file"));
    }
}
