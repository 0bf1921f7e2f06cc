use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use ecosystem::{check_outcomes, millis};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tokio_util::time::DelayQueue;

/// It spawns on tokio itself.
#[test]
fn a_tracker_waits_for_its_tasks() {
    check_outcomes(&["3"], async || {
        let tracker = TaskTracker::new();
        let done = Arc::new(AtomicU32::new(0));
        for n in 0..3 {
            let done = Arc::clone(&done);
            tracker.spawn(async move {
                sleep(millis(n)).await;
                done.fetch_add(1, Ordering::Relaxed);
            });
        }
        tracker.close();
        tracker.wait().await;
        done.load(Ordering::Relaxed)
    });
}

#[test]
fn a_delay_queue_gives_items_when_they_expire() {
    check_outcomes(&["[\"b\", \"c\"]"], async || {
        let mut queue = DelayQueue::new();
        let late = queue.insert("a", millis(30));
        queue.insert("b", millis(10));
        queue.insert("c", millis(20));
        let mut items = Vec::new();
        while let Some(item) = poll_fn(|cx| queue.poll_expired(cx)).await {
            items.push(item.into_inner());
            if items.len() == 2 {
                queue.remove(&late);
            }
        }
        items
    });
}

/// Whether the worker sees the message or the cancellation first is a choice.
#[test]
fn a_token_cancels() {
    check_outcomes(&["\"cancelled\"", "\"done\""], async || {
        let token = CancellationToken::new();
        let child = token.child_token();
        let worker = tokio::spawn(async move {
            tokio::select! {
                () = child.cancelled() => "cancelled",
                () = sleep(millis(5)) => "done",
            }
        });
        sleep(millis(5)).await;
        token.cancel();
        worker.await.unwrap()
    });
}
