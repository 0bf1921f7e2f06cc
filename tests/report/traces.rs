//! What people read of a run: columns, a log, strips of marbles, one line.

use std::fmt;
use std::rc::Rc;

use crate::support::{assert_parts, assert_snapshot, millis, panic_of};
use dacapo::scheduler::{Exhaustive, Fifo, Random, Replay};
use dacapo::sync::Semaphore;
use dacapo::task::{Id, spawn_named, yield_now};
use dacapo::time::{Instant, sleep, timeout, timeout_at, wait_for};
use dacapo::{Run, Trace, explore, gather, replay, run, spawn, try_check};
use futures::StreamExt as _;

/// Three pages. The slowest takes a second.
async fn fetches() {
    let fetch = |page: &'static str, time| {
        spawn_named(page, async move {
            dacapo::trace!("request");
            sleep(millis(time)).await;
            dacapo::trace!("reply", page.len());
        })
    };
    let tasks = [fetch("users", 1000), fetch("posts", 200), fetch("comments", 700)];
    for task in tasks {
        task.await.unwrap();
    }
}

/// A client that is served at the moment at which it gives up.
async fn too_late() {
    let (send, receive) = futures::channel::oneshot::channel();
    spawn_named("server", async move {
        sleep(millis(10)).await;
        let _ = send.send(200);
    });
    let client = spawn_named("client", async move {
        match timeout(millis(10), receive).await {
            Ok(reply) => dacapo::trace!("reply", reply),
            Err(_) => dacapo::trace!("gave up"),
        }
    });
    client.await.unwrap();
}

/// Three users of two connections.
async fn pool() {
    let pool = Rc::new(Semaphore::new(2));
    let users = ["ann", "bob", "cyn"].map(|name| {
        let pool = Rc::clone(&pool);
        spawn_named(name, async move {
            let _connection = pool.acquire().await.unwrap();
            dacapo::trace!("connected");
            sleep(millis(5)).await;
        })
    });
    drop(gather(users).await);
}

/// Two that take two locks in different orders.
async fn deadlock() {
    let [a, b] = [(); 2].map(|()| Rc::new(Semaphore::new(1)));
    let both = |name: &str, first: &Rc<Semaphore>, second: &Rc<Semaphore>| {
        let (first, second) = (Rc::clone(first), Rc::clone(second));
        spawn_named(name, async move {
            let _first = first.acquire().await;
            yield_now().await;
            let _second = second.acquire().await;
        })
    };
    drop(gather([both("reader", &a, &b), both("writer", &b, &a)]).await);
}

/// Two workers take jobs from a channel of another crate, and send what they made through another one.
async fn library_channels() {
    let (send_job, jobs) = futures::channel::mpsc::unbounded();
    let (send_result, results) = futures::channel::mpsc::unbounded();
    let jobs = Rc::new(futures::lock::Mutex::new(jobs));
    for name in ["ann", "bob"] {
        let (jobs, send_result) = (Rc::clone(&jobs), send_result.clone());
        spawn_named(name, async move {
            while let Some(job) = jobs.lock().await.next().await {
                sleep(millis(job)).await;
                send_result.unbounded_send(job).unwrap();
            }
        });
    }
    drop(send_result);
    spawn_named("producer", async move {
        for job in [3, 5] {
            sleep(millis(1)).await;
            send_job.unbounded_send(job).unwrap();
        }
    });
    assert_eq!(results.collect::<Vec<_>>().await, [3, 5]);
}

/// Shows a run in the three forms that people compare.
fn forms(run: &Run<()>) -> String {
    format!("{run}\n\n{}\n\n{}\n", run.trace().marbles(), run.trace().compact())
}

#[test]
fn three_fetches_at_once() {
    assert_snapshot!(
        "trace_fetches",
        "Three pages are fetched at once: it takes as long as the slowest, and the replies come in the order of their delays.",
        forms(&run(fetches))
    );
}

#[test]
fn a_timeout_that_strikes() {
    assert_snapshot!(
        "trace_timeout",
        "A reply comes at the very moment at which the client gives up, and the timeout is looked at first.",
        forms(&replay("d1:0x2.1.1x2", too_late))
    );
}

