//! Values that belong to a run.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use dacapo::scheduler::Random;
use dacapo::{check, run, run_local, spawn};

use crate::support::{assert_parts, panic_of};

type Log = Rc<RefCell<Vec<&'static str>>>;

thread_local! {
    /// Outlives the runs, so that what their ends do can be seen.
    static LOG: Log = Rc::default();
}

fn log(text: &'static str) {
    LOG.with(|log| log.borrow_mut().push(text));
}

fn take_log() -> Vec<&'static str> {
    LOG.with(|log| std::mem::take(&mut *log.borrow_mut()))
}

struct Tell(&'static str);

impl Drop for Tell {
    fn drop(&mut self) {
        // The run is still there.
        dacapo::time::Instant::now();
        log(self.0);
    }
}

run_local! {
    static COUNT: Cell<u32> = Cell::new(0);
    static FIRST: Tell = Tell("first");
    /// Needs another one.
    static SECOND: Tell = FIRST.with(|_| Tell("second"));
}

#[test]
fn each_run_has_its_own() {
    check(Random::seeds(0..100), async || {
        let tasks =
            [(); 3].map(|()| spawn(async { COUNT.with(|count| count.replace(count.get() + 1)) }));
        let mut seen = Vec::new();
        for task in tasks {
            seen.push(task.await.unwrap());
        }
        seen.sort_unstable();
        assert_eq!(seen, [0, 1, 2]);
    });
}

#[test]
fn the_last_one_made_is_dropped_first_after_all_tasks() {
    run(async || {
        let task = Tell("task");
        spawn(async move {
            let _task = task;
            std::future::pending::<()>().await;
        });
        SECOND.with(|_| ());
    })
    .unwrap();
    assert_eq!(take_log(), ["task", "second", "first"]);
}

/// Also what destructors make at the very end is dropped inside of the run.
#[test]
fn a_destructor_may_use_others() {
    struct Uses;
    impl Drop for Uses {
        fn drop(&mut self) {
            FIRST.with(|_| log("uses"));
            spawn(async {});
        }
    }
    run_local! { static USES: Uses = Uses; }
    run(async || USES.with(|_| ())).unwrap();
    assert_eq!(take_log(), ["uses", "first"]);
}

#[test]
fn destructors_that_never_stop_hit_a_limit() {
    struct Again;
    impl Drop for Again {
        fn drop(&mut self) {
            AGAIN.with(|_| ());
        }
    }
    run_local! { static AGAIN: Again = Again; }
    let run = dacapo::Builder::new().max_steps(50).run(async || AGAIN.with(|_| ()));
    assert_parts(&run.failure().unwrap().to_string(), &["limit", "destructors"]);
}

#[test]
fn a_destructor_that_panics_fails_the_run() {
    struct Panics;
    impl Drop for Panics {
        fn drop(&mut self) {
            panic!("not flushed");
        }
    }
    run_local! { static PANICS: Panics = Panics; }
    let run = run(async || PANICS.with(|_| ()));
    assert_parts(&run.failure().unwrap().to_string(), &["not flushed"]);
}

#[test]
fn outside_of_a_run_there_is_none() {
    let panic = panic_of(|| COUNT.with(|_| ()));
    assert_parts(&panic, &["`RunLocal::with` needs a run"]);
}
