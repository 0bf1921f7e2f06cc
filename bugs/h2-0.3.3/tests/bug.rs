#[path = "../../scenarios/h2_client_close.rs"]
mod h2_client_close;
#[path = "../../support/mod.rs"]
mod support;

use support::{Failure, found};

#[test]
fn h2_client_close() {
    found(
        "h2_client_close",
        h2_client_close::scenario,
        Failure::is_stuck,
        "connection waits for something",
    );
}
