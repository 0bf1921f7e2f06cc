#[path = "../../scenarios/deadpool_max_size.rs"]
mod deadpool_max_size;
#[path = "../../support/mod.rs"]
mod support;

use support::passes;

#[test]
fn deadpool_max_size() {
    passes("deadpool_max_size", deadpool_max_size::scenario);
}
