//! docs/snapshots.md: its programs are these, and what it shows is what they do.

use crate::support::assert_snapshot;
use dacapo::scheduler::Exhaustive;
use dacapo::time::sleep;
use dacapo::{explore, run};

const PAGE: &str = include_str!("../../docs/snapshots.md");
const THIS: &str = include_str!("reviewing.rs");

mod before {
    use super::fetch;

    pub(crate) async fn download() -> Vec<&'static str> {
        let mut index = Vec::new();
        for page in ["home", "news"] {
            fetch(page).await;
            index.push(page);
        }
        index
    }
}

mod after {
    use std::cell::RefCell;
    use std::rc::Rc;

    use dacapo::task::spawn_named;

    use super::fetch;

    pub(crate) async fn download() -> Vec<&'static str> {
        let index = Rc::new(RefCell::new(Vec::new()));
        let tasks = ["home", "news"].map(|page| {
            let index = Rc::clone(&index);
            spawn_named(page, async move {
                fetch(page).await;
                index.borrow_mut().push(page);
            })
        });
        for task in tasks {
            task.await.unwrap();
        }
        index.take()
    }
}

async fn fetch(page: &str) {
    dacapo::trace!("get", page);
    sleep(std::time::Duration::from_secs(1)).await;
}

/// The text before a change and after it, as a diff of the page has them.
fn sides(diff: &str) -> [String; 2] {
    let side = |other: char| {
        let lines = diff.lines().filter(|line| !line.starts_with(other));
        lines.map(|line| format!("{}\n", line.get(1..).unwrap_or_default())).collect()
    };
    [side('+'), side('-')]
}

fn blocks(language: &str) -> Vec<&'static str> {
    let start = format!("```{language}\n");
    let parts = PAGE.split(&start).skip(1);
    parts.filter_map(|part| part.split("```").next()).collect()
}

#[test]
fn the_page_shows_what_is_so() {
    let traces =
        [run(before::download).trace().to_string(), run(after::download).trace().to_string()];
    let outcomes = [
        explore(Exhaustive::new(), before::download).behaviours().to_string(),
        explore(Exhaustive::new(), after::download).behaviours().to_string(),
    ];
    let diffs = blocks("diff");
    assert_eq!(diffs.len(), 2);
    assert_eq!(sides(diffs[0]), traces);
    assert_eq!(sides(diffs[1]), outcomes);
    assert_snapshot!(
        "reviewing",
        "What docs/snapshots.md is about: two pages are downloaded one after another, then at once.",
        [traces, outcomes].concat().join("\n")
    );
}

/// Except for indentation, the code of the page is the code of this file.
#[test]
fn the_page_shows_these_programs() {
    let lines: Vec<&str> = THIS.lines().map(str::trim).collect();
    for line in blocks("rust,no_run").concat().lines().map(str::trim) {
        let of_the_page_alone = ["assert_snapshot!", "#", "mod ", "}", "fn download", "use "];
        let own = of_the_page_alone.iter().any(|part| line.contains(part));
        assert!(
            own || lines.contains(&&*format!("pub(crate) {line}")) || lines.contains(&line),
            "{line}"
        );
    }
}
