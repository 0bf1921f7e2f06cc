//! A lock has one holder. A semaphore never gives out too many permits, and loses none.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::Future;
use std::rc::Rc;

use dacapo::sync::{
    BoundedSemaphore, BoundedSemaphorePermit, Lock, LockGuard, Semaphore, SemaphorePermit,
};
use dacapo::task::yield_now;
use dacapo::time::sleep;

use super::clients::{Client, Clients, Entry, clients, holds, is_broken, millis};

/// A lock has one.
trait Permits: 'static {
    const PERMITS: u32;
    type Permit<'a>;

    fn new() -> Self;
    fn take(&self, permits: u32) -> impl Future<Output = Self::Permit<'_>>;
    fn free(&self) -> u32;
}

impl Permits for Lock {
    const PERMITS: u32 = 1;
    type Permit<'a> = LockGuard<'a>;

    fn new() -> Self {
        Lock::new()
    }
    async fn take(&self, _: u32) -> LockGuard<'_> {
        self.lock().await
    }
    fn free(&self) -> u32 {
        u32::from(self.try_lock().is_some())
    }
}

impl Permits for Semaphore {
    const PERMITS: u32 = 3;
    type Permit<'a> = SemaphorePermit<'a>;

    fn new() -> Self {
        Semaphore::new(3)
    }
    async fn take(&self, permits: u32) -> Self::Permit<'_> {
        self.acquire_many(permits).await.unwrap()
    }
    fn free(&self) -> u32 {
        self.available_permits() as u32
    }
}

impl Permits for BoundedSemaphore {
    const PERMITS: u32 = 1;
    type Permit<'a> = BoundedSemaphorePermit<'a>;

    fn new() -> Self {
        BoundedSemaphore::new(1)
    }
    async fn take(&self, _: u32) -> Self::Permit<'_> {
        self.acquire().await
    }
    fn free(&self) -> u32 {
        assert!(self.release().is_err(), "it is full, or has lost a permit");
        self.available_permits() as u32
    }
}

/// The model is how many permits are held, and which tasks wait for how many, in order: no more are held
/// than there are, no task overtakes another, and in the end all are back.
async fn permits<P: Permits>(workload: Vec<Client>) {
    let permits = Rc::new(P::new());
    let held = Rc::new(Cell::new(0));
    let line = Rc::new(RefCell::new(VecDeque::new()));
    let mut clients = Clients::default();
    for (me, client) in workload.iter().enumerate() {
        let wants = 1 + client.what % P::PERMITS;
        let (permits, held, line) = (permits.clone(), held.clone(), line.clone());
        let (told, takes) = (clients.told.clone(), client.takes);
        clients.start(client, async move {
            let entry = Entry::new(&line, (me, wants));
            let permit = permits.take(wants).await;
            let _held = Held::new(held.clone(), wants, P::PERMITS);
            let served: u32 = {
                let (line, told) = (line.borrow(), told.borrow());
                let before = line.iter().take_while(|(n, _)| *n != me);
                before.filter(|(n, _)| !told.contains(n)).map(|(_, wants)| wants).sum()
            };
            assert!(held.get() + served <= P::PERMITS, "a waiter was overtaken");
            drop(entry);
            sleep(millis(takes)).await;
            drop(permit);
        });
    }
    clients.end().await;
    assert_eq!(permits.free(), P::PERMITS, "a permit is lost");
}

struct Held(Rc<Cell<u32>>, u32);

impl Held {
    fn new(held: Rc<Cell<u32>>, permits: u32, most: u32) -> Self {
        held.set(held.get() + permits);
        assert!(held.get() <= most, "{} permits are held", held.get());
        Self(held, permits)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.0.set(self.0.get() - self.1);
    }
}

#[test]
fn a_lock_excludes_and_is_fair() {
    holds(clients(), permits::<Lock>);
}

#[test]
fn a_semaphore_keeps_its_permits() {
    holds(clients(), permits::<Semaphore>);
}

#[test]
fn a_bounded_semaphore_keeps_its_permits() {
    holds(clients(), permits::<BoundedSemaphore>);
}

/// Checks whether it is free, and takes it a turn later.
struct Hasty(Lock);

impl Permits for Hasty {
    const PERMITS: u32 = 1;
    type Permit<'a> = Option<LockGuard<'a>>;

    fn new() -> Self {
        Self(Lock::new())
    }
    async fn take(&self, _: u32) -> Self::Permit<'_> {
        while self.0.is_locked() {
            sleep(millis(1)).await;
        }
        yield_now().await;
        self.0.try_lock()
    }
    fn free(&self) -> u32 {
        1
    }
}

#[test]
fn a_lock_that_does_not_exclude_is_found() {
    is_broken(clients(), permits::<Hasty>);
}

/// Loses its permit when its holder is dropped.
struct Leaky(Semaphore);

struct Leak<'a>(&'a Semaphore, u32);

impl Leak<'_> {
    fn give_back(self) {
        self.0.add_permits(self.1 as usize);
    }
}

impl Permits for Leaky {
    const PERMITS: u32 = 3;
    type Permit<'a> = ();

    fn new() -> Self {
        Self(Semaphore::new(3))
    }
    async fn take(&self, permits: u32) {
        self.0.acquire_many(permits).await.unwrap().forget();
        let leak = Leak(&self.0, permits);
        yield_now().await;
        leak.give_back();
    }
    fn free(&self) -> u32 {
        self.0.available_permits() as u32
    }
}

#[test]
fn a_semaphore_that_loses_permits_is_found() {
    is_broken(clients(), permits::<Leaky>);
}
