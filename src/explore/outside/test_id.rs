//! Which test this is, and how to run it alone.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::env;
use super::invocation::{cargo_options, quoted, target_option};
use crate::trace::{mix, printable};

/// How many bytes of the name of a test are used in the name of a file. File systems take 255, and a
/// hash, the package and an extension need some of them.
pub(crate) const LONGEST: usize = 120;

/// How many checks of one test get files and fresh processes.
pub(crate) const MANY: u32 = 8;

/// The name of a test, and how cargo is asked to run it alone.
#[derive(Debug, Clone)]
pub(crate) struct TestId {
    /// Crate, modules, function; `#2` for the second check in one test.
    name: String,
    /// The same without a number.
    test: String,
    nth: u32,
    harness: Harness,
    /// The directory of the package when it was compiled, as far as that is known.
    compiled_in: Option<&'static str>,
    before: Before,
}

/// What there has been in a test so far.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Before {
    checks: u32,
    /// How many tables were asked for. They are counted only where that matters: see
    /// [`TestId::infer_table`].
    pub(crate) tables: u32,
    /// Whether a check has failed, and did not end the test.
    pub(crate) failed: bool,
    /// Whether it has been said why its runs are made by one process.
    noted: bool,
}

/// With the names of tests, in no order: a process has no more of them than a file.
static TESTS: Mutex<Vec<(String, Before)>> = Mutex::new(Vec::new());

#[derive(Debug, Clone)]
enum Harness {
    /// A test of the standard harness, by the name that it has there.
    Test(String),
    /// The same, as the name of this thread suggests.
    Thread(String),
    /// An ordinary program, which is run whole.
    Program,
    /// A thread that was started by the test or by code under test, so that the test is not known.
    Unknown,
}

impl TestId {
    /// A test function, by its path and name, of the package in this directory.
    #[cfg(any(feature = "macros", feature = "proptest"))]
    pub(crate) fn new(module: &str, function: &str, package: Option<&'static str>) -> Self {
        let path = match module.split_once("::") {
            Some((_, modules)) => format!("{modules}::{function}"),
            None => function.to_owned(),
        };
        let test = Self::numbered(format!("{module}::{function}"), Harness::Test(path), false);
        Self { compiled_in: package, ..test }
    }

    /// The test in which this is called, as far as can be told: the standard harness gives its
    /// threads the names of their tests.
    pub(crate) fn infer() -> Self {
        Self::infer_as(false)
    }

    /// The same for a search that ends in a table. These have numbers of their own, and only in
    /// processes that share searches: a test's directory must not depend on its tables.
    pub(crate) fn infer_table() -> Self {
        Self::infer_as(true)
    }

    fn infer_as(table: bool) -> Self {
        let program = program();
        let stem = program.as_deref().and_then(Path::file_stem).map(|stem| stem.to_string_lossy());
        let stem = stem.as_deref().unwrap_or("test");
        let krate = crate_name(stem).replace('-', "_");
        let test = match std::thread::current().name() {
            Some("main") | None => exact_argument().map(|test| (test.clone(), Harness::Test(test))),
            Some(name) => Some((name.to_owned(), Harness::Thread(name.to_owned()))),
        };
        match test {
            Some((test, harness)) => Self::numbered(format!("{krate}::{test}"), harness, table),
            None if is_test_binary(program.as_deref()) => {
                let (name, test) = (krate.clone(), krate);
                let (harness, before) = (Harness::Unknown, Before::default());
                Self { name, test, nth: 1, harness, compiled_in: None, before }
            }
            None => Self::numbered(krate, Harness::Program, table),
        }
    }

    /// Tells apart the checks of one test by their order, which is the same in each process.
    fn numbered(test: String, harness: Harness, table: bool) -> Self {
        // A thread may have any name.
        let test = printable(&test, usize::MAX);
        let mut tests = TESTS.lock().unwrap_or_else(PoisonError::into_inner);
        let known = before(&mut tests, &test);
        let before = *known;
        let (count, kind) =
            if table { (&mut known.tables, "#table") } else { (&mut known.checks, "") };
        *count += 1;
        let nth = *count;
        let number = if nth == 1 { String::new() } else { format!("#{nth}") };
        Self {
            name: format!("{test}{kind}{number}"),
            test,
            nth,
            harness,
            compiled_in: None,
            before,
        }
    }

