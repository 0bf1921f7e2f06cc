//! Whether a search runs inside of tokio's runtime, which takes part in what it sees.

use std::backtrace::Backtrace;

/// What to do about a search in tokio's runtime.
pub(crate) const INSIDE_TOKIO: &str = "this search was started inside of tokio's runtime, as by #[tokio::test], \
    and the run waits for something outside of dacapo. There, tokio's futures have a budget of 128 operations for one poll \
    of the runtime, and wait when it is used up; the whole search is one such poll. So nothing is known about your code: \
    start the search from a plain #[test], or use #[dacapo::test]";

/// Whether tokio's runtime is on the stack. It takes a while to find out, so ask only for a report.
pub(crate) fn is_inside_tokio() -> bool {
    let stack = Backtrace::force_capture().to_string();
    stack.lines().any(|line| line.contains("tokio::runtime::") && line.contains("block_on"))
}
