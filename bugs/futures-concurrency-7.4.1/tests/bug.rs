#[path = "../../scenarios/futures_concurrency_insert.rs"]
mod futures_concurrency_insert;
#[path = "../../support/mod.rs"]
mod support;

use support::passes;

#[test]
fn futures_concurrency_insert() {
    passes("futures_concurrency_insert", futures_concurrency_insert::scenario);
}
