//! The recorded programs, and where they are.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value as Json;

use crate::program::Program;

/// A program, and what CPython made of it.
#[derive(Deserialize)]
pub(crate) struct Record {
    #[serde(alias = "id")]
    pub(crate) name: String,
    pub(crate) order: Order,
    pub(crate) program: Program,
    expected: Json,
    /// Where later versions of CPython differ from 3.11: any of them will do.
    #[serde(default)]
    expected_on: BTreeMap<String, Json>,
}

/// How far the order of what tasks do at one instant is determined.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Order {
    /// Wholly.
    Total,
    /// Within each task, not between them.
    PerTask,
    /// It is the one in which an event loop serves them.
    Fifo,
}

impl Record {
    /// The outcomes that are right, the newest last.
    pub(crate) fn expected(&self) -> impl Iterator<Item = &Json> {
        [&self.expected].into_iter().chain(self.expected_on.values())
    }
}

/// All records of a family, as texts: a record has parts that belong to one thread.
pub(crate) fn family(name: &str) -> Vec<String> {
    let folder = root().join(name);
    let entries = fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let mut paths: Vec<PathBuf> =
        entries.map(|entry| entry.expect("an entry can be read").path()).collect();
    paths.sort();
    let mut records = Vec::new();
    for path in paths {
        let text = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        if path.extension().is_some_and(|extension| extension == "jsonl") {
            records.extend(text.lines().map(str::to_owned));
        } else {
            records.push(text);
        }
    }
    assert!(!records.is_empty(), "{} has no programs", folder.display());
    records
}

pub(crate) fn parse(text: &str) -> Record {
    serde_json::from_str(text)
        .unwrap_or_else(|error| panic!("{error} in {}", text.get(..200).unwrap_or(text)))
}

/// The folder with the programs: `ASYNCIO_CORPUS`, such as a checkout of the whole corpus, or the one beside
/// this file.
#[expect(clippy::disallowed_methods, reason = "which programs are run is no part of a run")]
fn root() -> PathBuf {
    match std::env::var_os("ASYNCIO_CORPUS") {
        Some(folder) => folder.into(),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/asyncio/corpus"),
    }
}
