//! Names of tokio that dacapo has too, against tokio itself with its clock paused.

use std::fmt::Debug;
use std::future::Future;

use dacapo::run;
use proptest::prelude::*;

use crate::support::cases;

/// The end of the same program under tokio, whose clock is paused.
fn under_tokio<T>(program: impl Future<Output = T>) -> T {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_time().start_paused(true).build().unwrap();
    tokio::task::LocalSet::new().block_on(&runtime, program)
}

/// Runs the program under both, in the usual order of each.
#[track_caller]
fn check<T: Debug + PartialEq + 'static>(
    ours: impl Future<Output = T> + 'static,
    theirs: impl Future<Output = T>,
) -> T {
    let mut ours = Some(ours);
    let ours = run(async move || ours.take().expect("there is one run").await).unwrap();
    assert_eq!(ours, under_tokio(theirs));
    ours
}

/// A step of a program with an interval. Times are in milliseconds.
#[derive(Debug, Clone, Copy)]
enum Step {
    Tick,
    Sleep(u64),
    Reset,
    ResetNow,
    ResetAfter(u64),
    /// Before or after now.
    ResetAt(i64),
    Behavior(u8),
    /// A tick that is given up after this time.
    TryTick(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => Just(Step::Tick),
        4 => (0..80_u64).prop_map(Step::Sleep),
        1 => Just(Step::Reset),
        1 => Just(Step::ResetNow),
        1 => (0..60_u64).prop_map(Step::ResetAfter),
        1 => (-60..60_i64).prop_map(Step::ResetAt),
        2 => (0..3_u8).prop_map(Step::Behavior),
        2 => (1..30_u64).prop_map(Step::TryTick),
    ];
    prop::collection::vec(step, 1..24)
}

macro_rules! programs {
    () => {
        use std::cell::RefCell;
        use std::future::pending;
        use std::rc::Rc;
        use std::sync::Arc;
        use std::time::Duration;

        use super::Step;
        use crate::support::millis;

        fn behavior(number: u8) -> MissedTickBehavior {
            match number {
                0 => MissedTickBehavior::Burst,
                1 => MissedTickBehavior::Delay,
                _ => MissedTickBehavior::Skip,
            }
        }

        /// When each tick came, and for when it was set, since the start.
        pub(super) async fn ticks(
            period: u64,
            start: Option<i64>,
            steps: Vec<Step>,
        ) -> Vec<(Duration, Duration)> {
            let zero = Instant::now();
            // So that there is a past.
            sleep(millis(100)).await;
            let moment = |offset: i64| {
                let shift = millis(offset.unsigned_abs());
                if offset < 0 { Instant::now() - shift } else { Instant::now() + shift }
            };
            let mut ticks = match start {
                None => interval(millis(period)),
                Some(offset) => interval_at(moment(offset), millis(period)),
            };
            assert_eq!(ticks.period(), millis(period));
            assert_eq!(ticks.missed_tick_behavior(), MissedTickBehavior::default());
            let mut seen = Vec::new();
            for step in steps {
                let tick = match step {
                    Step::Tick => Some(ticks.tick().await),
                    Step::TryTick(time) => timeout(millis(time), ticks.tick()).await.ok(),
                    Step::Sleep(time) => {
                        sleep(millis(time)).await;
                        None
                    }
                    Step::Reset => {
                        ticks.reset();
                        None
                    }
                    Step::ResetNow => {
                        ticks.reset_immediately();
                        None
                    }
                    Step::ResetAfter(time) => {
                        ticks.reset_after(millis(time));
                        None
                    }
                    Step::ResetAt(offset) => {
                        ticks.reset_at(moment(offset));
                        None
                    }
                    Step::Behavior(number) => {
                        ticks.set_missed_tick_behavior(behavior(number));
                        assert_eq!(ticks.missed_tick_behavior(), behavior(number));
                        None
                    }
                };
                seen.extend(tick.map(|tick| (Instant::now() - zero, tick - zero)));
            }
            seen
        }

        /// What handles that abort say, and when destructors run.
        pub(super) async fn abort_handles() -> Vec<String> {
            struct OnDrop(Rc<RefCell<Vec<String>>>);
            impl Drop for OnDrop {
                fn drop(&mut self) {
                    self.0.borrow_mut().push("dropped".to_owned());
                }
            }
            let log = Rc::new(RefCell::new(Vec::new()));
            let note = |text: String| log.borrow_mut().push(text);
            let flag = OnDrop(Rc::clone(&log));
            let task = spawn(async move {
                let _flag = flag;
                pending::<()>().await
            });
            let handle = task.abort_handle();
            let again = handle.clone();
            assert_eq!((handle.id(), again.id()), (task.id(), task.id()));
            sleep(millis(1)).await;
            note(format!("finished: {}", handle.is_finished()));
            again.abort();
            note(format!("at once: {}", handle.is_finished()));
            note(task.await.unwrap_err().is_cancelled().to_string());
            note(format!("finished: {}", handle.is_finished()));
            handle.abort();

            // It outlives the handle, and a task that has returned cannot be aborted.
            let task = spawn(async { 7 });
            let handle = task.abort_handle();
            note(task.await.unwrap().to_string());
            handle.abort();
            note(format!("finished: {}", handle.is_finished()));

            // It aborts a task whose handle was dropped, and the rest goes on.
            let flag = OnDrop(Rc::clone(&log));
            let handle = spawn(async move {
                let _flag = flag;
                pending::<()>().await
            })
            .abort_handle();
            sleep(millis(1)).await;
            handle.abort();
            sleep(millis(1)).await;
            note(format!("finished: {}", handle.is_finished()));
            log.take()
        }

        /// Every way to acquire permits, on a semaphore with three.
        pub(super) async fn permits() -> Vec<String> {
            let semaphore = Arc::new(Semaphore::new(3));
            let mut log = Vec::new();
            macro_rules! note {
                ($result:expr) => {{
                    let result = $result;
                    let left = semaphore.available_permits();
                    log.push(match &result {
                        Ok(_) => format!("acquired, {left} left"),
                        Err(error) => format!("{error}, {left} left"),
                    });
                    result
                }};
            }
            let one = note!(semaphore.try_acquire());
            let two = note!(semaphore.try_acquire_many(2));
            let _ = note!(semaphore.try_acquire());
            let _ = note!(Arc::clone(&semaphore).try_acquire_owned());
            let _ = note!(Arc::clone(&semaphore).try_acquire_many_owned(2));
            drop((one, two));
            let owned = note!(Arc::clone(&semaphore).try_acquire_owned());
            let _ = note!(Arc::clone(&semaphore).try_acquire_many_owned(3));
            drop(note!(Arc::clone(&semaphore).try_acquire_many_owned(2)));
            drop(note!(Arc::clone(&semaphore).acquire_many_owned(2).await));
            let waiting = spawn({
                let semaphore = Arc::clone(&semaphore);
                async move { semaphore.acquire_many_owned(3).await }
            });
            sleep(millis(1)).await;
            // Two are available, but the task was first.
            assert!(Arc::clone(&semaphore).try_acquire_owned().is_err());
            drop(owned);
            let owned = waiting.await.unwrap().unwrap();
            let _ = note!(semaphore.try_acquire_many(1));
            owned.forget();
            semaphore.add_permits(1);
            let none = note!(Arc::clone(&semaphore).try_acquire_many_owned(0));
            drop(none);
            semaphore.close();
            let _ = note!(Arc::clone(&semaphore).try_acquire_owned());
            let _ = note!(Arc::clone(&semaphore).acquire_many_owned(1).await);
            let _ = note!(Arc::clone(&semaphore).acquire_owned().await);
            let _ = note!(semaphore.try_acquire_many(0));
            log
        }
    };
}

