//! What a process saw of a run, and how it tells another process.

use std::fmt;
use std::fs;
use std::path::Path;

use crate::explore::subject::Sample;

/// What another process saw of a run.
pub(crate) struct Answer {
    pub(crate) hash: u64,
    pub(crate) ending: String,
    pub(crate) trace: String,
}

/// Why there is no answer.
pub(crate) enum Silence {
    /// The process has ended well, and made nothing of this check.
    NotReached,
    Other(String),
}

impl From<String> for Silence {
    fn from(why: String) -> Self {
        Self::Other(why)
    }
}

impl fmt::Display for Silence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotReached => "the test, run alone, did not get as far as this check",
            Self::Other(why) => why,
        })
    }
}

const END: &str = "end of the ending";

impl Answer {
    pub(crate) fn of(sample: &Sample, trace: String) -> Self {
        Self { hash: sample.hash, ending: sample.ending(), trace }
    }

    pub(crate) fn write(&self, file: &Path) -> std::io::Result<()> {
        // Renamed when it is complete, so that nothing reads half of it.
        let part = file.with_extension("part");
        let Self { hash, ending, trace } = self;
        fs::write(&part, format!("{hash:016x}\n{ending}\n{END}\n{trace}"))?;
        fs::rename(part, file)
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (hash, rest) = text.split_once('\n')?;
        let (ending, trace) = rest.split_once(&format!("\n{END}\n"))?;
        Some(Self {
            hash: u64::from_str_radix(hash, 16).ok()?,
            ending: ending.to_owned(),
            trace: trace.to_owned(),
        })
    }
}
