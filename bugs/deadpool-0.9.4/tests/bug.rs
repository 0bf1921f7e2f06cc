#[path = "../../scenarios/deadpool_max_size.rs"]
mod deadpool_max_size;
#[path = "../../support/mod.rs"]
mod support;

use support::{FailureKind, found};

#[test]
fn deadpool_max_size() {
    found(
        "deadpool_max_size",
        deadpool_max_size::scenario,
        FailureKind::Panic,
        "more connections in use than the pool may have: 2",
    );
}