mod ours {
    use dacapo::sync::Semaphore;
    use dacapo::task::spawn;
    use dacapo::time::{Instant, MissedTickBehavior, interval, interval_at, sleep, timeout};

    programs!();
}

mod theirs {
    use tokio::sync::Semaphore;
    use tokio::task::spawn_local as spawn;
    use tokio::time::{Instant, MissedTickBehavior, interval, interval_at, sleep, timeout};

    programs!();
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn intervals_tick_as_those_of_tokio(
        period in 1..50_u64,
        start in prop::option::of(-90..60_i64),
        steps in steps(),
    ) {
        check(ours::ticks(period, start, steps.clone()), theirs::ticks(period, start, steps));
    }
}

#[test]
fn abort_handles_are_those_of_tokio() {
    let log = check(ours::abort_handles(), theirs::abort_handles());
    assert_eq!(
        log,
        [
            "finished: false",
            "at once: false",
            "dropped",
            "true",
            "finished: true",
            "7",
            "finished: true",
            "dropped",
            "finished: true"
        ]
    );
}

#[test]
fn permits_are_acquired_as_in_tokio() {
    let log = check(ours::permits(), theirs::permits());
    assert_eq!(log.len(), 15, "{log:?}");
}

/// It is kept where the code under test puts it, and its name is that of the task.
#[test]
fn an_abort_handle_can_be_kept_anywhere() {
    fn is_shareable<T: Clone + Send + Sync + 'static>(_: &T) {}

    let handle = run(async || {
        let task = dacapo::task::spawn_named("worker", std::future::pending::<()>());
        let handle = task.abort_handle();
        is_shareable(&handle);
        assert_eq!(
            (handle.name(), format!("{handle:?}")),
            ("worker".into(), "AbortHandle(worker)".into())
        );
        handle
    })
    .unwrap();
    // After the run there is nothing to abort.
    handle.abort();
    assert!(handle.is_finished());
}
