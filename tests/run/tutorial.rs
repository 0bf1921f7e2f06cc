//! The samples of an asyncio tutorial, each as a Rust user would write it.
//!
//! All are in one snapshot: their output, with the virtual time. Where CPython's own output is known for
//! a sample, `tests/asyncio` compares with it; these show what the same thing looks like in Rust.

use std::cell::RefCell;
use std::fmt::Write as _;
use std::rc::Rc;

use crate::support::{assert_snapshot, millis};
use dacapo::cancel::catch;
use dacapo::future::{WaitUntil, wait, with_resource};
use dacapo::sync::{Queue, Semaphore};
use dacapo::task::{spawn, spawn_named};
use dacapo::time::{Instant, sleep, timeout_scope, wait_for};
use dacapo::{gather, run};
use futures::{Stream, StreamExt, pin_mut, stream};

/// Where samples print.
#[derive(Clone, Default)]
struct Out(Rc<RefCell<String>>);

impl Out {
    fn print(&self, line: impl std::fmt::Display) {
        let now = Instant::now().to_string();
        writeln!(self.0.borrow_mut(), "{now:>8}  {line}").unwrap();
    }
}

/// Runs a sample, first in, first out, and adds its output under its name.
fn sample(book: &mut String, name: &str, body: impl AsyncFnOnce(Out)) {
    let out = Out::default();
    let run = run(async || body(out.clone()).await);
    write!(book, "{name}\n{}", out.0.take()).unwrap();
    if let Some(failure) = run.failure() {
        writeln!(book, "          {}", failure.title()).unwrap();
    }
    writeln!(book, "{:>8} ms\n", run.elapsed().as_millis()).unwrap();
}

async fn fetch(url: &'static str, delay: u64) -> String {
    sleep(millis(delay)).await;
    format!("Data from {url}")
}

fn coroutines(book: &mut String) {
    sample(book, "await a coroutine function", async |out| {
        async fn greet(name: &str) -> String {
            sleep(millis(500)).await;
            format!("Hello, {name}!")
        }
        out.print(greet("Rust").await);
    });
    sample(book, "awaiting a coroutine gives its result", async |out| {
        let example = async || 42;
        out.print(example().await);
    });
    sample(book, "sequential calls take three seconds", async |out| {
        for url in ["url1", "url2", "url3"] {
            out.print(fetch(url, 1000).await);
        }
    });
}

fn tasks(book: &mut String) {
    sample(book, "create_task runs concurrently", async |out| {
        let operation = |name: &'static str, ms| {
            let out = out.clone();
            async move {
                out.print(format!("started {name}"));
                sleep(millis(ms)).await;
                out.print(format!("finished {name}"));
                format!("{name} result")
            }
        };
        let tasks = [spawn(operation("Task1", 2000)), spawn(operation("Task2", 1000))];
        for task in tasks {
            out.print(task.await.unwrap());
        }
    });
    for (name, after) in [("cancel a working task", 3500), ("cancel a working task at a tie", 3000)]
    {
        sample(book, name, async |out| {
            let inner = out.clone();
            let task = spawn(async move {
                let working = catch(async {
                    for _ in 0..1000 {
                        inner.print("Working...");
                        sleep(millis(1000)).await;
                    }
                });
                if let Err(cancelled) = working.await {
                    inner.print("Task was cancelled");
                    cancelled.raise().await;
                }
            });
            sleep(millis(after)).await;
            task.cancel();
            if task.await.is_err_and(|error| error.is_cancelled()) {
                out.print("Caught cancellation");
            }
        });
    }
}

