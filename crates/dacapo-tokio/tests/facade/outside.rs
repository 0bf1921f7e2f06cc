//! Outside of a run, everything is tokio's own.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// This attribute is the one of tokio, which makes a runtime with the facade's builder.
#[tokio::main(flavor = "current_thread")]
async fn outside() -> u32 {
    let count = Arc::new(AtomicU32::new(0));
    let counting = Arc::clone(&count);
    let task = tokio::spawn(async move {
        tokio::task::yield_now().await;
        counting.fetch_add(1, Ordering::Relaxed);
        tokio::task::id()
    });
    let id = task.id();
    assert_eq!(task.await.unwrap(), id);
    let aborted = tokio::spawn(std::future::pending::<()>());
    aborted.abort_handle().abort();
    assert!(aborted.await.unwrap_err().is_cancelled());
    tokio::select! {
        () = tokio::time::sleep(std::time::Duration::from_millis(1)) => {}
        () = std::future::pending() => {}
    }
    count.load(Ordering::Relaxed)
}

#[test]
fn a_program_runs_on_tokio() {
    assert_eq!(outside(), 1);
}
