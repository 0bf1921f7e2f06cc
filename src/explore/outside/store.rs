//! What is written beside the test's binary: the report of the last failure. Never into the sources.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::test_id::{TestId, program};

/// The place for the files of one test: `target/dacapo/<test>/`.
pub(crate) struct Store {
    directory: PathBuf,
}

impl Store {
    /// The place, made if it is not there.
    pub(crate) fn open(test: &TestId) -> io::Result<Self> {
        let program = program().ok_or_else(|| io::Error::other("the test's binary has no path"))?;
        let target = target_directory(&program).ok_or_else(|| {
            let program = program.display();
            io::Error::other(format!("no directory of cargo's is above {program}"))
        })?;
        let directory = target.join("dacapo").join(test.directory());
        fs::create_dir_all(&directory)?;
        Ok(Self { directory })
    }

    pub(crate) fn path(&self, file: &str) -> PathBuf {
        self.directory.join(file)
    }

    pub(crate) fn write(&self, file: &str, text: &str) -> io::Result<PathBuf> {
        let path = self.path(file);
        fs::write(&path, text)?;
        Ok(path)
    }

    /// The directory, as seen from where the test runs, if it is below that.
    pub(crate) fn shown(&self) -> String {
        shown(&self.directory)
    }
}

/// A path as seen from where the test runs, if it is below that.
pub(crate) fn shown(path: &Path) -> String {
    let here = std::env::current_dir().ok();
    let short = here.as_deref().and_then(|here| path.strip_prefix(here).ok());
    short.unwrap_or(path).display().to_string()
}

/// Cargo marks the top of the directory into which it builds.
fn target_directory(program: &Path) -> Option<&Path> {
    program.ancestors().skip(1).find(|above| above.join("CACHEDIR.TAG").is_file())
}
