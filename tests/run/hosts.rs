//! Hosts: tasks that are killed at once, in order, and clocks that differ.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use dacapo::host::Host;
use dacapo::scheduler::Random;
use dacapo::task::yield_now;
use dacapo::time::{Instant, sleep, timeout};
use dacapo::{check, run, spawn};

use crate::support::{assert_parts, millis, panic_of};

/// Says its name when it is dropped.
struct Tell(&'static str, Rc<RefCell<Vec<&'static str>>>);

impl Drop for Tell {
    fn drop(&mut self) {
        self.1.borrow_mut().push(self.0);
    }
}

fn said(log: &Rc<RefCell<Vec<&'static str>>>) -> Vec<&'static str> {
    log.borrow().clone()
}

#[test]
fn a_kill_drops_all_tasks_of_the_host_in_order_and_no_others() {
    check(Random::seeds(0..200), async || {
        let log = Rc::default();
        let tell = |name| Tell(name, Rc::clone(&log));
        let server = Host::new("server");
        let (first, child, other) = (tell("first"), tell("child"), tell("other"));
        let serving = server.spawn(async move {
            let nested = spawn(async move {
                let _child = child;
                std::future::pending::<()>().await;
            });
            let _first = first;
            nested.await.unwrap();
        });
        let outside = spawn(async move {
            let _other = other;
            sleep(millis(20)).await;
        });
        sleep(millis(10)).await;
        server.kill();
        assert_eq!(said(&log), ["first", "child"]);
        assert!(serving.await.unwrap_err().is_cancelled());
        outside.await.unwrap();
        assert_eq!(said(&log), ["first", "child", "other"]);
    });
}

#[test]
fn a_task_that_kills_its_own_host_ends_at_its_next_await() {
    check(Random::seeds(0..200), async || {
        let host = Host::new("node");
        let went_on = Rc::new(Cell::new(0));
        let (own, seen) = (host.clone(), Rc::clone(&went_on));
        let sibling = host.spawn(std::future::pending::<()>());
        let suicide = host.spawn(async move {
            own.kill();
            seen.set(1);
            yield_now().await;
            seen.set(2);
        });
        assert!(suicide.await.unwrap_err().is_cancelled());
        assert!(sibling.await.unwrap_err().is_cancelled());
        assert_eq!(went_on.get(), 1);
    });
}

#[test]
fn a_killed_host_can_be_started_again() {
    let run = run(async || {
        let host = Host::new("node");
        host.kill();
        for _ in 0..3 {
            let task = host.spawn(std::future::pending::<()>());
            yield_now().await;
            host.kill();
            assert!(task.await.unwrap_err().is_cancelled());
        }
        host.spawn(async { 7 }).await.unwrap()
    });
    assert_eq!(run.unwrap(), 7);
}

/// Destructors run inside of the run: they may spawn on the host that is being killed, wake others, and panic.
#[test]
fn destructors_run_inside_of_the_run() {
    struct Spawns(Rc<Cell<u32>>);
    impl Drop for Spawns {
        fn drop(&mut self) {
            let left = self.0.get();
            if left > 0 {
                self.0.set(left - 1);
                let again = Spawns(Rc::clone(&self.0));
                spawn(async move {
                    let _again = again;
                    std::future::pending::<()>().await;
                });
            }
        }
    }
    let run = run(async || {
        let (host, left) = (Host::new("node"), Rc::new(Cell::new(5)));
        let spawns = Spawns(Rc::clone(&left));
        host.spawn(async move {
            let _spawns = spawns;
            std::future::pending::<()>().await;
        });
        yield_now().await;
        host.kill();
        left.get()
    });
    assert_eq!(run.unwrap(), 0);
}

#[test]
fn a_destructor_that_panics_in_a_kill_fails_the_run() {
    struct Panics;
    impl Drop for Panics {
        fn drop(&mut self) {
            panic!("the disk is gone");
        }
    }
    let run = run(async || {
        let host = Host::new("node");
        host.spawn(async {
            let _panics = Panics;
            std::future::pending::<()>().await;
        });
        yield_now().await;
        host.kill();
        yield_now().await;
    });
    assert_parts(&run.failure().unwrap().to_string(), &["the disk is gone"]);
}

#[test]
fn hosts_have_clocks_of_their_own() {
    let run = run(async || {
        let (fast, slow) = (Host::new("fast"), Host::new("slow"));
        fast.advance_clock(Duration::from_secs(100));
        fast.set_clock_drift(1_000_000); // twice as fast
        slow.set_clock_drift(-500_000); // half as fast
        let second = async || {
            let begin = Instant::now();
            sleep(Duration::from_secs(1)).await;
            (begin.since_start(), begin.elapsed())
        };
        let begin = Instant::now();
        let fast = fast.spawn(async move { second().await });
        let ahead = fast.await.unwrap();
        let fast_took = begin.elapsed();
        let behind = slow.spawn(async move { second().await }).await.unwrap();
        let slow_took = begin.elapsed() - fast_took;
        (ahead, fast_took, behind, slow_took)
    });
    let (ahead, fast_took, behind, slow_took) = run.unwrap();
    assert_eq!(ahead, (Duration::from_secs(100), Duration::from_secs(1)));
    assert_eq!(fast_took, millis(500));
    assert_eq!(behind, (millis(250), Duration::from_secs(1)));
    assert_eq!(slow_took, Duration::from_secs(2));
}

/// A deadline of a host whose clock became slower in between is waited for again.
#[test]
fn a_clock_may_change_while_a_task_sleeps() {
    let run = run(async || {
        let host = Host::new("node");
        let sleeping = host.spawn(async {
            timeout(Duration::from_secs(3), sleep(Duration::from_secs(1))).await.unwrap();
            Instant::now().since_start()
        });
        sleep(millis(500)).await;
        host.set_clock_drift(-500_000);
        sleeping.await.unwrap()
    });
    let elapsed = run.elapsed();
    assert_eq!(run.unwrap(), Duration::from_secs(1));
    assert_eq!(elapsed, millis(1500));
}

#[test]
fn misuse_is_told() {
    let kept = Rc::new(RefCell::new(None));
    let keep = Rc::clone(&kept);
    run(async move || *keep.borrow_mut() = Some(Host::new("old"))).unwrap();
    let host = kept.take().unwrap();
    let used = host.clone();
    let other = run(async move || used.kill());
    let failure = other.failure().unwrap().to_string();
    assert_parts(&failure, &["`Host::kill` was called for the host `old` of another run"]);
    let outside = panic_of(|| host.kill());
    assert_parts(&outside, &["`Host::kill` needs a run"]);
    let backwards = run(async || Host::new("x").set_clock_drift(-1_000_000));
    let failure = backwards.failure().unwrap().to_string();
    assert_parts(&failure, &["would not go forward"]);
}
