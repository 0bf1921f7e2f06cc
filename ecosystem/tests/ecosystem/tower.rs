use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use ecosystem::{check_finds, check_outcomes, millis};
use tokio::time::{Instant, sleep};
use tower::timeout::error::Elapsed;
use tower::{Service, ServiceBuilder, ServiceExt, service_fn};

/// The buffer's worker is a task of tokio itself.
#[test]
fn a_buffer_serves_clones() {
    check_outcomes(&["[2, 4, 6]"], async || {
        let double = service_fn(|n: u32| async move {
            sleep(millis(10)).await;
            Ok::<_, Infallible>(2 * n)
        });
        let service = ServiceBuilder::new().buffer(2).concurrency_limit(2).service(double);
        let calls = [1, 2, 3].map(|n| {
            let service = service.clone();
            tokio::spawn(async move { service.oneshot(n).await.unwrap() })
        });
        let mut doubled = Vec::new();
        for call in calls {
            doubled.push(call.await.unwrap());
        }
        doubled
    });
}

#[test]
fn a_timeout_gives_up() {
    check_outcomes(&["(true, 50)"], async || {
        let slow = service_fn(|()| async {
            sleep(millis(100)).await;
            Ok::<_, Infallible>(())
        });
        let service = ServiceBuilder::new().timeout(millis(50)).service(slow);
        let start = Instant::now();
        let error = service.oneshot(()).await.unwrap_err();
        (error.is::<Elapsed>(), start.elapsed().as_millis())
    });
}

#[test]
fn a_rate_limit_spreads_calls() {
    check_outcomes(&["[0, 0, 1000, 1000, 2000]"], async || {
        let start = Instant::now();
        let when =
            service_fn(move |()| async move { Ok::<_, Infallible>(start.elapsed().as_millis()) });
        let mut service = ServiceBuilder::new().rate_limit(2, millis(1000)).service(when);
        let mut times = Vec::new();
        for _ in 0..5 {
            times.push(service.ready().await.unwrap().call(()).await.unwrap());
        }
        times
    });
}

/// A service behind a buffer that checks and then acts, with an await between.
#[test]
fn a_race_behind_a_buffer_is_found() {
    check_finds("sold twice", async || {
        let sold = Arc::new(AtomicU32::new(0));
        let selling = Arc::clone(&sold);
        let sell = service_fn(move |()| {
            let sold = Arc::clone(&selling);
            async move {
                if sold.load(Ordering::Relaxed) == 0 {
                    sleep(millis(1)).await;
                    sold.fetch_add(1, Ordering::Relaxed);
                }
                Ok::<_, Infallible>(())
            }
        });
        let service = ServiceBuilder::new().buffer(2).service(sell);
        let buyers = [(), ()].map(|()| {
            let service = service.clone();
            tokio::spawn(async move {
                sleep(millis(dacapo::choose("delay", 3) as u64)).await;
                service.oneshot(()).await.unwrap();
            })
        });
        for buyer in buyers {
            buyer.await.unwrap();
        }
        assert_eq!(sold.load(Ordering::Relaxed), 1, "sold twice");
    });
}
