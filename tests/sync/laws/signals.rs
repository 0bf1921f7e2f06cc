//! An event wakes all; a condition loses no notification; a barrier lets all go on, or none.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::Future;
use std::rc::Rc;

use dacapo::sync::{Barrier, BrokenBarrierError, Condition, Event, Lock, LockGuard};
use dacapo::time::sleep;

use super::clients::{Client, Clients, Entry, clients, holds, is_broken, millis};

// The event.

trait AnyEvent: 'static {
    fn new() -> Self;
    fn set(&self);
    fn clear(&self);
    fn is_set(&self) -> bool;
    fn wait(&self) -> impl Future<Output = ()>;
}

impl AnyEvent for Event {
    fn new() -> Self {
        Event::new()
    }
    fn set(&self) {
        Event::set(self);
    }
    fn clear(&self) {
        Event::clear(self);
    }
    fn is_set(&self) -> bool {
        Event::is_set(self)
    }
    async fn wait(&self) {
        Event::wait(self).await;
    }
}

/// The model is how often the event was set: a waiter goes on if it was set since then or before, and
/// only then.
async fn event<E: AnyEvent>(workload: Vec<Client>) {
    let event = Rc::new(E::new());
    let sets = Rc::new(Cell::new(0));
    let waiting = Rc::new(RefCell::new(VecDeque::new()));
    let mut clients = Clients::default();
    for client in &workload {
        let (event, sets, waiting) = (event.clone(), sets.clone(), waiting.clone());
        let Client { what, takes, .. } = *client;
        clients.start(client, async move {
            match what {
                0 => {
                    sets.set(sets.get() + 1);
                    event.set();
                    sleep(millis(takes)).await;
                    event.clear();
                }
                1 => {
                    event.clear();
                    sleep(millis(takes)).await;
                    sets.set(sets.get() + 1);
                    event.set();
                }
                _ => {
                    let was_set = event.is_set();
                    let before = sets.get();
                    let entry = Entry::new(&waiting, before);
                    event.wait().await;
                    drop(entry);
                    assert!(
                        was_set || sets.get() > before,
                        "it returned, and the event was not set"
                    );
                }
            }
        });
    }
    let left = clients.settle().await;
    assert!(waiting.borrow().iter().all(|before| *before == sets.get()), "a waiter was not woken");
    assert_eq!(left.len(), waiting.borrow().len());
}

#[test]
fn an_event_wakes_all() {
    holds(clients(), event::<Event>);
}

/// A waiter that checks the event again after its wake-up, and misses a set that was already cleared.
struct Forgetful(Event);

impl AnyEvent for Forgetful {
    fn new() -> Self {
        Self(Event::new())
    }
    fn set(&self) {
        self.0.set();
    }
    fn clear(&self) {
        self.0.clear();
    }
    fn is_set(&self) -> bool {
        self.0.is_set()
    }
    async fn wait(&self) {
        while !self.0.is_set() {
            self.0.wait().await;
        }
    }
}

#[test]
fn an_event_that_does_not_wake_all_is_found() {
    is_broken(clients(), event::<Forgetful>);
}

// The condition.

trait AnyCondition: 'static {
    fn new() -> Self;
    fn lock(&self) -> impl Future<Output = LockGuard<'_>>;
    fn wait<'a>(&'a self, guard: LockGuard<'a>) -> impl Future<Output = LockGuard<'a>>;
    fn notify(&self, n: usize);
}

impl AnyCondition for Condition {
    fn new() -> Self {
        Condition::new()
    }
    async fn lock(&self) -> LockGuard<'_> {
        Condition::lock(self).await
    }
    async fn wait<'a>(&'a self, mut guard: LockGuard<'a>) -> LockGuard<'a> {
        Condition::wait(self, &mut guard).await;
        guard
    }
    fn notify(&self, n: usize) {
        Condition::notify(self, n).unwrap();
    }
}

/// The model is a stock of goods. For each item that comes, one waiter is notified, so no task waits
/// while there is an item and nothing else happens. The lock also excludes after a wait.
async fn condition<C: AnyCondition>(workload: Vec<Client>) {
    let condition = Rc::new(C::new());
    let stock = Rc::new(Cell::new(0_u32));
    let waiting = Rc::new(RefCell::new(VecDeque::new()));
    let inside = Rc::new(RefCell::new(VecDeque::new()));
    let mut clients = Clients::default();
    for (me, client) in workload.iter().enumerate() {
        let (condition, stock) = (condition.clone(), stock.clone());
        let (waiting, inside) = (waiting.clone(), inside.clone());
        let Client { what, takes, .. } = *client;
        clients.start(client, async move {
            let mut guard = condition.lock().await;
            if what < 2 {
                let _alone = Entry::new(&inside, me);
                // Several items come at once, and as many waiters are notified.
                stock.set(stock.get() + 1 + what);
                condition.notify(1 + what as usize);
                sleep(millis(takes)).await;
            } else {
                while stock.get() == 0 {
                    let _waits = Entry::new(&waiting, me);
                    guard = condition.wait(guard).await;
                }
                let _alone = Entry::new(&inside, me);
                assert_eq!(inside.borrow().len(), 1, "two tasks have the lock");
                stock.set(stock.get() - 1);
                sleep(millis(takes)).await;
            }
            drop(guard);
        });
    }
    let left = clients.settle().await;
    assert_eq!(left.len(), waiting.borrow().len(), "one waits for the lock");
    assert!(left.is_empty() || stock.get() == 0, "a notification is lost");
}