#[test]
fn timeouts_that_strike_without_a_choice() {
    let run = run(async || {
        let slow = || sleep(millis(50));
        assert!(timeout(millis(10), slow()).await.is_err());
        assert!(timeout_at(Instant::now() + millis(7), slow()).await.is_err());
        assert!(timeout(millis(60), slow()).await.is_ok());
        let worker = spawn_named("worker", slow());
        assert!(wait_for(millis(20), worker).await.is_ok_and(|joined| joined.is_err()));
    });
    assert!(run.is_ok(), "{:?}", run.failure());
    assert_snapshot!(
        "trace_timeouts",
        "Timeouts strike while nothing else happens: the story says which task gives up and after how long.",
        forms(&run)
    );
}

#[test]
fn a_pool_of_two_for_three() {
    assert_snapshot!(
        "trace_pool",
        "Three users of a pool of two connections: the third gets one when the first has done.",
        forms(&run(pool))
    );
}

#[test]
fn tasks_of_a_library_wake_each_other() {
    let run = run(library_channels);
    assert!(run.is_ok(), "{:?}", run.failure());
    assert_snapshot!(
        "trace_library_channels",
        "Tasks wait for channels and a lock of other crates: the story tells which task wakes which.",
        run.trace().to_string()
    );
    // A part of the trace tells of no tasks outside of it.
    let main = run.trace().filter(|entry| entry.task() == "main").to_string();
    assert!(main.contains("waits") && !main.contains("wakes"), "{main}");
}

#[test]
fn a_deadlock_of_two() {
    assert_snapshot!(
        "trace_deadlock",
        "Reader and writer take two permits in different orders: the run ends with both waiting.",
        forms(&run(deadlock))
    );
}

/// The trace of two that do their work, with what an edit may add: code, tasks, and what they wait for.
fn edited(elsewhere: impl AsyncFn()) -> Trace {
    let run = run(async || {
        let worker = |name: &str, time| {
            spawn_named(name, async move {
                dacapo::trace!("begins");
                sleep(millis(time)).await;
                let lock = Semaphore::new(0);
                let _ = timeout(millis(time), lock.acquire()).await;
            })
        };
        elsewhere().await;
        let workers = [worker("first", 2), worker("second", 3)];
        for worker in workers {
            worker.await.unwrap();
        }
    });
    run.trace().filter(|entry| ["first", "second"].contains(&&*entry.task()))
}

/// A snapshot that keeps to its subject survives edits elsewhere.
#[test]
fn unrelated_edits_leave_the_text_as_it_is() {
    let forms = |trace: &Trace| format!("{trace}{}{}", trace.marbles(), trace.compact());
    let before = forms(&edited(async || {}));
    assert_parts(&before, &["2 ms", "semaphore 1", "3 ms", "semaphore 2", "6 ms"]);
    let edits: [&dyn Fn() -> Trace; 4] = [
        // Lines that do nothing that the run can see.
        &|| {
            edited(async || {
                let sum: u32 = (0..100).sum();

                assert_eq!(sum, 4950);
            })
        },
        // A task that ends at once, and one that goes on, without names.
        &|| {
            edited(async || {
                spawn(async {});
                spawn(async {
                    for _ in 0..10 {
                        sleep(millis(1)).await;
                    }
                });
            })
        },
        // Another semaphore, which is waited for first.
        &|| {
            edited(async || {
                spawn_named("other", async {
                    let _ = Semaphore::new(0).acquire().await;
                });
                yield_now().await;
            })
        },
        // Notes of other code.
        &|| {
            edited(async || {
                for n in 0..3 {
                    dacapo::trace!("elsewhere", n);
                }
            })
        },
    ];
    for edit in edits {
        assert_eq!(forms(&edit()), before);
    }
}

