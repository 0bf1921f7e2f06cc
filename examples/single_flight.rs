//! A bug of a published crate: found, replayed, and gone in the fixed release.
//!
//! `async_singleflight` lets one of several equal requests do the work while the others wait for its
//! result. In 0.4.0, if the request that does the work is cancelled, the others wait for ever. 0.5.0
//! tells them.
//!
//! Run it with `cargo run --example single_flight`. It prints the report on 0.4.0 with the least
//! schedule that fails, then replays that schedule with the same failure and trace, and then checks
//! 0.5.0, which passes. The line after "replay now" makes only that one run, which fails.

#![expect(clippy::print_stdout, reason = "an example prints")]

use std::process::ExitCode;
use std::rc::Rc;
use std::time::Duration;

use dacapo::scheduler::Portfolio;
use dacapo::task::spawn_named;
use dacapo::time::{sleep, timeout};

/// Two clients want the same page, and one of them is patient. The scheduler decides which comes first.
macro_rules! two_clients {
    ($release:ident) => {
        async || {
            type Cache = $release::Group<&'static str, ()>;

            async fn page(cache: Rc<Cache>) -> &'static str {
                let download = async || {
                    sleep(Duration::from_secs(2)).await;
                    Ok("the page")
                };
                loop {
                    // There is no page if the client that was downloading it has left.
                    if let (Some(page), ..) = cache.work("/", download()).await {
                        return page;
                    }
                }
            }

            let cache = Rc::new(Cache::new());
            let patient = spawn_named("patient", page(Rc::clone(&cache)));
            spawn_named("hasty", timeout(Duration::from_secs(1), page(cache)));
            assert_eq!(patient.await.unwrap(), "the page");
        }
    };
}

fn main() -> ExitCode {
    println!("async_singleflight 0.4.0\n");
    let affected = two_clients!(singleflight_affected);
    let Err(found) = dacapo::try_check(Portfolio::default(), affected) else {
        // With DACAPO_REPLAY, this may be a run that passes.
        return ExitCode::SUCCESS;
    };
    println!("{found}");

    let run = dacapo::replay(found.schedule().clone(), affected);
    let failure = run.failure().expect("it fails each time");
    assert_eq!(failure, found.failure());
    println!("replayed: {}, hash {:016x}\n", failure.title(), run.trace().hash());

    println!("async_singleflight 0.5.0\n");
    if let Err(found) = dacapo::try_check(Portfolio::default(), two_clients!(singleflight_fixed)) {
        println!("{found}");
        return ExitCode::FAILURE;
    }
    println!("passes");
    ExitCode::SUCCESS
}
