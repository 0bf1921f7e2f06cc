//! Linearizability: records what clients of a system see, and checks that a sequential model explains it.
//!
//! Several clients use one system at the same time. Each sees what its own calls return, and none sees the
//! order in which the system performed them. The system is *linearizable* (Herlihy and Wing 1990) if there is
//! an order of the operations in which a sequential [`Model`] returns to every client exactly what it has
//! seen, and in which no operation comes before one that had returned when it was called. This is what most
//! people expect of a shared queue, or of a map with a lock around it.
//!
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
//! [`linearize`] does all of it: it runs several clients against a system, and checks what they see.
//!
//! The error shows as little as possible: operations on one [key](Model::key), on as few
//! [items](Model::item) as suffice, up to the first return (◀) that no order explains, and of these only the
//! operations that matter. The others make no difference, whether and whenever they took effect.

mod record;
mod workload;

pub use crate::linear::{LinearizeError, Model};
pub use record::{Call, Client, History};
pub use workload::linearize;
