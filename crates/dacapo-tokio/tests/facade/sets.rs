//! Sets of tasks.

use std::cell::Cell;
use std::rc::Rc;

use tokio::task::{self, JoinSet, LocalSet};
use tokio::time::sleep;

use crate::support::{assert_parts, check_outcomes, millis, panic_of, run};

#[test]
fn a_join_set_gives_outputs_in_the_order_of_ends() {
    let run = run(async || {
        let mut set = JoinSet::new();
        for n in [30, 10, 20] {
            set.spawn(async move {
                sleep(millis(n)).await;
                n
            });
        }
        assert_eq!(set.len(), 3);
        assert!(set.try_join_next().is_none());
        let mut order = Vec::new();
        while let Some(joined) = set.join_next().await {
            order.push(joined.unwrap());
        }
        order
    });
    assert_eq!(run.unwrap(), [10, 20, 30]);
}

#[test]
fn tasks_of_a_set_end_in_any_order() {
    check_outcomes(&["[0, 1]", "[1, 0]"], async || {
        let mut set: JoinSet<u32> = (0..2).map(|n| async move { n }).collect();
        let mut order = Vec::new();
        while let Some(joined) = set.join_next_with_id().await {
            order.push(joined.unwrap().1);
        }
        order
    });
}

#[test]
fn a_set_aborts_its_tasks() {
    struct Tell(Rc<Cell<u32>>);
    impl Drop for Tell {
        fn drop(&mut self) {
            self.0.set(self.0.get() + 1);
        }
    }
    let run = run(async || {
        let dropped = Rc::new(Cell::new(0));
        let local = LocalSet::new();
        let (tell, other) = (Tell(Rc::clone(&dropped)), Tell(Rc::clone(&dropped)));
        local
            .run_until(async {
                let mut set = JoinSet::new();
                set.spawn_local(async move {
                    let _tell = tell;
                    std::future::pending::<()>().await;
                });
                task::yield_now().await;
                set.abort_all();
                let error = set.join_next().await.unwrap().unwrap_err();
                assert!(error.is_cancelled());
                set.spawn_local(async move {
                    let _tell = other;
                    std::future::pending::<()>().await;
                });
                set.shutdown().await;
                assert!(set.is_empty());
            })
            .await;
        dropped.get()
    });
    assert_eq!(run.unwrap(), 2);
}

#[test]
fn a_set_passes_on_panics() {
    let run = run(async || {
        let mut set = JoinSet::new();
        set.spawn(async { 1 });
        set.spawn_blocking(|| panic!("boom"));
        set.join_all().await
    });
    assert_parts(&run.failure().unwrap().to_string(), &["main", "boom"]);
}

#[test]
fn a_stuck_set_says_which_tasks_it_waits_for() {
    let run = run(async || {
        let mut set: JoinSet<()> = (0..3).map(|_| std::future::pending()).collect();
        set.join_next().await;
    });
    let text = run.failure().unwrap().to_string();
    assert_parts(&text, &["stuck", "main", "main/1", "sets.rs", "main/2", "1 more thing"]);
}

/// A set may be made where no run is, and used in one while it is empty.
#[test]
fn an_empty_set_moves_into_a_run() {
    let mut set = JoinSet::new();
    let run = run(async || {
        set.spawn(async { 7 });
        set.join_next().await.unwrap().unwrap()
    });
    assert_eq!(run.unwrap(), 7);
}

#[test]
fn local_tasks_run_while_their_set_does() {
    let run = run(async || {
        let local = LocalSet::new();
        let count = Rc::new(Cell::new(0));
        let counting = Rc::clone(&count);
        let task = local.spawn_local(async move {
            let inner = task::spawn_local(async move {
                counting.set(counting.get() + 1);
                counting
            });
            inner.await.unwrap().get()
        });
        sleep(millis(5)).await;
        assert_eq!(count.get(), 0, "nothing polls the set");
        local.run_until(sleep(millis(1))).await;
        assert_eq!(count.get(), 1);
        local.await;
        task.await.unwrap()
    });
    assert_eq!(run.unwrap(), 1);
}

#[test]
fn spawn_local_needs_a_set() {
    let run = run(async || drop(task::spawn_local(async {})));
    assert_parts(&run.failure().unwrap().to_string(), &["`spawn_local` called from outside"]);
    let message = panic_of(|| drop(task::spawn_local(async {})));
    assert_parts(&message, &["`spawn_local` called from outside"]);
}
