//! The rules of the house, as tests: layers, sizes, and pages that keep their word.

mod imports;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

fn read(path: impl AsRef<Path>) -> String {
    let path = Path::new(ROOT).join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// All Rust files below a directory, by their paths from the root.
fn sources(directory: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut left = vec![Path::new(ROOT).join(directory)];
    while let Some(path) = left.pop() {
        if path.is_dir() && !path.ends_with("target") {
            let entries = fs::read_dir(&path).expect("a directory can be read");
            left.extend(entries.map(|entry| entry.expect("an entry can be read").path()));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path.strip_prefix(ROOT).expect("it is below the root").to_owned());
        }
    }
    found.sort();
    assert!(!found.is_empty());
    found
}

/// The table in ARCHITECTURE.md: `| 2 | runtime | … |`, with the modules of a layer apart by spaces.
/// Of two modules in one layer the later one may use the earlier.
fn layers() -> BTreeMap<String, (u32, usize)> {
    let page = read("ARCHITECTURE.md");
    let rows = page.lines().filter_map(|line| {
        let mut cells = line.strip_prefix("| ")?.split(" | ");
        let layer: u32 = cells.next()?.parse().ok()?;
        Some((layer, cells.next()?.to_owned()))
    });
    let mut layers = BTreeMap::new();
    for (layer, modules) in rows {
        for (place, module) in modules.split_whitespace().enumerate() {
            layers.insert(module.trim_matches('`').to_owned(), (layer, place));
        }
    }
    layers
}

/// The module at the top to which a file belongs.
fn module_of(path: &Path) -> String {
    let below = path.strip_prefix("src").expect("it is in src");
    let first = below.iter().next().expect("it has a name");
    Path::new(first).file_stem().expect("it has a stem").to_string_lossy().into_owned()
}

#[test]
fn imports_point_down() {
    let layers = layers();
    for path in sources("src") {
        let module = module_of(&path);
        let Some(&own) = layers.get(&module) else {
            panic!("{}: `{module}` is not in the table of ARCHITECTURE.md", path.display());
        };
        let text = read(&path);
        // What tests use is their own affair, and documentation may name what is above.
        let code = text.split("#[cfg(test)]").next().expect("split gives one part at least");
        let code = code.lines().filter(|line| !line.trim_start().starts_with("//"));
        for line in code {
            // Macros name what exists in the crates of their users.
            let line = line.replace("$crate::", "");
            for part in line.split("crate::").skip(1) {
                let end =
                    part.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(part.len());
                let used = &part[..end];
                if used.is_empty() || used == module {
                    continue;
                }
                let Some(&other) = layers.get(used) else {
                    // `crate::{…}` is for the doors only, which may use all.
                    assert_eq!(module, "lib", "{}: unknown module {used:?}", path.display());
                    continue;
                };
                assert!(
                    other < own,
                    "{}: {module} (layer {}) uses {used} (layer {})",
                    path.display(),
                    own.0,
                    other.0
                );
            }
        }
    }
}

fn imports() -> BTreeMap<String, BTreeSet<String>> {
    let files: Vec<_> = sources("src").into_iter().map(|path| (path.clone(), read(path))).collect();
    imports::imports(&files)
}

/// The texts in backticks in a table's cell.
fn names(cell: &str) -> impl Iterator<Item = String> {
    cell.split_whitespace().map(|name| name.trim_matches('`').to_owned())
}

/// The table in DESIGN.md of files that import each other.
fn known_circles() -> BTreeSet<BTreeSet<String>> {
    let page = read("DESIGN.md");
    let section = page.split("## Circles that are left\n").nth(1).expect("DESIGN.md has them");
    let section = section.split("\n## ").next().expect("split gives one part at least");
    let rows = section.lines().filter_map(|line| line.strip_prefix("| `"));
    rows.map(|row| names(row.split(" | ").next().unwrap_or_default()).collect()).collect()
}

#[test]
fn files_import_each_other_only_where_design_says_why() {
    let (circles, known) = (imports::circles(&imports()), known_circles());
    for circle in &circles {
        assert!(known.contains(circle), "not in DESIGN.md, \"Circles that are left\": {circle:#?}");
        let is_explore = circle.iter().any(|file| file.starts_with("explore/"));
        assert!(!is_explore, "explore has no circles: {circle:?}");
    }
    for circle in &known {
        assert!(circles.contains(circle), "DESIGN.md names a circle that is gone: {circle:#?}");
    }
}

