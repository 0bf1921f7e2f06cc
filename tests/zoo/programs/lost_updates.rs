//! A task reads a value, others run, and the task acts on what it read.

use std::cell::Cell;
use std::rc::Rc;

use super::{Program, join_all, lock_if, program, steps};
use crate::world::{Lock, spawn, yield_now};

pub const PROGRAMS: &[Program] = &[
    program!(
        lost_update,
        ["bob", "alice"],
        "the textbook example; Account_Bad of SCTBench (Thomson, Donaldson and Betts 2014)"
    ),
    program!(
        lost_update_late,
        ["importer", "shop"],
        "the textbook example, with a window that is open for one step of twenty"
    ),
    program!(check_then_act, ["ben", "ann"], "time of check to time of use, CWE-367"),
    program!(
        check_then_set,
        ["south", "north"] | ["east", "north"],
        "the textbook example of a flag that is tested and then set"
    ),
    program!(
        write_skew,
        ["card", "rent"],
        "write skew, A5B of A Critique of ANSI SQL Isolation Levels (Berenson et al. 1995)"
    ),
    program!(
        aba,
        ["recycler", "reader"],
        "the ABA problem (IBM System/370 Extended Architecture, Principles of Operation, 1983)"
    ),
];

/// Both read the balance before either has written it. Fix: a lock.
async fn lost_update(fixed: bool) {
    let balance = Rc::new(Cell::new(0));
    let lock = Rc::new(Lock::new());
    let deposits = [("alice", 10), ("bob", 20)].map(|(name, amount)| {
        let (balance, lock) = (Rc::clone(&balance), Rc::clone(&lock));
        spawn(name, async move {
            let _guard = lock_if(fixed, &lock).await;
            let before = balance.get();
            // A log line is written, say.
            yield_now().await;
            balance.set(before + amount);
        })
    });
    join_all(deposits).await;
    assert_eq!(balance.get(), 30, "a deposit is lost");
}

/// Two long jobs change the stock once each: one early, one late. Fix: a lock.
async fn lost_update_late(fixed: bool) {
    let stock = Rc::new(Cell::new(100));
    let lock = Rc::new(Lock::new());
    let jobs = [("importer", 15, 50), ("shop", 6, -1)].map(|(name, at, change)| {
        let (stock, lock) = (Rc::clone(&stock), Rc::clone(&lock));
        spawn(name, async move {
            steps(at).await;
            let guard = lock_if(fixed, &lock).await;
            let before = stock.get();
            yield_now().await;
            stock.set(before + change);
            drop(guard);
            steps(19 - at).await;
        })
    });
    join_all(jobs).await;
    assert_eq!(stock.get(), 149, "a change of the stock is lost");
}

/// Both customers see the ticket until the first has paid. Fix: take it before paying.
async fn check_then_act(fixed: bool) {
    let tickets = Rc::new(Cell::new(1));
    let buyers = [("ann", 0), ("ben", 1)].map(|(name, hesitates)| {
        let tickets = Rc::clone(&tickets);
        spawn(name, async move {
            steps(hesitates).await;
            if tickets.get() == 0 {
                return;
            }
            if fixed {
                tickets.set(tickets.get() - 1);
            }
            // The payment.
            yield_now().await;
            if !fixed {
                tickets.set(tickets.get() - 1);
            }
        })
    });
    join_all(buyers).await;
    assert_eq!(tickets.get(), 0, "the last ticket is sold twice");
}

/// A node that finds no leader becomes the leader after it has told the others. Fix: a lock.
async fn check_then_set(fixed: bool) {
    let leader = Rc::new(Cell::new(None));
    let lock = Rc::new(Lock::new());
    let nodes = [("north", 0), ("south", 3), ("east", 6)].map(|(name, distance)| {
        let (leader, lock) = (Rc::clone(&leader), Rc::clone(&lock));
        spawn(name, async move {
            steps(distance).await;
            let _guard = lock_if(fixed, &lock).await;
            if leader.get().is_none() {
                yield_now().await;
                let other = leader.replace(Some(name));
                assert_eq!(other, None, "there are two leaders");
            }
        })
    });
    join_all(nodes).await;
    assert!(leader.get().is_some(), "there is no leader");
}

/// Each withdrawal alone leaves enough in the two accounts, but not both together. Fix: a lock over both.
async fn write_skew(fixed: bool) {
    let accounts = Rc::new([Cell::new(60), Cell::new(60)]);
    let lock = Rc::new(Lock::new());
    let withdrawals = [("rent", 0, 0), ("card", 1, 2)].map(|(name, account, delay)| {
        let (accounts, lock) = (Rc::clone(&accounts), Rc::clone(&lock));
        spawn(name, async move {
            steps(delay).await;
            let _guard = lock_if(fixed, &lock).await;
            let checking = accounts[0].get();
            yield_now().await;
            let savings = accounts[1].get();
            yield_now().await;
            if checking + savings >= 100 {
                accounts[account].set(accounts[account].get() - 100);
            }
        })
    });
    join_all(withdrawals).await;
    let sum = accounts[0].get() + accounts[1].get();
    assert!(sum >= 0, "the two accounts are overdrawn");
}

/// Free blocks of memory, as a linked stack.
struct FreeList {
    /// The first block, and how often it has changed, if changes are counted.
    head: Cell<(Option<usize>, u32)>,
    next: [Cell<Option<usize>>; 3],
    counts: bool,
}

impl FreeList {
    async fn pop(&self) -> usize {
        loop {
            let seen = self.head.get();
            let block = seen.0.expect("there are enough blocks");
            let next = self.next[block].get();
            yield_now().await;
            // Compare and swap.
            if self.head.get() == seen {
                self.set_head(next);
                return block;
            }
        }
    }

    fn push(&self, block: usize) {
        self.next[block].set(self.head.get().0);
        self.set_head(Some(block));
    }

    fn set_head(&self, block: Option<usize>) {
        let changes = self.head.get().1;
        self.head.set((block, changes + u32::from(self.counts)));
    }
}

/// The first block is the same as before, but what follows it is not. Fix: count the changes, and compare
/// the count, too.
async fn aba(fixed: bool) {
    let list = Rc::new(FreeList {
        head: Cell::new((Some(0), 0)),
        next: [Some(1), Some(2), None].map(Cell::new),
        counts: fixed,
    });
    let reader = spawn("reader", {
        let list = Rc::clone(&list);
        async move { list.pop().await }
    });
    let recycler = spawn("recycler", {
        let list = Rc::clone(&list);
        async move {
            let (first, second) = (list.pop().await, list.pop().await);
            steps(2).await;
            list.push(first);
            second
        }
    });
    let in_use = [reader.join().await, recycler.join().await];
    let mut free = list.head.get().0;
    while let Some(block) = free {
        assert!(!in_use.contains(&block), "a block is free and in use");
        free = list.next[block].get();
    }
}
