#[path = "../../scenarios/multistream_flush.rs"]
mod multistream_flush;
#[path = "../../support/mod.rs"]
mod support;

use support::passes;

#[test]
fn multistream_flush() {
    passes("multistream_flush", multistream_flush::scenario);
}
