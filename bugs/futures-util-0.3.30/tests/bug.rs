#[path = "../../scenarios/futures_read_line_cancelled.rs"]
mod futures_read_line_cancelled;
#[path = "../../support/mod.rs"]
mod support;

use support::{FailureKind, found};

#[test]
fn futures_read_line_cancelled() {
    found(
        "futures_read_line_cancelled",
        futures_read_line_cancelled::scenario,
        FailureKind::Panic,
        "the log has lost lines",
    );
}
