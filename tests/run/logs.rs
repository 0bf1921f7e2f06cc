//! What an application logs, in the trace of its run.
#![cfg(feature = "tracing")]

use std::cell::Cell;
use std::fmt;
use std::io;
use std::rc::Rc;
use std::sync::{Arc, Mutex};

use crate::support::{assert_parts, assert_snapshot, millis};
use dacapo::schedule::Answer;
use dacapo::scheduler::{Choice, Plan, Random, Scheduler};
use dacapo::task::spawn_named;
use dacapo::time::sleep;
use dacapo::tracing::{Layer, VirtualTime, here, layer};
use dacapo::{Run, explore, replay, run, try_check};
use tracing::{Instrument, debug, info, info_span, instrument, warn};
use tracing_subscriber::filter::dynamic_filter_fn;
use tracing_subscriber::prelude::*;

/// Calls something with the layer as the subscriber of this thread.
fn logged<R>(layer: Layer, body: impl FnOnce() -> R) -> R {
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), body)
}

/// An application that knows nothing of dacapo but its clock.
#[instrument(name = "order", skip_all, fields(number = number, price))]
async fn order(number: u32) {
    info!("received");
    sleep(millis(u64::from(number) * 10)).await;
    tracing::Span::current().record("price", number * 100);
    async {
        debug!(attempt = 1, "calls the bank");
        sleep(millis(5)).await;
        warn!(reason = "busy\n\u{1b}[31m", "is refused");
    }
    .instrument(info_span!("payment"))
    .await;
}

async fn orders() {
    let orders = [("first", 2), ("second", 1)].map(|(name, n)| spawn_named(name, order(n)));
    for order in orders {
        order.await.unwrap();
    }
}

fn compact(run: &Run<()>) -> String {
    run.trace().compact().to_string()
}

#[test]
fn logs_in_the_trace() {
    let run = logged(layer().with_spans(), || run(orders));
    assert_snapshot!(
        "logs",
        "Two orders that overlap: what the application logs by tracing, in the columns of their tasks.",
        run.trace().filter(|entry| entry.label() == Some("run::logs"))
    );
}

/// What is emitted where there is no run goes to the other layers, which also see all that is in one.
#[test]
fn outside_of_a_run() {
    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);
    impl io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let lines = Lines::default();
    let own = lines.clone();
    let print = tracing_subscriber::fmt::layer()
        .with_ansi(false)
        .with_timer(VirtualTime(()))
        .with_writer(move || own.clone())
        .with_filter(dynamic_filter_fn(|_, _| here().is_none_or(|here| here.is_shown())));
    let subscriber = tracing_subscriber::registry().with(print).with(layer());
    tracing::subscriber::with_default(subscriber, || {
        assert!(here().is_none());
        let _span = info_span!("outside", n = 1).entered();
        info!("before");
        run(async || {
            sleep(millis(3)).await;
            assert_eq!(here().map(|here| here.run()), Some(1));
            spawn_named("inner", async { info!(parent: None, "inside") }).await.unwrap();
        })
        .unwrap();
        // These runs are not shown.
        explore(Random::seeds(0..10), async || info!("searching"));
        info!("after");
    });
    let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    let expected = "  INFO outside{n=1}: run::logs: before\n3 ms inner  INFO run::logs: inside\n  INFO outside{n=1}: run::logs: after\n";
    assert_eq!(text, expected);
}

/// Text is made in runs that are shown, and only there; nothing else tells the two apart.
#[test]
fn texts_are_made_for_readers_only() {
    struct Counted(Rc<Cell<u32>>);
    impl fmt::Debug for Counted {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            self.0.set(self.0.get() + 1);
            info!("within");
            f.write_str("counted")
        }
    }
    let times = Rc::new(Cell::new(0));
    let body = async || {
        let n = dacapo::choose("n", 2);
        let _span = info_span!("span", value = ?Counted(times.clone())).entered();
        info!(value = ?Counted(times.clone()), "here");
        assert_eq!(n, 0);
    };
    logged(layer(), || {
        let report = explore(Random::seeds(0..100), body);
        assert_eq!((times.get(), report.distinct_traces()), (0, 2));
        let shown = replay("d1:1", body);
        assert_eq!(times.take(), 2);
        let expected =
            "0 ms: main(n = 1, run::logs: INFO span{value=counted}: here value=counted)!";
        assert_eq!(compact(&shown), expected);
        let error = try_check(Random::seeds(0..100), body).unwrap_err();
        let hash = format!("hash {:016x}", shown.trace().hash());
        let line = "» run::logs: INFO span{value=counted}: here value=counted";
        assert_parts(&error.to_string(), &[&hash, line]);
    });
}

/// A scheduler is asked while the run cannot be; what it logs is not of the run.
#[test]
fn a_scheduler_may_log() {
    struct Chatty(bool);
    impl Scheduler for Chatty {
        fn name(&self) -> &str {
            "chatty"
        }
        fn next_run(&mut self) -> Option<Plan> {
            std::mem::replace(&mut self.0, false).then(Plan::new)
        }
        fn choose(&mut self, _: &Choice<'_>) -> Answer {
            let _span = info_span!("choosing").entered();
            info!("chooses");
            assert!(here().is_none());
            Answer::USUAL
        }
    }
    let report = logged(layer().with_spans(), || {
        explore(Chatty(true), async || {
            info!("in the run");
            drop(dacapo::gather([1, 2].map(async |n| n)).await);
        })
    });
    assert_eq!((report.runs(), report.failures().count()), (1, 0));
}

/// The same program logs the same: under each schedule that is made again, to the byte.
#[test]
fn logs_are_the_same_each_time() {
    let once = |schedule: &str| logged(layer().with_spans(), || compact(&replay(schedule, orders)));
    for schedule in ["d1:", "d1:1", "d1:1.1"] {
        assert_eq!(once(schedule), once(schedule));
    }
    assert_ne!(once("d1:"), once("d1:1"));
}