/// The table in ARCHITECTURE.md with the order inside of modules: a file or folder may use those before it.
#[test]
fn files_inside_a_module_are_in_order() {
    let (imports, circles) = (imports(), known_circles());
    let page = read("ARCHITECTURE.md");
    let rows: Vec<(&str, &str)> = page
        .lines()
        .filter_map(|line| line.strip_prefix("| `src/")?.strip_suffix(" |")?.split_once("/` | "))
        .collect();
    assert_eq!(rows.len(), 4);
    for (module, order) in rows {
        let order: Vec<String> = names(order).collect();
        let unit = |file: &str| {
            let below = file.strip_prefix(module)?.strip_prefix('/')?;
            let name = below.split('/').next()?.trim_end_matches(".rs");
            let place = order.iter().position(|unit| unit == name);
            Some(place.unwrap_or_else(|| panic!("ARCHITECTURE.md has no place for {file}")))
        };
        for (file, used) in &imports {
            for used in used {
                let (Some(own), Some(other)) = (unit(file), unit(used)) else { continue };
                let is_known = circles.iter().any(|it| it.contains(file) && it.contains(used));
                assert!(other <= own || is_known, "{file} uses {used}, which comes after it");
            }
        }
        for unit in &order {
            let path = Path::new(ROOT).join("src").join(module).join(unit);
            let is_there = path.is_dir() || path.with_extension("rs").is_file();
            assert!(is_there, "ARCHITECTURE.md names {module}/{unit}, which is not there");
        }
    }
}

/// A question is a row of the table, and the place that asks it. These need nothing else, so another one
/// does not either.
#[test]
fn a_question_is_a_row_and_a_place_that_asks_it() {
    for question in ["Timeout", "Spurious", "LateTimer", "Yield"] {
        let (row, name) = (format!("            {question} {{\n"), format!("Question::{question}"));
        let mut files = sources("src");
        files.retain(|path| {
            let text = read(path);
            let code = text.split("#[cfg(test)]").next().expect("split gives one part at least");
            code.contains(&row) || code.contains(&name)
        });
        assert_eq!(files.len(), 2, "{question} is named in {files:?}");
    }
}

#[test]
fn the_table_names_what_there_is() {
    let modules: Vec<String> = sources("src").iter().map(|path| module_of(path)).collect();
    for module in layers().keys() {
        assert!(modules.contains(module), "ARCHITECTURE.md names {module}, which is not there");
    }
}

#[test]
fn files_are_short_enough_to_be_read() {
    for directory in ["src", "tests", "examples", "crates", "benches"] {
        for path in sources(directory) {
            let lines = read(&path).lines().count();
            let limit = if directory == "examples" { 80 } else { 700 };
            assert!(lines <= limit, "{} has {lines} lines, of at most {limit}", path.display());
        }
    }
}

/// The one file where each of these belongs.
#[test]
fn the_outside_world_is_met_in_one_place_each() {
    for (what, homes) in [
        ("std::env::var", &["src/explore/outside/env.rs"][..]),
        (
            "std::process::",
            &[
                "src/explore/confirm/process.rs",
                "src/explore/outside/store.rs",
                "src/executor/unwind.rs",
            ],
        ),
        ("fs::write", &["src/explore"]),
        // The second is a macro's, for the crates of its users.
        ("thread_local!", &["src/executor/mod.rs", "src/task/task_local.rs"]),
        ("thread::sleep", &["src/explore/confirm/process.rs"]),
        ("thread::spawn", &["src/explore/confirm/process.rs"]),
    ] {
        for path in sources("src") {
            let code = read(&path);
            let mut code = code.lines().filter(|line| !line.trim_start().starts_with("//"));
            let found = code.any(|line| line.contains(what));
            let at_home = homes.iter().any(|home| path.starts_with(home));
            assert!(!found || at_home, "{} has {what}, which belongs in {homes:?}", path.display());
        }
    }
}

/// However it is imported: the virtual clock has another `Instant`, which all others use.
#[test]
fn the_wall_clock_is_read_in_one_place() {
    let readers = sources("src").into_iter().filter(|path| {
        let code = read(path);
        let mut code = code.lines().filter(|line| !line.trim_start().starts_with("//"));
        code.any(|line| {
            line.contains("std::time::")
                && ["Instant", "SystemTime", "::*", "::self"].iter().any(|name| line.contains(name))
        })
    });
    assert!(readers.eq([PathBuf::from("src/explore/clock.rs")]));
}

#[test]
fn no_line_holds_tabs_or_ends_in_spaces() {
    for directory in ["src", "tests", "examples", "crates", "benches"] {
        for path in sources(directory) {
            for (number, line) in read(&path).lines().enumerate() {
                let clean = !line.contains('\t') && line.trim_end() == line;
                assert!(clean, "{}:{}", path.display(), number + 1);
            }
        }
    }
}

/// Variables that are not for people are only named in the comments of that file.
#[test]
fn every_variable_has_a_row_in_the_guide() {
    let env = read("src/explore/outside/env.rs");
    let page = read("docs/environment.md");
    let mut rows = 0;
    for row in env.lines().filter_map(|line| line.strip_prefix("//! | `")) {
        let name = row.split('`').next().expect("split gives one part at least");
        assert!(
            page.contains(&format!("| `{name}` |")),
            "docs/environment.md has no row for {name}"
        );
        rows += 1;
    }
    assert!(rows > 5, "{rows}");
}

/// A README is read to its end.
#[test]
fn the_first_pages_are_short() {
    let readme = read("README.md").lines().count();
    assert!(readme <= 150, "README.md has {readme} lines, of at most 150");
    // Counted as `wc -w` does.
    let words = read("ARCHITECTURE.md").split_whitespace().count();
    assert!(words <= 1500, "ARCHITECTURE.md has {words} words, of at most 1,500");
}

