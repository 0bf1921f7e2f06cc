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

#[test]
fn the_examples_tell_their_stories() {
    assert_snapshot!("example_fetches", fetches::story());
    assert_snapshot!("example_finish_order", finish_order::story());
    assert_snapshot!("example_cancelled", cancelled::story());
    assert_snapshot!("example_leaked_permit", leaked_permit::story());
    assert_snapshot!("example_sentinel", sentinel::story());
}
