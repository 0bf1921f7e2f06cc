#[path = "../../scenarios/multistream_flush.rs"]
mod multistream_flush;
#[path = "../../support/mod.rs"]
mod support;

use support::{Failure, found_at_once};

#[test]
fn multistream_flush() {
    found_at_once(
        "multistream_flush",
        multistream_flush::scenario,
        Failure::is_stuck,
        "dialer waits for something",
    );
}
