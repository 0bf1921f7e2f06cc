//! Whether the checker of linearizability is right, and what it says.

use crate::support::histories::{
    Event, Events, Map, Queue, QueueOp, Random, Register, Shape, System, events, exchange, record,
    spoil,
};
use crate::support::{assert_snapshot, panic_of};
use dacapo::history::{History, Model};

/// An operation as the brute force sees it.
struct Seen<M: Model> {
    op: M::Op,
    called: usize,
    returned: Option<(usize, M::Output)>,
}

/// Tries all orders of all operations that have returned and some of the others, each to its end.
fn brute_force<S: System>(events: &Events<S>) -> bool {
    let mut seen: Vec<Seen<S>> = Vec::new();
    let mut in_flight = std::collections::BTreeMap::new();
    for (time, (client, event)) in events.iter().enumerate() {
        match event {
            Event::Call(op) => {
                in_flight.insert(client, seen.len());
                seen.push(Seen { op: op.clone(), called: time, returned: None });
            }
            Event::Return(output) => {
                seen[in_flight[client]].returned = Some((time, output.clone()))
            }
            Event::Drop => {}
        }
    }
    some_order(&seen, &mut Vec::new())
}

fn some_order<S: System>(seen: &[Seen<S>], order: &mut Vec<usize>) -> bool {
    let has_all = (0..seen.len()).all(|n| seen[n].returned.is_none() || order.contains(&n));
    if has_all && is_explained(seen, order) {
        return true;
    }
    (0..seen.len()).any(|next| {
        !order.contains(&next) && {
            order.push(next);
            let found = some_order(seen, order);
            order.pop();
            found
        }
    })
}

fn is_explained<S: System>(seen: &[Seen<S>], order: &[usize]) -> bool {
    let mut model = S::default();
    let in_time = order.iter().enumerate().all(|(place, &later)| {
        order[..place].iter().all(|&sooner| {
            seen[later].returned.as_ref().is_none_or(|(end, _)| *end > seen[sooner].called)
        })
    });
    in_time
        && order.iter().all(|&n| {
            let output = model.step(&seen[n].op);
            seen[n].returned.as_ref().is_none_or(|(_, seen)| *seen == output)
        })
}

/// Asserts that the checker and brute force agree on this many small histories of both kinds, with and
/// without operations that have not returned.
fn agrees<S: System>(histories: u64) {
    let mut counts = [[0; 2]; 2];
    for seed in 0..histories {
        let random = &mut Random::new(seed);
        let shape = Shape {
            clients: 2 + random.below(2) as usize,
            operations: 2 + random.below(4) as usize,
            dropped: random.below(2) * 4,
        };
        let mut events = events::<S>(shape, random);
        if random.below(3) > 0 {
            spoil(&mut events, random);
        }
        if random.below(3) > 0 {
            // What is in flight at the end has not returned either.
            events.truncate(events.len() - random.below(3) as usize);
        }
        let expected = brute_force(&events);
        let history = record(&events);
        let found = history.linearize();
        assert_eq!(found.is_ok(), expected, "seed {seed}: {found:?}\n{history:?}");
        let calls = events.iter().filter(|(_, event)| matches!(event, Event::Call(_))).count();
        let returns = events.iter().filter(|(_, event)| matches!(event, Event::Return(_))).count();
        counts[usize::from(expected)][usize::from(calls > returns)] += 1;
    }
    for count in counts.into_iter().flatten() {
        assert!(count > histories / 10, "of one kind there are few: {counts:?}");
    }
}

#[test]
fn it_agrees_with_brute_force_on_registers() {
    agrees::<Register>(4_000);
}

#[test]
fn it_agrees_with_brute_force_on_maps() {
    agrees::<Map>(3_000);
}

#[test]
fn it_agrees_with_brute_force_on_queues() {
    agrees::<Queue>(3_000);
}

/// Asserts that long histories of busy clients, spoilt like this or right, are decided.
#[track_caller]
fn decides<S: System>(wrong: Option<fn(&mut Events<S>, &mut Random)>, dropped: u64) {
    let verdicts = (0..4).map(|seed| {
        let random = &mut Random::new(seed);
        let mut events = events::<S>(Shape { clients: 8, operations: 300, dropped }, random);
        if let Some(wrong) = wrong {
            wrong(&mut events, random);
        }
        let found = record(&events).linearize();
        assert!(found.as_ref().err().is_none_or(|error| !error.is_undecided()), "{found:?}");
        found
    });
    let verdicts: Vec<_> = verdicts.collect();
    // What was exchanged may be right by chance.
    match wrong {
        None => assert!(verdicts.iter().all(Result::is_ok), "{verdicts:?}"),
        Some(_) => assert!(verdicts.iter().any(Result::is_err), "{verdicts:?}"),
    }
}

#[test]
fn long_histories_are_decided() {
    decides::<Register>(None, 20);
    decides::<Map>(None, 20);
    decides::<Queue>(None, 0);
    decides::<Register>(Some(spoil), 0);
    decides::<Map>(Some(spoil), 0);
    decides::<Queue>(Some(spoil), 0);
    decides::<Queue>(Some(exchange), 0);
}