fn gathering(book: &mut String) {
    sample(book, "gather three calls takes one second", async |out| {
        let urls = ["url1", "url2", "url3"];
        for page in gather(urls.map(|url| fetch(url, 1000))).await {
            out.print(page.unwrap());
        }
    });
    sample(book, "gather collects in argument order", async |out| {
        let (users, posts, comments) =
            gather((fetch("api/users", 1000), fetch("api/posts", 500), fetch("api/comments", 800)))
                .await;
        for page in [users, posts, comments] {
            out.print(page.unwrap());
        }
    });
    sample(book, "gather returns exceptions", async |out| {
        let might_fail = async |fails: bool| {
            sleep(millis(100)).await;
            assert!(!fails, "Something went wrong");
            "Success"
        };
        for result in gather([might_fail(false), might_fail(true), might_fail(false)]).await {
            match result {
                Ok(value) => out.print(format!("Result: {value}")),
                Err(error) => out.print(format!("Error: {error}")),
            }
        }
    });
    sample(book, "wait for the first, then the rest", async |out| {
        let tasks = [("A", 1000), ("B", 2000), ("C", 500)].map(|(name, delay)| {
            spawn_named(name, async move {
                sleep(millis(delay)).await;
                format!("{name} done")
            })
        });
        let (done, pending) = wait(tasks).until(WaitUntil::FirstCompleted).await;
        for task in done {
            out.print(format!("Completed: {}", task.await.unwrap()));
        }
        out.print(format!("Still pending: {}", pending.len()));
        let (done, _) = wait(pending).await;
        for task in done {
            out.print(format!("Completed: {}", task.await.unwrap()));
        }
    });
}

fn timeouts(book: &mut String) {
    let slow_operation = async || {
        sleep(millis(10_000)).await;
        "Done"
    };
    sample(book, "wait_for times out", async |out| {
        match wait_for(millis(2000), slow_operation()).await {
            Ok(result) => out.print(result),
            Err(_) => out.print("Operation timed out!"),
        }
    });
    sample(book, "timeout scope raises a timeout error", async |_| {
        let deadline = Instant::now() + millis(2000);
        timeout_scope(Some(deadline), async |_| slow_operation().await).await.unwrap();
    });
}

fn resources(book: &mut String) {
    sample(book, "async context manager awaits in enter and exit", async |out| {
        let acquire = async {
            out.print("Acquiring resource");
            sleep(millis(100)).await;
            "resource"
        };
        let inner = out.clone();
        let release = async move |_: &str, _| {
            inner.print("Releasing resource");
            sleep(millis(100)).await;
        };
        with_resource(acquire, async |resource| out.print(format!("Using {resource}")), release)
            .await;
    });
    sample(book, "http requests through a session", async |out| {
        let open = async {
            out.print("open session");
            "session"
        };
        let closing = out.clone();
        let close = async move |_: &str, _| {
            sleep(millis(5)).await;
            closing.print("close session");
        };
        let get = |url: &'static str, ms| {
            let out = out.clone();
            async move {
                let request = async {
                    sleep(millis(ms)).await;
                    url
                };
                let body = async |url: &mut &str| {
                    sleep(millis(10)).await;
                    format!("{url} 200 body of {url}")
                };
                with_resource(request, body, async move |url, _| {
                    out.print(format!("release {url}"))
                })
                .await
            }
        };
        let session = async |_: &mut &str| {
            let urls = [("/users", 120), ("/posts", 80), ("/comments", 101)];
            for reply in gather(urls.map(|(url, ms)| get(url, ms))).await {
                out.print(reply.unwrap());
            }
        };
        with_resource(open, session, close).await;
    });
}

