#[path = "../../scenarios/h2_client_close.rs"]
mod h2_client_close;
#[path = "../../support/mod.rs"]
mod support;

use support::{FailureKind, found};

#[test]
fn h2_client_close() {
    found(
        "h2_client_close",
        h2_client_close::scenario,
        FailureKind::Stuck,
        "connection waits for something",
    );
}
