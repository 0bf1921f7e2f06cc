//! Does the report of each bug name the two tasks whose order matters?

use dacapo::Builder;
use dacapo::scheduler::Portfolio;

use crate::programs::{self, Program};
use crate::support::assert_snapshot;

/// What a report says of why a program fails, without the numbers of the step; and the pair, if that is
/// another one.
fn explained(program: &Program) -> String {
    let builder = Builder::new().fresh_process(false);
    let found = builder.try_check(Portfolio::seeds(0..5_000), async || program.broken().await);
    let Err(error) = found else { return format!("{:<27} (not found)\n", program.name) };
    let explanation = error.explanation().expect("it is explained");
    let [early, late] = program.pair;
    let (what, rather) = match explanation.tasks() {
        Some((a, b)) if (a, b) == (early, late) => (format!("{a} ran before {b}"), String::new()),
        Some((a, b)) => (format!("{a} ran before {b}"), format!("; rather {early} before {late}")),
        None => (explanation.sentence().to_owned(), format!("; rather {early} before {late}")),
    };
    format!("{:<27} {what}{rather}\n", program.name)
}

/// Where it names another pair, that decides as well: the other end of a window, or one of several tasks
/// that do the same.
#[test]
fn the_explanations_name_the_pairs() {
    let rows: String = programs::all().map(explained).collect();
    assert_snapshot!("zoo_explained", rows);
}
