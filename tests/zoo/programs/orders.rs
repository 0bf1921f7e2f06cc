//! The classics: each step is right, and their order is wrong.

use std::cell::Cell;
use std::rc::Rc;

use super::{Program, join_all, lock_if, program};
use crate::world::{Event, Lock, spawn, yield_now};

pub const PROGRAMS: &[Program] = &[
    program!(
        reorder_3,
        ["checker", "setter 1"],
        "reorder_3_bad of SCTBench (Thomson, Donaldson and Betts 2014)"
    ),
    program!(
        reorder_5,
        ["checker", "setter 1"],
        "reorder_5_bad of SCTBench (Thomson, Donaldson and Betts 2014)"
    ),
    program!(
        reorder_10,
        ["checker", "setter 1"],
        "reorder_10_bad of SCTBench (Thomson, Donaldson and Betts 2014)"
    ),
    program!(
        reorder_50,
        ["checker", "setter 1"] | ["setter 1", "checker"],
        "reorder_3_bad of SCTBench (Thomson, Donaldson and Betts 2014), with 50 tasks at once"
    ),
    program!(
        two_stage,
        ["reader", "writer"],
        "twostage_bad of SCTBench (Thomson, Donaldson and Betts 2014)"
    ),
    program!(
        token_ring,
        ["second", "first"],
        "token_ring_bad of SCTBench (Thomson, Donaldson and Betts 2014)"
    ),
    program!(
        wrong_lock,
        ["hourly", "weekly"],
        "wronglock_bad of SCTBench (Thomson, Donaldson and Betts 2014)"
    ),
    program!(
        lazy_init_order,
        ["tables", "snapshot"],
        "lazy01_bad of SCTBench (Thomson, Donaldson and Betts 2014)"
    ),
];

/// What the setters set, and the lock of the fix.
type State = (Cell<i32>, Cell<i32>, Lock);

/// All but one set a to 1 and then b to -1, and one checks that both are set or none. Fix: a lock over
/// both.
async fn set(state: Rc<State>, fixed: bool) {
    let (a, b, lock) = &*state;
    let _guard = lock_if(fixed, lock).await;
    a.set(1);
    yield_now().await;
    b.set(-1);
}

/// See [`set`].
async fn look(state: Rc<State>, fixed: bool) {
    let (a, b, lock) = &*state;
    let _guard = lock_if(fixed, lock).await;
    assert!(matches!((a.get(), b.get()), (0, 0) | (1, -1)), "one is set and the other is not");
}

/// See [`set`]. The tasks begin one after another, and each has time to end in between.
async fn reorder(setters: usize, fixed: bool) {
    let state = Rc::<State>::default();
    let mut tasks = Vec::new();
    for n in 1..=setters {
        tasks.push(spawn(&format!("setter {n}"), set(Rc::clone(&state), fixed)));
        yield_now().await;
    }
    tasks.push(spawn("checker", look(state, fixed)));
    join_all(tasks).await;
}

/// See [`reorder`].
async fn reorder_3(fixed: bool) {
    reorder(2, fixed).await;
}

/// See [`reorder`].
async fn reorder_5(fixed: bool) {
    reorder(4, fixed).await;
}

/// See [`reorder`].
async fn reorder_10(fixed: bool) {
    reorder(9, fixed).await;
}

/// See [`set`]. All begin at once, the checker first.
async fn reorder_50(fixed: bool) {
    let state = Rc::<State>::default();
    let mut tasks = vec![spawn("checker", look(Rc::clone(&state), fixed))];
    for n in 1..=49 {
        tasks.push(spawn(&format!("setter {n}"), set(Rc::clone(&state), fixed)));
    }
    join_all(tasks).await;
}

/// Each of two values has its own lock, and a reader comes between the write of the first and of the
/// second. Fix: hold the first lock over both.
async fn two_stage(fixed: bool) {
    #[derive(Default)]
    struct Stage {
        lock: Lock,
        value: Cell<u32>,
    }
    let stages = Rc::new([Stage::default(), Stage::default()]);
    let writer = spawn("writer", {
        let stages = Rc::clone(&stages);
        async move {
            let [order, invoice] = &*stages;
            let first = order.lock.lock().await;
            order.value.set(1);
            let _first = fixed.then_some(first);
            yield_now().await;
            let _second = invoice.lock.lock().await;
            invoice.value.set(order.value.get() + 1);
        }
    });
    let reader = spawn("reader", async move {
        let [order, invoice] = &*stages;
        let first = order.lock.lock().await;
        let ordered = order.value.get();
        if ordered == 0 {
            return;
        }
        let _first = fixed.then_some(first);
        yield_now().await;
        let _second = invoice.lock.lock().await;
        assert_eq!(invoice.value.get(), ordered + 1, "the order has no invoice");
    });
    join_all([writer, reader]).await;
}

/// A value goes round a ring, and is the same everywhere only if each waits for the one before. That is
/// the fix.
async fn token_ring(fixed: bool) {
    let values = Rc::new([1, 2, 1].map(Cell::new));
    let passed: Rc<[Event; 3]> = Rc::default();
    let nodes = ["first", "second", "third"].into_iter().enumerate().map(|(at, name)| {
        let (values, passed) = (Rc::clone(&values), Rc::clone(&passed));
        spawn(name, async move {
            match at {
                0 => values[0].set((values[2].get() + 1) % 4),
                _ => {
                    if fixed {
                        passed[at - 1].wait().await;
                    }
                    values[at].set(values[at - 1].get());
                }
            }
            passed[at].set();
        })
    });
    let nodes: Vec<_> = nodes.collect();
    let auditor = spawn("auditor", async move {
        if passed.iter().all(Event::is_set) {
            let [a, b, c] = &*values;
            assert!(a == b && b == c, "the ring does not agree");
        }
    });
    join_all(nodes.into_iter().chain([auditor])).await;
}

/// Two jobs change a counter under a lock, and a third uses another lock. Fix: one lock.
async fn wrong_lock(fixed: bool) {
    let count = Rc::new(Cell::new(0));
    let [right, wrong] = [(); 2].map(|()| Rc::new(Lock::new()));
    let jobs = ["daily", "weekly", "hourly"].map(|name| {
        let lock = Rc::clone(if fixed || name != "hourly" { &right } else { &wrong });
        let count = Rc::clone(&count);
        spawn(name, async move {
            let _guard = lock.lock().await;
            let before = count.get();
            count.set(before + 1);
            if name == "hourly" {
                yield_now().await;
                assert_eq!(count.get(), before + 1, "another task has counted under the lock");
            }
        })
    });
    join_all(jobs).await;
}

/// A reader should see the state before two updates and comes after both. Fix: the updates wait.
async fn lazy_init_order(fixed: bool) {
    let data = Rc::new((Cell::new(0), Lock::new()));
    let seen = Rc::new(Event::new());
    let snapshot = spawn("snapshot", {
        let (data, seen) = (Rc::clone(&data), Rc::clone(&seen));
        async move {
            let (size, lock) = &*data;
            let _guard = lock.lock().await;
            assert!(size.get() < 3, "the snapshot is too late");
            seen.set();
        }
    });
    let updates = [("indices", 1), ("tables", 2)].map(|(name, growth)| {
        let (data, seen) = (Rc::clone(&data), Rc::clone(&seen));
        spawn(name, async move {
            if fixed {
                seen.wait().await;
            }
            let (size, lock) = &*data;
            let _guard = lock.lock().await;
            size.set(size.get() + growth);
        })
    });
    join_all([snapshot].into_iter().chain(updates)).await;
}
