//! Schedules and traces, as values and as texts.

use crate::support::{assert_parts, assert_snapshot, millis};
use dacapo::Schedule;
use dacapo::schedule::{Answer, Lasting};
use proptest::prelude::*;

fn schedule() -> impl Strategy<Value = Schedule> {
    let option = prop_oneof![4 => Just(0), 4 => 0..5u32, 1 => any::<u32>()];
    let lasting =
        prop_oneof![8 => Just(Lasting::Once), 1 => Just(Lasting::Hold), 1 => Just(Lasting::Ahead)];
    let answers = (option, lasting).prop_map(|(option, lasting)| Answer::new(option, lasting));
    let seed = prop_oneof![Just(0), any::<u64>()];
    (prop::collection::vec(answers, 0..60), seed)
        .prop_map(|(answers, seed)| Schedule::new(answers).with_seed(seed))
}

proptest! {
    #[test]
    fn what_is_printed_is_parsed(schedule in schedule()) {
        prop_assert_eq!(schedule.to_string().parse::<Schedule>(), Ok(schedule));
    }

    #[test]
    fn no_text_does_harm(text in any::<String>()) {
        if let Ok(schedule) = text.parse::<Schedule>() {
            prop_assert_eq!(schedule.to_string().parse::<Schedule>(), Ok(schedule));
        }
    }

    /// Nearer to what people mistype than arbitrary texts are.
    #[test]
    fn no_nearly_right_text_does_harm(text in "(d1:)?[0-9xha.@+bswlycmd: ]{0,12}") {
        match text.parse::<Schedule>() {
            Ok(schedule) => {
                prop_assert!(schedule.answers().last() != Some(&Answer::USUAL));
                prop_assert_eq!(schedule.to_string().parse::<Schedule>(), Ok(schedule));
            }
            Err(error) => {
                prop_assert!(error.column() >= 1);
                prop_assert!(error.column() <= text.chars().count() + 1);
            }
        }
    }

    #[test]
    fn simplicity_is_an_order(a in schedule(), b in schedule(), c in schedule()) {
        prop_assert_eq!(a.cmp_simplicity(&b), b.cmp_simplicity(&a).reverse());
        prop_assert_eq!(a.cmp_simplicity(&b).is_eq(), a == b);
        if a.cmp_simplicity(&b).is_le() && b.cmp_simplicity(&c).is_le() {
            prop_assert!(a.cmp_simplicity(&c).is_le());
        }
    }
}

#[track_caller]
fn check(text: &str, expectation: Result<&[u32], &str>) {
    match (text.parse::<Schedule>(), expectation) {
        (Ok(schedule), Ok(answers)) => assert_eq!(*schedule.answers(), *answers),
        (Err(error), Err(message)) => assert_eq!(error.to_string(), message),
        (parsed, _) => panic!("{text:?} gives {parsed:?}"),
    }
}

#[test]
fn texts_of_schedules() {
    check("d1:", Ok(&[]));
    check("d1:0x2.3", Ok(&[0, 0, 3]));
    check("d1:1x3", Ok(&[1, 1, 1]));
    check("  d1:0.1.0x7\n", Ok(&[0, 1]));
    check("d1:7@42", Ok(&[7]));
    check("d1:@42", Ok(&[]));
    check("d1:+bs", Ok(&[]));
    check("d1:0.1+ym2c1@42", Ok(&[0, 1]));
    let reordered: Schedule = "d1:0.1+ym2c1@42".parse().unwrap();
    assert_eq!(reordered.to_string(), "d1:0.1+yc1m2@42");
}

#[test]
fn answers_may_last() {
    let schedule: Schedule = "d1:0x2.h1.a0x2.h0".parse().unwrap();
    let lasting = schedule.answers().iter().map(|answer| answer.lasting());
    let expected = [Lasting::Once, Lasting::Once, Lasting::Hold, Lasting::Ahead, Lasting::Ahead];
    assert!(lasting.eq(expected));
    // `h0` holds no task back.
    assert_eq!(schedule.to_string(), "d1:0x2.h1.a0x2");
    assert_eq!(schedule.deviations(), 3);
}

