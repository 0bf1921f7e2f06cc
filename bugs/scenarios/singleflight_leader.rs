//! async_singleflight 0.4.0: the call that does the work is cancelled, and the others wait for ever.
//!
//! Fixed in 0.5.0 (PureWhiteWu/async_singleflight#3).
//! The first of several equal calls does the work. Its entry is removed from the map when it is done. If
//! it is cancelled, the entry stays, and all others wait for a result that is never made.
//!
//! Invariant: every call that is not cancelled itself ends. Here two clients want the same page, and one
//! of them has little patience.

use std::rc::Rc;
use std::time::Duration;

use async_singleflight::Group;
use dacapo::task::spawn_named;
use dacapo::time::{sleep, timeout};

const DOWNLOAD: Duration = Duration::from_secs(2);

type Cache = Group<&'static str, ()>;

async fn page(cache: Rc<Cache>) -> &'static str {
    let download = async || {
        sleep(DOWNLOAD).await;
        Ok("the page")
    };
    loop {
        // There is no page if the client that was downloading it has left.
        if let (Some(page), ..) = cache.work("/", download()).await {
            return page;
        }
    }
}

pub async fn scenario() {
    let cache = Rc::new(Cache::new());
    let patient = spawn_named("patient", page(Rc::clone(&cache)));
    spawn_named("hasty", timeout(DOWNLOAD / 2, page(cache)));
    assert_eq!(patient.await.unwrap(), "the page");
}