    /// What there was in this test before this.
    pub(crate) fn before(&self) -> Before {
        self.before
    }

    /// Remembers that a check of this test has failed.
    pub(crate) fn note_failure(&self) {
        self.remember(|known| known.failed = true);
    }

    /// Remembers that it has been said why this test is not shared; returns whether that was new.
    pub(crate) fn note_reason(&self) -> bool {
        self.remember(|known| !std::mem::replace(&mut known.noted, true))
    }

    fn remember<R>(&self, f: impl FnOnce(&mut Before) -> R) -> R {
        let mut tests = TESTS.lock().unwrap_or_else(PoisonError::into_inner);
        f(before(&mut tests, &self.test))
    }

    /// Which check of its test this is, counted from 1.
    pub(crate) fn nth(&self) -> u32 {
        self.nth
    }

    /// The name that it has in its test harness, if it is in one.
    pub(crate) fn harness_name(&self) -> Option<&str> {
        match &self.harness {
            Harness::Test(test) | Harness::Thread(test) => Some(test),
            Harness::Program | Harness::Unknown => None,
        }
    }

    /// Whether a test harness runs it, which captures what it prints.
    pub(crate) fn is_of_harness(&self) -> bool {
        !matches!(self.harness, Harness::Program)
    }

    /// Whether it comes after so many checks of its test that it is a small one, for which no other process is asked and
    /// nothing is written unless it fails.
    pub(crate) fn is_one_of_many(&self) -> bool {
        self.nth > MANY
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The name of the test's directory.
    pub(crate) fn directory(&self) -> String {
        // Two packages may have tests of one name.
        let package = env::package().filter(|package| !self.name.starts_with(package.as_str()));
        let package =
            package.map_or_else(String::new, |package| format!("{}.", file_name(&package)));
        package + &self.file()
    }

    /// The name of a file for this test, within the package.
    pub(crate) fn file(&self) -> String {
        let file = file_name(&self.name.replace("::", "."));
        if file.len() <= LONGEST {
            return file;
        }
        // What was cut off may be all that tells two tests apart.
        let hash = self.name.bytes().fold(0, |hash, byte| mix(hash, byte.into()));
        format!("{}-{hash:016x}", &file[..file.floor_char_boundary(LONGEST)])
    }

    /// The directory of the package to which the test belongs, if both are known.
    pub(crate) fn manifest_directory(&self) -> Option<PathBuf> {
        match self.harness {
            Harness::Unknown => None,
            // What cargo and nextest say now: the sources may have moved since they were compiled.
            Harness::Test(_) | Harness::Thread(_) | Harness::Program => {
                env::manifest_directory().or_else(|| self.compiled_in.map(PathBuf::from))
            }
        }
    }

    /// The arguments with which this very program runs this test and no other, if that is known.
    pub(crate) fn arguments(&self) -> Option<Vec<String>> {
        match &self.harness {
            Harness::Test(test) | Harness::Thread(test) => {
                Some([test, "--exact", "--include-ignored"].map(str::to_owned).into())
            }
            Harness::Program => Some(std::env::args().skip(1).collect()),
            Harness::Unknown => None,
        }
    }

    /// If the name was taken from a thread: that name, and this test as one that is not known.
    pub(crate) fn without_thread(&self) -> Option<(&str, Self)> {
        match &self.harness {
            Harness::Thread(name) => {
                Some((name, Self { harness: Harness::Unknown, ..self.clone() }))
            }
            Harness::Test(_) | Harness::Program | Harness::Unknown => None,
        }
    }

    /// The command that runs this test alone, to be pasted after the variable that says which run to make.
    pub(crate) fn command(&self) -> String {
        let package =
            env::package().map_or_else(String::new, |name| format!(" -p {}", quoted(&name)));
        let program = program().unwrap_or_default();
        let stem = program.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let folder = program.parent().and_then(Path::file_name);
        let options = cargo_options();
        match &self.harness {
            Harness::Test(test) | Harness::Thread(test) => {
                let directory = self.manifest_directory();
                let target = directory.map_or_else(String::new, |directory| {
                    target_option(&directory, crate_name(&stem))
                });
                // The test may be one that is usually ignored.
                let is_ignored = |argument: String| argument.ends_with("ignored");
                let ignored =
                    if std::env::args().any(is_ignored) { " --include-ignored" } else { "" };
                let test = quoted(test);
                format!("cargo test{package}{options}{target} -- --exact {test}{ignored}")
            }
            Harness::Program if folder.is_some_and(|name| name == "examples") => {
                format!("cargo run{package}{options} --example {stem}{}", own_arguments(" --"))
            }
            Harness::Program => {
                format!("{}{}", quoted(&program.display().to_string()), own_arguments(""))
            }
            Harness::Unknown => format!("cargo test{package}{options}"),
        }
    }
}

/// The arguments of this program, after `before` if there are any.
fn own_arguments(before: &str) -> String {
    let arguments: Vec<String> = std::env::args().skip(1).map(|word| quoted(&word)).collect();
    match arguments.is_empty() {
        true => String::new(),
        false => format!("{before} {}", arguments.join(" ")),
    }
}

/// A text as the name of a file, without anything that could lead to another directory.
pub(crate) fn file_name(text: &str) -> String {
    let plain = |c: char| if c.is_alphanumeric() || "._-#".contains(c) { c } else { '_' };
    text.chars().map(plain).collect()
}

/// Without the hash that cargo adds to the names of test binaries.
fn crate_name(stem: &str) -> &str {
    match stem.rsplit_once('-') {
        Some((plain, hash)) if is_hash(hash) => plain,
        _ => stem,
    }
}

/// What there was in a test, found by its name.
fn before<'a>(tests: &'a mut Vec<(String, Before)>, test: &str) -> &'a mut Before {
    let known = tests.iter().position(|(name, _)| name == test);
    let place = known.unwrap_or(tests.len());
    if known.is_none() {
        tests.push((test.to_owned(), Before::default()));
    }
    &mut tests[place].1
}

