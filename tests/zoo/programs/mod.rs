//! All programs. Each is one async function whose argument selects the fixed twin, so that you can read
//! the fix in place.

mod caches;
mod deadlocks;
mod lost_updates;
mod notifications;
mod orders;
mod pools;
mod rare_orders;
mod shutdown;
mod timers;

use std::future::Future;
use std::pin::Pin;

use crate::world::{Handle, Lock, yield_now};

/// A program with a bug, and its fixed twin.
pub struct Program {
    pub name: &'static str,
    /// Where the bug comes from: a paper, a benchmark, a published issue.
    pub source: &'static str,
    /// The two tasks whose order decides whether it shows: the one that comes too early, and the one
    /// that should have come first. Where tasks do the same, or a window has two ends, there are more
    /// such pairs.
    pub pairs: &'static [[&'static str; 2]],
    /// Whether it needs a clock.
    pub timed: bool,
    run: fn(bool) -> Body,
}

type Body = Pin<Box<dyn Future<Output = ()>>>;

impl Program {
    pub fn broken(&self) -> Body {
        (self.run)(false)
    }

    pub fn fixed(&self) -> Body {
        (self.run)(true)
    }
}

/// A row of a file's table: a function of `fixed: bool`, the pair of tasks, and the source.
macro_rules! program {
    ($name:ident, $([$early:literal, $late:literal])|+, $source:literal $(, $timed:ident)?) => {
        crate::programs::Program {
            name: stringify!($name),
            source: $source,
            pairs: &[$([$early, $late]),+],
            timed: program!(@ $($timed)?),
            run: |fixed| Box::pin($name(fixed)),
        }
    };
    (@ timed) => { true };
    (@) => { false };
}
use program;

pub fn all() -> impl Iterator<Item = &'static Program> {
    let files = [
        lost_updates::PROGRAMS,
        caches::PROGRAMS,
        deadlocks::PROGRAMS,
        orders::PROGRAMS,
        rare_orders::PROGRAMS,
        notifications::PROGRAMS,
        pools::PROGRAMS,
        shutdown::PROGRAMS,
        timers::PROGRAMS,
    ];
    files.into_iter().flatten()
}

/// Work of this many steps, or a wait of this many turns.
async fn steps(count: usize) {
    for _ in 0..count {
        yield_now().await;
    }
}

/// Holds the lock, if that is the fix, for as long as the returned guard lives.
async fn lock_if(fixed: bool, lock: &Lock) -> Option<impl Sized> {
    if fixed { Some(lock.lock().await) } else { None }
}

/// Waits for all of them.
async fn join_all(tasks: impl IntoIterator<Item = Handle<()>>) {
    for task in tasks {
        task.join().await;
    }
}
