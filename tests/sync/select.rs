//! Every form of `select!`, against tokio's macro on the same bodies.

use std::collections::BTreeSet;
use std::fmt::Debug;

use dacapo::scheduler::Exhaustive;
use dacapo::{explore, run};

/// The bodies, once for each macro: `select!` is what the module imports.
macro_rules! bodies {
    () => {
        use std::cell::{Cell, RefCell};
        use std::future::{IntoFuture, Ready, pending, ready};
        use std::pin::pin;
        use std::rc::Rc;

        use dacapo::task::yield_now;
        use dacapo::time::sleep;
        use tokio::sync::{Mutex, mpsc, oneshot};

        use crate::support::millis;

        pub(super) async fn block_without_comma() -> Vec<&'static str> {
            let mut log = Vec::new();
            for turn in 0..2 {
                select! {
                    () = sleep(millis(1)), if turn == 0 => {
                        log.push("short");
                    }
                    () = sleep(millis(2)) => { log.push("long") }
                    () = pending() => {}
                }
            }
            log
        }

        pub(super) async fn blocks_with_commas_and_expressions() -> Vec<u32> {
            let first = select! {
                n = ready(1), if false => { n },
                n = ready(2) => { n }
            };
            let second = select! {
                n = ready(1), if false => n,
                n = ready(3), if true => n + 1,
            };
            let third = select! { n = ready(5) => n };
            let fourth = select! { n = ready(6), if first == 2 => n };
            let fifth = select! { n = ready(7) => { n } };
            let sixth = select! { n = ready(8), if first == 2 => { n } };
            vec![first, second, third, fourth, fifth, sixth]
        }

        pub(super) async fn a_pattern_that_does_not_match() -> &'static str {
            select! {
                Some(()) = ready(None) => "some",
                () = sleep(millis(1)) => "time",
            }
        }

        pub(super) async fn a_mismatch_after_a_wait() -> &'static str {
            let late = async {
                sleep(millis(1)).await;
                Err::<(), _>("no")
            };
            select! {
                Ok(()) = late => "ok",
                text = async { sleep(millis(2)).await; "second" } => text,
                else => "else",
            }
        }

        pub(super) async fn a_disabled_future_is_not_polled_again() -> u32 {
            let polls = Cell::new(0);
            let counted = std::future::poll_fn(|_| {
                polls.set(polls.get() + 1);
                std::task::Poll::Ready(None::<()>)
            });
            select! {
                Some(()) = counted => unreachable!(),
                () = async { for _ in 0..5 { yield_now().await } } => {}
            }
            polls.get()
        }

        pub(super) async fn every_kind_of_pattern() -> Vec<String> {
            let mut log = Vec::new();
            let word = || ready(Some((String::from("word"), 7)));
            select! { Some((mut text, _)) = word() => { text.push('!'); log.push(text) } }
            select! { Some((ref text, ref n)) = word() => log.push(format!("{text}{n}")) }
            select! { Some((ref mut text, 7)) = word() => { text.push('?'); log.push(text.clone()) } }
            select! { whole @ Some(_) = word() => log.push(format!("{whole:?}")) }
            select! { Some((text, 1..=9)) = word() => log.push(text), else => {} }
            select! { Some((text, 8 | 9)) = word() => log.push(text), else => log.push("else".into()) }
            select! { &n = ready(&3) => log.push(n.to_string()) }
            select! { 4 | 5 = ready(5) => log.push("or".into()) }
            select! { [first, .., last] = ready([1, 2, 3]) => log.push((first + last).to_string()) }
            select! { mut n = ready(1) => { n += 1; log.push(n.to_string()) } }
            select! { _ = ready(String::new()) => log.push("any".into()) }
            log
        }

        pub(super) async fn all_conditions_false_with_else() -> (&'static str, u32) {
            let evaluated = Cell::new(0);
            let count = || {
                evaluated.set(evaluated.get() + 1);
                false
            };
            let taken = select! {
                _ = ready(count()), if count() => "first",
                _ = ready(count()), if count() => "second",
                else => "else",
            };
            (taken, evaluated.get())
        }

        pub(super) async fn order_of_evaluation() -> Vec<&'static str> {
            let log = RefCell::new(Vec::new());
            let note = |text| log.borrow_mut().push(text);
            select! {
                biased;
                () = { note("future 1"); async { note("poll 1"); pending().await } },
                    if { note("condition 1"); true } => {}
                () = { note("future 2"); async { note("poll 2") } },
                    if { note("condition 2"); false } => {}
                () = { note("future 3"); async { note("poll 3") } },
                    if { note("condition 3"); true } => note("body 3"),
            }
            log.into_inner()
        }

        pub(super) async fn else_alone() -> (u32, u32) {
            (select! { else => 1 }, select! { biased; else => { 2 } })
        }

        pub(super) async fn else_after_all_mismatch() -> &'static str {
            select! {
                Some(()) = ready(None) => "first",
                Ok(()) = async { yield_now().await; Err(()) } => "second",
                else => {
                    yield_now().await;
                    "else"
                }
            }
        }

        pub(super) async fn no_else() {
            select! {
                Some(()) = ready(None) => {}
                () = ready(()), if false => {}
            }
        }

        pub(super) async fn a_tie() -> u32 {
            select! {
                n = ready(0) => n,
                n = ready(1) => n,
                n = ready(2), if false => n,
                Some(n) = ready(Some(3)) => n,
                4 = ready(5) => 4,
            }
        }

        pub(super) async fn biased() -> u32 {
            select! {
                biased;
                5 = ready(0) => 0,
                n = ready(1), if false => n,
                n = ready(2) => n,
                n = ready(3) => n
            }
        }

        pub(super) async fn control_flow_in_bodies() -> Result<u32, &'static str> {
            let mut rounds = 0;
            loop {
                rounds += 1;
                select! {
                    () = ready(()), if rounds == 1 => continue,
                    () = ready(()), if rounds == 2 => {
                        sleep(millis(1)).await;
                        select! { n = ready(rounds) => rounds = n + 1 }
                    }
                    () = ready(()), if rounds > 3 => break,
                    else => return Err("never"),
                }
            }
            let n = select! { result = ready(Ok::<u32, &str>(rounds)) => result? };
            select! {
                result = ready(Err::<u32, &str>("question mark")), if n > 3 => { result?; }
                else => {}
            }
            Ok(n)
        }

        pub(super) async fn a_loop_over_channels() -> Vec<String> {
            let (sender, mut numbers) = mpsc::channel(1);
            let (stop, mut stopped) = oneshot::channel::<()>();
            dacapo::spawn(async move {
                for n in 0..3 {
                    sender.send(n).await.unwrap();
                    sleep(millis(1)).await;
                }
                drop(sender);
                sleep(millis(9)).await;
                stop.send(()).unwrap();
            });
            let mut log = Vec::new();
            loop {
                select! {
                    Some(n) = numbers.recv(), if log.len() < 5 => log.push(n.to_string()),
                    stopped = &mut stopped => {
                        log.push(format!("{stopped:?}"));
                        break log;
                    }
                }
            }
        }

        pub(super) async fn futures_are_dropped_before_the_body() -> usize {
            let shared = Rc::new(());
            let held = Rc::clone(&shared);
            let holds = async {
                let _held = held;
                pending::<()>().await
            };
            select! {
                () = holds => 0,
                () = sleep(millis(1)) => Rc::strong_count(&shared),
            }
        }

        pub(super) async fn a_body_uses_what_the_futures_borrowed() -> i32 {
            let mut value = 1;
            let read = pin!(async { value });
            select! { n = read => value += n }
            let mut lock = Mutex::new(value);
            select! {
                () = async { *lock.lock().await += 1 } => *lock.get_mut() + 1,
                () = pending() => 0,
            }
        }

        pub(super) async fn temporaries_live_as_long_as_the_future() -> usize {
            select! {
                length = &mut Box::pin(async { yield_now().await; 4 }) => length,
                () = pending() => 0,
            }
        }

        pub(super) async fn what_becomes_a_future() -> &'static str {
            struct Request;

            impl IntoFuture for Request {
                type Output = &'static str;
                type IntoFuture = Ready<&'static str>;

                fn into_future(self) -> Self::IntoFuture {
                    ready("converted")
                }
            }

            select! { text = Request => text }
        }

        pub(super) async fn many_branches() -> usize {
            let on = 19;
            select! {
                n = ready(0), if on == 0 => n, n = ready(1), if on == 1 => n,
                n = ready(2), if on == 2 => n, n = ready(3), if on == 3 => n,
                n = ready(4), if on == 4 => n, n = ready(5), if on == 5 => n,
                n = ready(6), if on == 6 => n, n = ready(7), if on == 7 => n,
                n = ready(8), if on == 8 => n, n = ready(9), if on == 9 => n,
                n = ready(10), if on == 10 => n, n = ready(11), if on == 11 => n,
                n = ready(12), if on == 12 => n, n = ready(13), if on == 13 => n,
                n = ready(14), if on == 14 => n, n = ready(15), if on == 15 => n,
                n = ready(16), if on == 16 => n, n = ready(17), if on == 17 => n,
                n = ready(18), if on == 18 => n, n = ready(19), if on == 19 => n,
            }
        }

        pub(super) async fn names_of_the_macro() -> i32 {
            let (future, output, matches, chosen, select, branch, cx) = (1, 2, 3, 4, 5, 6, 7);
            select! {
                n = async { future + output + matches }, if chosen == 4 => n + select + branch + cx,
            }
        }
    };
}

