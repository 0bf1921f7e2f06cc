#[path = "../../support/mod.rs"]
mod support;
#[path = "../../scenarios/tokio_util_token_waker.rs"]
mod tokio_util_token_waker;

use support::{FailureKind, found};

#[test]
fn tokio_util_token_waker() {
    found(
        "tokio_util_token_waker",
        tokio_util_token_waker::scenario,
        FailureKind::Stuck,
        "shutdown waits for something",
    );
}
