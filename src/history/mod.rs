//! What clients have seen of a system, and whether that can be explained.
//! Several clients use one system at the same time. Each sees what its own calls return, and none sees in
//! which order the system did them. The system is *linearizable* (Herlihy and Wing 1990) if there is an
//! order in which a sequential [`Model`] gives every client just what it has seen, and in which no
//! operation comes before one that had returned when it was called. That is what most people expect of a
//! shared queue, or of a map with a lock around it.
//! A [`History`] records calls and returns in a run, and [`History::linearize`] looks for that order. If
//! there is none, the error shows the few operations that are wrong, with a column for each client:
//!
//! ```
//! use dacapo::history::{History, Model};
//!
//! #[derive(Clone, Debug)]
//! enum Op {
//!     Get,
//!     Add(u32),
//! }
//!
//! #[derive(Clone, Default, PartialEq, Eq, Hash)]
//! struct Counter(u32);
//!
//! impl Model for Counter {
//!     type Op = Op;
//!     type Output = u32;
//!
//!     fn step(&mut self, op: &Op) -> u32 {
//!         if let Op::Add(amount) = op {
//!             self.0 += amount;
//!         }
//!         self.0
//!     }
//! }
//!
//! let history = History::new(Counter(0));
//! let (mut alice, mut bob) = (history.client("alice"), history.client("bob"));
//! let [one, other] = [alice.invoke(Op::Add(10)), bob.invoke(Op::Add(20))];
//! one.returns(10);
//! other.returns(20); // as if alice had added nothing
//! let error = history.linearize().unwrap_err();
//! assert_eq!(
//!     error.to_string(),
//!     "\
//! not linearizable: in no order does the model give what these clients have seen
//!
//!         time   alice       bob
//!         0 ms   ┌ Add(10)
//!         0 ms   │           ┌ Add(20)
//!         0 ms   └ → 10      │
//!         0 ms               └ → 20   ◀
//!
//! allowed    for Add(20) at ◀: 30",
//! );
//! ```
//!
//! [`linearize`] does all of it: it lets several clients use a system, and looks at what they get.
//!
//! What is shown is no more than it takes. First come only operations on the same [key](Model::key), and
//! then on as few [items](Model::item) as will do; then only what happens until the first return (◀) at
//! which it is wrong; and of that only operations without which it would be right, or would not be seen to
//! be wrong. What is left out makes no difference, whether and whenever it took effect.

mod record;
mod workload;

pub use crate::linear::{LinearizeError, Model};
pub use record::{Call, Client, History};
pub use workload::linearize;
