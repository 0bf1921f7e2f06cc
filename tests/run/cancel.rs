//! Cancellation that can be caught, and what is built on it.

use std::cell::RefCell;
use std::future::{Future, pending, poll_fn};
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;

use crate::support::millis;
use dacapo::cancel::{self, Cancelled, catch};
use dacapo::future::{WaitUntil, as_completed, shield, try_gather, wait};
use dacapo::scheduler::{Exhaustive, Random};
use dacapo::task::{AsTask, Task, spawn, spawn_named, yield_now};
use dacapo::time::{Instant, sleep, timeout_scope, wait_for};
use dacapo::{FailureKind, explore, gather, run};

/// What tasks write down, with the time.
#[derive(Clone, Default)]
pub(super) struct Log(Rc<RefCell<Vec<String>>>);

impl Log {
    pub(super) fn write(&self, what: impl std::fmt::Display) {
        let ms = Instant::now().since_start().as_millis();
        self.0.borrow_mut().push(format!("{ms} {what}"));
    }
}

/// The log must be this under every schedule.
#[track_caller]
pub(super) fn check(program: impl AsyncFn(Log), expectation: &[&str]) {
    let body = async || {
        let log = Log::default();
        program(log.clone()).await;
        log.0.take()
    };
    let fifo = run(async || body().await);
    assert_eq!(fifo.unwrap(), expectation);
    let report = explore(Random::seeds(0..50), body);
    assert_eq!(report.outcomes().len(), 1, "{report}");
}

#[test]
fn a_task_without_a_scope_ends_where_it_waits() {
    check(
        async |log| {
            let task = spawn(sleep(millis(50)));
            sleep(millis(10)).await;
            assert!(task.cancel());
            assert_eq!(task.cancelling(), 1);
            let known = task.task();
            assert!(task.await.unwrap_err().is_cancelled());
            assert!(!known.cancel(), "it has ended");
            log.write("cancelled");
        },
        &["10 cancelled"],
    );
}

#[test]
fn a_scope_catches_cleans_up_and_raises() {
    check(
        async |log| {
            let inner = log.clone();
            let task = spawn(async move {
                let cancelled = catch(pending::<()>()).await.unwrap_err();
                inner.write(format!("caught: {:?}", cancelled.message()));
                sleep(millis(5)).await;
                inner.write("clean");
                cancelled.raise().await;
            });
            sleep(millis(10)).await;
            task.cancel_with("enough");
            assert!(task.await.unwrap_err().is_cancelled());
            log.write("ended");
        },
        &["10 caught: Some(\"enough\")", "15 clean", "15 ended"],
    );
}

#[test]
fn a_scope_may_swallow() {
    check(
        async |log| {
            let task = spawn(async {
                let caught = catch(sleep(millis(50))).await.is_err();
                (caught, cancel::cancelling(), cancel::uncancel(), sleep(millis(1)).await)
            });
            sleep(millis(10)).await;
            task.cancel();
            log.write(format!("{:?}", task.await.unwrap()));
        },
        &["11 (true, 1, 0, ())"],
    );
}

#[test]
fn the_innermost_scope_comes_first() {
    check(
        async |log| {
            let inner = log.clone();
            let task = spawn(async move {
                let outer = catch(async {
                    let cancelled = catch(pending::<()>()).await.unwrap_err();
                    inner.write("inner");
                    cancelled.raise().await
                });
                outer.await.map(|never| match never {}).unwrap_err();
                inner.write("outer");
            });
            sleep(millis(10)).await;
            task.cancel();
            task.await.unwrap();
        },
        &["10 inner", "10 outer"],
    );
}

#[test]
fn cancellation_beats_a_wake_up_that_was_not_taken() {
    check(
        async |log| {
            let (send, receive) = futures::channel::oneshot::channel();
            let task = spawn(async move { catch(receive).await.is_err() });
            sleep(millis(1)).await;
            send.send(()).unwrap();
            task.cancel();
            log.write(task.await.unwrap());
        },
        &["1 true"],
    );
}

