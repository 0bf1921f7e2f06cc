//! The variables of the environment that change what a search does. Nothing else reads any.
//!
//! | variable | value | what it does |
//! |---|---|---|
//! | `DACAPO_REPLAY` | a schedule (`d1:…`), after an input (`i1:…`) if the test draws one, or a file with these | makes that one run only |
//! | `DACAPO_JOBS` | `N`, from 1 to 256 | makes the runs of a search in so many processes; 1 if it is not set |
//! | `DACAPO_SEEDS` | `N`, or `A..B` | the seeds of every scheduler that works from seeds: 0 to N, or A to B, without the last |
//! | `DACAPO_ACCEPT` | `1` (or `0`) | the schedule that was found to fail, or is found now, is added to `dacapo-regressions/<test>.txt` |
//! | `DACAPO_TRACE` | `1` (or `0`) | prints the whole trace of the last run, or of the one that failed |
//! | `CI` | anything | there is no progress line, which else the feature `progress` shows on a terminal |
//!
//! `DACAPO_CONFIRM` and `DACAPO_TEST` are set by dacapo itself for the process in which a failure is
//! confirmed; `DACAPO_SHARE`, `DACAPO_SHARE_IN` and `DACAPO_TEST` for those that share a search.
//! `CARGO_PKG_NAME`, which cargo sets, names the package in the line that replays a run, and
//! `CARGO_MANIFEST_DIR` is where its schedules are kept.

use std::ops::Range;
use std::path::PathBuf;

use super::case::{Case, ParseCaseError};

/// What the environment asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Env {
    pub(super) replay: Option<Case>,
    pub(super) seeds: Option<Range<u64>>,
    pub(super) trace: bool,
    /// Whether a schedule that fails is to be kept among the sources.
    pub(super) accept: bool,
    jobs: Option<usize>,
    /// Whether nobody looks on.
    pub(super) ci: bool,
    pub(super) confirm: Option<Confirm>,
    pub(super) share: Option<Share>,
}

/// This process was started to confirm a failure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Confirm {
    /// The test in question; others are not concerned.
    pub(super) test: String,
    /// Where the answer goes.
    pub(super) file: PathBuf,
}

/// This process was started to make its share of the runs of a search.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Share {
    /// The test in question; others are not concerned.
    pub(super) test: String,
    /// Which process this is, and of how many. 0 is the one that has started the others.
    pub(super) member: usize,
    pub(super) members: usize,
    /// Where the processes leave word for each other.
    pub(super) directory: PathBuf,
}

impl Env {
    /// How many processes may share a search. One that was started by another starts none.
    pub(super) fn jobs(&self) -> usize {
        let alone = self.replay.is_some() || self.confirm.is_some() || self.share.is_some();
        if alone { 1 } else { self.jobs.unwrap_or(1) }
    }

    /// Reads the variables.
    ///
    /// # Panics
    ///
    /// If one is malformed, naming it and what was expected.
    #[track_caller]
    pub(super) fn read() -> Self {
        match Self::parse(|name| variable(name).filter(|value| !value.is_empty())) {
            Ok(env) => env,
            Err(message) => panic!("dacapo: {message}"),
        }
    }

