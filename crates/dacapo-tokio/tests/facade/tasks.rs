//! Tasks, their handles and errors.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use tokio::sync::{Mutex, mpsc, watch};
use tokio::task::{self, JoinHandle};

use crate::support::{assert_parts, check_all, check_fails, check_outcomes, millis, panic_of, run};

/// A lost update.
async fn add_two() -> u32 {
    let balance = Arc::new(AtomicU32::new(0));
    let tasks = [1, 2].map(|_| {
        let balance = Arc::clone(&balance);
        tokio::spawn(async move {
            let read = balance.load(Ordering::Relaxed);
            task::yield_now().await;
            balance.store(read + 1, Ordering::Relaxed);
        })
    });
    for task in tasks {
        task.await.unwrap();
    }
    balance.load(Ordering::Relaxed)
}

#[test]
fn tasks_take_turns_by_choice() {
    check_outcomes(&["1", "2"], add_two);
}

/// Three of the six orders of four turns lose no update; main's turns come in between.
#[test]
fn an_exhaustive_search_counts_the_same_runs_as_for_tasks_of_dacapo() {
    let plain = dacapo::explore(dacapo::scheduler::Exhaustive::new(), async || {
        let balance = std::rc::Rc::new(std::cell::Cell::new(0));
        let tasks = [1, 2].map(|_| {
            let balance = balance.clone();
            dacapo::spawn(async move {
                let read = balance.get();
                dacapo::task::yield_now().await;
                balance.set(read + 1);
            })
        });
        for task in tasks {
            task.await.unwrap();
        }
        balance.get()
    });
    check_all(plain.runs(), &["1", "2"], add_two);
}

#[test]
fn an_abort_drops_the_task_at_its_next_turn() {
    let run = run(async || {
        let task = tokio::spawn(std::future::pending::<()>());
        let other = task.abort_handle();
        task::yield_now().await;
        other.abort();
        assert!(!other.is_finished());
        let error = task.await.unwrap_err();
        assert!(other.is_finished() && error.is_cancelled() && !error.is_panic());
        assert_eq!(error.id(), other.id());
        assert!(error.try_into_panic().is_err());
    });
    run.unwrap();
}

/// Programs match on them, so they are the same with and without a run.
#[test]
fn errors_have_tokios_texts() {
    let texts = async || {
        let mut texts = Vec::new();
        let panics = tokio::spawn(async { panic!("boom {}", 7) });
        let pending = tokio::spawn(std::future::pending::<()>());
        pending.abort();
        for error in [panics.await.unwrap_err(), pending.await.unwrap_err()] {
            texts.push(format!("{error} | {error:?}").replace(&error.id().to_string(), "N"));
            texts.push(std::io::Error::from(error).to_string());
        }
        texts
    };
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let outside = runtime.block_on(texts());
    assert_eq!(run(texts).unwrap(), outside);
    assert_eq!(outside[1], "task panicked");
}

#[test]
fn a_panic_keeps_its_value() {
    let run = run(async || {
        let task = tokio::spawn(async { std::panic::panic_any(7_u32) });
        *task.await.unwrap_err().into_panic().downcast::<u32>().unwrap()
    });
    assert_eq!(run.unwrap(), 7);
}

#[test]
fn a_panic_that_nothing_awaits_fails_the_run() {
    let run = run(async || {
        drop(tokio::spawn(async { panic!("boom") }));
        tokio::time::sleep(millis(1)).await;
    });
    assert_parts(&run.failure().unwrap().to_string(), &["main/1", "boom"]);
}

#[test]
fn ids_are_those_of_the_run() {
    let run = run(async || {
        assert!(task::try_id().is_none());
        let first = tokio::spawn(async { task::id() });
        let second = tokio::spawn(async { task::id() });
        let ids = [first.id(), second.id()];
        assert_eq!([first.await.unwrap(), second.await.unwrap()], ids);
        ids.map(|id| id.to_string())
    });
    assert_eq!(run.unwrap(), ["1", "2"]);
}

