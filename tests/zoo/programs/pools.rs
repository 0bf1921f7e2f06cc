//! Things in limited number, and the awaits at which one too many or one too few is handed
//! out.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;

use futures::channel::oneshot;

use super::{Program, program};
use crate::world::{Event, Lock, Semaphore, sleep, spawn, timeout, work, yield_now};

pub const PROGRAMS: &[Program] = &[
    program!(
        cancel_unsafe_pop,
        ["dispatcher", "courier"],
        "a receive that is not cancel safe, as the documentation of tokio's `select!` describes it"
    ),
    program!(
        permit_leaked_on_timeout,
        ["report", "lookup"],
        "the kind of bug that comes of `SemaphorePermit::forget` and `add_permits`",
        timed
    ),
    program!(
        connection_pool_leak,
        ["visitor 2", "request 2"],
        "issue 83 of sqlx: a pool leaks connections if `acquire` is cancelled"
    ),
    program!(
        handoff_to_cancelled_waiter,
        ["harbour master", "brio"] | ["cora", "brio"],
        "the kind of bug of issue 90155 of CPython, on asyncio.Semaphore and waiters that were cancelled"
    ),
    program!(
        pool_overshoot,
        ["batch", "mobile"] | ["batch", "web"],
        "the textbook check, await, act; the kind of bug that is published of connection pools"
    ),
    program!(
        rate_limiter_refill,
        ["client", "ticker"],
        "the textbook token bucket, with a refill that awaits"
    ),
    program!(
        retry_storm,
        ["hedge", "primary"],
        "retry budgets, as in Google's Site Reliability Engineering (2016), chapter 22"
    ),
];

/// The courier has taken the parcel from the list and waits for a signature when the tour is called off.
/// The substitute does not find it. Fix: take it off the list when it is delivered.
async fn cancel_unsafe_pop(fixed: bool) {
    #[derive(Clone, Copy)]
    struct Stop {
        walk: usize,
        to_sign: bool,
    }
    const STOPS: usize = 8;
    let tour = (1..=STOPS).map(|house| Stop { walk: 1 + house % 3, to_sign: house == 5 });
    let tour: Rc<RefCell<VecDeque<_>>> = Rc::new(RefCell::new(tour.collect()));
    let delivered = Rc::new(Cell::new(0));
    let courier = {
        let (tour, delivered) = (Rc::clone(&tour), Rc::clone(&delivered));
        move |name| {
            let (tour, delivered) = (Rc::clone(&tour), Rc::clone(&delivered));
            spawn(name, async move {
                while let Some(Stop { walk, to_sign }) = { tour.borrow().front().copied() } {
                    work(walk).await;
                    let early = if fixed { None } else { tour.borrow_mut().pop_front() };
                    if to_sign {
                        yield_now().await;
                    }
                    early.or_else(|| tour.borrow_mut().pop_front());
                    delivered.set(delivered.get() + 1);
                }
            })
        }
    };
    let first = courier("courier");
    let dispatcher = spawn("dispatcher", async move {
        work(12).await;
        first.abort();
        first.join_aborted().await;
        courier("substitute").join().await;
    });
    dispatcher.join().await;
    assert_eq!(delivered.get(), STOPS, "a parcel is lost");
}

/// A lookup that has waited long for its permit is dropped by its deadline while it holds the permit, before
/// the line that returns it. Fix: a permit that returns itself.
async fn permit_leaked_on_timeout(fixed: bool) {
    let database = Rc::new(Semaphore::new(1));
    let query = |name, takes, limit| {
        let database = Rc::clone(&database);
        spawn(name, async move {
            let query = async {
                let permit = database.acquire().await.unwrap();
                if fixed {
                    sleep(takes).await;
                } else {
                    permit.forget();
                    sleep(takes).await;
                    database.add_permits(1);
                }
            };
            let _ = timeout(limit, query).await;
        })
    };
    let queries = [query("lookup", 4, 10), query("report", 8, 30)];
    for query in queries {
        query.join().await;
    }
    assert_eq!(database.available_permits(), 1, "a permit is lost");
}

/// A request that is dropped while it greets the connection it has just taken loses that connection. When
/// both are lost, there are none left. Fix: arrange for its return first.
async fn connection_pool_leak(fixed: bool) {
    struct Connection(Rc<Semaphore>);
    impl Drop for Connection {
        fn drop(&mut self) {
            self.0.add_permits(1);
        }
    }
    let pool = Rc::new(Semaphore::new(2));
    let request = |name, reads| {
        let (pool, shown) = (Rc::clone(&pool), Rc::new(Event::new()));
        let progress = Rc::clone(&shown);
        let request = spawn(name, async move {
            work(reads).await;
            pool.acquire().await.unwrap().forget();
            progress.set();
            let connection = || Connection(Rc::clone(&pool));
            let early = fixed.then(connection);
            yield_now().await;
            let _connection = early.unwrap_or_else(connection);
            // The query.
            work(6).await;
        });
        (request, shown)
    };
    let visits = [("visitor 1", "request 1", 2), ("visitor 2", "request 2", 9)].map(
        |(visitor, name, reads)| {
            let (request, shown) = request(name, reads);
            spawn(visitor, async move {
                shown.wait().await;
                // Longer than the visitor waits.
                work(3).await;
                request.abort();
                request.join_aborted().await;
            })
        },
    );
    for visit in visits {
        visit.join().await;
    }
    request("health check", 0).0.join().await;
}

