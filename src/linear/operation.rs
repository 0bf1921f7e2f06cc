use std::collections::BTreeMap;

use super::Model;
use crate::instant::Instant;

/// When something happened: its place among the events of a history, and the virtual time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Moment {
    pub(crate) event: usize,
    pub(crate) time: Instant,
}

/// What became of an operation.
#[derive(Clone, Debug)]
pub(crate) enum End<Output> {
    Returned(Moment, Output),
    /// The client gave up, and does not know whether it took effect, or still may.
    Dropped(Moment),
    InFlight,
}

/// One thing that a client asked for, and what it got.
#[derive(Clone, Debug)]
pub(crate) struct Operation<Op, Output> {
    /// The number of the client.
    pub(crate) client: usize,
    pub(crate) op: Op,
    pub(crate) called: Moment,
    pub(crate) end: End<Output>,
}

/// What the search knows of an operation. An operation without a return *may* have taken effect at any
/// time after its call.
pub(super) struct Entry<'a, M: Model> {
    pub(super) op: &'a M::Op,
    /// The events of call and return, and the output.
    pub(super) called: usize,
    pub(super) returned: Option<(usize, &'a M::Output)>,
    /// The number of the item that it is about.
    pub(super) item: Option<usize>,
}

impl<M: Model> Clone for Entry<'_, M> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<M: Model> Copy for Entry<'_, M> {}

impl<'a, M: Model> Entry<'a, M> {
    pub(super) fn new(operation: &'a Operation<M::Op, M::Output>) -> Self {
        let returned = match &operation.end {
            End::Returned(at, output) => Some((at.event, output)),
            End::Dropped(_) | End::InFlight => None,
        };
        Self { op: &operation.op, called: operation.called.event, returned, item: None }
    }

    /// All of a part, with their items.
    pub(super) fn all(part: &[&'a Operation<M::Op, M::Output>]) -> Vec<Self> {
        let mut entries: Vec<Self> = part.iter().map(|operation| Self::new(operation)).collect();
        let mut items: BTreeMap<_, Vec<usize>> = BTreeMap::new();
        for (number, entry) in entries.iter().enumerate() {
            if let Some(item) = M::item(entry.op, entry.returned.map(|(_, output)| output)) {
                items.entry(item).or_default().push(number);
            }
        }
        let items: Vec<Vec<usize>> = items.into_values().collect();
        for (item, numbers) in items.into_iter().enumerate() {
            for number in numbers {
                entries[number].item = Some(item);
            }
        }
        entries
    }

    /// Whether it had returned when the other one was called.
    pub(super) fn precedes(&self, other: &Self) -> bool {
        self.returned.is_some_and(|(returned, _)| returned < other.called)
    }

    /// The same operation, as if its end had not been seen.
    pub(super) fn open(self) -> Self {
        Self { returned: None, ..self }
    }
}

/// The numbers of the operations on each key, in the order of the keys.
pub(super) fn by_key<M: Model>(operations: &[Operation<M::Op, M::Output>]) -> Vec<Vec<usize>> {
    let mut parts: BTreeMap<_, Vec<usize>> = BTreeMap::new();
    for (number, operation) in operations.iter().enumerate() {
        parts.entry(M::key(&operation.op)).or_default().push(number);
    }
    parts.into_values().collect()
}
