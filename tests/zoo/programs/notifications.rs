//! One task waits for a notification, and another sends it at the wrong moment, to the wrong task, or to
//! one that has left.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;

use futures::channel::oneshot;

use super::{Program, program};
use crate::world::{Condition, Event, Semaphore, spawn, work, yield_now};

pub const PROGRAMS: &[Program] = &[
    program!(
        missed_notification,
        ["loader", "reader"],
        "the textbook lost wake-up; the pattern \"losing a notify\" of Farchi, Nir and Ur 2003"
    ),
    program!(
        condition_without_loop,
        ["bert", "anna"],
        "the textbook `if` for `while`; Mesa semantics (Lampson and Redell 1980)"
    ),
    program!(
        notify_one_two_kinds,
        ["mill", "baker"] | ["mill", "pastry cook"],
        "the bounded buffer with one condition; wiki c2.com, Extreme Programming Challenge Fourteen"
    ),
    program!(
        event_cleared_too_early,
        ["waiter", "cook"],
        "the textbook race between the set and the clear of an auto-reset event"
    ),
    program!(
        barrier_reuse,
        ["south", "north"],
        "the reusable barrier of Downey's Little Book of Semaphores; sense reversal, Mellor-Crummey and \
         Scott 1991"
    ),
    program!(
        reader_writer_upgrade,
        ["bonus", "interest"],
        "the textbook upgrade of a shared lock, which Rust's RwLock leaves out for this reason"
    ),
    program!(
        lost_wakeup_after_abort,
        ["manager", "porter"],
        "issue 270 of python/asyncio, on its Semaphore: a waiter that is woken and then cancelled wakes no other"
    ),
];

/// The reader sees that nothing is loaded, logs that, and only then registers. The notification may have
/// been sent in the meantime. Fix: register first.
async fn missed_notification(fixed: bool) {
    let loaded = Rc::new(Cell::new(false));
    let registered = Rc::new(RefCell::new(Vec::new()));
    let reader = spawn("reader", {
        let (loaded, registered) = (Rc::clone(&loaded), Rc::clone(&registered));
        async move {
            let register = || {
                let (sender, news) = oneshot::channel();
                registered.borrow_mut().push(sender);
                news
            };
            let early = fixed.then(register);
            if !loaded.get() {
                // A log line is written.
                yield_now().await;
                early.unwrap_or_else(register).await.unwrap();
            }
        }
    });
    let loader = spawn("loader", async move {
        work(3).await;
        loaded.set(true);
        for sender in registered.take() {
            let _ = sender.send(());
        }
    });
    loader.join().await;
    reader.join().await;
}

/// Anna is told of a loaf, and Bert takes it before she runs. She does not look again. Fix: wait in a
/// loop.
async fn condition_without_loop(fixed: bool) {
    let shop = Rc::new((Condition::new(), Cell::new(0_u32)));
    let smell = Rc::new(Event::new());
    let bert = spawn("bert", {
        let (shop, smell) = (Rc::clone(&shop), Rc::clone(&smell));
        async move {
            smell.wait().await;
            let (condition, loaves) = &*shop;
            let _guard = condition.lock().await;
            // If there is none, Bert goes without.
            loaves.set(loaves.get().saturating_sub(1));
        }
    });
    let anna = spawn("anna", {
        let shop = Rc::clone(&shop);
        async move {
            let (condition, loaves) = &*shop;
            let mut guard = condition.lock().await;
            if fixed {
                condition.wait_for(&mut guard, || loaves.get() > 0).await;
            } else if loaves.get() == 0 {
                condition.wait(&mut guard).await;
            }
            let left = loaves.get().checked_sub(1);
            loaves.set(left.expect("anna was told of a loaf, and there is none"));
        }
    });
    let oven = spawn("oven", async move {
        let (condition, loaves) = &*shop;
        for _ in 0..2 {
            work(2).await;
            let _guard = condition.lock().await;
            loaves.set(loaves.get() + 1);
            condition.notify(1).unwrap();
            smell.set();
        }
    });
    bert.join().await;
    oven.join().await;
    anna.join().await;
}

/// The mill and the bakers wait on one condition, and a baker that has emptied the shelf wakes the other
/// baker instead of the mill. Fix: wake all.
async fn notify_one_two_kinds(fixed: bool) {
    const SACKS: usize = 4;
    let shelf = Rc::new((Condition::new(), Cell::new(0_usize)));
    let woken = if fixed { usize::MAX } else { 1 };
    let baker = |name| {
        let shelf = Rc::clone(&shelf);
        spawn(name, async move {
            let (condition, sacks) = &*shelf;
            for _ in 0..SACKS / 2 {
                let mut guard = condition.lock().await;
                condition.wait_for(&mut guard, || sacks.get() > 0).await;
                sacks.set(sacks.get() - 1);
                condition.notify(woken).unwrap();
                drop(guard);
                // Bread is made of it.
                yield_now().await;
            }
        })
    };
    let bakers = [baker("baker"), baker("pastry cook")];
    let mill = spawn("mill", async move {
        let (condition, sacks) = &*shelf;
        for _ in 0..SACKS {
            work(2).await;
            let mut guard = condition.lock().await;
            condition.wait_for(&mut guard, || sacks.get() < 1).await;
            sacks.set(sacks.get() + 1);
            condition.notify(woken).unwrap();
        }
    });
    mill.join().await;
    for baker in bakers {
        baker.join().await;
    }
}

