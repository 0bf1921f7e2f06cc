//! Values that should be made once are made twice, or are remembered for too long.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use super::{Program, join_all, program, steps};
use crate::world::{Event, Lock, spawn, yield_now};

pub const PROGRAMS: &[Program] = &[
    program!(
        double_checked_init,
        ["cron", "api"],
        "double-checked locking without the second check (after Schmidt and Harrison 1997)"
    ),
    program!(
        stale_cache_fill,
        ["editor", "reader"],
        "the stale set of look-aside caches (Nishtala et al., Scaling Memcache at Facebook, 2013)"
    ),
    program!(
        single_flight,
        ["tablet", "browser"],
        "a kind of bug of single-flight caches: between the flight and the cache there is neither"
    ),
    program!(
        idempotency_key,
        ["main", "attempt"],
        "a kind of bug of payment services: a request is cut off between effect and record"
    ),
];

/// A task that waited for the lock does not look again. Fix: a second check.
async fn double_checked_init(fixed: bool) {
    #[derive(Default)]
    struct Pool {
        connected: Cell<bool>,
        connections: Cell<u32>,
        lock: Lock,
    }
    let pool = Rc::new(Pool::default());
    let clients = [("api", 0), ("cron", 5), ("admin", 7)].map(|(name, start)| {
        let pool = Rc::clone(&pool);
        spawn(name, async move {
            steps(start).await;
            if !pool.connected.get() {
                let _guard = pool.lock.lock().await;
                if fixed && pool.connected.get() {
                    return;
                }
                steps(3).await;
                pool.connections.set(pool.connections.get() + 1);
                pool.connected.set(true);
            }
        })
    });
    join_all(clients).await;
    assert_eq!(pool.connections.get(), 1, "a second connection is opened");
}

/// A reader fills the cache with what was in the database before the cache was invalidated. Fix: fill it
/// only if it was not invalidated in the meantime.
async fn stale_cache_fill(fixed: bool) {
    #[derive(Default)]
    struct Page {
        database: Cell<u32>,
        cache: Cell<Option<u32>>,
        invalidations: Cell<u32>,
    }
    let page = Rc::new(Page::default());
    let reader = spawn("reader", {
        let page = Rc::clone(&page);
        async move {
            yield_now().await;
            if page.cache.get().is_none() {
                let lease = page.invalidations.get();
                let text = page.database.get();
                yield_now().await;
                if !fixed || lease == page.invalidations.get() {
                    page.cache.set(Some(text));
                }
            }
        }
    });
    let editor = spawn("editor", {
        let page = Rc::clone(&page);
        async move {
            steps(2).await;
            page.database.set(1);
            yield_now().await;
            page.cache.set(None);
            page.invalidations.set(page.invalidations.get() + 1);
        }
    });
    join_all([reader, editor]).await;
    let cached = page.cache.get();
    assert!(cached.is_none_or(|text| text == page.database.get()), "the cache stays stale");
}

/// The flight ends before its answer is in the cache, so the next caller starts a second one. Fix: fill
/// the cache first.
async fn single_flight(fixed: bool) {
    #[derive(Default)]
    struct Origin {
        cache: Cell<Option<u32>>,
        flight: RefCell<Option<Rc<Event>>>,
        calls: Cell<u32>,
    }
    let origin = Rc::new(Origin::default());
    let clients = [("browser", 0), ("phone", 0), ("tablet", 5)].map(|(name, start)| {
        let origin = Rc::clone(&origin);
        spawn(name, async move {
            steps(start).await;
            if let Some(answer) = origin.cache.get() {
                return answer;
            }
            let flight = origin.flight.borrow().clone();
            if let Some(flight) = flight {
                flight.wait().await;
                return origin.cache.get().expect("the leader has filled the cache");
            }
            let flight = Rc::clone(origin.flight.borrow_mut().insert(Rc::default()));
            origin.calls.set(origin.calls.get() + 1);
            steps(3).await;
            let answer = 42;
            if fixed {
                origin.cache.set(Some(answer));
            }
            origin.flight.take();
            // The answer is compressed.
            yield_now().await;
            origin.cache.set(Some(answer));
            flight.set();
            answer
        })
    });
    for client in clients {
        assert_eq!(client.join().await, 42);
    }
    assert_eq!(origin.calls.get(), 1, "the origin is asked twice");
}

/// The client hangs up after the card was charged and before the key is stored, and tries again. Fix:
/// store the key together with the charge.
async fn idempotency_key(fixed: bool) {
    #[derive(Default)]
    struct Server {
        charges: Cell<u32>,
        key_stored: Cell<bool>,
    }
    let server = Rc::new(Server::default());
    let request = |name| {
        let server = Rc::clone(&server);
        spawn(name, async move {
            if server.key_stored.get() {
                return;
            }
            steps(2).await;
            server.charges.set(server.charges.get() + 1);
            if !fixed {
                // The receipt is sent.
                yield_now().await;
            }
            server.key_stored.set(true);
        })
    };
    let attempt = request("attempt");
    steps(9).await;
    attempt.abort();
    if attempt.join_aborted().await.is_none() {
        request("retry").join().await;
    }
    assert_eq!(server.charges.get(), 1, "the card is charged twice");
}
