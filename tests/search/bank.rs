//! The test that the README and the guide show first, and its report.

use std::{cell::Cell, rc::Rc, time::Duration};

use crate::support::{assert_snapshot, panic_of};
use dacapo::check;
use dacapo::scheduler::Portfolio;
use dacapo::{task::spawn_named, time::sleep};

async fn deposit(balance: Rc<Cell<u32>>, amount: u32) {
    let before = balance.get();
    if amount > 15 {
        sleep(Duration::from_secs(1)).await; // large deposits need approval
    }
    balance.set(before + amount);
}

async fn deposits_add_up() {
    let balance = Rc::new(Cell::new(0));
    let alice = spawn_named("alice", deposit(balance.clone(), 10));
    let bob = spawn_named("bob", deposit(balance.clone(), 20));
    alice.await.unwrap();
    bob.await.unwrap();
    assert_eq!(balance.get(), 30);
}

/// The report, as a package `bank` with a test `deposits_add_up` in `tests/bank.rs` gets it.
#[test]
fn the_report_of_the_readme() {
    let (here, this) = (module_path!(), file!());
    let report = panic_of(|| check(Portfolio::default(), deposits_add_up))
        .replace(
            &format!("dacapo: {here}::the_report_of_the_readme"),
            "dacapo: bank::deposits_add_up",
        )
        .replace(this, "tests/bank.rs")
        .replace("-p dacapo --all-features", "-p bank")
        .replace("-p dacapo", "-p bank")
        .replace("--test search", "--test bank")
        .replace(&format!("dacapo.{}", here.replace("::", ".")), "bank")
        .replace("bank::the_report_of_the_readme", "deposits_add_up")
        .replace("the_report_of_the_readme", "deposits_add_up");
    assert_snapshot!(
        "bank",
        "The first test of the README: a large deposit overwrites a small one.",
        report
    );
}

/// The README and the guide show this program and no other.
#[test]
fn the_pages_show_this_program() {
    let this = include_str!("bank.rs");
    for page in [include_str!("../../README.md"), include_str!("../../docs/first-test.md")] {
        let (_, program) = page.split_once("use dacapo::{task::spawn_named").expect("it is shown");
        let (program, _) = program.split_once("\n```").expect("it ends");
        for line in program.lines().filter(|line| *line != "#[dacapo::test]") {
            assert!(this.contains(line), "{line:?}");
        }
    }
}