/// The set of behaviours is what the code returns. Another task changes schedules and figures, and leaves
/// the set as it is.
#[test]
fn behaviours_outlive_another_task() {
    let race = |elsewhere: bool| {
        explore(Exhaustive::new(), async move || {
            if elsewhere {
                spawn(async { yield_now().await });
            }
            let last = Rc::new(std::cell::Cell::new("nobody"));
            for task in ["ann", "bob"].map(|name| {
                let last = last.clone();
                spawn_named(name, async move { last.set(name) })
            }) {
                task.await.unwrap();
            }
            assert_ne!(last.get(), "nobody");
            last.get()
        })
    };
    let [alone, beside] = [false, true].map(race);
    assert_eq!(alone.behaviours().to_string(), "\"ann\"\n\"bob\"\n");
    assert_eq!(beside.behaviours().to_string(), alone.behaviours().to_string());
    assert_ne!(beside.to_string(), alone.to_string());
    let sampled = explore(Random::seeds(0..1), async || dacapo::choose("n", 2));
    assert_parts(
        &sampled.behaviours().to_string(),
        &["(there may be more: not all schedules were tried)\n"],
    );
}

/// A task without a name has a path. A sibling before it changes the path, so what must last needs a
/// name.
#[test]
fn a_name_outlives_a_sibling_before_it() {
    let line = |extra: bool, named: bool| {
        let run = run(async move || {
            if extra {
                spawn(async {});
            }
            let work = async { dacapo::trace!("works") };
            if named { spawn_named("worker", work) } else { spawn(work) }.await.unwrap();
        });
        run.trace().filter(|entry| entry.label().is_some()).compact().to_string()
    };
    assert_eq!(line(false, true), line(true, true));
    assert_eq!(line(false, false), "0 ms: main/1(works)");
    assert_eq!(line(true, false), "0 ms: main/2(works)");
}

/// Values are formatted only in runs that are shown. Nothing else tells the two apart.
#[test]
fn values_are_formatted_for_readers_only() {
    struct Counted(Rc<std::cell::Cell<u32>>);
    impl fmt::Debug for Counted {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            self.0.set(self.0.get() + 1);
            dacapo::trace!("within");
            f.write_str("counted")
        }
    }
    let times = Rc::new(std::cell::Cell::new(0));
    let body = async || {
        let n = dacapo::choose("n", 2);
        dacapo::trace!("value", Counted(times.clone()));
        assert_eq!(n, 0);
    };
    let report = explore(Random::seeds(0..100), body);
    assert_eq!(times.get(), 0);
    assert_eq!(report.distinct_traces(), 2);

    let shown = replay("d1:1", body);
    assert_eq!(times.take(), 1);
    assert_eq!(shown.trace().compact().to_string(), "0 ms: main(n = 1, value: counted)!");
    let error = try_check(Random::seeds(0..100), body).unwrap_err();
    let hash = format!("hash {:016x}", shown.trace().hash());
    assert_parts(&error.to_string(), &[&hash, "n = 1", "» value: counted"]);
    // In this process, the run of the report, one that is compared with it, and the run of the picture. Another
    // process confirms it.
    assert!((1..4).contains(&times.get()), "{}", times.get());
}

/// What goes wrong while a value is formatted goes wrong in runs that are shown only, and so counts for
/// nothing.
#[test]
fn a_value_that_cannot_be_formatted_does_no_harm() {
    struct Bad;
    impl fmt::Debug for Bad {
        fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
            panic!("no text")
        }
    }
    struct Endless;
    impl fmt::Debug for Endless {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            loop {
                f.write_str("and so on ")?;
            }
        }
    }
    let run = run(async || {
        dacapo::trace!("bad", Bad);
        dacapo::trace!("endless", Endless);
    });
    assert_parts(
        &run.trace().log().to_string(),
        &["bad: (its Debug panics)", "endless: and so on", "on …"],
    );
    run.unwrap();
    fn never() -> u32 {
        panic!("it is evaluated outside of a run")
    }
    dacapo::trace!("outside of a run", never());
}

#[test]
fn old_values_go_with_their_events() {
    let run = dacapo::Builder::new().max_events(4).run(async || {
        for n in 0..100 {
            dacapo::trace!("n", n);
        }
    });
    let expected = "0 ms: main(n: 97, n: 98, n: 99).";
    assert_eq!(run.trace().compact().to_string(), expected);
}