mod ours {
    use dacapo::select;

    bodies!();
}

mod theirs {
    use tokio::select;

    bodies!();
}

/// Every schedule of the body ends as with tokio's macro.
fn check_as_tokio<T: Debug + 'static>(
    ours: impl AsyncFn() -> T + 'static,
    theirs: impl AsyncFn() -> T,
    expected: &str,
) {
    assert_eq!(format!("{:?}", run(async || theirs().await).unwrap()), expected, "tokio's");
    let report = explore(Exhaustive::new(), ours);
    let texts: Vec<&str> = report.outcomes().iter().map(|outcome| outcome.text()).collect();
    assert_eq!(texts, [expected]);
}

macro_rules! as_tokio {
    ($($name:ident => $expected:literal,)+) => {
        $(#[test]
        fn $name() {
            check_as_tokio(ours::$name, theirs::$name, $expected);
        })+
    };
}

as_tokio! {
    block_without_comma => r#"["short", "long"]"#,
    blocks_with_commas_and_expressions => "[2, 4, 5, 6, 7, 8]",
    a_pattern_that_does_not_match => r#""time""#,
    a_mismatch_after_a_wait => r#""second""#,
    a_disabled_future_is_not_polled_again => "1",
    every_kind_of_pattern =>
        r#"["word!", "word7", "word?", "Some((\"word\", 7))", "word", "else", "3", "or", "4", "2", "any"]"#,
    all_conditions_false_with_else => r#"("else", 4)"#,
    order_of_evaluation =>
        r#"["condition 1", "condition 2", "condition 3", "future 1", "future 2", "future 3", "poll 1", "poll 3", "body 3"]"#,
    else_alone => "(1, 2)",
    else_after_all_mismatch => r#""else""#,
    biased => "2",
    control_flow_in_bodies => r#"Err("question mark")"#,
    a_loop_over_channels => r#"["0", "1", "2", "Ok(())"]"#,
    futures_are_dropped_before_the_body => "1",
    a_body_uses_what_the_futures_borrowed => "4",
    temporaries_live_as_long_as_the_future => "4",
    what_becomes_a_future => r#""converted""#,
    many_branches => "19",
    names_of_the_macro => "24",
}

#[test]
fn a_tie_has_the_outcomes_of_tokio() {
    let theirs: BTreeSet<String> =
        (0..256).map(|_| run(theirs::a_tie).unwrap().to_string()).collect();
    let report = explore(Exhaustive::new(), ours::a_tie);
    let ours: BTreeSet<String> =
        report.outcomes().iter().map(|outcome| outcome.text().to_owned()).collect();
    assert_eq!(ours, theirs);
    assert_eq!(ours, ["0", "1", "3"].map(str::to_owned).into());
    // Four branches can be polled first, since one is disabled.
    assert_eq!(report.runs(), 4);
}

#[test]
fn without_else_it_panics_where_it_stands() {
    let message = |run: dacapo::Run<()>| run.failure().expect("it panics").to_string();
    let (ours, theirs) = (message(run(ours::no_else)), message(run(theirs::no_else)));
    let common = "all branches are disabled and there is no else branch";
    assert!(theirs.contains(common), "{theirs}");
    assert!(ours.contains(common) && ours.contains("add `else"), "{ours}");
    assert!(ours.contains("select.rs"), "the place is that of the macro: {ours}");
}
