//! Kept schedules whose test is not there any more, because it was renamed or removed.

use std::fs;
use std::path::Path;
use std::sync::Once;

use crate::explore::confirm::process::list_of_tests;
use crate::explore::outside::regressions;
use crate::explore::outside::test_id::{self, TestId};
use crate::explore::say::say_now;
use crate::trace::printable;

/// Says once in a process which files of kept schedules belong to no test of this binary.
pub(crate) fn look(test: &TestId) {
    static LOOKED: Once = Once::new();
    LOOKED.call_once(|| {
        for file in orphans(test).unwrap_or_default() {
            say_now(&format!(
                "dacapo: {}/{} is of no test any more, so its schedules are not replayed: rename it as its test was \
                 renamed, or remove it",
                regressions::DIRECTORY,
                printable(&file, usize::MAX)
            ));
        }
    });
}

/// `None` if that cannot be known.
fn orphans(test: &TestId) -> Option<Vec<String>> {
    let package = test.manifest_directory()?;
    let own = test.harness_name()?;
    let krate = test.name().split("::").next()?;
    let prefix = format!("{krate}.");
    let files = fs::read_dir(package.join(regressions::DIRECTORY)).ok()?;
    let names = files.flatten().filter_map(|file| file.file_name().into_string().ok());
    let of_others = |name: &String| {
        let test = name.strip_suffix(".txt").and_then(|name| name.strip_prefix(&prefix));
        test.is_some_and(|test| without_number(test) != test_id::file_name(&own.replace("::", ".")))
    };
    let mut files: Vec<String> = names.filter(of_others).collect();
    // Another test binary may be of a crate of the same name, and a test may be switched off by a feature: then the
    // sources name it. To ask the sources first is cheaper than to ask for the list of tests, too.
    let mut sources = String::new();
    if !files.is_empty() {
        for folder in ["src", "tests", "examples", "benches"] {
            read_sources(&package.join(folder), &mut sources);
        }
    }
    files.retain(|file| !has_function(&sources, function(file)));
    if files.is_empty() {
        return Some(files);
    }
    // Macros make tests whose names are in no source.
    let tests: Vec<String> = list_of_tests()?
        .iter()
        .map(|test| test_id::file_name(&format!("{krate}::{test}").replace("::", ".")))
        .collect();
    files.retain(|file| {
        let file = file.strip_suffix(".txt").unwrap_or(file);
        let file = without_number(file);
        // The names of files are cut, and end in a hash then.
        let is_of = |test: &String| match file.len() > test_id::LONGEST {
            true => test.starts_with(&file[..file.floor_char_boundary(test_id::LONGEST)]),
            false => test == file,
        };
        !tests.iter().any(is_of)
    });
    files.sort_unstable();
    Some(files)
}

fn has_function(sources: &str, name: &str) -> bool {
    sources.match_indices(&format!("fn {name}")).any(|(place, found)| {
        let next = sources[place + found.len()..].chars().next();
        !next.is_some_and(|c| c.is_alphanumeric() || c == '_')
    })
}

/// The last part of the path of a test, by the name of its file.
fn function(file: &str) -> &str {
    let test = file.strip_suffix(".txt").unwrap_or(file);
    without_number(test).rsplit('.').next().unwrap_or_default()
}

/// Without the `#2` of the second check in one test.
fn without_number(test: &str) -> &str {
    match test.rsplit_once('#') {
        Some((test, number)) if number.bytes().all(|byte| byte.is_ascii_digit()) => test,
        _ => test,
    }
}

fn read_sources(folder: &Path, sources: &mut String) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            read_sources(&path, sources);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            sources.push_str(&fs::read_to_string(path).unwrap_or_default());
        }
    }
}
