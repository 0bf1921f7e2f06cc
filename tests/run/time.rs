//! The virtual clock, and what waits for it.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use crate::support::{assert_parts, assert_snapshot, millis, panic_of};
use dacapo::scheduler::{Exhaustive, Random};
use dacapo::task::{spawn, spawn_named, yield_now};
use dacapo::time::{Instant, interval, sleep, sleep_until, timeout, timeout_at};
use dacapo::{Builder, explore, run};

#[test]
fn time_stands_still_while_anything_is_ready() {
    run(async || {
        let start = Instant::now();
        for _ in 0..1000 {
            yield_now().await;
        }
        assert_eq!(Instant::now(), start);
    })
    .unwrap();
}

#[test]
fn the_clock_jumps_from_deadline_to_deadline() {
    let log = run(async || {
        let log = Rc::new(RefCell::new(Vec::new()));
        for time in [30, 10, 20, 10] {
            let log = log.clone();
            spawn(async move {
                sleep(millis(time)).await;
                log.borrow_mut().push(format!("{time} at {}", Instant::now()));
            });
        }
        sleep(Duration::from_secs(3600)).await;
        log.take()
    });
    assert_eq!(log.elapsed(), Duration::from_secs(3600));
    assert_eq!(log.unwrap(), ["10 at 10 ms", "10 at 10 ms", "20 at 20 ms", "30 at 30 ms"]);
}

/// In the order in which they were set, as long as the schedule does not say otherwise.
#[test]
fn timers_of_one_instant_fire_together() {
    let body = async || {
        let log = Rc::new(RefCell::new(String::new()));
        for name in ["a", "b", "c"] {
            let log = log.clone();
            spawn(async move {
                sleep(millis(5)).await;
                log.borrow_mut().push_str(name);
            });
        }
        sleep(millis(9)).await;
        log.take()
    };
    assert_eq!(run(body).unwrap(), "abc");
    let mut report = explore(Random::seeds(0..200), body);
    assert_eq!(report.outcomes().len(), 6, "{report}");
    // The order at 0 ms does not decide the order at 5 ms.
    report = explore(Exhaustive::new(), body);
    assert_eq!((report.runs(), report.outcomes().len()), (36, 6));
}

#[test]
fn a_sleep_that_is_dropped_leaves_no_timer() {
    let run = run(async || {
        let mut long = Box::pin(sleep(millis(1000)));
        assert!(futures::poll!(&mut long).is_pending());
        drop(long);
        sleep(millis(1)).await;
    });
    assert_eq!(run.elapsed(), millis(1));
    run.unwrap();
}

#[test]
fn a_sleep_can_be_moved() {
    run(async || {
        let mut nap = sleep(millis(10));
        assert!(futures::poll!(&mut nap).is_pending());
        nap.reset(Instant::now() + millis(3));
        (&mut nap).await;
        assert_eq!(Instant::now().since_start(), millis(3));
        nap.reset(Instant::now() + millis(4));
        assert!(!nap.is_elapsed());
        (&mut nap).await;
        assert_eq!(Instant::now(), nap.deadline());
        assert_eq!(Instant::now().since_start(), millis(7));
    })
    .unwrap();
}

#[test]
fn moments_that_are_past_do_not_wait() {
    let run = run(async || {
        sleep(Duration::ZERO).await;
        sleep_until(Instant::START).await;
        timeout(Duration::ZERO, async {}).await.unwrap();
    });
    assert_eq!(run.steps(), 1);
    run.unwrap();
}

#[test]
fn instants_do_arithmetic_and_saturate() {
    let (early, late) = (Instant::START + millis(1), Instant::START + millis(3));
    assert_eq!((late - early, early - late), (millis(2), Duration::ZERO));
    assert_eq!(late + Duration::MAX, Instant::FAR_FUTURE);
    let texts = [0, 1, 1_000, 1_500_000, 2_000_000_001]
        .map(|nanos| (Instant::START + Duration::from_nanos(nanos)).to_string());
    assert_eq!(texts, ["0 ms", "0.000001 ms", "0.001 ms", "1.5 ms", "2000.000001 ms"]);
    assert_eq!(Instant::FAR_FUTURE.to_string(), "never");
}

#[test]
fn an_interval_ticks_at_once_and_then_each_period() {
    let ticks = run(async || {
        let mut ticks = interval(millis(10));
        let mut seen = Vec::new();
        for _ in 0..3 {
            seen.push(ticks.tick().await.to_string());
        }
        // Two ticks are missed, and made up for.
        sleep(millis(25)).await;
        for _ in 0..3 {
            seen.push(format!("{} for {}", Instant::now(), ticks.tick().await));
        }
        seen
    });
    assert_eq!(
        ticks.unwrap(),
        ["0 ms", "10 ms", "20 ms", "45 ms for 30 ms", "45 ms for 40 ms", "45 ms for 50 ms"]
    );
    assert_parts(&panic_of(|| interval(Duration::ZERO)), &["period", "longer than zero"]);
}

#[test]
fn a_timeout_ends_what_takes_too_long() {
    let run = run(async || {
        let slow = timeout(millis(10), sleep(millis(20))).await;
        assert_eq!(slow.unwrap_err().to_string(), "deadline has elapsed");
        timeout_at(Instant::now() + millis(10), sleep(millis(5))).await.unwrap();
        let nested = timeout(millis(9), timeout(millis(3), sleep(millis(5)))).await;
        assert!(nested.unwrap().is_err(), "the inner one");
        let nested = timeout(millis(3), timeout(millis(9), sleep(millis(5)))).await;
        assert!(nested.is_err(), "the outer one");
    });
    assert_eq!(run.elapsed(), millis(10 + 5 + 3 + 3));
    run.unwrap();
}

/// Both ends of a tie: the future that was woken at the deadline is polled once more, or dropped
/// after it was woken and before it was polled again.
#[test]
fn completion_and_deadline_at_one_instant_are_a_choice() {
    let tie = async || {
        let (send, receive) = futures::channel::oneshot::channel();
        spawn_named("server", async move {
            sleep(millis(10)).await;
            send.send("reply").unwrap_or_default();
        });
        timeout(millis(10), receive).await.map_or("too late", |reply| reply.unwrap())
    };
    let report = explore(Exhaustive::new(), tie);
    assert_snapshot!(
        "timeout_tie",
        "A reply comes at the very moment of its deadline: all ways in which that can end.",
        report.to_string()
    );

    let woken_and_dropped = dacapo::replay("d1:1.1", tie);
    assert_snapshot!(
        "timeout_tie_story",
        "The same where the server goes first, and the timeout gives up all the same.",
        woken_and_dropped.trace().to_string()
    );
}

/// Where nothing competes with the deadline there is nothing to choose.
#[test]
fn a_plain_timeout_is_no_choice() {
    let report = explore(Exhaustive::new(), async || {
        timeout(millis(10), std::future::pending::<()>()).await.is_err()
    });
    assert_eq!((report.runs(), report.choices()), (1, 0));
}

#[test]
fn an_hour_of_a_thousand_ticking_tasks_ends() {
    let builder = Builder::new().max_steps(10_000_000);
    let run = builder.run(async || {
        for _ in 0..100 {
            spawn(async {
                let mut ticks = interval(Duration::from_secs(1));
                loop {
                    ticks.tick().await;
                }
            });
        }
        sleep(Duration::from_secs(360)).await;
    });
    assert!(run.steps() > 36_000);
    run.unwrap();
}
