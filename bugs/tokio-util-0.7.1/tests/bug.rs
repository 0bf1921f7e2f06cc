#[path = "../../support/mod.rs"]
mod support;
#[path = "../../scenarios/tokio_util_token_waker.rs"]
mod tokio_util_token_waker;

use support::passes;

#[test]
fn tokio_util_token_waker() {
    passes("tokio_util_token_waker", tokio_util_token_waker::scenario);
}
