//! Something is closed or abandoned while a task still uses it.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use futures::channel::oneshot;

use super::{Program, program};
use crate::world::{Event, Lock, Queue, spawn, work, yield_now};

pub const PROGRAMS: &[Program] = &[
    program!(
        graceful_shutdown,
        ["shutdown", "acceptor"],
        "the kind of bug that is published of HTTP servers: a request in the handshake is not yet counted"
    ),
    program!(
        sentinel_loss,
        ["producer", "left"],
        "the textbook end of a queue by one sentinel for each consumer"
    ),
    program!(
        worker_registers_late,
        ["shutdown", "night shift"] | ["shutdown", "day shift"],
        "the textbook broadcast that late subscribers do not get"
    ),
    program!(
        drain_race,
        ["closer", "upload a"] | ["upload b", "upload a"],
        "WaitGroup.Add within the goroutine that is waited for (Tu, Liu, Song and Zhang 2019)"
    ),
    program!(
        flush_after_close,
        ["program", "flusher"],
        "an order violation, of the kind that Lu, Park, Seo and Zhou 2008 found to be most frequent but one"
    ),
    program!(
        half_committed,
        ["operator", "change"] | ["janitor", "change"],
        "the textbook cancellation between two steps that belong together"
    ),
];

/// The acceptor counts a request only after the handshake. The shutdown sees none and closes the store.
/// Fix: count it at once.
async fn graceful_shutdown(fixed: bool) {
    #[derive(Default)]
    struct Server {
        closing: Cell<bool>,
        closed: Cell<bool>,
        active: Cell<usize>,
        idle: Event,
    }
    impl Server {
        fn enter(&self) {
            self.active.set(self.active.get() + 1);
            self.idle.clear();
        }

        fn leave(&self) {
            self.active.set(self.active.get() - 1);
            if self.active.get() == 0 {
                self.idle.set();
            }
        }
    }
    let server = Rc::new(Server::default());
    server.idle.set();
    let acceptor = spawn("acceptor", {
        let server = Rc::clone(&server);
        async move {
            let mut requests = Vec::new();
            for name in ["request 1", "request 2", "request 3"] {
                work(3).await;
                if server.closing.get() {
                    break;
                }
                if fixed {
                    server.enter();
                }
                // The handshake.
                yield_now().await;
                if !fixed {
                    server.enter();
                }
                let server = Rc::clone(&server);
                requests.push(spawn(name, async move {
                    work(2).await;
                    assert!(!server.closed.get(), "a request found the store closed");
                    server.leave();
                }));
            }
            for request in requests {
                request.join().await;
            }
        }
    });
    let shutdown = spawn("shutdown", async move {
        work(8).await;
        server.closing.set(true);
        server.idle.wait().await;
        server.closed.set(true);
    });
    shutdown.join().await;
    acceptor.join().await;
}

/// A consumer that takes two items at a time takes both sentinels. Fix: put the other one back.
async fn sentinel_loss(fixed: bool) {
    let queue = Rc::new(Queue::new(0));
    let consumers = ["left", "right"].map(|name| {
        let queue = Rc::clone(&queue);
        spawn(name, async move {
            let mut ended = false;
            while !ended {
                let first: Option<usize> = queue.get().await.unwrap();
                let batch = [Some(first), queue.get_nowait().ok()];
                let sentinels = batch.iter().flatten().filter(|item| item.is_none()).count();
                if fixed && sentinels == 2 {
                    queue.put_nowait(None).unwrap();
                }
                ended = sentinels > 0;
                // The batch is written.
                work(2).await;
            }
        })
    });
    let producer = spawn("producer", async move {
        for item in [Some(1), Some(2), Some(3), Some(4), None, None] {
            queue.put_nowait(item).unwrap();
            yield_now().await;
        }
    });
    producer.join().await;
    for consumer in consumers {
        consumer.join().await;
    }
}

/// A worker that starts late subscribes to the shutdown after it was announced. Fix: subscribe before
/// the worker is started.
async fn worker_registers_late(fixed: bool) {
    #[derive(Default)]
    struct Office {
        closed: Cell<bool>,
        listeners: RefCell<Vec<oneshot::Sender<()>>>,
    }
    impl Office {
        fn subscribe(&self) -> oneshot::Receiver<()> {
            let (sender, announced) = oneshot::channel();
            self.listeners.borrow_mut().push(sender);
            announced
        }
    }
    let office = Rc::new(Office::default());
    let foreman = spawn("foreman", {
        let office = Rc::clone(&office);
        async move {
            let mut shifts = Vec::new();
            for name in ["day shift", "night shift"] {
                if office.closed.get() {
                    break;
                }
                let early = fixed.then(|| office.subscribe());
                let office = Rc::clone(&office);
                shifts.push(spawn(name, async move {
                    // The machines are warmed up.
                    work(2).await;
                    early.unwrap_or_else(|| office.subscribe()).await.unwrap();
                }));
                work(4).await;
            }
            for shift in shifts {
                shift.join().await;
            }
        }
    });
    let shutdown = spawn("shutdown", async move {
        work(28).await;
        office.closed.set(true);
        for listener in office.listeners.take() {
            let _ = listener.send(());
        }
    });
    shutdown.join().await;
    foreman.join().await;
}

