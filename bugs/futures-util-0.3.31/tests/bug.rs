#[path = "../../scenarios/futures_read_line_cancelled.rs"]
mod futures_read_line_cancelled;
#[path = "../../support/mod.rs"]
mod support;

use support::passes;

#[test]
fn futures_read_line_cancelled() {
    passes("futures_read_line_cancelled", futures_read_line_cancelled::scenario);
}
