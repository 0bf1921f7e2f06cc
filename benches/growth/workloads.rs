//! Programs with `n` of something each: tasks, waiters, timers, scopes.

use std::cell::Cell;
use std::future::{Future, pending};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use dacapo::cancel::catch;
use dacapo::choose;
use dacapo::future::{WaitUntil, as_completed, gather, join, shield, task_group, try_gather, wait};
use dacapo::host::Host;
use dacapo::sync::{
    Barrier, BoundedSemaphore, Condition, Event, LifoQueue, Lock, PriorityQueue, Queue, Semaphore,
};
use dacapo::task::{JoinHandle, spawn, spawn_blocking, spawn_named, yield_now};
use dacapo::time::{interval, sleep, timeout, timeout_scope, wait_for};

/// A program, given how many of something it has.
pub(crate) type Program = fn(usize) -> Pin<Box<dyn Future<Output = ()>>>;

/// Makes the table of programs from async blocks.
macro_rules! programs {
    ($($name:literal => |$n:ident| $body:expr;)*) => {
        pub(crate) const PROGRAMS: &[(&str, Program)] =
            &[$(($name, |$n| Box::pin(async move { $body; }))),*];
    };
}

const SECOND: Duration = Duration::from_secs(1);

/// A few different times, so that timers are set in no particular order.
fn millis(nth: usize) -> Duration {
    Duration::from_millis(1 + (nth as u64 * 7919) % 1000)
}

fn tasks<F>(n: usize, task: impl Fn(usize) -> F) -> Vec<JoinHandle<F::Output>>
where
    F: Future<Output: 'static> + 'static,
{
    (0..n).map(|nth| spawn(task(nth))).collect()
}

async fn join_all<T: 'static>(tasks: Vec<JoinHandle<T>>) {
    for task in tasks {
        drop(task.await);
    }
}

fn sleepers(n: usize) -> Vec<JoinHandle<()>> {
    tasks(n, |nth| sleep(millis(nth)))
}

async fn ok<E>(future: impl Future<Output = ()>) -> Result<(), E> {
    future.await;
    Ok(())
}

/// Lets all other tasks run until they wait.
async fn settle() {
    sleep(Duration::from_millis(1)).await;
}

/// `depth` scopes, one within the other, around something that never comes. Each passes a cancellation on.
fn nested(depth: usize) -> Pin<Box<dyn Future<Output = ()>>> {
    Box::pin(async move {
        if depth == 0 {
            return pending().await;
        }
        if let Err(cancelled) = catch(nested(depth - 1)).await {
            cancelled.raise().await;
        }
    })
}

/// Deadlines, one within the other. The outermost is the first to strike.
fn deadlines(depth: usize, all: usize) -> Pin<Box<dyn Future<Output = ()>>> {
    Box::pin(async move {
        if depth == 0 {
            return pending().await;
        }
        let within = SECOND * (all - depth + 1) as u32;
        let _elapsed = wait_for(within, deadlines(depth - 1, all)).await;
    })
}

/// A chain of tasks of which each awaits the next.
fn chain(length: usize) -> JoinHandle<()> {
    let mut last = spawn(pending());
    for _ in 0..length {
        let next = last;
        last = spawn(async move { drop(next.await) });
    }
    last
}

/// What `n` tasks get from a primitive that one task feeds.
macro_rules! queue {
    ($queue:ty, $n:ident, $getters_first:expr) => {{
        let queue = Arc::new(<$queue>::new(0));
        let get = |queue: Arc<$queue>| async move { queue.get().await.unwrap() };
        let put = |queue: Arc<$queue>, nth| async move { queue.put(nth).await.unwrap() };
        if $getters_first {
            let getters = tasks($n, |_| get(Arc::clone(&queue)));
            settle().await;
            for nth in 0..$n {
                queue.put(nth as u32).await.unwrap();
            }
            join_all(getters).await;
        } else {
            let full = Arc::new(<$queue>::new(1));
            let putters = tasks($n, |nth| put(Arc::clone(&full), nth as u32));
            settle().await;
            for _ in 0..$n {
                full.get().await.unwrap();
            }
            join_all(putters).await;
        }
    }};
}

