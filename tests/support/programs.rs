//! Small random programs, for the properties that hold for every program.

use std::cell::RefCell;
use std::rc::Rc;

use dacapo::sync::Semaphore;
use dacapo::task::{JoinHandle, spawn, spawn_named, yield_now};
use dacapo::time::{Instant, sleep, timeout};
use proptest::prelude::*;

use super::millis;

/// One statement.
#[derive(Clone, Debug)]
pub enum Op {
    Yield,
    Sleep(u8),
    /// Starts a task, to be joined or aborted later.
    Spawn(Vec<Op>),
    JoinFirst,
    AbortFirst,
    /// Holds a permit of the only semaphore during these statements.
    Permit(Vec<Op>),
    /// Runs these statements with a timeout in milliseconds.
    Timeout(u8, Vec<Op>),
    /// A value that the scheduler chooses.
    Choose(u8),
    /// A value from the seed.
    Draw,
    Log,
    Panic,
}

/// Programs of up to three levels. Some get stuck and some panic, because failures must replay too.
pub fn program() -> impl Strategy<Value = Vec<Op>> {
    let leaf = prop_oneof![
        4 => Just(Op::Yield),
        4 => (0..4u8).prop_map(Op::Sleep),
        2 => Just(Op::JoinFirst),
        1 => Just(Op::AbortFirst),
        1 => (2..4u8).prop_map(Op::Choose),
        1 => Just(Op::Draw),
        2 => Just(Op::Log),
    ];
    let op = leaf.prop_recursive(3, 24, 4, |inner| {
        let body = || prop::collection::vec(inner.clone(), 0..4);
        prop_oneof![
            4 => body().prop_map(Op::Spawn),
            2 => body().prop_map(Op::Permit),
            2 => (0..4u8, body()).prop_map(|(time, body)| Op::Timeout(time, body)),
        ]
    });
    let panics = prop_oneof![9 => Just(None), 1 => Just(Some(Op::Panic))];
    (prop::collection::vec(op, 1..6), panics).prop_map(|(mut ops, last)| {
        ops.extend(last);
        ops
    })
}

/// The log of a program.
pub type Log = Rc<RefCell<Vec<String>>>;

/// Runs a program; its output is its log.
pub async fn run(ops: Vec<Op>) -> Vec<String> {
    let log = Log::default();
    let world = World { log: log.clone(), semaphore: Rc::new(Semaphore::new(1)) };
    world.body(ops).await;
    log.take()
}

#[derive(Clone)]
struct World {
    log: Log,
    semaphore: Rc<Semaphore>,
}

impl World {
    fn write(&self, what: &str) {
        let line = format!("{} {} {what}", Instant::now(), dacapo::task::name());
        self.log.borrow_mut().push(line);
    }

    async fn body(&self, ops: Vec<Op>) {
        let mut handles: Vec<JoinHandle<()>> = Vec::new();
        for op in ops {
            match op {
                Op::Yield => yield_now().await,
                Op::Sleep(time) => sleep(millis(time.into())).await,
                Op::Spawn(ops) => {
                    let world = self.clone();
                    let named = ops.len() > 2;
                    let task = async move { Box::pin(world.body(ops)).await };
                    handles.push(if named { spawn_named("named", task) } else { spawn(task) });
                }
                Op::JoinFirst => {
                    if !handles.is_empty() {
                        let joined = handles.remove(0).await;
                        self.write(if joined.is_ok() { "joined" } else { "lost" });
                    }
                }
                Op::AbortFirst => handles.iter().take(1).for_each(JoinHandle::abort),
                Op::Permit(ops) => {
                    let _permit = self.semaphore.acquire().await;
                    Box::pin(self.body(ops)).await;
                }
                Op::Timeout(time, ops) => {
                    let inner = Box::pin(self.body(ops));
                    let ended = timeout(millis(time.into()), inner).await;
                    self.write(if ended.is_ok() { "in time" } else { "too late" });
                }
                Op::Choose(options) => {
                    let value = dacapo::choose("value", options.into());
                    self.write(&format!("chose {value}"));
                }
                Op::Draw => {
                    use dacapo::rand::Rng as _;
                    let value = dacapo::rand::rng().next_u32() % 4;
                    sleep(millis(value.into())).await;
                }
                Op::Log => self.write("was here"),
                Op::Panic => panic!("a program may panic"),
            }
        }
    }
}