/// The crane is given to the next waiting ship, even if that ship has left, and then to none. Fix: hand over
/// something that passes itself on if it is not taken.
async fn handoff_to_cancelled_waiter(fixed: bool) {
    #[derive(Default)]
    struct Crane {
        taken: Cell<bool>,
        waiting: RefCell<VecDeque<oneshot::Sender<Option<Use>>>>,
    }
    struct Use {
        crane: Rc<Crane>,
        fixed: bool,
    }
    impl Drop for Use {
        fn drop(&mut self) {
            let Some(next) = ({ self.crane.waiting.borrow_mut().pop_front() }) else {
                return self.crane.taken.set(false);
            };
            let crane = Rc::clone(&self.crane);
            // What could not be sent is dropped, and so passes itself on.
            drop(next.send(self.fixed.then(|| Self { crane, fixed: self.fixed })));
        }
    }
    async fn take(crane: &Rc<Crane>, fixed: bool) -> Use {
        let handed = if crane.taken.replace(true) {
            let (sender, turn) = oneshot::channel();
            crane.waiting.borrow_mut().push_back(sender);
            turn.await.unwrap()
        } else {
            None
        };
        handed.unwrap_or_else(|| Use { crane: Rc::clone(crane), fixed })
    }

    let crane = Rc::new(Crane::default());
    let ship = |name, way| {
        let crane = Rc::clone(&crane);
        spawn(name, async move {
            work(way).await;
            let _use = take(&crane, fixed).await;
            work(3).await;
        })
    };
    let [alba, brio, cora] = [ship("alba", 0), ship("brio", 2), ship("cora", 3)];
    let master = spawn("harbour master", async move {
        work(5).await;
        brio.abort();
        brio.join_aborted().await;
    });
    master.join().await;
    alba.join().await;
    cora.join().await;
}

/// Two clients see that there is room for one more connection, and both make one. Fix: count it before it is
/// made.
async fn pool_overshoot(fixed: bool) {
    const LIMIT: usize = 2;
    #[derive(Default)]
    struct Pool {
        connections: Cell<usize>,
        open: Cell<usize>,
    }
    let pool = Rc::new(Pool::default());
    let clients = [("web", 0), ("mobile", 3), ("batch", 6)].map(|(name, starts)| {
        let pool = Rc::clone(&pool);
        spawn(name, async move {
            work(starts).await;
            let Pool { connections, open } = &*pool;
            if connections.get() < LIMIT {
                connections.set(connections.get() + usize::from(fixed));
                // A connection is made.
                work(2).await;
                connections.set(connections.get() + usize::from(!fixed));
                open.set(open.get() + 1);
            }
        })
    });
    for client in clients {
        client.join().await;
    }
    assert!(pool.open.get() <= LIMIT, "{} connections are open", pool.open.get());
}

/// Two tasks at once compute how many tokens are missing, ask for the quota, and then add that many. Fix:
/// one refill at a time.
async fn rate_limiter_refill(fixed: bool) {
    const BURST: u32 = 4;
    let bucket = Rc::new((Cell::new(BURST), Lock::new()));
    async fn refill((tokens, lock): &(Cell<u32>, Lock), fixed: bool) {
        let _guard = if fixed { Some(lock.lock().await) } else { None };
        let missing = BURST - tokens.get();
        // Asks for the quota.
        yield_now().await;
        tokens.set(tokens.get() + missing);
        assert!(tokens.get() <= BURST, "{} tokens, where {BURST} are allowed", tokens.get());
    }
    let client = spawn("client", {
        let bucket = Rc::clone(&bucket);
        async move {
            for request in 1..=9 {
                while bucket.0.get() == 0 {
                    refill(&bucket, fixed).await;
                }
                bucket.0.set(bucket.0.get() - 1);
                work(1 + request % 2).await;
            }
        }
    });
    let ticker = spawn("ticker", async move {
        work(11).await;
        refill(&bucket, fixed).await;
    });
    client.join().await;
    ticker.join().await;
}

/// Two tasks retry the same job on one budget. Each looks at the budget, backs off, and only then counts its
/// attempt. Fix: count it first.
async fn retry_storm(fixed: bool) {
    const BUDGET: usize = 5;
    let attempts = Rc::new((Cell::new(0), Cell::new(0)));
    let retry = |name, starts| {
        let attempts = Rc::clone(&attempts);
        spawn(name, async move {
            work(starts).await;
            let (counted, made) = &*attempts;
            let mut backoff = 1;
            while counted.get() < BUDGET {
                counted.set(counted.get() + usize::from(fixed));
                work(backoff).await;
                backoff *= 2;
                counted.set(counted.get() + usize::from(!fixed));
                made.set(made.get() + 1);
            }
        })
    };
    let retries = [retry("primary", 0), retry("hedge", 32)];
    for retry in retries {
        retry.join().await;
    }
    assert!(attempts.1.get() <= BUDGET, "{} attempts, on a budget of {BUDGET}", attempts.1.get());
}
