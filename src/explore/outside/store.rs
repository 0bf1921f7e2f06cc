//! What is written beside the test's binary: the report of the last failure. Never into the sources.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use super::test_id::{TestId, program};
use crate::trace::printable;

/// The place for the files of one test: `target/dacapo/<test>/`.
pub(crate) struct Store {
    directory: PathBuf,
}

impl Store {
    /// The place, made if it is not there.
    pub(crate) fn open(test: &TestId) -> io::Result<Self> {
        static TARGET: OnceLock<Result<PathBuf, String>> = OnceLock::new();
        let target = TARGET.get_or_init(|| {
            let program = program().ok_or("the test's binary has no path")?;
            target_directory(&program)
                .map(Path::to_path_buf)
                .ok_or_else(|| format!("no directory of cargo's is above {}", program.display()))
        });
        let target = target.as_ref().map_err(|why| io::Error::other(why.clone()))?;
        let directory = target.join("dacapo").join(test.directory());
        fs::create_dir_all(&directory)?;
        Ok(Self { directory })
    }

    pub(crate) fn path(&self, file: &str) -> PathBuf {
        self.directory.join(file)
    }

    /// Writes a file whole or, if that fails, not at all: what stood there before stays.
    pub(crate) fn write(&self, file: &str, text: &str) -> io::Result<PathBuf> {
        let path = self.path(file);
        let part = self.path(&format!("{file}.part-{}", own_number()));
        let written = fs::write(&part, text).and_then(|()| fs::rename(&part, &path));
        if written.is_err() {
            let _ = fs::remove_file(&part);
        }
        written.map(|()| path)
    }

    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    /// The directory, as seen from where the test runs, if it is below that.
    pub(crate) fn shown(&self) -> String {
        shown(&self.directory)
    }
}

/// A number that no other process has now.
pub(crate) fn own_number() -> u32 {
    std::process::id()
}

/// A path as seen from where the test runs, if it is below that.
pub(crate) fn shown(path: &Path) -> String {
    let here = std::env::current_dir().ok();
    let short = here.as_deref().and_then(|here| path.strip_prefix(here).ok());
    printable(&short.unwrap_or(path).display().to_string(), usize::MAX)
}

/// Cargo marks the top of the directory into which it builds.
fn target_directory(program: &Path) -> Option<&Path> {
    program.ancestors().skip(1).find(|above| above.join("CACHEDIR.TAG").is_file())
}
