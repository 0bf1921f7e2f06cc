//! What the examples print.

mod support;

use support::assert_snapshot;

#[expect(dead_code, reason = "only the story is asked for")]
#[path = "../examples/cancelled.rs"]
mod cancelled;
#[expect(dead_code, reason = "only the story is asked for")]
#[path = "../examples/fetches.rs"]
mod fetches;
#[expect(dead_code, reason = "only the story is asked for")]
#[path = "../examples/finish_order.rs"]
mod finish_order;

#[expect(dead_code, reason = "only the story is asked for")]
#[path = "../examples/leaked_permit.rs"]
mod leaked_permit;
#[expect(dead_code, reason = "only the story is asked for")]
#[path = "../examples/sentinel.rs"]
mod sentinel;
#[expect(dead_code, reason = "only the story is asked for")]
#[path = "../examples/stale_cache.rs"]
mod stale_cache;

#[test]
fn the_examples_tell_their_stories() {
    assert_snapshot!(
        "example_fetches",
        "What examples/fetches.rs prints: three calls one after another, and at once.",
        fetches::story()
    );
    assert_snapshot!(
        "example_finish_order",
        "What examples/finish_order.rs prints: in which order tasks finish, and in which they may.",
        finish_order::story()
    );
    assert_snapshot!(
        "example_cancelled",
        "What examples/cancelled.rs prints: a worker is cancelled in its third second, and cleans up.",
        cancelled::story()
    );
    assert_snapshot!(
        "example_leaked_permit",
        "What examples/leaked_permit.rs prints: a sweep that cancels at each await finds a permit that is lost.",
        leaked_permit::story()
    );
    assert_snapshot!(
        "example_sentinel",
        "What examples/sentinel.rs prints: one end mark for two consumers, which is passed on, or kept while the other waits for ever.",
        sentinel::story()
    );
    assert_snapshot!(
        "example_stale_cache",
        "What examples/stale_cache.rs prints: two clients, and the operations that show that a cache is stale.",
        stale_cache::story()
    );
}
