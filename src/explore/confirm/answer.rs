//! What a process saw of a run, and how it tells another process.

use std::fmt;
use std::fs;
use std::path::Path;

use super::process::{ExitStatus, has_failed_as_a_test};
use crate::explore::subject::Sample;
use crate::report::account;
use crate::schedule::Schedule;
use crate::trace::{Trace, mix_if_any};

/// What a process saw of a run.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Answer {
    pub(crate) hash: u64,
    /// Of the noted values.
    pub(crate) values: u64,
    /// The schedule that the run really had.
    pub(crate) schedule: Schedule,
    /// Which bug it was, if the run failed.
    pub(crate) bug: Option<String>,
    pub(crate) ending: String,
    /// The schedule and the story, as reports tell them. Only other processes tell.
    pub(crate) account: String,
    pub(crate) trace: String,
}

/// Why there is no answer.
pub(crate) enum Silence {
    /// The process has ended well, and made nothing of this check.
    NotReached,
    /// The process has failed, and made nothing of this check.
    Ended(ExitStatus),
    Other(String),
}

impl From<String> for Silence {
    fn from(why: String) -> Self {
        Self::Other(why)
    }
}

impl fmt::Display for Silence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let not_reached = "the test, run alone, did not get as far as this check";
        match self {
            Self::NotReached => f.write_str(not_reached),
            Self::Ended(status) if has_failed_as_a_test(*status) => f.write_str(not_reached),
            Self::Ended(status) => write!(f, "that process ended without an answer ({status})"),
            Self::Other(why) => f.write_str(why),
        }
    }
}

/// The line between two parts of the text.
const NEXT: &str = "\n--- dacapo: the next part\n";

impl Answer {
    pub(crate) fn of(sample: &Sample, trace: String) -> Self {
        let bug = sample.key().bug;
        let Sample { hash, values, .. } = *sample;
        let schedule = sample.schedule.clone();
        Self { hash, values, schedule, bug, ending: sample.ending(), account: String::new(), trace }
    }

    /// The same with an account of the run.
    pub(super) fn with_account(sample: &Sample, trace: &Trace) -> Self {
        let account = account(&sample.schedule, trace, None, true);
        Self { account, ..Self::of(sample, trace.log().to_string()) }
    }

    /// Whether two runs had the same events and the same outcome. The values that they noted may differ.
    pub(crate) fn is_same_run(&self, other: &Self) -> bool {
        (self.hash, &self.schedule, &self.bug) == (other.hash, &other.schedule, &other.bug)
    }

    /// The hash as [`Trace::hash`] has it.
    pub(crate) fn hash_of_trace(&self) -> u64 {
        mix_if_any(self.hash, self.values)
    }

    pub(crate) fn write(&self, file: &Path) -> std::io::Result<()> {
        // Renamed when it is complete, so that nothing reads half of it.
        let part = file.with_extension("part");
        fs::write(&part, self.to_text())?;
        fs::rename(part, file)
    }

    fn to_text(&self) -> String {
        let Self { hash, values, schedule, bug, ending, account, trace } = self;
        let bug = bug.as_ref().map_or_else(|| "-".to_owned(), |bug| format!("+{bug}"));
        let hashes = format!("{hash:016x} {values:016x}");
        [&hashes, &schedule.to_string(), &bug, ending, account, trace]
            .map(String::as_str)
            .join(NEXT)
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        let parts: Vec<&str> = text.splitn(6, NEXT).collect();
        let [hashes, schedule, bug, ending, account, trace] = parts.try_into().ok()?;
        let (hash, values) = hashes.split_once(' ')?;
        Some(Self {
            hash: u64::from_str_radix(hash, 16).ok()?,
            values: u64::from_str_radix(values, 16).ok()?,
            schedule: schedule.parse().ok()?,
            bug: bug.strip_prefix('+').map(str::to_owned),
            ending: ending.to_owned(),
            account: account.to_owned(),
            trace: trace.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_survives_its_file() {
        let mut answer = Answer { hash: 7, values: 8, ..Answer::default() };
        assert_eq!(Answer::parse(&answer.to_text()), Some(answer.clone()));
        answer.schedule = "d1:0.h1".parse().unwrap();
        answer.bug = Some("two\nlines".to_owned());
        answer.ending = "+ and\n\nmore".to_owned();
        answer.account = "\nthe story\n".to_owned();
        let text = answer.to_text();
        assert_eq!(Answer::parse(&text), Some(answer));
        assert_eq!(Answer::parse(&text[..text.len() / 2]), None);
    }
}
