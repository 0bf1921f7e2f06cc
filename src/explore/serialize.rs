//! What was found as data, with the feature `serde`.

use serde_core::ser::{Serialize, SerializeMap, Serializer};

use super::error::CheckError;
use super::run::Run;
use super::search::outcomes::{Outcome, Report};
use super::tally::coverage::Mark;

impl<T: Serialize> Serialize for Run<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        match self.outcome() {
            Ok(output) => map.serialize_entry("output", output)?,
            Err(failure) => map.serialize_entry("failure", failure)?,
        }
        map.serialize_entry("schedule", self.schedule())?;
        let elapsed = u64::try_from(self.elapsed().as_nanos()).unwrap_or(u64::MAX);
        map.serialize_entry("elapsed_ns", &elapsed)?;
        map.serialize_entry("steps", &self.steps())?;
        map.serialize_entry("trace", self.trace())?;
        map.end()
    }
}

impl Serialize for Report {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("outcomes", self.outcomes())?;
        map.serialize_entry("runs", &self.runs())?;
        map.serialize_entry("steps", &self.steps())?;
        map.serialize_entry("choices", &self.choices())?;
        map.serialize_entry("distinct_traces", &self.distinct_traces())?;
        map.serialize_entry("complete", &self.is_complete())?;
        map.serialize_entry("marks", self.marks())?;
        map.serialize_entry("nondeterminism", &self.nondeterminism())?;
        map.end()
    }
}

impl Serialize for Outcome {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("text", self.text())?;
        map.serialize_entry("runs", &self.runs())?;
        map.serialize_entry("first_seen", self.first_seen())?;
        map.serialize_entry("least", self.least())?;
        map.serialize_entry("failure", &self.failure())?;
        map.end()
    }
}

impl Serialize for Mark {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("label", self.label())?;
        map.serialize_entry("runs_held", &self.runs_held())?;
        map.serialize_entry("runs_evaluated", &self.runs_evaluated())?;
        map.serialize_entry("evaluations", &self.evaluations())?;
        map.end()
    }
}

impl Serialize for CheckError {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("failure", self.failure())?;
        map.serialize_entry("schedule", self.schedule())?;
        map.serialize_entry("runs", &self.runs())?;
        map.serialize_entry("shrink_runs", &self.shrink_runs())?;
        map.serialize_entry("explanation", &self.explanation())?;
        map.serialize_entry("report", &self.to_string())?;
        map.end()
    }
}
