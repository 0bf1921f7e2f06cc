//! Property tests, with the crate [`proptest`]: random inputs under random schedules.
//!
//! A [`Schedule`](crate::Schedule) is an ordinary value: `any::<Schedule>()` draws one, [`schedule`] does so with
//! settings, and both shrink. So a plain `proptest!` tests a body under inputs and schedules:
//!
//! ```
//! use dacapo::{Schedule, gather, replay};
//! use proptest::collection::vec;
//! use proptest::prelude::*;
//!
//! proptest! {
//! #   #![proptest_config(ProptestConfig { cases: 16, failure_persistence: None, ..Default::default() })]
//! #   /*
//!     #[test]
//! #   */
//!     fn sums_in_any_order(
//!         (numbers, schedule) in vec(0..100_u32, 1..5)
//!             .prop_flat_map(|numbers| (Just(numbers), any::<Schedule>())),
//!     ) {
//!         let tasks = numbers.iter().map(|&n| async move { n }).collect::<Vec<_>>();
//!         let run = replay(schedule, async || gather(tasks).await);
//!         let sum: u32 = run.unwrap().into_iter().flatten().sum();
//!         prop_assert_eq!(sum, numbers.iter().sum::<u32>());
//!     }
//! }
//! # sums_in_any_order();
//! ```
//!
//! Make the schedule depend on the input with `prop_flat_map`, as here. Then proptest draws new schedules for
//! each simpler input. A schedule that is an argument of its own shrinks, too, but a schedule under which a
//! large input fails rarely makes a smaller one fail.

mod arguments;
mod check;
mod commands;
mod macros;
mod schedules;
mod tree;

pub use commands::commands;
pub use schedules::{ScheduleStrategy, schedule};
#[doc(hidden)]
pub use tree::ScheduleTree;

/// What the macro expands to.
pub(crate) mod expanded {
    pub use super::arguments::Argument;
    pub use super::check::{Test, default_scheduler as default_inputs_scheduler};
    pub use ::proptest::arbitrary::any;
    pub use ::proptest::test_runner::{Config, TestCaseError};
}
