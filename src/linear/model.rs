use std::fmt::Debug;
use std::hash::Hash;

/// A sequential specification: what a system does when operations run one after another.
///
/// A value of this type is a state. You pass the initial state. A check clones, compares and stores
/// thousands of states, so keep them small.
///
/// ```
/// use std::collections::VecDeque;
/// use dacapo::history::Model;
///
/// #[derive(Clone, Debug)]
/// enum Op {
///     Push(u32),
///     Pop,
/// }
///
/// #[derive(Clone, Default, PartialEq, Eq, Hash)]
/// struct Queue(VecDeque<u32>);
///
/// impl Model for Queue {
///     type Op = Op;
///     type Output = Option<u32>;
///
///     fn step(&mut self, op: &Op) -> Option<u32> {
///         match op {
///             Op::Push(item) => self.0.push_back(*item),
///             Op::Pop => return self.0.pop_front(),
///         }
///         None
///     }
/// }
/// ```
pub trait Model: Clone + Eq + Hash {
    /// What clients ask for.
    type Op: Debug;
    /// What they get.
    type Output: Debug + PartialEq;

    /// Does this in one step, and tells what the client gets.
    fn step(&mut self, op: &Self::Op) -> Self::Output;

    /// Does this in one step, and tells whether the client may have got `output`; if not, the state after
    /// it does not matter.
    /// Implement this only for a system that may answer in several ways, such as a cache that may have
    /// forgotten. A client may get everything that `accepts` allows. The answers of [`step`](Model::step)
    /// are then examples, and what `step` does to the state is the effect of an operation whose answer
    /// was never seen.
    fn accepts(&mut self, op: &Self::Op, output: &Self::Output) -> bool {
        self.step(op) == *output
    }

    /// What the operation is about, if operations on different keys have nothing to do with each other, as
    /// in a map. Those of each key are then looked at alone, each from the first state on, which is very
    /// much faster and makes shorter reports.
    ///
    /// The system is right as a whole if it is right for each key: linearizability is local (Herlihy and
    /// Wing 1990; Horn and Kroening 2015 call it *P-compositionality*). By default there is one key.
    ///
    /// ```
    /// # use std::collections::BTreeMap;
    /// # use dacapo::history::Model;
    /// # #[derive(Clone, PartialEq, Eq, Hash)]
    /// # struct Map(BTreeMap<String, u32>);
    /// # #[derive(Debug)]
    /// # struct Add { key: String, amount: u32 }
    /// impl Model for Map {
    /// #   type Op = Add;
    /// #   type Output = u32;
    /// #   fn step(&mut self, op: &Add) -> u32 {
    /// #       let count = self.0.entry(op.key.clone()).or_default();
    /// #       *count += op.amount;
    /// #       *count
    /// #   }
    ///     // …
    ///     fn key(op: &Add) -> impl Ord {
    ///         &op.key
    ///     }
    /// }
    /// ```
    fn key(_op: &Self::Op) -> impl Ord {}

    /// The item that the operation put, took or looked for, if the system is a collection whose items only
    /// affect each other by their order, such as a queue, a stack or a set. The output is `None` if the
    /// operation did not return.
    ///
    /// If you name items, you promise: a correct history stays correct when all operations on one item are
    /// removed. Most long histories of collections cannot be decided without this, and reports leave out
    /// the items that do not matter. The verdict is the same. By default there are no items, and no
    /// operation may be removed.
    ///
    /// ```
    /// # use std::collections::VecDeque;
    /// # use dacapo::history::Model;
    /// # #[derive(Clone, Debug)]
    /// # enum Op { Push(u32), Pop }
    /// # #[derive(Clone, Default, PartialEq, Eq, Hash)]
    /// # struct Queue(VecDeque<u32>);
    /// impl Model for Queue {
    /// #   type Op = Op;
    /// #   type Output = Option<u32>;
    /// #   fn step(&mut self, op: &Op) -> Option<u32> {
    /// #       match op {
    /// #           Op::Push(item) => self.0.push_back(*item),
    /// #           Op::Pop => return self.0.pop_front(),
    /// #       }
    /// #       None
    /// #   }
    ///     // …
    ///     fn item(op: &Op, output: Option<&Option<u32>>) -> Option<impl Ord> {
    ///         match op {
    ///             Op::Push(item) => Some(Some(*item)),
    ///             // To find nothing is on an item of its own, `Some(None)`. What was popped is not known
    ///             // if there is no output.
    ///             Op::Pop => output.copied(),
    ///         }
    ///     }
    /// }
    /// ```
    fn item(_op: &Self::Op, _output: Option<&Self::Output>) -> Option<impl Ord> {
        None::<()>
    }
}