programs! {
    "nothing" => |_n| std::future::ready(()).await;
    "spawn, then join all" => |n| join_all(tasks(n, async |_| ())).await;
    "spawn and join, one after the other" => |n| for _ in 0..n { spawn(async {}).await.unwrap() };
    "spawn, detached" => |n| { drop(tasks(n, async |_| ())); settle().await };
    "spawn a chain: each task spawns the next" => |n| {
        fn next(left: usize) -> Pin<Box<dyn Future<Output = ()>>> {
            Box::pin(async move { if left > 0 { drop(spawn(next(left - 1))) } })
        }
        next(n).await;
        settle().await
    };
    "spawn with names" => |n| {
        let named = (0..n).map(|nth| spawn_named(&format!("worker {nth}"), async {}));
        join_all(named.collect()).await
    };
    "spawn_blocking" => |n| join_all((0..n).map(|_| spawn_blocking(millis(1), || ())).collect()).await;
    "spawn, abort before the first poll" => |n| {
        let tasks = tasks(n, |_| pending::<()>());
        tasks.iter().for_each(JoinHandle::abort);
        join_all(tasks).await
    };
    "spawn, abort while they wait" => |n| {
        let tasks = tasks(n, |_| pending::<()>());
        settle().await;
        for task in tasks { task.abort(); drop(task.await) }
    };
    "cancel while they wait" => |n| {
        let tasks = tasks(n, |_| catch(pending::<()>()));
        settle().await;
        tasks.iter().for_each(|task| { task.cancel(); });
        join_all(tasks).await
    };
    "yield among n tasks" => |n| join_all(tasks(n, async |_| for _ in 0..3 { yield_now().await })).await;
    "tasks left at the end" => |n| { drop(tasks(n, |_| pending::<()>())); settle().await };
    "tasks with clean-up left at the end" => |n| {
        drop(tasks(n, async |_| { drop(catch(pending::<()>()).await); sleep(SECOND).await }));
        settle().await
    };
    "sleep" => |n| join_all(sleepers(n)).await;
    "sleep, abort" => |n| {
        let tasks = sleepers(n);
        yield_now().await;
        tasks.iter().for_each(JoinHandle::abort);
        join_all(tasks).await
    };
    "sleep until the same instant" => |n| join_all(tasks(n, |_| sleep(SECOND))).await;
    "interval" => |n| join_all(tasks(n, async |nth| {
        let mut interval = interval(millis(nth));
        for _ in 0..3 { interval.tick().await; }
    })).await;
    "timeout that is over first" => |n| join_all(tasks(n, |nth| timeout(millis(nth), pending::<()>()))).await;
    "timeout that is not needed" => |n| join_all(tasks(n, |nth| timeout(SECOND, sleep(millis(nth) / 2)))).await;
    "wait_for that is over first" => |n| join_all(tasks(n, |nth| wait_for(millis(nth), pending::<()>()))).await;
    "timeout_scope, rescheduled" => |n| join_all(tasks(n, async |nth| timeout_scope(None, async |scope| {
        scope.reschedule(Some(dacapo::time::Instant::now() + millis(nth))).unwrap();
        pending::<()>().await
    }).await)).await;
    "task_group" => |n| task_group::<_, ()>(async |group| {
        for nth in 0..n { drop(group.spawn(ok(sleep(millis(nth))))); }
        Ok(())
    }).await.unwrap();
    "task_group, the last task fails" => |n| drop(task_group::<(), ()>(async |group| {
        for _ in 1..n { drop(group.spawn(ok(pending()))); }
        drop(group.spawn(async { sleep(SECOND).await; Err::<(), _>(()) }));
        Ok(())
    }).await);
    "task_group, all tasks fail" => |n| drop(task_group::<(), usize>(async |group| {
        for nth in 0..n { drop(group.spawn(async move { Err::<(), _>(nth) })); }
        Ok(())
    }).await);
    "task_group, cancelled" => |n| drop(task_group::<(), ()>(async |group| {
        for _ in 0..n { drop(group.spawn(ok(pending()))); }
        settle().await;
        group.cancel();
        pending().await
    }).await);
    "gather" => |n| drop(gather((0..n).map(|nth| sleep(millis(nth))).collect::<Vec<_>>()).await);
    "gather, cancelled" => |n| {
        let task = spawn(async move { drop(gather((0..n).map(|_| pending::<()>()).collect::<Vec<_>>()).await) });
        settle().await;
        task.cancel();
        drop(task.await)
    };
    "gather, of handles" => |n| { let tasks = sleepers(n); gather(&tasks).await };
    "try_gather" => |n| {
        let ok = async |nth| { sleep(millis(nth)).await; Ok::<_, ()>(nth) };
        drop(try_gather((0..n).map(ok).collect::<Vec<_>>()).await.unwrap())
    };
    "try_gather, the last fails" => |n| {
        let last = |nth| async move { sleep(millis(nth)).await; if nth == n - 1 { Err(()) } else { Ok(nth) } };
        drop(try_gather((0..n).map(last).collect::<Vec<_>>()).await.unwrap_err())
    };
    "try_gather, of handles" => |n| { let tasks = sleepers(n); try_gather(&tasks).await.unwrap() };
    "join_all of futures, over handles" => |n| drop(futures::future::join_all(sleepers(n)).await);
    "FuturesUnordered of sleeps, in one task" => |n| {
        use futures::StreamExt;
        let mut all: futures::stream::FuturesUnordered<_> = (0..n).map(|nth| sleep(millis(nth))).collect();
        while all.next().await.is_some() {}
    };
    "FuturesUnordered of deadlines, in one task" => |n| {
        use futures::StreamExt;
        let deadline = |nth| wait_for(millis(nth), pending::<()>());
        let mut all: futures::stream::FuturesUnordered<_> = (0..n).map(deadline).collect();
        while all.next().await.is_some() {}
    };
    "FuturesUnordered of catches, cancelled" => |n| {
        use futures::StreamExt;
        let task = spawn(async move {
            let mut all: futures::stream::FuturesUnordered<_> = (0..n).map(|_| catch(pending::<()>())).collect();
            while all.next().await.is_some() {}
        });
        settle().await;
        for _ in 0..n { task.cancel(); settle().await; }
        drop(task.await)
    };
    "join of two, nested" => |n| {
        fn nested(depth: usize) -> Pin<Box<dyn Future<Output = ()>>> {
            Box::pin(async move { if depth > 0 { join(yield_now(), nested(depth - 1)).await; } })
        }
        nested(n).await
    };
    "wait for all" => |n| drop(wait(sleepers(n)).await);
    "wait for the first" => |n| drop(wait(sleepers(n)).until(WaitUntil::FirstCompleted).await);
    "wait for the first exception" => |n| drop(wait(sleepers(n)).until(WaitUntil::FirstException).await);
    "wait, with a timeout" => |n| drop(wait(sleepers(n)).timeout(SECOND / 2).await);
    "as_completed" => |n| {
        let mut completed = as_completed(sleepers(n));
        while let Some(task) = completed.next().await { task.await.unwrap() }
    };
    "as_completed, all had ended" => |n| {
        let tasks = tasks(n, async |_| ());
        settle().await;
        let mut completed = as_completed(tasks);
        while completed.next().await.is_some() {}
    };
    "as_completed, with a timeout" => |n| {
        let mut completed = as_completed(sleepers(n)).timeout(SECOND / 2);
        while completed.next().await.is_some() {}
    };
    "shield" => |n| join_all(tasks(n, |nth| shield(spawn(sleep(millis(nth)))))).await;
    "shield, cancelled" => |n| {
        let tasks = tasks(n, |nth| shield(spawn(sleep(millis(nth)))));
        settle().await;
        tasks.iter().for_each(|task| { task.cancel(); });
        join_all(tasks).await
    };
    "n tasks join one task" => |n| {
        let one = spawn(sleep(SECOND));
        let task = one.task();
        join_all(tasks(n, |_| task.join())).await;
        drop(one)
    };
    "n tasks join one task, and are aborted" => |n| {
        let one = spawn(sleep(SECOND));
        let task = one.task();
        let tasks = tasks(n, |_| task.join());
        settle().await;
        tasks.iter().rev().for_each(JoinHandle::abort);
        join_all(tasks).await;
        drop(one)
    };
    "cancel a chain of tasks" => |n| {
        let last = chain(n);
        settle().await;
        last.cancel();
        drop(last.await)
    };
    "cancel nested scopes" => |n| {
        let task = spawn(nested(n));
        settle().await;
        task.cancel();
        drop(task.await)
    };
    "one deadline around nested scopes" => |n| wait_for(SECOND, nested(n)).await.unwrap_err();
    "nested deadlines" => |n| deadlines(n, n).await;
    "Semaphore, add_permits(1) × n" => |n| {
        let semaphore = Arc::new(Semaphore::new(0));
        let tasks = tasks(n, |_| { let it = Arc::clone(&semaphore); async move { it.acquire().await.unwrap().forget() } });
        settle().await;
        for _ in 0..n { semaphore.add_permits(1) }
        join_all(tasks).await
    };
    "Semaphore, add_permits(n)" => |n| {
        let semaphore = Arc::new(Semaphore::new(0));
        let tasks = tasks(n, |_| { let it = Arc::clone(&semaphore); async move { it.acquire().await.unwrap().forget() } });
        settle().await;
        semaphore.add_permits(n);
        join_all(tasks).await
    };
    "Semaphore, handed on" => |n| {
        let semaphore = Arc::new(Semaphore::new(1));
        let task = |_| { let it = Arc::clone(&semaphore); async move { let _permit = it.acquire().await.unwrap(); yield_now().await } };
        join_all(tasks(n, task)).await
    };
    "Semaphore, acquire_many" => |n| {
        let semaphore = Arc::new(Semaphore::new(0));
        let tasks = tasks(n, |nth| { let it = Arc::clone(&semaphore); async move { it.acquire_many(1 + nth as u32 % 3).await.unwrap().forget() } });
        settle().await;
        for _ in 0..n { semaphore.add_permits(2) }
        join_all(tasks).await
    };
    "Semaphore, waiters aborted" => |n| {
        let semaphore = Arc::new(Semaphore::new(0));
        let tasks = tasks(n, |_| { let it = Arc::clone(&semaphore); async move { it.acquire().await.unwrap().forget() } });
        settle().await;
        tasks.iter().rev().for_each(JoinHandle::abort);
        join_all(tasks).await
    };
    "Semaphore, closed" => |n| {
        let semaphore = Arc::new(Semaphore::new(0));
        let tasks = tasks(n, |_| { let it = Arc::clone(&semaphore); async move { it.acquire().await.is_err() } });
        settle().await;
        semaphore.close();
        join_all(tasks).await
    };
    "BoundedSemaphore" => |n| {
        let semaphore = Arc::new(BoundedSemaphore::new(2));
        let task = |_| { let it = Arc::clone(&semaphore); async move { let _permit = it.acquire().await; yield_now().await } };
        join_all(tasks(n, task)).await
    };
    "Lock" => |n| {
        let lock = Arc::new(Lock::new());
        let task = |_| { let it = Arc::clone(&lock); async move { let _guard = it.lock().await; yield_now().await } };
        join_all(tasks(n, task)).await
    };
    "Event" => |n| {
        let event = Arc::new(Event::new());
        let tasks = tasks(n, |_| { let it = Arc::clone(&event); async move { it.wait().await } });
        settle().await;
        event.set();
        join_all(tasks).await
    };
    "Condition, notify_all" => |n| {
        let condition = Arc::new(Condition::new());
        let tasks = tasks(n, |_| { let it = Arc::clone(&condition); async move { let mut guard = it.lock().await; it.wait(&mut guard).await } });
        settle().await;
        let guard = condition.lock().await;
        condition.notify_all().unwrap();
        drop(guard);
        join_all(tasks).await
    };
    "Condition, notify(1) × n" => |n| {
        let condition = Arc::new(Condition::new());
        let tasks = tasks(n, |_| { let it = Arc::clone(&condition); async move { let mut guard = it.lock().await; it.wait(&mut guard).await } });
        settle().await;
        for _ in 0..n {
            let guard = condition.lock().await;
            condition.notify(1).unwrap();
            drop(guard);
        }
        join_all(tasks).await
    };
    "Barrier" => |n| {
        let barrier = Arc::new(Barrier::new(n));
        join_all(tasks(n, |_| { let it = Arc::clone(&barrier); async move { it.wait().await.unwrap() } })).await
    };
    "Barrier, aborted" => |n| {
        let barrier = Arc::new(Barrier::new(n + 1));
        let tasks = tasks(n, |_| { let it = Arc::clone(&barrier); async move { it.wait().await.is_err() } });
        settle().await;
        barrier.abort().await;
        join_all(tasks).await
    };
    "Queue, get first" => |n| queue!(Queue<u32>, n, true);
    "Queue, put first" => |n| queue!(Queue<u32>, n, false);
    "LifoQueue, get first" => |n| queue!(LifoQueue<u32>, n, true);
    "LifoQueue, put first" => |n| queue!(LifoQueue<u32>, n, false);
    "PriorityQueue, get first" => |n| queue!(PriorityQueue<u32>, n, true);
    "PriorityQueue, put first" => |n| queue!(PriorityQueue<u32>, n, false);
    "Queue, shut down" => |n| {
        let queue = Arc::new(Queue::<u32>::new(0));
        let tasks = tasks(n, |_| { let it = Arc::clone(&queue); async move { it.get().await.is_err() } });
        settle().await;
        queue.shutdown(true);
        join_all(tasks).await
    };
    "Queue, joined by n tasks" => |n| {
        let queue = Arc::new(Queue::<u32>::new(0));
        queue.put(1).await.unwrap();
        let tasks = tasks(n, |_| { let it = Arc::clone(&queue); async move { it.join().await } });
        settle().await;
        queue.get().await.unwrap();
        queue.task_done().unwrap();
        join_all(tasks).await
    };
    "n primitives, each waited for" => |n| {
        let events: Vec<_> = (0..n).map(|_| Arc::new(Event::new())).collect();
        let tasks = tasks(n, |nth| { let it = Arc::clone(&events[nth]); async move { it.wait().await } });
        settle().await;
        events.iter().for_each(|event| event.set());
        join_all(tasks).await
    };
    "kill a host of n tasks" => |n| {
        let host = Host::new("server");
        let tasks: Vec<_> = (0..n).map(|_| host.spawn(pending::<()>())).collect();
        settle().await;
        host.kill();
        join_all(tasks).await
    };
    "kill n hosts" => |n| {
        let mut hosts = Vec::new();
        let mut tasks = Vec::new();
        for nth in 0..n.min(50_000) {
            let host = Host::new(format!("server {nth}"));
            tasks.push(host.spawn(pending::<()>()));
            hosts.push(host);
        }
        settle().await;
        hosts.iter().for_each(Host::kill);
        join_all(tasks).await
    };
    "a host that is killed n times" => |n| {
        let others = tasks(n, |_| pending::<()>());
        settle().await;
        let host = Host::new("server");
        for _ in 0..n {
            drop(host.spawn(pending::<()>()));
            host.kill();
        }
        drop(others)
    };
    "clocks of n hosts" => |n| join_all((0..n.min(50_000)).map(|nth| {
        let host = Host::new("server");
        host.set_clock_drift(nth as i32);
        host.spawn(sleep(millis(nth)))
    }).collect()).await;
    "RunLocal" => |n| {
        dacapo::run_local! { static COUNT: Cell<usize> = Cell::new(0); }
        join_all(tasks(n, async |_| COUNT.with(|count| count.set(count.get() + 1)))).await
    };
    "task_local" => |n| {
        dacapo::task_local! { static NUMBER: usize; }
        join_all(tasks(n, |nth| NUMBER.scope(nth, async { NUMBER.with(|number| *number) }))).await
    };
    "mark" => |n| join_all(tasks(n, async |nth| { dacapo::sometimes!("a third", nth % 3 == 0); dacapo::reachable!("all"); })).await;
    "notes" => |n| join_all(tasks(n, async |nth| dacapo::trace!("number", nth))).await;
    "choose" => |n| for _ in 0..n { choose("answer", 3); };
    "dacapo::select! of two" => |n| join_all(tasks(n, async |nth| {
        dacapo::select! {
            _ = sleep(millis(nth)) => (),
            _ = pending::<()>() => (),
        }
    })).await;
    "panics that are looked at" => |n| {
        let tasks = tasks(n, async |_| if true { std::panic::resume_unwind(Box::new("dropped")) });
        for task in tasks { assert!(task.await.unwrap_err().is_panic()) }
    };
    "wakers that are cloned" => |n| {
        let event = Rc::new(tokio::sync::Notify::new());
        let tasks = tasks(n, |_| { let it = Rc::clone(&event); async move { it.notified().await } });
        settle().await;
        event.notify_waiters();
        join_all(tasks).await
    };
}