/// What the events of a run say that are kept, and those of the same run as if all were kept.
fn kept_and_all(max_events: usize, program: impl AsyncFn()) -> (Vec<String>, Vec<String>, Trace) {
    let events = |max_events| {
        let run = dacapo::Builder::new().max_events(max_events).run(&program);
        let trace = run.trace().clone();
        let events = trace.events().map(|(position, event)| trace.describe(position, event));
        (events.collect::<Vec<_>>(), trace)
    };
    let ((kept, trace), (mut all, _)) = (events(max_events), events(usize::MAX));
    all.drain(..all.len() - kept.len());
    (kept, all, trace)
}

#[test]
fn the_last_events_name_their_tasks_when_very_many_have_gone() {
    for max_events in [500, 5000] {
        let (kept, all, trace) = kept_and_all(max_events, async || {
            let server = spawn_named("server", async {
                for _ in 0..1000 {
                    let requests = [(); 50].map(|()| spawn(async { spawn(yield_now()).await }));
                    for request in requests {
                        request.await.unwrap().unwrap();
                    }
                }
            });
            server.await.unwrap();
        });
        assert!(kept.iter().any(|event| event.contains("server/50000/1")), "{kept:?}");
        assert_eq!(kept, all);
        // Of the others not even the names are kept.
        let names = trace.names();
        assert_eq!(names.len(), 100_002);
        assert!(names.ids().count() < 2 * max_events, "{}", names.ids().count());
        assert!(names.ids().all(|id| names.signature(id) != 0 || id == Id::MAIN));
        assert_eq!(names.get(Id::MAIN).to_string(), "main");
    }
}

#[test]
fn what_was_unusual_is_told_also_when_very_many_have_gone() {
    let builder = dacapo::Builder::new().max_events(100).fresh_process(false);
    let schedule: dacapo::Schedule = "d1:0x70.50".parse().unwrap();
    let program = async || {
        for task in [(); 200].map(|()| spawn(yield_now())) {
            task.await.unwrap();
        }
        for _ in 0..2000 {
            spawn(yield_now()).await.unwrap();
        }
        assert_eq!(dacapo::task::name(), "at last");
    };
    let found = builder.max_shrink_runs(0).max_explain_runs(0);
    let error = found.try_check(Replay::new(schedule), program).unwrap_err();
    assert_parts(&error.to_string(), &["main/121 runs before main/71", "main/2200"]);
}

/// Wherever the events that are kept begin, and whatever tasks do when they go.
#[test]
fn the_last_events_name_tasks_that_go_in_any_way() {
    /// Goes with its task, and does something.
    struct Last(&'static str);
    impl Drop for Last {
        fn drop(&mut self) {
            dacapo::trace!(self.0);
            drop(spawn(async { dacapo::trace!("cleans up") }));
        }
    }
    let program = async || {
        for nth in 0..150 {
            let last = Last("goes");
            let parent = spawn(async move {
                let child = spawn(std::future::pending::<()>());
                let others = [(); 2].map(|()| {
                    let child = dacapo::task::AsTask::as_task(&child);
                    spawn(async move { drop(child.join().await) })
                });
                yield_now().await;
                match nth % 3 {
                    0 => drop(child),
                    1 => child.abort(),
                    _ => drop(child.await),
                }
                drop((others, last));
            });
            match nth % 2 {
                0 => drop(parent),
                _ => sleep(millis(1)).await,
            }
        }
    };
    for max_events in 1..40 {
        let (kept, all, _) = kept_and_all(max_events, program);
        assert_eq!(kept, all, "with max_events({max_events})");
    }
}

/// Text from outside is in one line, shows what would be invisible, and is not longer than can be read.
#[test]
fn hostile_text_is_escaped_and_bounded_in_every_form() {
    const TEXTS: [&str; 4] =
        ["<b>&\"'</b>\n\n# x", "\u{1b}[31m\0\r\t", "\u{202e}abc\u{2066}\u{200b}\u{feff}", "long "];
    let hostile: Vec<&'static str> =
        TEXTS.iter().map(|text| &*text.repeat(10_000 / text.len()).leak()).collect();
    let run = run(async || {
        for &text in &hostile {
            let task = spawn_named(text, async move {
                dacapo::trace!(text, text);
                dacapo::choose(text, 3);
                panic!("{text}");
            });
            drop(task.await);
        }
        panic!("{}", hostile.concat());
    });
    let report = |text: &'static str| {
        panic_of(|| {
            dacapo::Builder::new().fresh_process(false).check(Fifo::new(), async || {
                dacapo::trace!(text, text);
                dacapo::sometimes!(text, false);
                let _ = spawn_named(text, async move { panic!("{text}") }).await;
                assert!(text.is_empty(), "{text}");
            });
        })
    };
    let table = explore(Random::seeds(0..8), async || hostile[dacapo::choose("text", 4)]);
    let trace = run.trace();
    let few = trace.filter(|entry| entry.label().is_some());
    let log = trace.log().to_string();
    let texts = [
        ("columns", run.to_string(), 250),
        ("columns of few", few.to_string(), 250),
        ("log", log, 600),
        ("marbles", trace.marbles().to_string(), 400),
        ("compact", trace.compact().to_string(), 6000),
        ("outcomes", table.to_string(), 200),
    ];
    let reports = hostile.iter().map(|text| ("report", report(text), 2200));
    for (form, text, widest) in texts.into_iter().chain(reports) {
        let width = text.lines().map(|line| line.chars().count()).max();
        assert!(width <= Some(widest), "{form} is {width:?} wide");
        let bad = |c: &char| {
            (c.is_control() && *c != '\n') || "\u{202e}\u{2066}\u{200b}\u{feff}".contains(*c)
        };
        assert_eq!(text.chars().find(bad), None, "{form}");
        assert!(text.len() < 40_000, "{form} has {} bytes", text.len());
    }
}

