//! Does the report of each bug name the two tasks whose order matters?

use dacapo::Builder;
use dacapo::scheduler::Portfolio;

use crate::programs::{self, Program};
use crate::support::assert_snapshot;

/// What a report says of why a program fails, without the numbers of the step.
fn explained(program: &Program) -> String {
    let builder = Builder::new().fresh_process(false);
    let found = builder.try_check(Portfolio::seeds(0..5_000), async || program.broken().await);
    let Err(error) = found else { return format!("{:<27} (not found)\n", program.name) };
    let explanation = error.explanation().expect("it is explained");
    let (early, late) = explanation.tasks().unwrap_or_default();
    assert!(program.pairs.contains(&[early, late]), "{}: {}", program.name, explanation.sentence());
    format!("{:<27} {early} ran before {late}\n", program.name)
}

#[test]
fn the_explanations_name_the_pairs() {
    let rows: String = programs::all().map(explained).collect();
    assert_snapshot!("zoo_explained", rows);
}