/// A line of a report without what changes from build to build: line numbers and hashes.
fn without_places(line: &str) -> String {
    let mut parts = line.trim().split(".rs:");
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let rest = part.trim_start_matches("LINE");
        text.push_str(".rs:");
        text.push_str(
            rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == ':').trim_start(),
        );
    }
    let (before, after) = text.split_once("hash ").unwrap_or((&text, ""));
    let after = after.split_once(',').map_or("", |(_, after)| after);
    format!("{before}{after}")
}

/// What a page shows as output was really printed: each block of text is in one of the snapshots.
#[test]
fn the_pages_show_real_reports() {
    let all = |directory: &str| {
        let entries = fs::read_dir(Path::new(ROOT).join(directory)).expect("it is there");
        entries.map(|entry| entry.expect("an entry can be read").path())
    };
    let snapshots: Vec<Vec<String>> =
        all("snapshots").map(|path| read(path).lines().map(without_places).collect()).collect();
    let pages = all("docs").filter(|path| path.extension().is_some_and(|it| it == "md"));
    let mut blocks = 0;
    for page in pages.chain([Path::new(ROOT).join("README.md")]) {
        let text = read(&page);
        for block in text.split("```text\n").skip(1) {
            let block = block.split("```").next().expect("split gives one part at least");
            let lines: Vec<String> = block.lines().map(without_places).collect();
            let best = snapshots.iter().map(|snapshot| {
                lines.iter().filter(|line| !snapshot.contains(line)).collect::<Vec<_>>()
            });
            let missing = best.min_by_key(Vec::len).expect("there are snapshots");
            assert!(missing.is_empty(), "{}: never printed: {missing:#?}", page.display());
            blocks += 1;
        }
    }
    assert!(blocks > 4, "{blocks}");
}

/// A reviewer of a snapshot can tell what it is about without looking for its test.
#[test]
fn every_snapshot_has_a_story() {
    let snapshots = fs::read_dir(Path::new(ROOT).join("snapshots")).expect("it is there");
    for snapshot in snapshots {
        let path = snapshot.expect("an entry can be read").path();
        let text = read(&path);
        let story = text.lines().find_map(|line| line.strip_prefix("description: "));
        let story = story.map(|story| story.trim_matches('"')).unwrap_or_default();
        assert!(story.ends_with('.'), "{}: {story:?} is no sentence", path.display());
    }
}

#[test]
fn the_changelog_has_this_version() {
    let version = env!("CARGO_PKG_VERSION");
    assert!(read("CHANGELOG.md").contains(&format!("## {version}")), "{version}");
}

/// The attribute has a list of settings, so that it can name the nearest one to a typo.
#[test]
fn the_attribute_knows_all_settings() {
    let builder = read("src/explore/builder.rs");
    let attribute = read("crates/dacapo-macros/src/arguments.rs");
    let list = attribute.split("SETTINGS").nth(1).and_then(|rest| rest.split("];").next());
    let list: BTreeSet<&str> = list.expect("it has a list").split('"').skip(1).step_by(2).collect();
    let methods = builder.split("    pub fn ").skip(1);
    let methods =
        methods.filter_map(|rest| rest.split_once('(').filter(|it| it.1.starts_with("mut self")));
    // Not part of the stable interface.
    let settings: BTreeSet<&str> = methods
        .map(|(name, _)| name.split('<').next().unwrap_or(name))
        .filter(|&name| name != "driver")
        .collect();
    assert_eq!(list, settings);
}

#[test]
fn the_oldest_rust_is_the_one_that_ci_tests() {
    let manifest = read("Cargo.toml");
    let oldest = manifest.lines().find_map(|line| line.strip_prefix("rust-version = "));
    let oldest = oldest.expect("Cargo.toml says which Rust it needs");
    assert!(read(".github/workflows/ci.yml").contains(&format!("rust: [{oldest}, ")), "{oldest}");
}

/// For a library that tests cancellation, this heading is the product.
#[test]
fn every_async_function_says_what_a_drop_loses() {
    let mut found = 0;
    for path in sources("src") {
        let text = read(&path);
        let mut lines = text.lines().map(str::trim_start);
        let mut docs = String::new();
        while let Some(line) = lines.next() {
            match line.strip_prefix("///") {
                Some(doc) => docs.push_str(doc),
                None if line.starts_with("#[") => {}
                None => {
                    let mut signature = line.to_owned();
                    while line.starts_with("pub fn") && !signature.ends_with(['{', ';', '}']) {
                        signature.push_str(lines.next().expect("a signature has an end"));
                    }
                    let returned = signature.split(" -> ").last().unwrap_or_default();
                    let future = returned.starts_with("impl Future");
                    if line.starts_with("pub async fn") || line.starts_with("pub fn") && future {
                        found += 1;
                        let said = docs.contains("# Cancel safety");
                        assert!(said, "{}: {line}", path.display());
                    }
                    docs.clear();
                }
            }
        }
    }
    // Neither form of a signature is overlooked.
    assert!(found > 20, "{found}");
}
