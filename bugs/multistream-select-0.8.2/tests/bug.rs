#[path = "../../scenarios/multistream_flush.rs"]
mod multistream_flush;
#[path = "../../support/mod.rs"]
mod support;

use support::{FailureKind, found_at_once};

#[test]
fn multistream_flush() {
    found_at_once(
        "multistream_flush",
        multistream_flush::scenario,
        FailureKind::Stuck,
        "dialer waits for something",
    );
}
