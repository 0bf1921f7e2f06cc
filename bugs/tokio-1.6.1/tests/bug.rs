#[path = "../../support/mod.rs"]
mod support;
#[path = "../../scenarios/tokio_duplex_closed.rs"]
mod tokio_duplex_closed;

use support::passes;

#[test]
fn tokio_duplex_closed() {
    passes("tokio_duplex_closed", tokio_duplex_closed::scenario);
}
