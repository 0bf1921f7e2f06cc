//! How much of what can happen a search has seen.

use std::fmt;

/// How much of what can happen a search has seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Extent {
    /// Whether every possible schedule was run.
    pub(crate) all_schedules: bool,
    pub(crate) drawn: Drawn,
    /// Whether a run ended at a limit, so that what would have come after it was not seen.
    pub(crate) limited: bool,
}

/// Where the random values of the code under test came from. Other seeds would have given other values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Drawn {
    /// None were drawn.
    #[default]
    Nothing,
    /// From this seed in all runs.
    From(u64),
    FromSeveral,
}

impl Drawn {
    /// Adds a run that drew from this seed, if it drew anything.
    pub(crate) fn add(&mut self, seed: Option<u64>) {
        *self = match (*self, seed) {
            (before, None) => before,
            (Self::Nothing, Some(seed)) => Self::From(seed),
            (Self::From(before), Some(seed)) if before == seed => *self,
            (Self::From(_) | Self::FromSeveral, Some(_)) => Self::FromSeveral,
        };
    }

    /// The seeds in words, if any values were drawn.
    pub(crate) fn seeds(self) -> Option<impl fmt::Display> {
        match self {
            Self::Nothing => None,
            Self::From(seed) => Some(format!("seed {seed}")),
            Self::FromSeveral => Some("some seeds".to_owned()),
        }
    }
}

impl Extent {
    /// Whether nothing else can happen.
    pub(crate) fn is_complete(self) -> bool {
        self.all_schedules && self.drawn == Drawn::Nothing && !self.limited
    }

    /// What was not tried, in words.
    pub(crate) fn untried(self) -> Vec<String> {
        let mut untried = Vec::new();
        if !self.all_schedules {
            untried.push("not all schedules were tried".to_owned());
        }
        if let Some(seeds) = self.drawn.seeds() {
            untried.push(format!("random values were drawn from {seeds} only"));
        }
        if self.limited {
            untried.push("a run that reaches a limit goes no further".to_owned());
        }
        untried
    }
}

/// As in "complete", or "all schedules, with random values from seed 0".
impl fmt::Display for Extent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.all_schedules {
            return f.write_str("not all there are");
        }
        if self.is_complete() {
            return f.write_str("complete");
        }
        f.write_str("all schedules")?;
        if let Some(seeds) = self.drawn.seeds() {
            write!(f, ", with random values from {seeds} only")?;
        }
        match self.limited {
            true => f.write_str(", up to where runs reach a limit"),
            false => Ok(()),
        }
    }
}