#[test]
fn a_request_goes_to_the_task_that_is_awaited() {
    check(
        async |log| {
            let inner = log.clone();
            let child = spawn_named("child", async move {
                let cancelled = catch(pending::<()>()).await.unwrap_err();
                sleep(millis(5)).await;
                inner.write("the child is clean");
                cancelled.raise().await;
            });
            let known = child.task();
            let inner = log.clone();
            let parent = spawn(async move {
                let joined = catch(child).await;
                inner.write(format!("{joined:?}"));
            });
            sleep(millis(10)).await;
            parent.cancel();
            assert_eq!((parent.cancelling(), known.cancelling()), (1, 1));
            parent.await.unwrap();
        },
        &["15 the child is clean", "15 Ok(Err(JoinError(child was cancelled)))"],
    );
}

#[test]
fn a_shield_keeps_a_request_from_the_task() {
    check(
        async |log| {
            let mut child = spawn(sleep(millis(20)));
            let known = child.task();
            let parent = spawn(async move {
                let caught = catch(shield(&mut child)).await.is_err();
                (caught, child.await.is_ok())
            });
            sleep(millis(10)).await;
            parent.cancel();
            log.write(known.cancelling());
            log.write(format!("{:?}", parent.await.unwrap()));
        },
        &["10 0", "20 (true, true)"],
    );
}

#[test]
fn an_unstarted_task_runs_nothing() {
    check(
        async |log| {
            let inner = log.clone();
            let task = spawn(async move {
                let _ = catch(async { inner.write("not reached") }).await;
            });
            task.cancel();
            log.write(task.await.unwrap_err().is_cancelled());
        },
        &["0 true"],
    );
}

#[test]
fn a_task_that_cancels_itself_is_struck_where_it_waits() {
    check(
        async |log| {
            let inner = log.clone();
            let task = spawn(async move {
                dacapo::task::current().cancel();
                inner.write("goes on");
                let caught = catch(yield_now()).await.is_err();
                inner.write(caught);
                dacapo::task::current().cancel();
                "its result is lost"
            });
            log.write(task.await.unwrap_err().is_cancelled());
        },
        &["0 goes on", "0 true", "0 true"],
    );
}

#[test]
fn main_may_be_cancelled_too() {
    let run = run(async || {
        let main = dacapo::task::current();
        spawn(async move { main.cancel() });
        pending::<()>().await;
    });
    assert_eq!(run.failure().unwrap().kind(), FailureKind::Cancelled);
    let caught = dacapo::run(async || {
        let main = dacapo::task::current();
        spawn(async move { main.cancel() });
        catch(pending::<()>()).await.is_err()
    });
    assert!(caught.unwrap());
}

#[test]
fn a_gather_passes_requests_on_and_waits() {
    check(
        async |log| {
            let jobs = [3, 1].map(|n| {
                let log = log.clone();
                async move {
                    let cancelled = catch(pending::<()>()).await.unwrap_err();
                    sleep(millis(n)).await;
                    log.write(format!("{n} is clean"));
                    cancelled.raise().await;
                }
            });
            let parent = spawn(async move { catch(gather(jobs)).await.is_err() });
            sleep(millis(10)).await;
            parent.cancel();
            log.write(parent.await.unwrap());
        },
        &["11 1 is clean", "13 3 is clean", "13 true"],
    );
}

#[test]
fn the_first_failure_ends_a_try_gather() {
    check(
        async |log| {
            let tasks = [3, 1, 2].map(|n| {
                spawn(async move {
                    sleep(millis(n)).await;
                    assert_eq!(n, 3, "this one fails");
                })
            });
            let failed: Task = try_gather(&tasks).await.unwrap_err();
            log.write(failed.name());
            dacapo::gather(&tasks).await;
            log.write(tasks.iter().filter(|task| task.task().is_panicked()).count());
        },
        &["1 main/2", "3 2"],
    );
}

#[test]
fn wait_returns_when_its_condition_holds() {
    check(
        async |log| {
            let tasks = [5, 1, 3].map(|n| {
                spawn(async move {
                    sleep(millis(n)).await;
                    if n == 3 {
                        std::panic::resume_unwind(Box::new("an exception"));
                    }
                })
            });
            let count =
                |(done, pending): (Vec<_>, Vec<_>)| format!("{} {}", done.len(), pending.len());
            let first = wait(&tasks).until(WaitUntil::FirstCompleted).await;
            log.write(count(first));
            log.write(count(wait(&tasks).timeout(millis(1)).await));
            log.write(count(wait(&tasks).until(WaitUntil::FirstException).await));
            log.write(count(wait(&tasks).await));
            tasks.iter().for_each(|task| task.task().mark_retrieved());
        },
        &["1 1 2", "2 1 2", "3 2 1", "5 3 0"],
    );
}

