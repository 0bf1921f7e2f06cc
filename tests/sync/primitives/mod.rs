//! The primitives that have asyncio's names, by example.

mod given_up;
mod locks;
mod meetings;
mod queues;

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use crate::support::{assert_parts, millis};
use dacapo::scheduler::Random;
use dacapo::sync::{
    Barrier, BoundedSemaphore, Condition, Event, LifoQueue, Lock, PriorityQueue, Queue,
};
use dacapo::task::{JoinHandle, spawn, spawn_named};
use dacapo::time::{Instant, sleep};
use dacapo::{explore, run};

/// What tasks write down, with the time.
#[derive(Clone, Default)]
pub(crate) struct Log(pub(crate) Rc<RefCell<Vec<String>>>);

impl Log {
    pub(crate) fn write(&self, what: impl std::fmt::Display) {
        let ms = Instant::now().since_start().as_millis();
        self.0.borrow_mut().push(format!("{ms} {what}"));
    }
}

/// The log must be this under every schedule.
#[track_caller]
pub(crate) fn check(program: impl AsyncFn(Log), expectation: &[&str]) {
    let body = async || {
        let log = Log::default();
        program(log.clone()).await;
        log.0.take()
    };
    assert_eq!(run(async || body().await).unwrap(), expectation);
    let report = explore(Random::seeds(0..50), body);
    assert_eq!(report.outcomes().len(), 1, "{report}");
}

/// Spawns a task for each, a millisecond apart, which writes its number when its work is done.
pub(crate) async fn one_by_one<F>(log: &Log, n: u64, work: impl Fn(u64) -> F) -> Vec<JoinHandle<()>>
where
    F: Future<Output = ()> + 'static,
{
    let mut tasks = Vec::new();
    for n in 1..=n {
        let (log, work) = (log.clone(), work(n));
        tasks.push(spawn(async move {
            work.await;
            log.write(n);
        }));
        sleep(millis(1)).await;
    }
    tasks
}

/// The same, with tasks that wait for a condition to be notified.
pub(crate) async fn waiting(log: &Log, n: u64, condition: &Rc<Condition>) -> Vec<JoinHandle<()>> {
    let wait = |_| {
        let condition = Rc::clone(condition);
        async move {
            let mut guard = condition.lock().await;
            condition.wait(&mut guard).await;
        }
    };
    one_by_one(log, n, wait).await
}

pub(crate) async fn join_all(tasks: Vec<JoinHandle<()>>) {
    for task in tasks {
        task.await.unwrap();
    }
}

#[test]
fn a_run_that_is_stuck_says_what_for() {
    let run = run(async || {
        spawn_named("locks", async {
            let lock = Lock::new();
            lock.acquire().await;
            lock.acquire().await;
        });
        spawn_named("waits", async { Event::new().wait().await });
        spawn_named("listens", async {
            let condition = Condition::new();
            let mut guard = condition.lock().await;
            condition.wait(&mut guard).await;
        });
        spawn_named("meets", async { Barrier::new(2).wait().await.map(drop) });
        spawn_named("gets", async { Queue::<()>::new(0).get().await.map(drop) });
        spawn_named("puts", async {
            let queue = PriorityQueue::new(1);
            queue.put(1).await.unwrap();
            queue.put(2).await.unwrap();
        });
        spawn_named("finishes", async {
            let queue = LifoQueue::new(0);
            queue.put(1).await.unwrap();
            queue.join().await;
        });
        spawn_named("counts", async { drop(BoundedSemaphore::new(0).acquire().await) });
        std::future::pending::<()>().await;
    });
    assert_parts(
        &run.failure().unwrap().to_string(),
        &[
            "for lock 1",
            "for event 2",
            "for a notification of condition 3",
            "for the others at barrier 4",
            "for an item of queue 5",
            "for a place in queue 6",
            "for all items of queue 7 to be done",
            "for a permit of semaphore 8",
        ],
    );
}

#[test]
fn all_work_outside_of_a_run() {
    fn shared<T: Send + Sync>(value: T) -> Arc<T> {
        Arc::new(value)
    }
    let lock = shared(Lock::new());
    let event = shared(Event::new());
    let condition = shared(Condition::with_lock(lock.clone()));
    let barrier = shared(Barrier::new(2));
    let semaphore = shared(BoundedSemaphore::new(1));
    let queue = shared(Queue::new(1));
    let least = shared(PriorityQueue::new(1));
    futures::executor::block_on(async {
        let one = async {
            let mut guard = lock.lock().await;
            condition.wait(&mut guard).await;
            assert!(guard.is_held());
            drop(guard);
            barrier.wait().await.unwrap();
            event.wait().await;
            let permit = semaphore.acquire().await;
            queue.put(1).await.unwrap();
            queue.put(2).await.unwrap();
            drop(permit);
            queue.join().await;
            assert_eq!(least.get().await, Ok(3));
        };
        let other = async {
            let guard = lock.lock().await;
            condition.notify(1).unwrap();
            drop(guard);
            barrier.wait().await.unwrap();
            event.set();
            for n in 1..=2 {
                assert_eq!(queue.get().await, Ok(n));
                queue.task_done().unwrap();
            }
            drop(semaphore.acquire().await);
            least.put(3).await.unwrap();
        };
        dacapo::future::join(one, other).await;
    });
    assert!(!lock.is_locked() && !semaphore.is_locked());
    assert_eq!(
        format!("{event:?}"),
        "Event { state: Mutex { data: EventState { set: true, \
        waiters: 0 waiting, resource: no number }, poisoned: false, .. } }"
    );
}
