//! Runtimes, handles, and signals.

use tokio::runtime::{Builder, Handle, Runtime};
use tokio::signal::{ctrl_c, raise_ctrl_c};
use tokio::time::sleep;

use crate::support::{assert_parts, check_outcomes, millis, panic_of, run};

#[test]
fn a_handle_spawns_tasks_of_the_run() {
    let run = run(async || {
        let handle = Handle::current();
        let task = handle.spawn(async { sleep(millis(3)).await });
        task.await.unwrap();
        handle.spawn_blocking(|| 6 * 7).await.unwrap()
    });
    assert_eq!(run.elapsed(), millis(3));
    assert_eq!(run.unwrap(), 42);
}

#[test]
fn a_runtime_in_a_run_aborts_its_tasks() {
    let run = run(async || {
        let runtime = Builder::new_multi_thread().worker_threads(4).enable_all().build().unwrap();
        let task = runtime.spawn(std::future::pending::<()>());
        assert_eq!(runtime.block_on(async { 7 }), 7);
        runtime.shutdown_background();
        task.await.unwrap_err().is_cancelled()
    });
    assert!(run.unwrap());
}

#[test]
fn blocking_in_a_run_says_what_to_do() {
    let run = run(async || Handle::current().block_on(sleep(millis(1))));
    let text = run.failure().unwrap().to_string();
    assert_parts(&text, &["`block_on` in a run would have to wait", "await the future instead"]);
}

#[test]
fn the_test_sends_ctrl_c() {
    check_outcomes(&["5"], async || {
        let server = tokio::spawn(async {
            let start = tokio::time::Instant::now();
            ctrl_c().await.unwrap();
            start.elapsed().as_millis()
        });
        sleep(millis(5)).await;
        raise_ctrl_c();
        server.await.unwrap()
    });
    let message = panic_of(raise_ctrl_c);
    assert_parts(&message, &["`raise_ctrl_c` needs a run"]);
}

#[test]
fn a_runtime_outside_of_a_run_is_tokios() {
    let runtime = Runtime::new().unwrap();
    let local = tokio::task::LocalSet::new();
    let sum = local.block_on(&runtime, async {
        let task = tokio::spawn(async { 1 });
        let local = tokio::task::spawn_local(async { 2 });
        let blocking = tokio::task::spawn_blocking(|| 3);
        let mut set = tokio::task::JoinSet::new();
        set.spawn(async { 4 });
        task.await.unwrap()
            + local.await.unwrap()
            + blocking.await.unwrap()
            + set.join_next().await.unwrap().unwrap()
    });
    assert_eq!(sum, 10);
}
