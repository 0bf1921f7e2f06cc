//! A cache that is filled with an old value after it was cleared: a concurrent state machine test.
//!
//! Clients should see what they would see without the cache; that is the model. Under some orders of events
//! they do not, and a few operations prove it. Run it with `cargo run --example stale_cache`.

#![expect(clippy::print_stdout, reason = "an example prints")]

use std::cell::{Cell, RefCell};
use std::time::Duration;

use dacapo::history::{LinearizeError, Model, linearize};
use dacapo::scheduler::Portfolio;
use dacapo::time::sleep;

#[derive(Clone, Debug)]
enum Op {
    Read,
    Write(&'static str),
}

/// The page, as if there were no cache.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Page(&'static str);

impl Model for Page {
    type Op = Op;
    type Output = &'static str;

    fn step(&mut self, op: &Op) -> &'static str {
        if let Op::Write(text) = op {
            self.0 = text;
        }
        self.0
    }
}

/// The database, which is one page; the cache, and how often it was cleared.
struct Server {
    database: RefCell<Page>,
    cached: Cell<Option<&'static str>>,
    cleared: Cell<u32>,
    checks: bool,
}

impl Server {
    async fn apply(&self, op: Op) -> &'static str {
        if let (Op::Read, Some(text)) = (&op, self.cached.get()) {
            return text;
        }
        let text = self.database.borrow_mut().step(&op);
        if let Op::Write(_) = op {
            self.cached.set(None);
            self.cleared.set(self.cleared.get() + 1);
        }
        let cleared = self.cleared.get();
        sleep(Duration::from_millis(10)).await; // the database answers
        if !self.checks || cleared == self.cleared.get() {
            self.cached.set(Some(text));
        }
        text
    }
}

async fn edit(checks: bool) -> Result<(), LinearizeError> {
    let database = RefCell::new(Page("draft"));
    let server = Server { database, cached: Cell::new(None), cleared: Cell::new(0), checks };
    let workload = [vec![Op::Read, Op::Read], vec![Op::Write("final"), Op::Read]];
    linearize(Page("draft"), workload, async move |op| server.apply(op).await).await
}

pub(crate) fn story() -> String {
    let found = dacapo::try_check(Portfolio::default(), async || edit(false).await);
    let failure = found.expect_err("the cache is stale").failure().to_string();
    let mended = dacapo::try_check(Portfolio::default(), async || edit(true).await).is_ok();
    format!("{failure}\n\nwith a check before the cache is filled, it passes: {mended}\n")
}

fn main() {
    print!("{}", story());
}
