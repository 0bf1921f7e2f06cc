//! A value is read, others have their turn, and what was read is acted on.

use std::cell::Cell;
use std::rc::Rc;

use super::{Program, program};
use crate::world::{Lock, spawn, yield_now};

pub const PROGRAMS: &[Program] = &[program!(
    lost_update,
    ["bob", "alice"],
    "the textbook example; Account_Bad of SCTBench (Thomson, Donaldson and Betts 2014)"
)];

async fn lost_update(fixed: bool) {
    let balance = Rc::new(Cell::new(0));
    let lock = Rc::new(Lock::new());
    let deposits = [("alice", 10), ("bob", 20)].map(|(name, amount)| {
        let (balance, lock) = (Rc::clone(&balance), Rc::clone(&lock));
        spawn(name, async move {
            let _guard = if fixed { Some(lock.lock().await) } else { None };
            let before = balance.get();
            // A log line is written, say.
            yield_now().await;
            balance.set(before + amount);
        })
    });
    for deposit in deposits {
        deposit.join().await;
    }
    assert_eq!(balance.get(), 30, "a deposit is lost");
}
