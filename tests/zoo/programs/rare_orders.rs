//! The order is wrong in few runs: long windows, one step of many, two things at once.

use std::cell::Cell;
use std::rc::Rc;

use super::{Program, join_all, lock_if, program, steps};
use crate::world::{Event, Lock, Semaphore, spawn, yield_now};

pub const PROGRAMS: &[Program] = &[
    program!(
        order_of_6,
        ["database", "config"],
        "a bug that shows in 1 of 24 orders of what is ready at once"
    ),
    program!(
        both_replicas,
        ["restart west", "flush west"],
        "two races that have nothing to do with each other, of which each alone is harmless"
    ),
    program!(
        retry_once,
        ["query", "compaction"],
        "a race whose first half is hidden by a retry, so that it has to be lost twice"
    ),
    program!(
        ring_overrun,
        ["writer", "reader"],
        "a ring buffer without back pressure; circular_buffer_bad of SCTBench is of this kind"
    ),
    program!(
        long_tail,
        ["rotation", "probe"],
        "a file that is absent while it is rotated, for one step of sixty"
    ),
    program!(
        starvation,
        ["sweeper", "worker"],
        "a kind of bug of job queues: a lease expires although its holder is ready to run"
    ),
];

/// Services start in the reverse of the order in which they need each other, and each takes a spare
/// connection in the meantime. There are too few of these. Fix: wait for the service before.
async fn order_of_6(fixed: bool) {
    let up: Rc<[Event; 6]> = Rc::default();
    let spare = Rc::new(Cell::new(2));
    let names = ["config", "database", "queue", "search", "web", "metrics"];
    let services = names.into_iter().enumerate().map(|(at, name)| {
        let (up, spare) = (Rc::clone(&up), Rc::clone(&spare));
        spawn(name, async move {
            // The web and metrics need nothing.
            if (1..4).contains(&at) {
                let needed = &up[at - 1];
                if fixed {
                    needed.wait().await;
                }
                if !needed.is_set() {
                    assert!(spare.get() > 0, "there is no spare connection left");
                    spare.set(spare.get() - 1);
                }
            }
            up[at].set();
        })
    });
    let services: Vec<_> = services.collect();
    join_all(services).await;
}

/// A record is lost if both replicas, one after the other, are restarted before they have written it.
/// Fix: a restart waits for the write.
async fn both_replicas(fixed: bool) {
    let mut copies = 0;
    for replica in ["east", "west"] {
        let written = Rc::new(Event::new());
        let restarted = Rc::new(Cell::new(false));
        let flush = spawn(&format!("flush {replica}"), {
            let (written, restarted) = (Rc::clone(&written), Rc::clone(&restarted));
            async move {
                steps(2).await;
                if !restarted.get() {
                    written.set();
                }
            }
        });
        let restart = spawn(&format!("restart {replica}"), {
            let written = Rc::clone(&written);
            async move {
                if fixed {
                    written.wait().await;
                } else {
                    // This should be enough.
                    steps(5).await;
                }
                restarted.set(true);
            }
        });
        join_all([flush, restart]).await;
        copies += u32::from(written.is_set());
    }
    assert!(copies > 0, "no replica has kept the record");
}

/// A segment is absent while it is compacted, and a query that misses it tries once more, just when the next
/// one is compacted. Fix: a lock.
async fn retry_once(fixed: bool) {
    let segments = Rc::new([Cell::new(true), Cell::new(true)]);
    let lock = Rc::new(Lock::new());
    let compaction = spawn("compaction", {
        let (segments, lock) = (Rc::clone(&segments), Rc::clone(&lock));
        async move {
            for segment in &*segments {
                steps(2).await;
                let _guard = lock_if(fixed, &lock).await;
                segment.set(false);
                yield_now().await;
                segment.set(true);
            }
        }
    });
    let query = spawn("query", async move {
        for (segment, pause) in segments.iter().zip([3, 4]) {
            steps(pause).await;
            let _guard = lock_if(fixed, &lock).await;
            if segment.get() {
                return;
            }
        }
        panic!("the query has failed twice");
    });
    join_all([compaction, query]).await;
}

/// The writer comes round the ring and overwrites what the reader has not seen. Fix: wait for
/// room.
async fn ring_overrun(fixed: bool) {
    const SLOTS: usize = 16;
    let ring: Rc<[Cell<usize>; SLOTS]> = Rc::default();
    let (filled, room) = (Rc::new(Semaphore::new(0)), Rc::new(Semaphore::new(SLOTS)));
    let writer = spawn("writer", {
        let (ring, filled, room) = (Rc::clone(&ring), Rc::clone(&filled), Rc::clone(&room));
        async move {
            for frame in 0..24 {
                if fixed {
                    room.acquire().await.expect("it is never closed").forget();
                }
                ring[frame % SLOTS].set(frame);
                filled.add_permits(1);
                yield_now().await;
            }
        }
    });
    let reader = spawn("reader", async move {
        for frame in 0..24 {
            yield_now().await;
            filled.acquire().await.expect("it is never closed").forget();
            assert_eq!(ring[frame % SLOTS].get(), frame, "a frame is overwritten");
            room.add_permits(1);
        }
    });
    join_all([writer, reader]).await;
}

/// The log is moved away and created again, and a probe looks for it in between. Fix: a lock.
async fn long_tail(fixed: bool) {
    let log_exists = Rc::new(Cell::new(true));
    let lock = Rc::new(Lock::new());
    let rotation = spawn("rotation", {
        let (log_exists, lock) = (Rc::clone(&log_exists), Rc::clone(&lock));
        async move {
            steps(40).await;
            let guard = lock_if(fixed, &lock).await;
            log_exists.set(false);
            yield_now().await;
            log_exists.set(true);
            drop(guard);
            steps(19).await;
        }
    });
    let probe = spawn("probe", async move {
        yield_now().await;
        let _guard = lock_if(fixed, &lock).await;
        assert!(log_exists.get(), "the log is gone");
    });
    join_all([rotation, probe]).await;
}

/// A lease expires after thirty steps of the sweeper in which the worker does not run. Fix: start counting
/// only when the worker has started.
async fn starvation(fixed: bool) {
    let begun = Rc::new(Event::new());
    let sweeper = spawn("sweeper", {
        let begun = Rc::clone(&begun);
        async move {
            if fixed {
                begun.wait().await;
            }
            for _ in 0..30 {
                if begun.is_set() {
                    return;
                }
                yield_now().await;
            }
            panic!("the lease has expired");
        }
    });
    let worker = spawn("worker", async move { begun.set() });
    join_all([sweeper, worker]).await;
}
