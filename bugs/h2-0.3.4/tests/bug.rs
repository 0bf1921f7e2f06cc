#[path = "../../scenarios/h2_client_close.rs"]
mod h2_client_close;
#[path = "../../support/mod.rs"]
mod support;

use support::passes;

#[test]
fn h2_client_close() {
    passes("h2_client_close", h2_client_close::scenario);
}