#[test]
fn what_takes_too_long_is_undecided() {
    let events =
        events::<Queue>(Shape { clients: 8, operations: 300, dropped: 0 }, &mut Random::new(1));
    let error = record(&events).max_steps(100).linearize().unwrap_err();
    assert!(error.is_undecided());
    assert_snapshot!(
        "linearize_undecided",
        "What is said of a history for which the steps of the model did not do.",
        error
    );
}

/// A script: a client a word, `a+1` pushes, `a-` pops, `a=` and `a=1` are the returns, `a!` gives up.
fn queue(script: &str) -> String {
    let events: Events<Queue> = script
        .split_whitespace()
        .map(|word| {
            let (client, what) = word.split_at(1);
            let client = usize::from(client.as_bytes()[0] - b'a');
            let (what, item) = what.split_at(1);
            let item = item.parse().ok();
            let event = match what {
                "+" => Event::Call(QueueOp::Push(item.expect("an item is pushed"))),
                "-" => Event::Call(QueueOp::Pop),
                "=" => Event::Return(item),
                _ => Event::Drop,
            };
            (client, event)
        })
        .collect();
    record(&events).linearize().map_or_else(|error| error.to_string(), |()| "right".to_owned())
}

#[test]
fn the_report_shows_what_matters() {
    let histories = [
        // Items that do not matter, and what comes later, are not shown.
        "a+7 a= a+1 a= b+2 c+9 b= c= c- c=7 c- c=2 a+3 a= b- b=1",
        // An item from nowhere.
        "a+1 b- a= b=2",
        // An item that was popped twice, by clients that cannot have been later.
        "a+1 a= b- c- c=1 b=1",
        // The push was given up, and may have taken effect; not twice.
        "a+1 a! b- b=1 c- c=1",
        // A client that is still waiting may have taken it.
        "a+1 a= b- c- c=",
        "a+1 a= c- c= b-",
    ];
    let reports = histories.map(|script| format!("{script}\n\n{}", queue(script)));
    assert_snapshot!(
        "linearize_reports",
        "Small histories of a queue, as scripts, and what is shown of those that are wrong: no more than it takes.",
        reports.join("\n\n\n")
    );
}

/// A model that nothing satisfies, of texts.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
struct Nothing;

impl Model for Nothing {
    type Op = String;
    type Output = String;

    fn step(&mut self, _: &String) -> String {
        "a\u{202e}b".to_owned()
    }
}

/// What this many clients call at once, and get.
fn report_of(clients: usize, name: &str, text: &str) -> String {
    let history = History::new(Nothing);
    let mut clients: Vec<_> =
        (0..clients).map(|number| history.client(&format!("{name} {number}"))).collect();
    let calls: Vec<_> = clients.iter_mut().map(|client| client.invoke(text.to_owned())).collect();
    for (number, call) in calls.into_iter().enumerate().rev() {
        // All but the first to be called are right.
        call.returns(if number == 0 { text.to_owned() } else { "a\u{202e}b".to_owned() });
    }
    history.linearize().unwrap_err().to_string()
}

#[test]
fn a_report_is_as_wide_as_a_page_whatever_is_in_it() {
    for text in ["short", "\u{1b}[31m\r\n\u{202e}\u{7}<b>", &"long ".repeat(2_000)] {
        for clients in [1, 3, 9] {
            let report = report_of(clients, text, text);
            assert!(report.lines().all(|line| line.chars().count() <= 120), "{report}");
            assert!(
                report.chars().all(|c| c == '\n' || !c.is_control() && c != '\u{202e}'),
                "{report}"
            );
        }
    }
    assert_snapshot!(
        "linearize_hostile",
        "Names and values with line ends, colours and marks of direction, which are shown and not obeyed.",
        report_of(2, "\u{1b}[31mred", "one\ntwo\u{202e}")
    );
}

/// More clients than fit into columns, and more operations than a report shows.
#[test]
fn a_report_of_very_many_operations_has_an_end() {
    let random = &mut Random::new(1);
    let shape = Shape { clients: 9, operations: 300, dropped: 0 };
    let mut events = events::<Register>(shape, random);
    spoil(&mut events, random);
    let report = record(&events).linearize().unwrap_err().to_string();
    assert!(report.lines().count() < 70, "{report}");
    assert_snapshot!(
        "linearize_many",
        "Clients too many for columns, and operations too many to be shown: the last of them, one below the other.",
        report
    );
}

#[test]
fn a_client_does_one_thing_after_another() {
    let history = History::new(Queue::default());
    let mut client = history.client("alice");
    let first = client.invoke(QueueOp::Pop);
    let message = panic_of(|| client.invoke(QueueOp::Pop));
    assert!(message.contains("\"alice\" calls again") && message.contains("History::client"));
    drop(first);
    client.invoke(QueueOp::Pop).returns(None);
    history.linearize().unwrap();
}
