use std::fmt::Debug;

use ::proptest::collection::{SizeRange, vec};
use ::proptest::strategy::Strategy;

/// Workloads for [`linearize`](crate::history::linearize): a number of clients, each of which does a
/// number of operations one after another.
///
/// They shrink to fewer clients, fewer operations and simpler ones.
///
/// ```
/// use std::{cell::RefCell, collections::BTreeSet};
/// use dacapo::history::{Model, linearize};
/// use dacapo::proptest::commands;
/// use proptest::prelude::*;
///
/// /// Puts a name into a set, and tells whether it is new.
/// #[derive(Clone, Debug)]
/// struct Insert(u8);
///
/// #[derive(Clone, Default, PartialEq, Eq, Hash)]
/// struct Names(BTreeSet<u8>);
///
/// impl Model for Names {
///     type Op = Insert;
///     type Output = bool;
///
///     fn step(&mut self, Insert(name): &Insert) -> bool {
///         self.0.insert(*name)
///     }
/// }
///
/// dacapo::proptest! {
/// #   #![proptest_config(ProptestConfig::with_cases(16))]
/// #   /*
///     #[test]
/// #   */
///     async fn a_name_is_new_once(workload in commands((0..3_u8).prop_map(Insert), 2..=3, 1..4)) {
///         let names = RefCell::new(BTreeSet::new());
///         let apply = async move |Insert(name)| names.borrow_mut().insert(name);
///         linearize(Names::default(), workload, apply).await?;
///     }
/// }
/// # a_name_is_new_once();
/// ```
pub fn commands<S: Strategy<Value: Debug>>(
    operation: S,
    clients: impl Into<SizeRange>,
    operations: impl Into<SizeRange>,
) -> impl Strategy<Value = Vec<Vec<S::Value>>> {
    vec(vec(operation, operations), clients)
}