    fn parse(get: impl Fn(&str) -> Option<String>) -> Result<Self, String> {
        let confirm = match (get("DACAPO_TEST"), get("DACAPO_CONFIRM")) {
            (Some(test), Some(file)) => Some(Confirm { test, file: file.into() }),
            _ => None,
        };
        if let (Some(value), Some("1"), None) =
            (get("DACAPO_REPLAY"), get("DACAPO_ACCEPT").as_deref(), &confirm)
        {
            return Err(format!(
                "DACAPO_ACCEPT=1 keeps what a search finds or has found, and DACAPO_REPLAY={value} \
                 makes no search; leave one of them out"
            ));
        }
        let share = match (get("DACAPO_TEST"), get("DACAPO_SHARE"), get("DACAPO_SHARE_IN")) {
            (Some(test), Some(share), Some(directory)) => {
                share.split_once('/').and_then(|(k, n)| {
                    let (member, members) = (k.parse().ok()?, n.parse().ok()?);
                    (member < members).then(|| Share {
                        test,
                        member,
                        members,
                        directory: directory.into(),
                    })
                })
            }
            _ => None,
        };
        Ok(Self {
            replay: get("DACAPO_REPLAY").map(|value| replay(&value)).transpose()?,
            seeds: get("DACAPO_SEEDS").map(|value| seeds(&value)).transpose()?,
            trace: get("DACAPO_TRACE")
                .map_or(Ok(false), |value| switch("DACAPO_TRACE", &value, "print the trace"))?,
            accept: get("DACAPO_ACCEPT")
                .map_or(Ok(false), |value| switch("DACAPO_ACCEPT", &value, "keep what fails"))?,
            ci: get("CI").is_some(),
            jobs: get("DACAPO_JOBS").map(|value| jobs(&value)).transpose()?,
            confirm,
            share,
        })
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the one file that reads the environment")]
fn variable(name: &str) -> Option<String> {
    // One that is not Unicode is rejected by what parses it.
    std::env::var_os(name).map(|value| value.to_string_lossy().into_owned())
}

/// The package whose tests or example cargo runs, as far as that is known.
pub(super) fn package() -> Option<String> {
    variable("CARGO_PKG_NAME")
}

/// The directory of that package.
pub(super) fn manifest_directory() -> Option<PathBuf> {
    variable("CARGO_MANIFEST_DIR").map(PathBuf::from)
}

fn replay(value: &str) -> Result<Case, String> {
    if ["d1:", "i1:"].iter().any(|prefix| value.trim_start().starts_with(prefix)) {
        return value
            .parse()
            .map_err(|error: ParseCaseError| format!("DACAPO_REPLAY={value}: {error}"));
    }
    let text = std::fs::read_to_string(value).map_err(|error| {
        format!(
            "DACAPO_REPLAY={value}: expected a schedule, which begins with `d1:`, or the path of a \
             file that holds one; there is no such file to read: {error}"
        )
    })?;
    text.parse()
        .map_err(|error: ParseCaseError| format!("DACAPO_REPLAY: in the file {value}: {error}"))
}

fn seeds(value: &str) -> Result<Range<u64>, String> {
    let expected =
        "expected a number of seeds, such as 10000, or a range of them, such as 500..600";
    let number = |text: &str| {
        let digits = text.trim().replace('_', "");
        digits.parse::<u64>().map_err(|error| format!("DACAPO_SEEDS={value}: {expected}: {error}"))
    };
    let range = match value.split_once("..") {
        Some((start, end)) => number(start)?..number(end)?,
        None => 0..number(value)?,
    };
    if range.is_empty() {
        return Err(format!("DACAPO_SEEDS={value}: the range is empty; {expected}"));
    }
    Ok(range)
}

fn jobs(value: &str) -> Result<usize, String> {
    let number = value.trim().parse().ok().filter(|number| (1..=256).contains(number));
    number.ok_or_else(|| format!("DACAPO_JOBS={value}: expected a number of processes, 1 to 256"))
}

fn switch(name: &str, value: &str, what: &str) -> Result<bool, String> {
    match value {
        "0" => Ok(false),
        "1" => Ok(true),
        _ => Err(format!("{name}={value}: expected 1 ({what}) or 0")),
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
        check("DACAPO_JOBS", "2", Ok(Env { jobs: Some(2), ..Env::default() }));
        let replay = Some(Case::from(Schedule::new([0, 2])));
        check("DACAPO_REPLAY", " d1:0.2\n", Ok(Env { replay, ..Env::default() }));
        check("CI", "true", Ok(Env { ci: true, ..Env::default() }));
        check("SOMETHING_ELSE", "x", Ok(Env::default()));
    }

    #[test]
    fn who_was_started_by_another_starts_none() {
        let jobs = |more: &[(&str, &str)]| {
            let all = [&[("DACAPO_JOBS", "3"), ("DACAPO_TEST", "a")], more].concat();
            let get = |name: &str| {
                all.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
            };
            Env::parse(get).map(|env| env.jobs())
        };
        assert_eq!(jobs(&[]), Ok(3));
        assert_eq!(jobs(&[("DACAPO_SHARE", "1/3"), ("DACAPO_SHARE_IN", "x")]), Ok(1));
        assert_eq!(jobs(&[("DACAPO_CONFIRM", "x")]), Ok(1));
        assert_eq!(jobs(&[("DACAPO_REPLAY", "d1:")]), Ok(1));
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