#[test]
fn as_completed_keeps_the_order_of_ends() {
    check(
        async |log| {
            let tasks = [30, 10, 20].map(|n| {
                spawn(async move {
                    sleep(millis(n)).await;
                    n
                })
            });
            let mut completed = as_completed(tasks);
            while let Some(task) = completed.next().await {
                log.write(task.await.unwrap());
            }
        },
        &["10 10", "20 20", "30 30"],
    );
}

#[test]
fn as_completed_gives_up_when_the_time_is_over() {
    check(
        async |log| {
            let mut tasks = [30, 10, 20].map(|n| {
                spawn(async move {
                    sleep(millis(n)).await;
                    n
                })
            });
            let mut completed = as_completed(&tasks).timeout(millis(25));
            for _ in 0..4 {
                let next = completed.next().await;
                log.write(format!("{:?}", next.map(|task| task.map(|task| task.is_finished()))));
            }
            // The rest goes on, and nothing else is yielded.
            assert!(completed.next().await.is_none());
            log.write((&mut tasks[0]).await.unwrap());
            let mut soon = as_completed([spawn(async {})]).timeout(millis(25));
            assert!(soon.next().await.unwrap().is_ok());
            assert!(soon.next().await.is_none());
        },
        &[
            "10 Some(Ok(true))",
            "20 Some(Ok(true))",
            "25 Some(Err(Elapsed(())))",
            "25 None",
            "30 30",
        ],
    );
}

/// What has ended when it is asked for is yielded, though the time is over.
#[test]
fn as_completed_yields_what_has_ended_before_it_gives_up() {
    check(
        async |log| {
            let tasks = [10, 20, 90].map(|n| spawn(sleep(millis(n))));
            let mut completed = as_completed(tasks).timeout(millis(15));
            sleep(millis(30)).await;
            while let Some(next) = completed.next().await {
                log.write(next.is_ok());
            }
        },
        &["30 true", "30 true", "30 false"],
    );
}

#[test]
fn a_deadline_cancels_and_waits_for_the_clean_up() {
    check(
        async |log| {
            let inner = log.clone();
            let late = wait_for(millis(10), async move {
                let cancelled = catch(pending::<()>()).await.unwrap_err();
                sleep(millis(5)).await;
                inner.write("clean");
                cancelled.raise().await;
            });
            log.write(late.await.is_err());
            let swallowed = wait_for(millis(10), async { catch(pending::<()>()).await.is_err() });
            log.write(swallowed.await.unwrap());
            log.write(cancel::cancelling());
        },
        &["15 clean", "15 true", "25 true", "25 0"],
    );
}

#[test]
fn nested_deadlines_sort_themselves_out() {
    check(
        async |log| {
            let at = |ms| Some(Instant::now() + millis(ms));
            let inner = timeout_scope(at(20), async |outer| {
                let result = timeout_scope(at(10), async |_| pending::<()>().await).await;
                (result.is_err(), outer.expired())
            });
            log.write(format!("{:?}", inner.await));
            let outer = timeout_scope(at(10), async |_| {
                timeout_scope(at(20), async |_| pending::<()>().await).await
            });
            log.write(outer.await.is_err());
            let moved = timeout_scope(at(10), async |scope| {
                scope.reschedule(at(30)).unwrap();
                sleep(millis(20)).await;
                scope.reschedule(None).unwrap();
                sleep(millis(20)).await;
                scope.clone()
            });
            let scope = moved.await.unwrap();
            log.write(format!("{:?} {}", scope.when(), scope.reschedule(None).is_err()));
        },
        &["10 Ok((true, false))", "20 true", "60 None true"],
    );
}

/// A cancellation from outside is not taken for the deadline's own, whichever came first.
#[test]
fn a_request_from_outside_goes_through_a_deadline() {
    check(
        async |log| {
            let task = spawn(async {
                let scope = timeout_scope(Some(Instant::now() + millis(10)), async |_| {
                    let cancelled = catch(pending::<()>()).await.unwrap_err();
                    let _ = catch(sleep(millis(20))).await;
                    cancelled.raise().await;
                });
                scope.await.is_err()
            });
            sleep(millis(15)).await;
            task.cancel();
            log.write(task.await.unwrap_err().is_cancelled());
        },
        &["15 true"],
    );
}