/// A long loop, as a report shows it, after which the steps get a digit more.
#[test]
fn steps_of_many_digits_stand_in_their_column() {
    let builder = dacapo::Builder::new().fresh_process(false);
    let error = builder.try_check(Fifo::new(), async || {
        for _ in 0..9_998 {
            yield_now().await;
        }
        dacapo::trace!("nearly");
        yield_now().await;
        assert_eq!(spawn(async { 1 }).await.unwrap(), 2, "there");
    });
    let report = error.unwrap_err().to_string();
    assert_parts(&report, &["   step   main", "0 ms   9999   » nearly\n", "0 ms  10000   spawns"]);
}

/// A turn that was given away within what is cancelled wakes the task all the same; but what it waits for is
/// what came after that.
#[test]
fn a_turn_given_up_is_not_what_a_task_waits_for() {
    let run = replay("d1:1+m1", async || {
        let semaphore = Rc::new(Semaphore::new(0));
        let theirs = Rc::clone(&semaphore);
        spawn(async move {
            sleep(millis(1)).await;
            theirs.add_permits(1);
        });
        let turn = dacapo::cancel::point("turn", yield_now()).await;
        assert!(turn.is_err(), "it is cancelled while it waits");
        semaphore.acquire().await.unwrap().forget();
    });
    let log = run.trace().log().to_string();
    let waits: Vec<_> = log.lines().filter(|line| line.contains("main waits")).collect();
    // Once although it was woken already, and once more when it has found no permit.
    assert_eq!(waits.len(), 2, "{log}");
    assert!(waits.iter().all(|line| line.ends_with("for a permit of semaphore 1")), "{log}");
    run.unwrap();
}

/// A library that spawns its tasks through an executor that the user gives it.
mod library {
    use std::future::Future;

    pub(super) trait Executor {
        fn execute(&self, task: impl Future<Output = ()> + 'static);
    }

    pub(super) const LINES: [u32; 2] = [line!() + 3, line!() + 4];

    pub(super) fn serve(executor: &impl Executor) {
        executor.execute(std::future::pending());
        executor.execute(std::future::pending());
    }
}

struct Adapter;

impl library::Executor for Adapter {
    #[track_caller]
    fn execute(&self, task: impl Future<Output = ()> + 'static) {
        spawn(task);
    }
}

#[test]
fn tasks_spawned_through_an_executor_have_the_line_of_the_library() {
    let run: Run<()> = run(async || {
        library::serve(&Adapter);
        std::future::pending().await
    });
    let report = run.failure().expect("it is stuck").to_string();
    let places = library::LINES.map(|line| format!("was spawned at {}:{line})", file!()));
    assert_parts(&report, &[&places[0], &places[1]]);
}
