//! What a search knows of the world outside: its environment, the name of its test, and files.

pub(crate) mod case;
pub(crate) mod env;
mod invocation;
pub(crate) mod journal;
pub(crate) mod regressions;
pub(crate) mod store;
pub(crate) mod test_id;
pub(crate) mod tokio;