/// The cook clears the bell after looking through the orders, and with it the ring for an order that has
/// come since. Fix: clear it first.
async fn event_cleared_too_early(fixed: bool) {
    let bell = Rc::new(Event::new());
    let orders = Rc::new(RefCell::new(VecDeque::new()));
    let cook = spawn("cook", {
        let (bell, orders) = (Rc::clone(&bell), Rc::clone(&orders));
        async move {
            let mut cooked = 0;
            while cooked < 4 {
                bell.wait().await;
                if fixed {
                    bell.clear();
                }
                while let Some(turns) = { orders.borrow_mut().pop_front() } {
                    work(turns).await;
                    cooked += 1;
                }
                if !fixed {
                    // Wipes the table.
                    yield_now().await;
                    bell.clear();
                }
            }
        }
    });
    let waiter = spawn("waiter", async move {
        for turns in [1, 3, 2, 2] {
            orders.borrow_mut().push_back(turns);
            bell.set();
            work(4).await;
        }
    });
    waiter.join().await;
    cook.join().await;
}

/// The last one to arrive resets the count and opens the barrier, but a quick task is back, and counted for
/// the next round, before the other has seen it open. Fix: number the rounds.
async fn barrier_reuse(fixed: bool) {
    #[derive(Default)]
    struct Barrier {
        condition: Condition,
        arrived: Cell<usize>,
        round: Cell<usize>,
    }
    let barrier = Rc::new(Barrier::default());
    let parts = ["north", "south"].map(|name| {
        let barrier = Rc::clone(&barrier);
        spawn(name, async move {
            for _ in 0..2 {
                // The new values of this part of the grid are computed.
                work(4).await;
                let Barrier { condition, arrived, round } = &*barrier;
                let mut guard = condition.lock().await;
                let mine = round.get();
                arrived.set(arrived.get() + 1);
                if arrived.get() == 2 {
                    arrived.set(0);
                    round.set(mine + 1);
                    condition.notify_all().unwrap();
                }
                let open = || if fixed { round.get() != mine } else { arrived.get() == 0 };
                condition.wait_for(&mut guard, open).await;
            }
        })
    });
    for part in parts {
        part.join().await;
    }
}

/// Both read an account under a lock that two can share, and each waits for the other to release it before
/// writing. Fix: take the whole lock at once.
async fn reader_writer_upgrade(fixed: bool) {
    let account = Rc::new((Semaphore::new(2), Cell::new(100)));
    let change = |name, turns, percent| {
        let account = Rc::clone(&account);
        spawn(name, async move {
            // Looks up what to do.
            work(turns).await;
            let (lock, balance) = &*account;
            let _shared = lock.acquire_many(if fixed { 2 } else { 1 }).await.unwrap();
            let change = balance.get() * percent / 100;
            work(2).await;
            let _upgraded = if fixed { None } else { Some(lock.acquire().await.unwrap()) };
            balance.set(balance.get() + change);
        })
    };
    let changes = [change("interest", 1, 10), change("bonus", 16, 20)];
    for change in changes {
        change.join().await;
    }
    assert_eq!(account.1.get(), 132, "a change was of an outdated balance");
}

/// The porter is sent home after the call to the lift and before hearing it, and no other porter is
/// called. Fix: a porter that leaves with a call passes it on.
async fn lost_wakeup_after_abort(fixed: bool) {
    #[derive(Default)]
    struct Lift {
        taken: Cell<bool>,
        waiting: RefCell<VecDeque<oneshot::Sender<()>>>,
    }
    impl Lift {
        fn call_next(&self) {
            let mut waiting = self.waiting.borrow_mut();
            while waiting.pop_front().is_some_and(|next| next.send(()).is_err()) {}
        }

        async fn ride(&self, passes_on: bool) {
            while self.taken.replace(true) {
                let (sender, call) = oneshot::channel();
                self.waiting.borrow_mut().push_back(sender);
                let mut place = Place { lift: self, call, passes_on };
                (&mut place.call).await.unwrap();
            }
            let _riding = Riding(self);
            work(3).await;
        }
    }
    struct Riding<'a>(&'a Lift);
    impl Drop for Riding<'_> {
        fn drop(&mut self) {
            self.0.taken.set(false);
            self.0.call_next();
        }
    }
    struct Place<'a> {
        lift: &'a Lift,
        call: oneshot::Receiver<()>,
        passes_on: bool,
    }
    impl Drop for Place<'_> {
        fn drop(&mut self) {
            if self.passes_on && matches!(self.call.try_recv(), Ok(Some(()))) {
                self.lift.call_next();
            }
        }
    }

    let lift = Rc::new(Lift::default());
    let off_duty = Rc::new(Event::new());
    let [maid, porter, guest] = ["maid", "porter", "guest"].map(|name| {
        let (lift, off_duty) = (Rc::clone(&lift), Rc::clone(&off_duty));
        spawn(name, async move {
            lift.ride(fixed).await;
            // The maid is the first to go home, and the porter is the next.
            off_duty.set();
        })
    });
    let manager = spawn("manager", async move {
        off_duty.wait().await;
        work(2).await;
        porter.abort();
        porter.join_aborted().await;
    });
    manager.join().await;
    maid.join().await;
    guest.join().await;
}
