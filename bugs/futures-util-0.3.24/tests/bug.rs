#[path = "../../scenarios/futures_select_end.rs"]
mod futures_select_end;
#[path = "../../support/mod.rs"]
mod support;

use support::passes;

#[test]
fn futures_select_end() {
    passes("futures_select_end", futures_select_end::scenario);
}