#[test]
fn a_malformed_schedule_is_told_where_and_what_was_expected() {
    let beginning = "`d1:`, with which every schedule begins";
    let text = |column, expected, found| {
        format!("malformed schedule: at column {column}, expected {expected}, {found}")
    };
    check("", Err(&text(1, beginning, "but the text ends there")));
    check("d2:0", Err(&text(1, beginning, "found 'd'")));
    check("0x2.3", Err(&text(1, beginning, "found '0'")));
    let answer = "an answer from 0 to 4294967295";
    check("d1:x", Err(&text(4, answer, "found 'x'")));
    check("d1:0.", Err(&text(6, answer, "but the text ends there")));
    check("d1:-1", Err(&text(4, answer, "found '-'")));
    check("d1:4294967296", Err(&text(4, answer, "found '4'")));
    check("d1:0x", Err(&text(6, "a count from 1", "but the text ends there")));
    check("d1:0x0", Err(&text(6, "a count from 1", "found '0'")));
    check("d1:1x99999999999", Err(&text(6, "at most 16777216 answers in all", "found '9'")));
    check("d1:1@", Err(&text(6, "a seed from 0 to 2^64 - 1", "but the text ends there")));
    let next = "`.` and an answer, `xCOUNT`, `+KINDS`, `@SEED`, or the end";
    check("d1:1é", Err(&text(5, next, "found 'é'")));
    check("d1:1 2", Err(&text(5, next, "found ' '")));
    let kind = "a kind of fault: b, s, w, l, y, cCOUNT, or mCOUNT";
    check("d1:1+", Err(&text(6, kind, "but the text ends there")));
    check("d1:+@1", Err(&text(5, kind, "found '@'")));
    check("d1:+c", Err(&text(6, "a count from 1", "but the text ends there")));
    check("d1:+bc0", Err(&text(7, "a count from 1", "found '0'")));
    let another = "another kind of fault, `@SEED`, or the end";
    check("d1:+bsb", Err(&text(7, another, "found 'b'")));
    check("d1:1+b.2", Err(&text(7, another, "found '.'")));
}

#[test]
fn a_trace_tells_what_happened() {
    let run = dacapo::run(async || {
        let semaphore = std::rc::Rc::new(dacapo::sync::Semaphore::new(1));
        let other = semaphore.clone();
        let waiter = dacapo::task::spawn_named("waiter", async move {
            let _permit = other.acquire().await;
            dacapo::choose("coin", 2);
        });
        let permit = semaphore.acquire().await.unwrap();
        let sleeper = dacapo::spawn(dacapo::time::sleep(millis(50)));
        dacapo::time::sleep(millis(3)).await;
        drop(permit);
        sleeper.abort();
        drop(waiter.await);
        dacapo::spawn(std::future::pending::<()>());
        dacapo::task::yield_now().await;
    });
    assert_snapshot!(
        "trace",
        "Every kind of event in the log, a line each.",
        run.trace().log().to_string()
    );
}

/// An edit elsewhere, such as another line or another task that this one does not meet, leaves the
/// lines of a task as they are: no line numbers, no addresses, and names that are paths.
#[test]
fn a_trace_keeps_to_the_point() {
    let trace = |extra: bool| {
        let run = dacapo::run(async move || {
            let work = dacapo::spawn(async move {
                dacapo::spawn(dacapo::time::sleep(millis(1))).await.unwrap();
            });
            if extra {
                dacapo::spawn(async {
                    dacapo::spawn(async {});
                });
            }
            work.await.unwrap();
        });
        let text = run.trace().log().to_string();
        let lines = text.lines().filter(|line| line.contains("main/1") && !line.contains("choice"));
        let lines = lines.map(|line| line[17..].to_owned());
        lines.collect::<Vec<_>>()
    };
    assert_eq!(trace(false), trace(true));
}

#[test]
fn a_long_trace_keeps_its_end() {
    let run = dacapo::Builder::new().max_events(6).run(async || {
        for _ in 0..100 {
            dacapo::time::sleep(millis(1)).await;
        }
    });
    assert_parts(
        &run.trace().log().to_string(),
        &["earlier events are not kept; see Builder::max_events", "100 ms   101  main returns\n"],
    );
    let all = dacapo::run(async || {
        for _ in 0..100 {
            dacapo::time::sleep(millis(1)).await;
        }
    });
    assert_eq!(all.trace().hash(), run.trace().hash(), "the hash is of all events");
}

#[test]
fn names_are_paths_or_given() {
    let run = dacapo::run(async || {
        let outer = dacapo::spawn(async {
            let inner = dacapo::spawn(async { dacapo::task::name() });
            let named = dacapo::task::spawn_named("job", async {
                dacapo::spawn(async { dacapo::task::name() }).await.unwrap()
            });
            let again = dacapo::task::spawn_named("job", async { dacapo::task::name() });
            let hostile =
                dacapo::task::spawn_named("a\n\u{1b}[31m", async { dacapo::task::name() });
            let long =
                dacapo::task::spawn_named(&"x".repeat(10_000), async { dacapo::task::name() });
            let long = long.await.unwrap().chars().count();
            assert_eq!(long, 61);
            let mut names = Vec::new();
            for task in [inner, named, again, hostile] {
                names.push(task.await.unwrap());
            }
            names
        });
        outer.await.unwrap()
    });
    assert_eq!(run.unwrap(), ["main/1/1", "job/1", "job#2", "a\\n\\u{1b}[31m"].map(str::to_owned));
}
