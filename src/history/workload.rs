use std::future::Future;
use std::panic::{Location, resume_unwind};
use std::rc::Rc;

use super::{History, LinearizeError, Model};
use crate::session::Place;
use crate::task::{spawn_as, yield_now};

/// Runs the operations of several clients against a system, and checks that the results are linearizable: a
/// concurrent state machine test.
///
/// `workload` has a list of operations for each client. Each client is a task that passes its operations to
/// `apply`, one after another, and yields in between. Instead of a model you may pass a [`History`], to
/// change its settings. A client that is cancelled skips its remaining operations.
///
/// Return the error from the body of a [`check`](crate::check()), a `#[dacapo::test]` or a `dacapo::proptest!`, and it
/// fails the run. With the feature `proptest`, `dacapo::proptest::commands` draws workloads.
///
/// # Errors
///
/// As [`History::linearize`].
///
/// # Panics
///
/// If `apply` panics, with the same panic.
///
/// # Cancel safety
///
/// If you drop the future, the clients go on, and their results are not checked.
///
/// ```
/// use std::cell::Cell;
/// use dacapo::history::{Model, linearize};
/// use dacapo::sync::Lock;
/// use dacapo::task::yield_now;
///
/// /// Adds so much, and tells the sum.
/// #[derive(Clone, Debug)]
/// struct Add(u32);
///
/// #[derive(Clone, Default, PartialEq, Eq, Hash)]
/// struct Counter(u32);
///
/// impl Model for Counter {
///     type Op = Add;
///     type Output = u32;
///
///     fn step(&mut self, Add(amount): &Add) -> u32 {
///         self.0 += amount;
///         self.0
///     }
/// }
///
/// let workload = [vec![Add(1), Add(2)], vec![Add(3)]];
/// dacapo::check(dacapo::scheduler::Exhaustive::new(), async || {
///     let (sum, lock) = (Cell::new(0), Lock::new());
///     linearize(Counter::default(), workload.clone(), async move |Add(amount)| {
///         let _guard = lock.lock().await;
///         let read = sum.get();
///         yield_now().await;
///         sum.set(read + amount);
///         sum.get()
///     })
///     .await
/// });
/// ```
#[track_caller]
pub fn linearize<M: Model<Op: Clone> + 'static>(
    history: impl Into<History<M>>,
    workload: impl IntoIterator<Item = Vec<M::Op>>,
    apply: impl AsyncFn(M::Op) -> M::Output + 'static,
) -> impl Future<Output = Result<(), LinearizeError>> {
    run(history.into(), workload, apply, Location::caller())
}

async fn run<M: Model<Op: Clone> + 'static>(
    history: History<M>,
    workload: impl IntoIterator<Item = Vec<M::Op>>,
    apply: impl AsyncFn(M::Op) -> M::Output + 'static,
    place: Place,
) -> Result<(), LinearizeError> {
    let apply = Rc::new(apply);
    let clients = workload.into_iter().enumerate().map(|(number, operations)| {
        let name = format!("client {}", number + 1);
        let mut client = history.client(&name);
        let apply = Rc::clone(&apply);
        let work = async move {
            for (number, op) in operations.into_iter().enumerate() {
                if number > 0 {
                    yield_now().at(place).await;
                }
                let call = client.invoke(op.clone());
                call.returns(apply(op).await);
            }
        };
        spawn_as("history::linearize", Some(&name), work, place)
    });
    let clients: Vec<_> = clients.collect();
    // What they have of the system ends with the last of them.
    drop(apply);
    for client in clients {
        if let Err(error) = client.await
            && error.is_panic()
        {
            resume_unwind(error.into_panic());
        }
    }
    history.linearize()
}
