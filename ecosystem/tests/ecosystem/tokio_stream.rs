use ecosystem::{check_outcomes, millis};
use tokio::sync::mpsc;
use tokio::time::{Instant, interval, sleep};
use tokio_stream::wrappers::{IntervalStream, ReceiverStream};
use tokio_stream::{StreamExt, StreamMap};

/// An interval of the facade is tokio's own.
#[test]
fn streams_are_throttled_and_ticked() {
    check_outcomes(&["(20, 50)"], async || {
        let start = Instant::now();
        let ticks = IntervalStream::new(interval(millis(10))).take(3);
        let _: Vec<_> = ticks.collect().await;
        let ticked = start.elapsed().as_millis();
        let throttled = tokio_stream::iter(0..3).throttle(millis(10));
        let mut throttled = std::pin::pin!(throttled);
        while throttled.next().await.is_some() {}
        (ticked, start.elapsed().as_millis())
    });
}

#[test]
fn a_timeout_ends_a_silent_stream() {
    check_outcomes(&["[Some(1), Some(2), None]"], async || {
        let (sender, receiver) = mpsc::channel(1);
        tokio::spawn(async move {
            sender.send(1).await.unwrap();
            sender.send(2).await.unwrap();
            sleep(millis(100)).await;
            drop(sender);
        });
        let stream = ReceiverStream::new(receiver).timeout(millis(50));
        let seen: Vec<_> = stream.take(3).map(Result::ok).collect().await;
        seen
    });
}

#[test]
fn merged_streams_lose_nothing() {
    check_outcomes(&["6"], async || {
        let mut map = StreamMap::new();
        for n in 1..4 {
            let (sender, receiver) = mpsc::channel(1);
            tokio::spawn(async move { sender.send(n).await.unwrap() });
            map.insert(n, ReceiverStream::new(receiver));
        }
        let mut sum = 0;
        while let Some((_, n)) = map.next().await {
            sum += n;
        }
        sum
    });
}