#[test]
fn the_deadline_and_completion_at_one_instant_are_a_choice() {
    let report =
        explore(Exhaustive::new(), async || wait_for(millis(10), sleep(millis(10))).await.is_ok());
    // asyncio's own order comes first: the deadline strikes.
    assert_eq!((report.runs(), report.outcomes().len()), (2, 2), "{report}");
    assert_eq!(report.outcomes()[0].text(), "false");
    assert_eq!(report.outcomes()[0].first_seen().to_string(), "d1:");
}

#[test]
fn raising_needs_no_request() {
    check(
        async |log| {
            let task = spawn(async { Cancelled::new().raise().await });
            log.write(task.await.map(|never| match never {}).unwrap_err().is_cancelled());
        },
        &["0 true"],
    );
}

/// As `asyncio.run` does: what is left is cancelled, in the order of spawning, and may clean up.
#[test]
fn what_is_left_when_main_returns_is_cancelled_and_runs_to_its_end() {
    let log = Log::default();
    let run = run(async || {
        for n in [3, 1] {
            let log = log.clone();
            spawn(async move {
                let cancelled = catch(pending::<()>()).await.unwrap_err();
                sleep(millis(n)).await;
                log.write(format!("{n} is clean"));
                cancelled.raise().await;
            });
        }
        let inner = log.clone();
        spawn(async move {
            // It refuses, and would wait for ever.
            drop(catch(pending::<()>()).await);
            inner.write("refused");
            pending::<()>().await;
        });
        yield_now().await;
        log.write("main returns");
    });
    assert_eq!(log.0.take(), ["0 main returns", "0 refused", "1 1 is clean", "3 3 is clean"]);
    crate::support::assert_parts(
        &run.trace().log().to_string(),
        &["main/1 is cancelled by the end of the run", "main/3 is dropped, for the run has ended"],
    );
    run.unwrap();
}

/// Neither a circle of tasks that await each other, nor a long chain of them, is too much.
#[test]
fn requests_go_round_circles_and_along_chains() {
    check(
        async |log| {
            let place: Rc<RefCell<Option<Task>>> = Rc::default();
            let other = place.clone();
            let first = spawn(async move {
                yield_now().await;
                let second = other.borrow().unwrap();
                second.join().await.is_err()
            });
            let known = first.task();
            let second = spawn(async move { known.join().await.is_err() });
            place.replace(Some(second.task()));
            sleep(millis(1)).await;
            first.cancel();
            let ended = (first.await.is_err(), second.await.is_err());
            log.write(format!("{ended:?}"));

            let mut task = spawn(pending::<()>());
            for _ in 0..2_000 {
                task = spawn(async move { assert!(matches!(task.await, Ok(()) | Err(_))) });
            }
            sleep(millis(1)).await;
            task.cancel();
            log.write(task.await.is_ok());
        },
        &["1 (true, false)", "2 true"],
    );
}

/// A task is known for as long as it has not ended or its handle is kept, and no longer.
#[test]
#[expect(clippy::disallowed_methods, reason = "a run with a task too many would not end")]
fn a_task_that_is_gone_counts_as_returned() {
    let (sender, receiver) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        run(async || {
            let handle = spawn(pending::<()>());
            let task = handle.as_task();
            handle.abort();
            yield_now().await;
            let kept = (task.is_finished(), task.is_cancelled(), task.join().await.is_ok());
            drop(handle);
            let gone = (task.is_finished(), task.is_cancelled(), task.join().await.is_ok());
            sender.send((kept, gone)).unwrap();
        })
    });
    assert_eq!(receiver.recv(), Ok(((true, true, false), (true, false, true))));
}

/// A request goes to what the task waits for now, not to what it has waited for before.
#[test]
fn what_is_waited_for_no_longer_is_not_asked() {
    check(
        async |log| {
            let other = spawn_named("other", sleep(millis(100)));
            let task = spawn(async move {
                let mut other = pin!(other);
                let mut asked = false;
                poll_fn(|cx| {
                    assert!(other.as_mut().poll(cx).is_pending());
                    cx.waker().wake_by_ref();
                    if std::mem::replace(&mut asked, true) {
                        Poll::Ready(())
                    } else {
                        Poll::Pending
                    }
                })
                .await;
                sleep(millis(50)).await;
            });
            sleep(millis(5)).await;
            task.cancel();
            log.write(task.await.unwrap_err().is_cancelled());
        },
        &["5 true"],
    );
}
