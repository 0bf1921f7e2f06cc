//! Virtual time, and tokio's contracts for it.

use std::time::Duration;

use tokio::time::{self, Instant, MissedTickBehavior};

use crate::support::{assert_parts, check_outcomes, millis, panic_of, run};

#[test]
fn time_jumps_to_the_next_deadline() {
    let run = run(async || {
        let start = Instant::now();
        let long = tokio::spawn(time::sleep(Duration::from_secs(3600)));
        time::sleep(millis(10)).await;
        assert_eq!(start.elapsed(), millis(10));
        long.await.unwrap();
        start.elapsed()
    });
    assert_eq!(run.elapsed(), Duration::from_secs(3600));
    assert_eq!(run.unwrap(), Duration::from_secs(3600));
}

/// The clock of both is one.
#[test]
fn timers_of_dacapo_and_of_tokio_share_a_clock() {
    let run = run(async || {
        let mut seen = Vec::new();
        for n in 0..4 {
            match n % 2 {
                0 => time::sleep(millis(7)).await,
                _ => dacapo::time::sleep(Duration::from_micros(2500)).await,
            }
            let both = (dacapo::time::Instant::now().since_start(), Instant::now());
            seen.push(both);
        }
        let first = seen[0];
        seen.into_iter().map(|(own, tokios)| (own - first.0, tokios - first.1)).collect::<Vec<_>>()
    });
    for (own, tokios) in run.unwrap() {
        assert_eq!(own, tokios);
    }
}

#[test]
fn equal_deadlines_come_in_any_order() {
    check_outcomes(&["[1, 2]", "[2, 1]"], async || {
        let order = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
        let tasks = [1, 2].map(|n| {
            let order = order.clone();
            tokio::spawn(async move {
                time::sleep(millis(5)).await;
                order.lock().unwrap().push(n);
            })
        });
        for task in tasks {
            task.await.unwrap();
        }
        order.lock().unwrap().clone()
    });
}

#[test]
fn a_timeout_gives_up_at_its_deadline() {
    let run = run(async || {
        let late = time::timeout(millis(5), time::sleep(millis(6))).await;
        assert_eq!(late.unwrap_err().to_string(), "deadline has elapsed");
        time::timeout_at(Instant::now() + millis(5), async { 7 }).await.unwrap()
    });
    assert_eq!(run.elapsed(), millis(5));
    assert_eq!(run.unwrap(), 7);
}

#[test]
fn intervals_tick() {
    let run = run(async || {
        let mut interval = time::interval(millis(10));
        interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
        for _ in 0..4 {
            interval.tick().await;
        }
    });
    assert_eq!(run.elapsed(), millis(30));
}

#[test]
fn a_test_may_move_the_clock() {
    let run = run(async || {
        time::pause();
        let task = tokio::spawn(async {
            time::sleep(millis(50)).await;
            Instant::now()
        });
        tokio::task::yield_now().await;
        let start = Instant::now();
        time::advance(millis(40)).await;
        assert!(!task.is_finished());
        time::advance(millis(10)).await;
        let woken = task.await.unwrap();
        time::resume();
        woken - start
    });
    assert_eq!(run.elapsed(), millis(50));
    assert_eq!(run.unwrap(), millis(50));
}

#[test]
fn a_clock_is_paused_once() {
    for (body, message) in [
        ((|| (time::pause(), time::pause())) as fn() -> ((), ()), "time is already frozen"),
        (|| (time::resume(), ()), "time is not frozen"),
    ] {
        let run = run(async || body());
        assert_parts(&run.failure().unwrap().to_string(), &[message]);
    }
}

/// A wait that never ends is not a wait of thirty years.
#[test]
fn a_run_that_waits_for_ever_is_stuck() {
    let run = run(async || {
        time::sleep(millis(5)).await;
        time::sleep(Duration::MAX).await;
    });
    assert_parts(&run.failure().unwrap().to_string(), &["stuck", "main"]);
    assert_eq!(run.elapsed(), millis(5));
}

#[test]
fn a_year_is_not_for_ever() {
    let year = Duration::from_secs(365 * 86_400);
    let run = run(async || time::sleep(10 * year).await);
    assert_eq!(run.elapsed(), 10 * year);
}

/// A driver may use its runtime again: the next run finds it as new.
#[test]
fn each_run_of_a_search_starts_at_zero() {
    dacapo_tokio::builder().recheck_every(1).check(
        dacapo::scheduler::Random::seeds(0..50),
        async || {
            assert_eq!(dacapo::time::Instant::now().since_start(), Duration::ZERO);
            let start = Instant::now();
            let tasks = [3, 70, 5000].map(|n| tokio::spawn(time::sleep(millis(n))));
            for task in tasks {
                task.await.unwrap();
            }
            assert_eq!(start.elapsed(), millis(5000));
        },
    );
}

#[test]
fn time_outside_of_a_run_is_tokios() {
    let message = panic_of(|| drop(time::sleep(millis(1))));
    assert_parts(&message, &["no reactor running"]);
    let message = panic_of(|| {
        dacapo::run(async || time::sleep(millis(1)).await).unwrap();
    });
    assert_parts(&message, &["`sleep` needs a run within tokio"]);
}
