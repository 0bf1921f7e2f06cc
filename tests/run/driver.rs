//! A driver surrounds runs, turns and the passing of time, and changes nothing else.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use dacapo::Builder;
use dacapo::driver::Driver;
use dacapo::schedule::{Answer, Schedule};
use dacapo::scheduler::Random;
use dacapo::time::{Instant, sleep, timeout};
use proptest::prelude::*;

use crate::support::{assert_parts, millis, programs};

thread_local! {
    static SEEN: RefCell<Seen> = RefCell::default();
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Seen {
    runs: u32,
    turns: u32,
    jumps: u32,
    /// A time that the driver reports once, before the deadline of the run.
    early: Option<Duration>,
}

/// Does what would happen without it, in small portions.
struct Plain;

impl Driver for Plain {
    fn around(&self, run: &mut dyn FnMut()) {
        SEEN.with_borrow_mut(|seen| seen.runs += 1);
        run();
    }

    fn turns(&self, turn: &mut dyn FnMut() -> bool) {
        for _ in 0..2 {
            SEEN.with_borrow_mut(|seen| seen.turns += 1);
            if !turn() {
                return;
            }
        }
    }

    fn pass_time(&self, deadline: Option<Duration>) -> Option<Duration> {
        let early = SEEN.with_borrow_mut(|seen| {
            seen.jumps += 1;
            seen.early.take()
        });
        early.or(deadline)
    }
}

fn driven() -> Builder {
    Builder::new().driver(|| Rc::new(Plain))
}

fn take_seen() -> Seen {
    SEEN.take()
}

proptest! {
    /// Also runs that fail, get stuck, or end with tasks that clean up.
    #[test]
    fn a_driver_that_does_nothing_changes_nothing(
        ops in programs::program(),
        answers in prop::collection::vec(0..4_u32, 0..20),
    ) {
        let schedule = Schedule::new(answers.into_iter().map(Answer::from));
        let plain = dacapo::replay(schedule.clone(), async || programs::run(ops.clone()).await);
        let driven = driven().replay(schedule, async || programs::run(ops.clone()).await);
        prop_assert_eq!(plain.trace().to_string(), driven.trace().to_string());
        prop_assert_eq!(plain.trace().hash(), driven.trace().hash());
        prop_assert_eq!(take_seen().runs, 1);
    }
}

#[test]
fn a_driver_may_let_less_time_pass() {
    SEEN.with_borrow_mut(|seen| seen.early = Some(millis(3)));
    let run = driven().run(async || {
        let timed_out = timeout(millis(5), sleep(millis(60))).await.is_err();
        (timed_out, Instant::now().since_start())
    });
    assert_eq!(run.unwrap(), (true, millis(5)));
    assert_eq!(take_seen().jumps, 2);
}

#[test]
fn a_run_that_is_stuck_is_told_by_the_driver() {
    let run = driven().run(std::future::pending::<()>);
    assert_parts(&run.failure().unwrap().to_string(), &["stuck", "main"]);
    assert_eq!(take_seen().jumps, 1);
}

#[test]
fn every_run_of_a_search_is_driven() {
    driven().recheck_every(0).check(Random::seeds(0..10), async || {
        dacapo::spawn(async { sleep(millis(1)).await }).await.unwrap();
    });
    let seen = take_seen();
    assert!(seen.runs >= 10, "{seen:?}");
    assert!(seen.jumps >= seen.runs, "{seen:?}");
}

#[test]
fn virtual_time_has_its_limit_in_a_driver_too() {
    let builder = driven().max_time(Duration::from_secs(60));
    let run = builder.run(async || sleep(Duration::from_secs(60)).await);
    assert!(run.is_ok(), "{:?}", run.failure());
    let run = builder.run(async || sleep(Duration::from_secs(61)).await);
    let failure = run.failure().expect("it takes too long").to_string();
    assert_parts(&failure, &["60 s of virtual time"]);
    assert!(run.elapsed() <= Duration::from_secs(60));
}
