#[path = "../../scenarios/futures_concurrency_insert.rs"]
mod futures_concurrency_insert;
#[path = "../../support/mod.rs"]
mod support;

use support::{FailureKind, found};

#[test]
fn futures_concurrency_insert() {
    found(
        "futures_concurrency_insert",
        futures_concurrency_insert::scenario,
        FailureKind::Stuck,
        "main waits for something",
    );
}
