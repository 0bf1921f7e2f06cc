//! Histories of correct systems, drawn from a seed, and histories with one error put in.

use std::collections::{BTreeMap, VecDeque};

use dacapo::history::{Call, Client, History, Model};

/// A model whose operations can be drawn.
pub trait System: Model<Op: Clone, Output: Clone> + Default {
    fn draw(random: &mut Random) -> Self::Op;
    /// Another output of the same kind.
    fn spoil(output: &Self::Output, random: &mut Random) -> Self::Output;
}

/// The generator of Sebastiano Vigna, "An experimental exploration of Marsaglia's xorshift generators" (2016).
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % bound
    }
}

#[derive(Clone, Copy)]
pub struct Shape {
    pub clients: usize,
    pub operations: usize,
    /// One operation in this many is abandoned by its client; 0 for none.
    pub dropped: u64,
}

#[derive(Clone)]
pub enum Event<M: Model> {
    Call(M::Op),
    Return(M::Output),
    Drop,
}

/// The clients' operations, by the number of the client.
pub type Events<M> = Vec<(usize, Event<M>)>;

enum Doing<M: Model> {
    Nothing,
    Called(M::Op),
    Done(M::Output),
}

/// What clients observe of a correct system.
pub fn events<S: System>(shape: Shape, random: &mut Random) -> Events<S> {
    let mut system = S::default();
    let mut clients: Vec<Doing<S>> = (0..shape.clients).map(|_| Doing::Nothing).collect();
    let mut events = Vec::new();
    let mut called = 0;
    while called < shape.operations || clients.iter().any(|doing| !matches!(doing, Doing::Nothing))
    {
        let client = random.below(shape.clients as u64) as usize;
        let doing = std::mem::replace(&mut clients[client], Doing::Nothing);
        let is_dropped = |random: &mut Random| match shape.dropped {
            0 => false,
            // There are two attempts.
            dropped => random.below(2 * dropped) == 0,
        };
        clients[client] = match doing {
            Doing::Nothing if called == shape.operations => Doing::Nothing,
            Doing::Nothing => {
                called += 1;
                let op = S::draw(random);
                events.push((client, Event::Call(op.clone())));
                Doing::Called(op)
            }
            Doing::Called(_) | Doing::Done(_) if is_dropped(random) => {
                events.push((client, Event::Drop));
                Doing::Nothing
            }
            Doing::Called(op) => Doing::Done(system.step(&op)),
            Doing::Done(output) => {
                events.push((client, Event::Return(output)));
                Doing::Nothing
            }
        };
    }
    events
}

/// Changes the output of one return in the second half.
pub fn spoil<S: System>(events: &mut Events<S>, random: &mut Random) {
    let half = events.len() / 2;
    let start = half + random.below(half.max(1) as u64) as usize;
    for (_, event) in events.iter_mut().skip(start) {
        if let Event::Return(output) = event {
            *output = S::spoil(output, random);
            return;
        }
    }
}

/// Swaps the outputs of two consecutive operations in the second half.
pub fn exchange<S: System>(events: &mut Events<S>, random: &mut Random) {
    let half = events.len() / 2;
    let start = half + random.below((half / 2).max(1) as u64) as usize;
    let returns = events[start..].iter_mut().filter_map(|(_, event)| match event {
        Event::Return(output) => Some(output),
        Event::Call(_) | Event::Drop => None,
    });
    let mut returns: Vec<&mut S::Output> = returns.collect();
    // Far enough apart that they are not concurrent.
    returns.truncate(20);
    if let [one, .., other] = &mut returns[..] {
        std::mem::swap(*one, *other);
    }
}

/// The history of these events.
pub fn record<S: System>(events: &Events<S>) -> History<S> {
    let history = History::new(S::default());
    let count = events.iter().map(|(client, _)| client + 1).max().unwrap_or(0);
    let mut clients: Vec<Client<S>> =
        (0..count).map(|number| history.client(&format!("client {number}"))).collect();
    let mut calls: Vec<Option<Call<S>>> = (0..count).map(|_| None).collect();
    for (client, event) in events {
        let call = calls[*client].take();
        match (event, call) {
            (Event::Call(op), None) => calls[*client] = Some(clients[*client].invoke(op.clone())),
            (Event::Return(output), Some(call)) => call.returns(output.clone()),
            (Event::Drop, Some(call)) => drop(call),
            _ => panic!("a client does one thing after another"),
        }
    }
    // Operations that are still in flight are kept.
    calls.into_iter().flatten().for_each(std::mem::forget);
    history
}

#[derive(Clone, Debug)]
pub enum Access {
    Get,
    Set(u64),
    CompareAndSet(u64, u64),
}

/// A register. Operations that return no value return whether they succeeded.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct Register(u64);

impl Model for Register {
    type Op = Access;
    type Output = u64;

    fn step(&mut self, op: &Access) -> u64 {
        match *op {
            Access::Get => return self.0,
            Access::Set(value) => self.0 = value,
            Access::CompareAndSet(old, _) if old != self.0 => return 0,
            Access::CompareAndSet(_, new) => self.0 = new,
        }
        1
    }
}

impl System for Register {
    fn draw(random: &mut Random) -> Access {
        let value = random.below(5);
        match random.below(3) {
            0 => Access::Get,
            1 => Access::Set(value),
            _ => Access::CompareAndSet(value, random.below(5)),
        }
    }

    fn spoil(_: &u64, random: &mut Random) -> u64 {
        random.below(5)
    }
}

#[derive(Clone, Debug)]
pub struct Keyed {
    key: u64,
    set: Option<u64>,
}

#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct Map(BTreeMap<u64, u64>);

impl Model for Map {
    type Op = Keyed;
    type Output = Option<u64>;

    fn step(&mut self, op: &Keyed) -> Option<u64> {
        match op.set {
            Some(value) => self.0.insert(op.key, value),
            None => self.0.get(&op.key).copied(),
        }
    }

    fn key(op: &Keyed) -> impl Ord {
        op.key
    }
}

impl System for Map {
    fn draw(random: &mut Random) -> Keyed {
        let set = random.below(2) == 0;
        Keyed { key: random.below(10), set: set.then(|| random.below(10)) }
    }

    fn spoil(_: &Option<u64>, random: &mut Random) -> Option<u64> {
        Some(random.below(10))
    }
}

#[derive(Clone, Debug)]
pub enum QueueOp {
    Push(u64),
    Pop,
}

#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct Queue(VecDeque<u64>);

impl Model for Queue {
    type Op = QueueOp;
    type Output = Option<u64>;

    fn step(&mut self, op: &QueueOp) -> Option<u64> {
        match op {
            QueueOp::Push(item) => self.0.push_back(*item),
            QueueOp::Pop => return self.0.pop_front(),
        }
        None
    }

    fn item(op: &QueueOp, output: Option<&Option<u64>>) -> Option<impl Ord> {
        match op {
            QueueOp::Push(item) => Some(Some(*item)),
            QueueOp::Pop => output.copied(),
        }
    }
}

impl System for Queue {
    fn draw(random: &mut Random) -> QueueOp {
        match random.below(2) {
            0 => QueueOp::Push(random.below(1_000_000)),
            _ => QueueOp::Pop,
        }
    }

    fn spoil(output: &Option<u64>, random: &mut Random) -> Option<u64> {
        output.map_or(Some(0), |item| Some(item ^ (1 + random.below(3))))
    }
}
