#[path = "../../scenarios/futures_select_end.rs"]
mod futures_select_end;
#[path = "../../support/mod.rs"]
mod support;

use support::{FailureKind, found};

#[test]
fn futures_select_end() {
    found("futures_select_end", futures_select_end::scenario, FailureKind::Panic, "cars got lost");
}
