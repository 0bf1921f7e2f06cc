//! Task groups: what happens when a task, the body or a cancellation ends the group.

use std::future::pending;

use super::cancel::{Log, check};
use crate::support::millis;
use dacapo::cancel::{self, catch};
use dacapo::future::{GroupError, TaskError, task_group};
use dacapo::task::spawn;
use dacapo::time::sleep;

#[test]
fn a_failing_child_cancels_its_group_and_all_errors_are_kept() {
    check(
        async |log| {
            let inner = log.clone();
            let ended: Result<(), GroupError<&str>> = task_group(async |group| {
                group
                    .spawn(async {
                        sleep(millis(10)).await;
                        Err::<(), _>("first")
                    })
                    .unwrap();
                group
                    .spawn(async {
                        let _ = catch(pending::<()>()).await;
                        sleep(millis(5)).await;
                        Err::<(), _>("second, of the clean-up")
                    })
                    .unwrap();
                let caught = catch(pending::<()>()).await.unwrap_err();
                inner.write(format!("the body is cancelled: {caught}"));
                assert!(group.spawn(async { Ok(()) }).is_err());
                Err("third, of the body")
            })
            .await;
            for error in ended.unwrap_err().errors() {
                log.write(error);
            }
            log.write(cancel::cancelling());
        },
        &[
            "10 the body is cancelled: cancelled",
            "15 \"first\"",
            "15 \"second, of the clean-up\"",
            "15 \"third, of the body\"",
            "15 0",
        ],
    );
}

#[test]
fn a_panic_in_a_group_is_an_error_of_the_group() {
    check(
        async |log| {
            let ended = task_group(async |group| {
                group
                    .spawn_named("worker", async {
                        assert_eq!(1, 2, "boom");
                        Ok(())
                    })
                    .unwrap();
                pending::<()>().await;
                Ok::<(), ()>(())
            })
            .await;
            let errors = ended.unwrap_err().into_errors();
            assert!(matches!(&errors[..], [TaskError::Join(error)] if error.is_panic()));
            log.write(errors.len());
        },
        &["0 1"],
    );
}

#[test]
fn a_group_that_is_cancelled_from_outside_waits_and_goes_on_cancelled() {
    check(
        async |log| {
            let inner = log.clone();
            let task = spawn(async move {
                let log = inner.clone();
                let _ = task_group::<(), ()>(async |group| {
                    group
                        .spawn(async move {
                            let cancelled = catch(pending::<()>()).await.unwrap_err();
                            sleep(millis(5)).await;
                            log.write("the child is clean");
                            cancelled.raise().await;
                            Ok(())
                        })
                        .unwrap();
                    Ok(())
                })
                .await;
                inner.write("not reached");
            });
            sleep(millis(10)).await;
            task.cancel();
            log.write(task.await.unwrap_err().is_cancelled());
        },
        &["15 the child is clean", "15 true"],
    );
}

/// What a task of a group does: waits, and cleans up for this long when it is cancelled.
async fn clean(log: Log, time: u64) -> Result<(), &'static str> {
    let cancelled = catch(pending::<()>()).await.unwrap_err();
    sleep(millis(time)).await;
    log.write("the child is clean");
    match cancelled.raise().await {}
}

// The expectations of `TaskGroup::cancel` are what the class of CPython 3.15 does.

#[test]
fn a_group_that_cancels_itself_ends_without_an_error() {
    check(
        async |log| {
            let ended = task_group(async |group| {
                group.spawn(clean(log.clone(), 5)).unwrap();
                sleep(millis(10)).await;
                group.cancel();
                group.cancel();
                assert!(group.spawn(async { Ok(()) }).is_err());
                log.write("before the await");
                pending::<()>().await;
                log.write("not reached");
                Ok(())
            });
            let error = ended.await.unwrap_err();
            assert!(error.is_cancelled() && error.errors().is_empty());
            log.write(error);
            sleep(millis(1)).await;
            log.write(cancel::cancelling());
        },
        &[
            "10 before the await",
            "15 the child is clean",
            "15 the task group was cancelled",
            "16 0",
        ],
    );
}

