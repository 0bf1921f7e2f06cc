//! Two things happen at the same instant, or a deadline passes in the middle of something.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use futures::channel::oneshot;

use super::{Program, program};
use crate::world::{Handle, Lock, Queue, now, sleep, spawn, timeout, work, yield_now};

pub const PROGRAMS: &[Program] = &[
    program!(
        leader_lease_overlap,
        ["backup", "old leader"],
        "Kleppmann 2016, How to do distributed locking: the lease that ends before the write, and fencing",
        timed
    ),
    program!(
        timer_ties,
        ["till", "closing"],
        "the textbook assumption on the order of two timers of one instant",
        timed
    ),
    program!(
        heartbeat_timeout,
        ["monitor", "node"],
        "the textbook failure detector, with a limit as long as the longest delay",
        timed
    ),
    program!(
        cache_ttl,
        ["reader", "evictor"],
        "the textbook time of check, time of use, with an expiry in between",
        timed
    ),
    program!(
        debounce,
        ["typist", "timer 1"],
        "the kind of bug that is published of search fields: a timer that has been replaced fires",
        timed
    ),
    program!(
        timeout_of_a_handoff,
        ["courier", "customer"],
        "issue 343 of python/asyncio: wait_for loses the item that a queue gave at the deadline",
        timed
    ),
];

/// The leader checks its lease and then waits for the disk. When it writes, there is a new leader. Fix: a
/// number with each write, so that the store can reject outdated ones.
async fn leader_lease_overlap(fixed: bool) {
    const LEASE: u64 = 10;
    const TERM: u32 = 1;
    #[derive(Default)]
    struct Store {
        disk: Lock,
        term: Cell<u32>,
    }
    let store = Rc::new(Store::default());
    store.term.set(TERM);
    let old = spawn("old leader", {
        let store = Rc::clone(&store);
        async move {
            while now() < LEASE {
                let disk = store.disk.lock().await;
                sleep(1).await;
                if !fixed {
                    assert_eq!(store.term.get(), TERM, "the old leader writes in a new term");
                }
                drop(disk);
                sleep(3).await;
            }
        }
    });
    let backup = spawn("backup", {
        let store = Rc::clone(&store);
        async move {
            sleep(8).await;
            // The list of files is made.
            work(9).await;
            let _disk = store.disk.lock().await;
            sleep(4).await;
        }
    });
    let new = spawn("new leader", async move {
        sleep(LEASE).await;
        store.term.set(TERM + 1);
        let _disk = store.disk.lock().await;
        sleep(1).await;
    });
    for task in [old, backup, new] {
        task.join().await;
    }
}

/// A sale at the instant of closing time counts for the next day only if the closing happens to run
/// first. Fix: compare times.
async fn timer_ties(fixed: bool) {
    const CLOSING: u64 = 24;
    let closed = Rc::new(Cell::new(false));
    let till = spawn("till", {
        let closed = Rc::clone(&closed);
        async move {
            let mut today = 0;
            for price in [30, 40, 50] {
                sleep(8).await;
                // The receipt is printed.
                work(2).await;
                let late = if fixed { now() >= CLOSING } else { closed.get() };
                today += if late { 0 } else { price };
            }
            today
        }
    });
    let closing = spawn("closing", async move {
        sleep(CLOSING).await;
        closed.set(true);
    });
    closing.join().await;
    assert_eq!(till.join().await, 70, "a sale is in the books of the wrong day");
}

/// A heartbeat that takes as long as the monitor waits arrives after the node was declared dead. Fix: a
/// limit with some slack.
async fn heartbeat_timeout(fixed: bool) {
    let beats = Rc::new(Queue::new(0));
    let node = spawn("node", {
        let beats = Rc::clone(&beats);
        async move {
            for pause in [6, 10, 8] {
                sleep(pause).await;
                // The beat goes through the network.
                work(2).await;
                beats.put_nowait(()).unwrap();
            }
        }
    });
    let monitor = spawn("monitor", async move {
        for _ in 0..3 {
            let limit = if fixed { 15 } else { 10 };
            if timeout(limit, beats.get()).await.is_none() {
                // The other monitors are asked.
                work(7).await;
                assert!(beats.get_nowait().is_ok(), "a node that is alive is declared dead");
            }
        }
    });
    node.join().await;
    monitor.join().await;
}

/// The reader sees that the entry is fresh, counts the hit, and finds the entry evicted. Fix: read the entry
/// when it is checked.
async fn cache_ttl(fixed: bool) {
    #[derive(Clone)]
    struct Entry {
        page: &'static str,
        expires: u64,
    }
    let load = || Entry { page: "news", expires: now() + 10 };
    let cache = Rc::new(RefCell::new(Some(load())));
    let evictor = spawn("evictor", {
        let cache = Rc::clone(&cache);
        async move {
            for _ in 0..4 {
                sleep(10).await;
                cache.borrow_mut().take_if(|entry| entry.expires <= now());
            }
        }
    });
    let reader = spawn("reader", async move {
        for pause in [7, 3, 9, 6] {
            sleep(pause).await;
            let early = cache.borrow().clone();
            if early.as_ref().is_some_and(|entry| entry.expires >= now()) {
                // The hit is counted.
                yield_now().await;
                let entry = if fixed { early } else { cache.borrow().clone() };
                assert_eq!(entry.expect("an entry has gone that was fresh").page, "news");
            } else {
                *cache.borrow_mut() = Some(load());
            }
        }
    });
    reader.join().await;
    evictor.join().await;
}

/// A key is pressed, and the timer of the previous key fires before the handler stops it. Fix: stop it
/// first.
async fn debounce(fixed: bool) {
    const QUIET: u64 = 10;
    let pressed = Rc::new(Cell::new(0));
    let typist = spawn("typist", async move {
        let mut timer: Option<Handle<()>> = None;
        let keys = [("timer 1", 2), ("timer 2", 10), ("timer 3", 4)];
        for (name, pause) in keys {
            sleep(pause).await;
            pressed.set(now());
            if !fixed {
                // The key is shown.
                yield_now().await;
            }
            if let Some(old) = timer.take() {
                old.abort();
            }
            let pressed = Rc::clone(&pressed);
            timer = Some(spawn(name, async move {
                sleep(QUIET).await;
                assert!(now() - pressed.get() >= QUIET, "searched while the user is typing");
            }));
            yield_now().await;
        }
        timer.unwrap().join().await;
    });
    typist.join().await;
}

/// The customer has been handed the parcel and is about to sign when the deadline passes and the customer
/// leaves. Fix: sign outside of the deadline, and look once more after it.
async fn timeout_of_a_handoff(fixed: bool) {
    let (door, mut hands) = oneshot::channel();
    let customer = spawn("customer", async move {
        if fixed {
            let handed = timeout(10, &mut hands).await;
            hands.close();
            let parcel = match handed {
                Some(parcel) => parcel.ok(),
                None => hands.try_recv().ok().flatten(),
            };
            yield_now().await;
            parcel
        } else {
            let receive = async {
                let parcel = hands.await.ok();
                yield_now().await;
                parcel
            };
            timeout(10, receive).await.flatten()
        }
    });
    let courier = spawn("courier", async move {
        sleep(10).await;
        // Climbs the stairs.
        work(3).await;
        // An undelivered parcel goes back.
        door.send("parcel").err()
    });
    let (back, received) = (courier.join().await, customer.join().await);
    assert!(back.or(received).is_some(), "a parcel is lost");
}