#[test]
fn a_condition_loses_no_notification() {
    holds(clients(), condition::<Condition>);
}

/// A waiter that leaves, and loses the notification that it got.
struct Greedy {
    lock: Lock,
    line: RefCell<VecDeque<Rc<Event>>>,
}

impl AnyCondition for Greedy {
    fn new() -> Self {
        Self { lock: Lock::new(), line: RefCell::default() }
    }
    async fn lock(&self) -> LockGuard<'_> {
        self.lock.lock().await
    }
    async fn wait<'a>(&'a self, guard: LockGuard<'a>) -> LockGuard<'a> {
        let event = Rc::new(Event::new());
        self.line.borrow_mut().push_back(event.clone());
        drop(guard);
        event.wait().await;
        self.lock.lock().await
    }
    fn notify(&self, n: usize) {
        for _ in 0..n {
            let first = self.line.borrow_mut().pop_front();
            first.inspect(|event| event.set());
        }
    }
}

#[test]
fn a_condition_that_loses_notifications_is_found() {
    is_broken(clients(), condition::<Greedy>);
}

// The barrier.

trait AnyBarrier: 'static {
    fn new(parties: usize) -> Self;
    fn wait(&self) -> impl Future<Output = Result<usize, BrokenBarrierError>>;
    fn reset(&self) -> impl Future<Output = ()>;
    fn abort(&self) -> impl Future<Output = ()>;
    fn n_waiting(&self) -> usize;
}

impl AnyBarrier for Barrier {
    fn new(parties: usize) -> Self {
        Barrier::new(parties)
    }
    async fn wait(&self) -> Result<usize, BrokenBarrierError> {
        Barrier::wait(self).await
    }
    async fn reset(&self) {
        Barrier::reset(self).await;
    }
    async fn abort(&self) {
        Barrier::abort(self).await;
    }
    fn n_waiting(&self) -> usize {
        Barrier::n_waiting(self)
    }
}

#[derive(Default)]
struct Round {
    /// How often the last one came.
    trips: usize,
    passed: usize,
    /// The tasks that came and did not pass.
    turned_away: usize,
    /// How often it was reset or aborted.
    broken: usize,
    waiting: usize,
}

/// The model is a few numbers. Each time the last party comes, all parties go on, unless they had to
/// leave or the barrier was broken; no other task goes on. No party is turned away without a reason. When
/// nothing happens any more, fewer tasks wait than there are parties.
async fn barrier<B: AnyBarrier>((parties, workload): (usize, Vec<Client>)) {
    let barrier = Rc::new(B::new(parties));
    let round = Rc::new(RefCell::new(Round::default()));
    let mut clients = Clients::default();
    for client in &workload {
        let (barrier, round) = (barrier.clone(), round.clone());
        let Client { what, takes, .. } = *client;
        clients.start(client, async move {
            if what == 0 {
                round.borrow_mut().broken += 1;
                if takes == 0 {
                    barrier.abort().await
                } else {
                    barrier.reset().await
                }
                return;
            }
            for _ in 0..what.min(2) {
                let party = Party::new(&round);
                match barrier.wait().await {
                    Ok(index) => party.passes(index + 1 == parties, parties),
                    Err(_) => assert!(round.borrow().broken > 0, "nobody broke it"),
                }
                sleep(millis(takes)).await;
            }
        });
    }
    let left = clients.settle().await;
    let round = round.borrow();
    assert!(round.passed + round.turned_away >= parties * round.trips, "a party did not pass");
    assert!(left.len() < parties, "all parties are there and wait");
    assert_eq!((left.len(), barrier.n_waiting()), (round.waiting, round.waiting));
}

/// A party that has come. It counts as turned away unless it passes.
struct Party(Option<Rc<RefCell<Round>>>);

impl Party {
    fn new(round: &Rc<RefCell<Round>>) -> Self {
        round.borrow_mut().waiting += 1;
        Self(Some(round.clone()))
    }

    fn passes(mut self, last: bool, parties: usize) {
        let round = self.0.take().expect("it passes once");
        let mut round = round.borrow_mut();
        if last {
            assert!(round.waiting >= parties, "the barrier tripped before all parties came");
            round.trips += 1;
        }
        round.passed += 1;
        assert!(round.passed <= parties * round.trips, "too many parties passed");
        round.waiting -= 1;
    }
}

impl Drop for Party {
    fn drop(&mut self) {
        if let Some(round) = self.0.take() {
            let mut round = round.borrow_mut();
            round.waiting -= 1;
            round.turned_away += 1;
        }
    }
}

#[test]
fn a_barrier_lets_all_go_on_or_none() {
    holds((1..4_usize, clients()), barrier::<Barrier>);
}

/// Counts parties that have left as well.
struct Miscounting {
    parties: usize,
    come: Cell<usize>,
    open: Event,
}

impl AnyBarrier for Miscounting {
    fn new(parties: usize) -> Self {
        Self { parties, come: Cell::new(0), open: Event::new() }
    }
    async fn wait(&self) -> Result<usize, BrokenBarrierError> {
        let index = self.come.get();
        if index + 1 == self.parties {
            self.come.set(0);
            self.open.set();
            self.open.clear();
        } else {
            self.come.set(index + 1);
            self.open.wait().await;
        }
        Ok(index)
    }
    async fn reset(&self) {}
    async fn abort(&self) {}
    fn n_waiting(&self) -> usize {
        self.come.get()
    }
}

#[test]
fn a_barrier_that_miscounts_is_found() {
    // A single party trips it alone.
    is_broken((2..4_usize, clients()), barrier::<Miscounting>);
}