#[test]
fn a_child_cancels_its_group() {
    check(
        async |log| {
            let ended = task_group(async |group| {
                let (inner, of_child) = (group.clone(), log.clone());
                group
                    .spawn(async move {
                        sleep(millis(10)).await;
                        inner.cancel();
                        sleep(millis(5)).await;
                        of_child.write("not reached");
                        Ok::<(), ()>(())
                    })
                    .unwrap();
                let cancelled = catch(pending::<()>()).await.unwrap_err();
                log.write("the body is cancelled");
                match cancelled.raise().await {}
            });
            let ended: Result<(), _> = ended.await;
            log.write(ended.unwrap_err());
            log.write(cancel::cancelling());
        },
        &["10 the body is cancelled", "10 the task group was cancelled", "10 0"],
    );
}

#[test]
fn a_group_that_is_cancelled_when_its_body_has_returned_gives_its_output() {
    check(
        async |log| {
            let ended = task_group(async |group| {
                let outside = group.clone();
                spawn(async move {
                    sleep(millis(10)).await;
                    outside.cancel();
                });
                group.spawn(clean(log.clone(), 5)).unwrap();
                Ok(7)
            });
            log.write(ended.await.unwrap());
            sleep(millis(1)).await;
            log.write(cancel::cancelling());
        },
        &["15 the child is clean", "15 7", "16 0"],
    );
}

#[test]
fn a_body_that_catches_the_cancellation_of_its_group_returns() {
    check(
        async |log| {
            let ended = task_group(async |group| {
                group.cancel();
                assert!(catch(pending::<()>()).await.is_err());
                sleep(millis(3)).await;
                Ok::<_, ()>("returns")
            });
            log.write(ended.await.unwrap());
            log.write(cancel::cancelling());
            sleep(millis(1)).await;
            log.write("not cancelled");
        },
        &["3 returns", "3 0", "4 not cancelled"],
    );
}

#[test]
fn errors_come_before_the_cancellation_of_a_group() {
    check(
        async |log| {
            let child: Result<(), _> = task_group(async |group| {
                group
                    .spawn(async {
                        let _ = catch(pending::<()>()).await;
                        sleep(millis(5)).await;
                        Err::<(), _>("of the clean-up")
                    })
                    .unwrap();
                sleep(millis(10)).await;
                group.cancel();
                pending().await
            })
            .await;
            log.write(child.unwrap_err());
            let body: Result<(), _> = task_group(async |group| {
                group.spawn(clean(log.clone(), 5)).unwrap();
                sleep(millis(10)).await;
                group.cancel();
                Err("of the body")
            })
            .await;
            log.write(body.unwrap_err());
            sleep(millis(1)).await;
            log.write(cancel::cancelling());
        },
        &[
            "15 1 failure in a task group: \"of the clean-up\"",
            "30 the child is clean",
            "30 1 failure in a task group: \"of the body\"",
            "31 0",
        ],
    );
}

#[test]
fn a_cancellation_from_outside_goes_on_beside_that_of_the_group() {
    // The body returns, waits, or cancels the group when it is cancelled itself.
    for how in ["returns", "waits", "cancels"] {
        check(
            async |log| {
                let inner = log.clone();
                let task = spawn(async move {
                    let ended = catch(task_group(async |group| {
                        group.spawn(clean(inner.clone(), 10)).unwrap();
                        if how == "cancels" {
                            let cancelled = catch(pending::<()>()).await.unwrap_err();
                            group.cancel();
                            match cancelled.raise().await {}
                        }
                        sleep(millis(10)).await;
                        group.cancel();
                        if how == "waits" {
                            pending::<()>().await;
                        }
                        Ok(())
                    }));
                    let cancelled = ended.await.unwrap_err();
                    inner.write(format!("goes on, {}", cancel::cancelling()));
                    match cancelled.raise().await {}
                });
                sleep(millis(15)).await;
                task.cancel();
                let ended: Result<(), _> = task.await;
                log.write(ended.unwrap_err().is_cancelled());
            },
            match how {
                "cancels" => &["25 the child is clean", "25 goes on, 1", "25 true"],
                _ => &["20 the child is clean", "20 goes on, 1", "20 true"],
            },
        );
    }
}

#[test]
fn cancelling_a_group_that_is_over_does_nothing() {
    check(
        async |log| {
            let mut known = None;
            task_group(async |group| {
                known = Some(group.clone());
                Ok::<(), ()>(())
            })
            .await
            .unwrap();
            known.unwrap().cancel();
            sleep(millis(1)).await;
            let empty = task_group(async |group| {
                group.cancel();
                Ok::<(), ()>(())
            });
            assert!(empty.await.is_ok());
            sleep(millis(1)).await;
            log.write(cancel::cancelling());
        },
        &["2 0"],
    );
}