/// tokio-util has a type with such a bound.
#[test]
fn a_handle_is_a_future_for_every_output() {
    fn assert<T>() -> impl Fn(JoinHandle<T>) -> bool {
        |handle| {
            let _: &dyn Future<Output = Result<T, task::JoinError>> = &handle;
            handle.is_finished()
        }
    }
    let run = run(async || assert::<u32>()(tokio::spawn(async { 1 })));
    assert!(!run.unwrap());
}

/// The lists of a `watch` are drawn at random, so the wake-ups come in any order.
#[test]
fn receivers_of_a_watch_become_ready_in_the_order_of_spawning() {
    check_outcomes(&["[0, 1, 2, 3, 4, 5]"], async || {
        let run = async || {
            let (sender, _) = watch::channel(0);
            let order = Arc::new(std::sync::Mutex::new(Vec::new()));
            let tasks: Vec<_> = (0..6)
                .map(|n| {
                    let (mut receiver, order) = (sender.subscribe(), Arc::clone(&order));
                    tokio::spawn(async move {
                        receiver.changed().await.unwrap();
                        order.lock().unwrap().push(n);
                    })
                })
                .collect();
            tokio::time::sleep(millis(1)).await;
            sender.send(1).unwrap();
            for task in tasks {
                task.await.unwrap();
            }
            let mut order = order.lock().unwrap().clone();
            order.sort_unstable();
            order
        };
        run().await
    });
    let fifo = || {
        run(async || {
            let (sender, _) = watch::channel(0);
            let order = Arc::new(std::sync::Mutex::new(Vec::new()));
            for n in 0..6 {
                let (mut receiver, order) = (sender.subscribe(), Arc::clone(&order));
                tokio::spawn(async move {
                    receiver.changed().await.unwrap();
                    order.lock().unwrap().push(n);
                });
            }
            tokio::time::sleep(millis(1)).await;
            sender.send(1).unwrap();
            tokio::time::sleep(millis(1)).await;
            order.lock().unwrap().clone()
        })
        .unwrap()
    };
    for _ in 0..20 {
        assert_eq!(fifo(), [0, 1, 2, 3, 4, 5]);
    }
}

#[test]
fn a_deadlock_names_its_tasks_and_where_they_were_spawned() {
    let error = check_fails(async || {
        let (left, right) = (Arc::new(Mutex::new(())), Arc::new(Mutex::new(())));
        let lock = |first: &Arc<Mutex<()>>, second: &Arc<Mutex<()>>| {
            let (first, second) = (Arc::clone(first), Arc::clone(second));
            tokio::spawn(async move {
                let _first = first.lock().await;
                task::yield_now().await;
                let _second = second.lock().await;
            })
        };
        let tasks = [lock(&left, &right), lock(&right, &left)];
        for task in tasks {
            task.await.unwrap();
        }
    });
    assert_parts(&error.failure().to_string(), &["stuck", "main", "main/1", "tasks.rs", "main/2"]);
}

/// A task that receives 1,000 messages in one poll is made to yield, as under tokio.
#[test]
fn each_turn_has_tokios_budget() {
    let run = run(async || {
        let (sender, mut receiver) = mpsc::channel(1000);
        (0..1000).for_each(|n| sender.try_send(n).unwrap());
        let turns = Arc::new(AtomicU32::new(0));
        let seen = Arc::clone(&turns);
        let other = tokio::spawn(async move {
            loop {
                seen.fetch_add(1, Ordering::Relaxed);
                task::yield_now().await;
            }
        });
        for _ in 0..1000 {
            receiver.recv().await.unwrap();
        }
        other.abort();
        turns.load(Ordering::Relaxed)
    });
    assert_eq!(run.unwrap(), 7);
}

#[test]
fn spawning_in_a_run_without_tokio_says_what_to_use() {
    let message = panic_of(|| {
        dacapo::run(async || drop(tokio::spawn(async {}))).unwrap();
    });
    assert_parts(&message, &["`spawn` needs a run within tokio", "dacapo_tokio::builder()"]);
}

#[test]
fn a_blocking_function_waits_for_a_time_by_choice() {
    check_outcomes(&["0", "1", "1000"], async || {
        let start = tokio::time::Instant::now();
        let output = task::spawn_blocking(|| task::block_in_place(|| 6 * 7)).await.unwrap();
        assert_eq!(output, 42);
        start.elapsed().as_millis()
    });
}