/// Each upload counts itself when it starts, and the closer sees that none is left before the last one has
/// started. Fix: count it where it is spawned.
async fn drain_race(fixed: bool) {
    #[derive(Default)]
    struct Uploads {
        running: Cell<usize>,
        done: Cell<usize>,
        drained: Event,
    }
    let all = Rc::new(Uploads::default());
    let uploads = [("upload a", 3), ("upload b", 6), ("upload c", 4)].map(|(name, parts)| {
        let all = Rc::clone(&all);
        if fixed {
            all.running.set(all.running.get() + 1);
        }
        spawn(name, async move {
            if !fixed {
                all.running.set(all.running.get() + 1);
            }
            work(parts).await;
            all.done.set(all.done.get() + 1);
            all.running.set(all.running.get() - 1);
            if all.running.get() == 0 {
                all.drained.set();
            }
        })
    });
    let closer = spawn("closer", async move {
        // The index is written.
        work(2).await;
        if all.running.get() > 0 {
            all.drained.wait().await;
        }
        all.done.get()
    });
    let counted = closer.join().await;
    for upload in uploads {
        upload.join().await;
    }
    assert_eq!(counted, 3, "the archive was closed without an upload");
}

/// The flusher has taken the lines from the buffer and not yet written them when the program sees nothing
/// left to write and closes the file. Fix: a lock around taking and writing.
async fn flush_after_close(fixed: bool) {
    #[derive(Default)]
    struct Log {
        buffer: RefCell<Vec<usize>>,
        file: RefCell<Vec<usize>>,
        closed: Cell<bool>,
        lock: Lock,
    }
    impl Log {
        async fn flush(&self, fixed: bool) {
            let _guard = if fixed { Some(self.lock.lock().await) } else { None };
            let lines = self.buffer.take();
            if !lines.is_empty() {
                // They are compressed.
                yield_now().await;
                assert!(!self.closed.get(), "lines are flushed after the close");
                self.file.borrow_mut().extend(lines);
            }
        }
    }
    let log = Rc::new(Log::default());
    let flusher = spawn("flusher", {
        let log = Rc::clone(&log);
        async move {
            for _ in 0..3 {
                work(4).await;
                log.flush(fixed).await;
            }
        }
    });
    let program = spawn("program", {
        let log = Rc::clone(&log);
        async move {
            for line in 0..5 {
                log.buffer.borrow_mut().push(line);
                work(2).await;
            }
            log.flush(fixed).await;
            log.closed.set(true);
        }
    });
    program.join().await;
    flusher.join().await;
    assert_eq!(log.file.borrow().len(), 5, "lines are lost");
}

/// The operator aborts a change that is in the data and not yet in the index, and the janitor that would have
/// repaired it has already run. Fix: commit in a task of its own, which is not aborted.
async fn half_committed(fixed: bool) {
    #[derive(Default)]
    struct Store {
        data: Cell<u32>,
        index: Cell<u32>,
    }
    async fn commit(store: Rc<Store>) {
        store.data.set(1);
        yield_now().await;
        store.index.set(1);
    }
    let store = Rc::new(Store::default());
    let commits = Rc::new(RefCell::new(Vec::new()));
    let change = spawn("change", {
        let (store, commits) = (Rc::clone(&store), Rc::clone(&commits));
        async move {
            // The change is checked.
            work(4).await;
            if fixed {
                commits.borrow_mut().push(spawn("commit", commit(store)));
            } else {
                commit(store).await;
            }
            // It is told to others.
            work(4).await;
        }
    });
    let operator = spawn("operator", async move {
        work(5).await;
        change.abort();
        change.join_aborted().await;
    });
    let janitor = spawn("janitor", {
        let store = Rc::clone(&store);
        async move {
            work(8).await;
            store.index.set(store.data.get());
        }
    });
    operator.join().await;
    janitor.join().await;
    for commit in commits.take() {
        commit.join().await;
    }
    assert_eq!(store.index.get(), store.data.get(), "half of a change was left");
}