fn streams(book: &mut String) {
    sample(book, "async iterator counts to five", async |out| {
        let counter = stream::unfold(0, async |count| {
            sleep(millis(100)).await;
            (count < 5).then_some((count + 1, count + 1))
        });
        counter.for_each(async |n| out.print(n)).await;
    });
    sample(book, "async generator range", async |out| {
        fn async_range(start: u32, end: u32) -> impl Stream<Item = u32> {
            async_stream::stream! {
                for n in start..end {
                    sleep(millis(100)).await;
                    yield n;
                }
            }
        }
        let range = async_range(1, 5);
        pin_mut!(range);
        while let Some(n) = range.next().await {
            out.print(n);
        }
    });
    // A generator that is left early is dropped, and its destructors run then.
    sample(book, "a generator that is left early cleans up", async |out| {
        struct CleanUp(Out);
        impl Drop for CleanUp {
            fn drop(&mut self) {
                self.0.print("the generator cleans up");
            }
        }
        let inner = out.clone();
        let numbers = async_stream::stream! {
            let _clean_up = CleanUp(inner);
            for n in 0.. {
                sleep(millis(100)).await;
                yield n;
            }
        };
        {
            pin_mut!(numbers);
            out.print(numbers.next().await.unwrap());
        }
        out.print("after the loop");
    });
}

fn queues(book: &mut String) {
    let produce_and_consume = |name: &'static str, lead: [u64; 2], pause: [u64; 2]| {
        move |book: &mut String| {
            sample(book, name, async |out| {
                let queue = Rc::new(Queue::new(0));
                let (to, printer) = (Rc::clone(&queue), out.clone());
                let producer = async move {
                    for n in 0..10 {
                        sleep(millis(100)).await;
                        to.put(Some(format!("item-{n}"))).await.unwrap();
                        printer.print(format!("Produced item-{n}"));
                    }
                    // The sentinel: there will be no more.
                    to.put(None).await.unwrap();
                };
                let consumer = |n: usize| {
                    let (queue, out) = (Rc::clone(&queue), out.clone());
                    async move {
                        sleep(millis(lead[n])).await;
                        while let Some(item) = queue.get().await.unwrap() {
                            out.print(format!("Consumer-{} consumed {item}", n + 1));
                            sleep(millis(pause[n])).await;
                        }
                        // For the other one.
                        queue.put(None).await.unwrap();
                    }
                };
                let (produced, first, second) = gather((producer, consumer(0), consumer(1))).await;
                [produced, first, second].into_iter().for_each(|ended| ended.unwrap());
            });
        }
    };
    produce_and_consume("producer and consumers with a sentinel", [0, 0], [200, 200])(book);
    produce_and_consume("producer and consumers without ties", [13, 31], [213, 231])(book);
}

fn semaphores(book: &mut String) {
    let times = [1003, 907, 1110, 1051, 998, 1017, 903, 1204, 1088, 979];
    let equal: [(u64, u64); 10] = [(0, 1000); 10];
    let different = std::array::from_fn(|n| (n as u64 + 1, times[n]));
    for (name, delays) in [
        ("a semaphore limits ten fetches to three", equal),
        ("a semaphore limits ten fetches, without ties", different),
    ] {
        sample(book, name, async |out| {
            let semaphore = Rc::new(Semaphore::new(3));
            let fetches = delays.iter().enumerate().map(|(n, &(at, ms))| {
                let (semaphore, out) = (Rc::clone(&semaphore), out.clone());
                async move {
                    sleep(millis(at)).await;
                    let _permit = semaphore.acquire().await.unwrap();
                    out.print(format!("Fetching url{n}"));
                    sleep(millis(ms)).await;
                    format!("Result from url{n}")
                }
            });
            let results = gather(fetches.collect::<Vec<_>>()).await;
            out.print(format!("Fetched {}", results.len()));
            out.print(results.into_iter().map(Result::unwrap).collect::<Vec<_>>().join(", "));
        });
    }
}

#[test]
fn the_samples_print_what_they_should() {
    let mut book = String::new();
    coroutines(&mut book);
    tasks(&mut book);
    gathering(&mut book);
    timeouts(&mut book);
    resources(&mut book);
    streams(&mut book);
    queues(&mut book);
    semaphores(&mut book);
    assert_snapshot!(
        "tutorial",
        "The samples of tests/tutorial.rs, which are those of tutorials on asyncio: what they print, with the virtual time.",
        book
    );
}
