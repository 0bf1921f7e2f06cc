use std::cell::RefCell;
use std::fmt;
use std::future::Future;
use std::rc::Rc;

use crate::executor;
use crate::instant::Instant;
use crate::linear::{End, LinearizeError, Model, Moment, Operation, linearize};

/// How many steps the model may take for one key by default.
const MAX_STEPS: u64 = 4_000_000;

/// A record of what clients called and what was returned to them, in order.
///
/// It is kept in memory, with all outputs, until it is dropped. Like a run, it belongs to one thread.
///
/// ```
/// use std::rc::Rc;
/// use dacapo::history::{History, Model};
/// use dacapo::sync::Queue;
/// # use std::collections::VecDeque;
/// # #[derive(Clone, Debug)]
/// # enum Op { Push(u32), Pop }
/// # #[derive(Clone, Default, PartialEq, Eq, Hash)]
/// # struct Fifo(VecDeque<u32>);
/// # impl Model for Fifo {
/// #   type Op = Op;
/// #   type Output = Option<u32>;
/// #   fn step(&mut self, op: &Op) -> Option<u32> {
/// #       match op {
/// #           Op::Push(item) => self.0.push_back(*item),
/// #           Op::Pop => return self.0.pop_front(),
/// #       }
/// #       None
/// #   }
/// # }
///
/// // The model is that of the module's page, with the operations Push and Pop.
/// dacapo::check(dacapo::scheduler::Portfolio::seeds(0..20), async || {
///     let queue = Rc::new(Queue::new(1));
///     let history = History::new(Fifo::default());
///     let clients = ["alice", "bob"].map(|name| {
///         let (queue, mut client) = (Rc::clone(&queue), history.client(name));
///         async move {
///             let push = async {
///                 queue.put(1).await.unwrap();
///                 None
///             };
///             client.call(Op::Push(1), push).await;
///             client.call(Op::Pop, async { queue.get_nowait().ok() }).await;
///         }
///     });
///     for client in dacapo::gather(clients).await {
///         client.unwrap();
///     }
///     history.linearize()
/// });
/// ```
pub struct History<M: Model> {
    model: M,
    max_steps: u64,
    log: Rc<RefCell<Log<M>>>,
}

struct Log<M: Model> {
    clients: Vec<String>,
    operations: Vec<Operation<M::Op, M::Output>>,
    events: usize,
}

impl<M: Model> Log<M> {
    fn now(&mut self) -> Moment {
        let event = self.events;
        self.events += 1;
        let time = executor::session(|session| session.now).unwrap_or(Instant::START);
        Moment { event, time }
    }
}

impl<M: Model> History<M> {
    /// Creates an empty history of a system that starts in this state of the model.
    pub fn new(model: M) -> Self {
        let log = Log { clients: Vec::new(), operations: Vec::new(), events: 0 };
        Self { model, max_steps: MAX_STEPS, log: Rc::new(RefCell::new(log)) }
    }

    /// The most steps of the model that the search for an order may take for each key. If they do not suffice,
    /// the result is [undecided](LinearizeError::is_undecided). 4,000,000 by default, which take a few seconds.
    ///
    /// No fast algorithm is known for the general case (Gibbons and Korach 1997). In good cases the search takes
    /// a step or two for each operation. The worst case is the number of orders, which grows with the overlap of
    /// operations.
    pub fn max_steps(self, max_steps: u64) -> Self {
        Self { max_steps, ..self }
    }

    /// Adds a client. Its column in reports has this name.
    pub fn client(&self, name: &str) -> Client<M> {
        let mut log = self.log.borrow_mut();
        log.clients.push(name.to_owned());
        let number = log.clients.len() - 1;
        Client { number, last: None, log: Rc::clone(&self.log) }
    }

    /// Searches for an order of the operations in which the model returns what the clients have seen.
    ///
    /// An operation that has not returned, because its client dropped it or still waits, may have taken effect
    /// at any time after its call, or not at all.
    ///
    /// # Errors
    ///
    /// If there is no such order: the error shows the shortest part of the history that proves it. Or if the
    /// search takes too many steps.
    pub fn linearize(&self) -> Result<(), LinearizeError> {
        let log = self.log.borrow();
        linearize(&self.model, &log.clients, &log.operations, self.max_steps)
    }
}

/// So that a model can stand where its history is asked for.
impl<M: Model> From<M> for History<M> {
    fn from(model: M) -> Self {
        Self::new(model)
    }
}

impl<M: Model> fmt::Debug for History<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let log = self.log.borrow();
        f.debug_struct("History").field("operations", &log.operations).finish_non_exhaustive()
    }
}

/// A client, which makes one call after another. Made by [`History::client`].
pub struct Client<M: Model> {
    number: usize,
    last: Option<usize>,
    log: Rc<RefCell<Log<M>>>,
}

impl<M: Model> fmt::Debug for Client<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Client").field(&self.log.borrow().clients[self.number]).finish()
    }
}

impl<M: Model> Client<M> {
    /// Records that this operation is called now. You then run it yourself. If it is a future,
    /// [`call`](Client::call) is simpler.
    ///
    /// # Panics
    ///
    /// If the previous call has neither returned nor been dropped. Use two clients to do two things at once.
    #[track_caller]
    pub fn invoke(&mut self, op: M::Op) -> Call<M> {
        let mut log = self.log.borrow_mut();
        let number = log.operations.len();
        if let Some(last) = self.last {
            let is_over = !matches!(log.operations[last].end, End::InFlight);
            let name = &log.clients[self.number];
            assert!(
                is_over,
                "dacapo: the client {name:?} calls again before its last call has returned; let each \
                 task be a client of its own, with History::client"
            );
        }
        self.last = Some(number);
        let called = log.now();
        log.operations.push(Operation { client: self.number, op, called, end: End::InFlight });
        Call { number, log: Rc::clone(&self.log) }
    }

    /// Runs an operation: records the call when this is first polled, and the output of the future when it
    /// completes.
    ///
    /// # Cancel safety
    ///
    /// If you drop it, the future is dropped, and the operation is recorded as abandoned: it may have taken
    /// effect, may still do so, or may never. The client can make further calls.
    pub async fn call(&mut self, op: M::Op, future: impl Future<Output = M::Output>) -> M::Output
    where
        M::Output: Clone,
    {
        let call = self.invoke(op);
        let output = future.await;
        call.returns(output.clone());
        output
    }
}

/// An operation in flight, made by [`Client::invoke`]. If you drop it, the operation is abandoned: it may
/// have taken effect, may still do so, or may never.
#[must_use = "what is dropped has not returned"]
pub struct Call<M: Model> {
    number: usize,
    log: Rc<RefCell<Log<M>>>,
}

impl<M: Model> fmt::Debug for Call<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Call").field(&self.log.borrow().operations[self.number].op).finish()
    }
}

impl<M: Model> Call<M> {
    /// Writes down that this has returned now.
    pub fn returns(self, output: M::Output) {
        let mut log = self.log.borrow_mut();
        let now = log.now();
        log.operations[self.number].end = End::Returned(now, output);
    }
}

impl<M: Model> Drop for Call<M> {
    fn drop(&mut self) {
        let mut log = self.log.borrow_mut();
        if matches!(log.operations[self.number].end, End::InFlight) {
            let now = log.now();
            log.operations[self.number].end = End::Dropped(now);
        }
    }
}