/// The file of this program.
pub(crate) fn program() -> Option<PathBuf> {
    std::env::current_exe().ok()
}

/// Cargo puts these into `deps`.
fn is_test_binary(program: Option<&Path>) -> bool {
    let folder = program.and_then(Path::parent).and_then(Path::file_name);
    folder.is_some_and(|name| name == "deps")
}

fn is_hash(text: &str) -> bool {
    text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The test that the standard harness was asked for, if it was for one: `name --exact`. Then, or on
/// a machine with one core, it runs on the main thread.
fn exact_argument() -> Option<String> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let exact = arguments.iter().any(|argument| argument == "--exact");
    let mut names = arguments.into_iter().filter(|argument| !argument.starts_with("--"));
    names.next().filter(|_| exact && names.next().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(test: &str) -> String {
        TestId::numbered(test.to_owned(), Harness::Program, false).file()
    }

    #[test]
    fn a_name_of_common_length_is_readable() {
        assert_eq!(file("krate::module::test of it"), "krate.module.test_of_it");
        assert_eq!(file(&"n".repeat(LONGEST)), "n".repeat(LONGEST));
    }

    /// File systems count bytes, and such a letter has three.
    #[test]
    fn a_long_name_is_cut_between_letters() {
        let file = file(&format!("k::{}", "長".repeat(80)));
        let (cut, hash) = file.rsplit_once('-').unwrap();
        assert_eq!(cut, format!("k.{}", "長".repeat(39)));
        assert!(is_hash(hash), "{hash}");
    }

    #[test]
    fn long_names_that_begin_alike_have_files_of_their_own() {
        let [one, two] = ["one", "two"].map(|end| file(&format!("{}{end}", "n".repeat(200))));
        assert_ne!(one, two);
        assert_eq!(one.len(), LONGEST + 17);
        // It is committed with the test: it has to be the same for ever.
        assert_eq!(one[LONGEST..], *"-80ef50216c0bac74");
    }
}
