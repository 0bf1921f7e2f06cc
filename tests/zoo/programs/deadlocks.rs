//! Tasks that wait for each other.

use std::rc::Rc;

use super::{Program, join_all, program, steps};
use crate::world::{Handle, Lock, Queue, Semaphore, spawn, yield_now};

pub const PROGRAMS: &[Program] = &[
    program!(
        lock_order_2,
        ["restorer", "mover"],
        "the textbook example; deadlock01_bad of SCTBench (Thomson, Donaldson and Betts 2014)"
    ),
    program!(
        lock_order_3,
        ["east", "north"] | ["south", "east"],
        "the textbook example of a circle of three"
    ),
    program!(
        dining_philosophers,
        ["weil", "arendt"],
        "Dijkstra's dining philosophers (Hoare 1978); din_phil5 of SCTBench"
    ),
    program!(
        lock_and_queue,
        ["producer", "consumer"],
        "a kind of bug of services: a lock held over a send to a bounded channel"
    ),
    program!(
        semaphore_twice,
        ["upload", "resize"],
        "the textbook example of resources that are taken one by one"
    ),
    program!(
        join_under_lock,
        ["closer", "flusher"],
        "a common shutdown bug: a task is awaited that needs the lock of the task that awaits it"
    ),
];

/// A task that locks one, then the other, after some steps.
fn lock_both(name: &str, start: usize, first: &Rc<Lock>, second: &Rc<Lock>) -> Handle<()> {
    let (first, second) = (Rc::clone(first), Rc::clone(second));
    spawn(name, async move {
        steps(start).await;
        let _first = first.lock().await;
        yield_now().await;
        let _second = second.lock().await;
    })
}

fn locks<const N: usize>() -> [Rc<Lock>; N] {
    std::array::from_fn(|_| Rc::default())
}

/// Each holds the lock that the other wants. Fix: one order for all.
async fn lock_order_2(fixed: bool) {
    let [inbox, archive] = locks();
    let mover = lock_both("mover", 0, &inbox, &archive);
    let restorer = if fixed {
        lock_both("restorer", 1, &inbox, &archive)
    } else {
        lock_both("restorer", 1, &archive, &inbox)
    };
    join_all([mover, restorer]).await;
}

/// Three trains on a circular track each wait for the next section to be free. Fix: one order for
/// all.
async fn lock_order_3(fixed: bool) {
    let [a, b, c] = locks();
    let north = lock_both("north", 0, &a, &b);
    let east = lock_both("east", 1, &b, &c);
    let south = if fixed { lock_both("south", 3, &a, &c) } else { lock_both("south", 3, &c, &a) };
    join_all([north, east, south]).await;
}

/// Five philosophers take the fork at the left and wait for the one at the right. Fix: one of them begins
/// with the other fork.
async fn dining_philosophers(fixed: bool) {
    let forks = locks::<5>();
    let mut guests = Vec::new();
    let names = ["arendt", "beauvoir", "hypatia", "anscombe", "weil"];
    for (seat, name) in names.into_iter().enumerate() {
        let (left, right) = (&forks[seat], &forks[(seat + 4) % 5]);
        // The last one is late.
        let start = usize::from(seat == 4);
        guests.push(if fixed && seat == 0 {
            lock_both(name, start, right, left)
        } else {
            lock_both(name, start, left, right)
        });
    }
    join_all(guests).await;
}

/// The producer holds the lock while it waits for room, and the consumer needs the lock to make room.
/// Fix: release the lock before sending.
async fn lock_and_queue(fixed: bool) {
    let settings = Rc::new(Lock::new());
    let queue = Rc::new(Queue::new(8));
    let producer = spawn("producer", {
        let (settings, queue) = (Rc::clone(&settings), Rc::clone(&queue));
        async move {
            for item in 0..14 {
                yield_now().await;
                let guard = settings.lock().await;
                let _guard = (!fixed).then_some(guard);
                queue.put(item).await.expect("the queue is open");
            }
        }
    });
    let consumer = spawn("consumer", async move {
        for item in 0..14 {
            yield_now().await;
            drop(settings.lock().await);
            assert_eq!(queue.get().await, Ok(item));
        }
    });
    join_all([producer, consumer]).await;
}

/// Three tasks hold one of three permits each, and want another. Fix: ask for both at once.
async fn semaphore_twice(fixed: bool) {
    let workers = Rc::new(Semaphore::new(3));
    let tasks = [("resize", 0), ("encode", 0), ("upload", 2)].map(|(name, start)| {
        let workers = Rc::clone(&workers);
        spawn(name, async move {
            steps(start).await;
            if fixed {
                let _both = workers.acquire_many(2).await;
                yield_now().await;
            } else {
                let _first = workers.acquire().await;
                yield_now().await;
                let _second = workers.acquire().await;
            }
        })
    });
    join_all(tasks).await;
}

/// The lock is held while its last user is awaited. Fix: release it first.
async fn join_under_lock(fixed: bool) {
    let log = Rc::new(Lock::new());
    let flusher = spawn("flusher", {
        let log = Rc::clone(&log);
        async move {
            steps(2).await;
            let _guard = log.lock().await;
        }
    });
    let closer = spawn("closer", async move {
        steps(6).await;
        let guard = log.lock().await;
        if fixed {
            drop(guard);
            flusher.join().await;
        } else {
            flusher.join().await;
            drop(guard);
        }
    });
    closer.join().await;
}
