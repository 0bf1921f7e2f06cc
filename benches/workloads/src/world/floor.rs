//! The least that runs tasks in a random order and in virtual time: the crate `async-task`, a `Vec` of
//! the tasks that are ready, and a heap of timers. No trace, no schedule, nothing to be replayed.

use std::cell::{Cell, RefCell};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use async_task::{Runnable, Task};
use futures_lite::future::yield_now;

use super::World;

thread_local! {
    static READY: RefCell<Vec<Runnable>> = const { RefCell::new(Vec::new()) };
    static TIMERS: RefCell<BinaryHeap<Timer>> = const { RefCell::new(BinaryHeap::new()) };
    static NOW: Cell<Duration> = const { Cell::new(Duration::ZERO) };
}

/// The earliest is the greatest, as the heap wants it.
struct Timer {
    deadline: Duration,
    waker: Waker,
}

impl Ord for Timer {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        Reverse(self.deadline).cmp(&Reverse(other.deadline))
    }
}

impl PartialOrd for Timer {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Timer {
    fn eq(&self, other: &Self) -> bool {
        self.deadline == other.deadline
    }
}

impl Eq for Timer {}

struct Sleep {
    deadline: Duration,
    is_set: bool,
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.deadline <= NOW.get() {
            return Poll::Ready(());
        }
        if !self.is_set {
            self.is_set = true;
            let timer = Timer { deadline: self.deadline, waker: context.waker().clone() };
            TIMERS.with_borrow_mut(|timers| timers.push(timer));
        }
        Poll::Pending
    }
}

fn spawn(future: impl Future<Output = u64> + Send + 'static) -> Task<u64> {
    let (runnable, task) = async_task::spawn(future, |runnable| {
        READY.with_borrow_mut(|ready| ready.push(runnable));
    });
    runnable.schedule();
    task
}

/// Moves the clock to the next timer, and wakes all that were to sleep until then.
fn jump() {
    TIMERS.with_borrow_mut(|timers| {
        let next = timers.pop().expect("a task is ready, or sleeps");
        NOW.set(next.deadline);
        next.waker.wake();
        while timers.peek().is_some_and(|timer| timer.deadline == next.deadline) {
            timers.pop().expect("there is one").waker.wake();
        }
    });
}

fn run(seed: u64, body: impl Future<Output = u64> + Send + 'static) -> u64 {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut main = spawn(body);
    while !main.is_finished() {
        let runnable = READY.with_borrow_mut(|ready| match ready.len() {
            0 => None,
            count => Some(ready.swap_remove(random.usize(..count))),
        });
        match runnable {
            Some(runnable) => drop(runnable.run()),
            None => jump(),
        }
    }
    READY.with_borrow_mut(Vec::clear);
    TIMERS.with_borrow_mut(BinaryHeap::clear);
    NOW.set(Duration::ZERO);
    match Pin::new(&mut main).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => unreachable!("it has finished"),
    }
}

pub struct Floor;

impl World for Floor {
    type Task = Task<u64>;

    crate::with_tokio_sync!();

    fn runs<F>(runs: u64, body: impl Fn() -> F + Clone + Send + Sync + 'static) -> u64
    where
        F: Future<Output = u64> + Send + 'static,
    {
        (0..runs).map(|seed| run(seed, body())).sum()
    }

    fn spawn(future: impl Future<Output = u64> + Send + 'static) -> Self::Task {
        spawn(future)
    }

    fn join(task: Self::Task) -> impl Future<Output = u64> + Send {
        task
    }

    async fn abort(task: Self::Task) {
        assert!(task.cancel().await.is_none());
    }

    fn yield_now() -> impl Future<Output = ()> + Send {
        yield_now()
    }

    fn sleep(duration: Duration) -> impl Future<Output = ()> + Send {
        Sleep { deadline: NOW.get() + duration, is_set: false }
    }
}
