//! Workloads: clients that start, do something, and may be stopped at any await.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::fmt::Debug;
use std::future::Future;
use std::panic::resume_unwind;
use std::rc::Rc;
use std::time::Duration;

use dacapo::scheduler::Random;
use dacapo::task::{JoinHandle, spawn};
use dacapo::time::{sleep, timeout, wait_for};
use dacapo::{Builder, explore};
use proptest::prelude::*;
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};

pub(crate) fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// PROPTEST_CASES, or this many cases.
fn cases(moderate: u32) -> ProptestConfig {
    const UNSET: u32 = 256;
    let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::default() };
    let cases = if config.cases == UNSET { moderate } else { config.cases };
    ProptestConfig { cases, ..config }
}

/// The law holds for all workloads, under some schedules each.
pub(crate) fn holds<W: Clone + Debug>(workloads: impl Strategy<Value = W>, law: impl AsyncFn(W)) {
    let property = |workload: W| {
        // A fresh process would draw other workloads.
        let builder = Builder::new().fresh_process(false);
        builder.check(Random::seeds(0..8), async || law(workload.clone()).await);
        Ok(())
    };
    TestRunner::new(cases(200)).run(&workloads, property).unwrap_or_else(|error| panic!("{error}"));
}

/// The law finds a workload that shows what is wrong with the primitive.
pub(crate) fn is_broken<W: Clone + Debug>(
    workloads: impl Strategy<Value = W>,
    law: impl AsyncFn(W),
) {
    let property = |workload: W| {
        let report = explore(Random::seeds(0..8), async || law(workload.clone()).await);
        prop_assert!(report.failures().next().is_none());
        Ok(())
    };
    let config = ProptestConfig { cases: 1_000, max_shrink_iters: 0, ..cases(200) };
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let found = TestRunner::new_with_rng(config, rng).run(&workloads, property);
    assert!(found.is_err(), "the law does not find the bug");
}

/// How a client is stopped after this many milliseconds, unless it finishes before.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Leave {
    Never,
    /// Its future is dropped.
    Timeout(u64),
    /// Its task is cancelled.
    WaitFor(u64),
    Abort(u64),
    Cancel(u64),
}

fn leave() -> impl Strategy<Value = Leave> {
    prop_oneof![
        3 => Just(Leave::Never),
        1 => (0..6_u64).prop_map(Leave::Timeout),
        1 => (0..6_u64).prop_map(Leave::WaitFor),
        1 => (0..6_u64).prop_map(Leave::Abort),
        1 => (0..6_u64).prop_map(Leave::Cancel),
    ]
}

/// A client: when it starts, what it does, for how long, and how it is stopped.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    pub(crate) comes: u64,
    pub(crate) what: u32,
    pub(crate) takes: u64,
    pub(crate) leaves: Leave,
}

pub(crate) fn clients() -> impl Strategy<Value = Vec<Client>> {
    let client = (0..4_u64, 0..6_u32, 0..4_u64, leave())
        .prop_map(|(comes, what, takes, leaves)| Client { comes, what, takes, leaves });
    prop::collection::vec(client, 1..7)
}

/// The clients of a workload, and which of them were stopped.
#[derive(Default)]
pub(crate) struct Clients {
    tasks: Vec<Rc<JoinHandle<()>>>,
    pub(crate) told: Rc<RefCell<Vec<usize>>>,
}

impl Clients {
    pub(crate) fn start(&mut self, client: &Client, work: impl Future<Output = ()> + 'static) {
        let Client { comes, leaves, .. } = *client;
        let task = Rc::new(spawn(async move {
            sleep(millis(comes)).await;
            match leaves {
                Leave::Timeout(after) => drop(timeout(millis(after), work).await),
                Leave::WaitFor(after) => drop(wait_for(millis(after), work).await),
                _ => work.await,
            }
        }));
        self.tasks.push(task.clone());
        if let Leave::Abort(after) | Leave::Cancel(after) = leaves {
            let (me, told) = (self.tasks.len() - 1, self.told.clone());
            spawn(async move {
                sleep(millis(comes + after)).await;
                told.borrow_mut().push(me);
                match leaves {
                    Leave::Abort(_) => task.abort(),
                    _ => drop(task.cancel()),
                }
            });
        }
    }

    /// Waits until nothing more happens, and resumes the panic of a client.
    pub(crate) async fn settle(self) -> Vec<Rc<JoinHandle<()>>> {
        sleep(millis(1_000)).await;
        let (ended, left) = self.tasks.into_iter().partition(|task| task.is_finished());
        let ended: Vec<Rc<JoinHandle<()>>> = ended;
        for task in ended {
            let task = Rc::into_inner(task).expect("the task that stops it has ended");
            if let Err(error) = task.await
                && error.is_panic()
            {
                resume_unwind(error.into_panic());
            }
        }
        left
    }

    /// Like [`settle`](Clients::settle), but fails if a client still waits.
    pub(crate) async fn end(self) {
        let left = self.settle().await;
        assert!(left.is_empty(), "{} clients wait for ever", left.len());
    }
}

/// A client that is in a list until this is dropped.
pub(crate) struct Entry<T: Clone + PartialEq>(Rc<RefCell<VecDeque<T>>>, T);

impl<T: Clone + PartialEq> Entry<T> {
    pub(crate) fn new(list: &Rc<RefCell<VecDeque<T>>>, value: T) -> Self {
        list.borrow_mut().push_back(value.clone());
        Self(list.clone(), value)
    }
}

impl<T: Clone + PartialEq> Drop for Entry<T> {
    fn drop(&mut self) {
        let mut list = self.0.borrow_mut();
        let place = list.iter().position(|entry| *entry == self.1).expect("it was put there");
        list.remove(place);
    }
}
