//! What the examples print.

use crate::support::assert_snapshot;

#[expect(dead_code, reason = "only the story is asked for")]
#[path = "../../examples/cancelled.rs"]
mod cancelled;
#[expect(dead_code, reason = "only the story is asked for")]
#[path = "../../examples/fetches.rs"]
mod fetches;
#[expect(dead_code, reason = "only the story is asked for")]
#[path = "../../examples/finish_order.rs"]
mod finish_order;
#[expect(dead_code, reason = "only the story is asked for")]
#[path = "../../examples/leaked_permit.rs"]
mod leaked_permit;
#[expect(dead_code, reason = "only the story is asked for")]
#[path = "../../examples/sentinel.rs"]
mod sentinel;
#[expect(dead_code, reason = "only the story is asked for")]
#[path = "../../examples/stale_cache.rs"]
mod stale_cache;

/// One test for each: some of them look for a failure, and make sure of it in a fresh process, which runs
/// this test once more.
macro_rules! stories {
    ($($example:ident: $sentence:literal,)*) => {$(
        #[test]
        fn $example() {
            let name = concat!("example_", stringify!($example));
            let sentence = concat!("What examples/", stringify!($example), ".rs prints: ", $sentence);
            assert_snapshot!(name, sentence, $example::story());
        }
    )*};
}

stories! {
    fetches: "three calls one after another, and at once.",
    finish_order: "in which order tasks finish, and in which they may.",
    cancelled: "a worker is cancelled in its third second, and cleans up.",
    leaked_permit: "a sweep that cancels at each await finds a permit that is lost.",
    sentinel: "one end mark for two consumers, which is passed on, or kept while the other waits for ever.",
    stale_cache: "two clients, and the operations that show that a cache is stale.",
}
