//! Runs as pictures: what is drawn is what happened, in a form that its readers accept.

use std::collections::BTreeMap;

use crate::support::pictures::{everything, hostile, relay, trace_of};
use crate::support::{assert_snapshot, programs};
use dacapo::task::{spawn_named, yield_now};
use dacapo::trace::Event;
use dacapo::{Builder, Schedule, Trace};
use proptest::prelude::*;
use serde_json::Value;

#[test]
fn a_run_as_a_sequence_diagram() {
    let trace = trace_of("d1:1.0.1", everything);
    assert_snapshot!(
        "mermaid",
        "A run with a little of everything as a Mermaid sequence diagram.",
        trace.mermaid()
    );
}

/// Each line has one of the forms that are used of Mermaid, and texts have nothing that is a sign to it.
#[track_caller]
fn check_mermaid(trace: &Trace) {
    let diagram = trace.mermaid().to_string();
    assert!(diagram.len() < 50_000, "{} bytes", diagram.len());
    let mut lines = diagram.lines();
    assert_eq!(lines.next(), Some("sequenceDiagram"));
    let (mut open, mut participants) = (false, Vec::new());
    for line in lines {
        let line = line.strip_prefix("    ").unwrap_or_else(|| panic!("{line:?}"));
        match line {
            "rect rgba(240, 160, 32, 0.25)" => assert!(!std::mem::replace(&mut open, true)),
            "end" => assert!(std::mem::replace(&mut open, false)),
            _ => {
                let (places, text) = match line.strip_prefix("participant ") {
                    Some(line) => {
                        let (id, name) = line.split_once(" as ").unwrap();
                        participants.push(id.to_owned());
                        (vec![id], name)
                    }
                    None => {
                        let (head, text) = line.split_once(": ").unwrap();
                        let head = head.strip_prefix("Note over ").unwrap_or(head);
                        let separators = [",", "-->>", "->>", "-x"];
                        let by = separators.into_iter().find(|by| head.contains(by));
                        (by.map_or(vec![head], |by| head.split(by).collect()), text)
                    }
                };
                for place in places {
                    assert!(participants.iter().any(|known| known == place), "{line}");
                }
                let plain: String = text
                    .split('#')
                    .enumerate()
                    .map(|(number, part)| match part.split_once(';') {
                        Some((code, rest)) if number > 0 => {
                            code.parse::<u32>().unwrap_or_else(|_| panic!("{line}"));
                            rest
                        }
                        _ if number > 0 => panic!("{line}"),
                        _ => part,
                    })
                    .collect();
                assert!(!text.trim().is_empty(), "{line:?}");
                assert!(
                    !plain.contains(|c: char| ":;#<>&\"%".contains(c) || c.is_control()),
                    "{line}"
                );
            }
        }
    }
    assert!(!open);
}

#[test]
fn a_sequence_diagram_has_bounds() {
    check_mermaid(&hostile());
    let trace = trace_of("d1:", async || relay(40, 30).await);
    check_mermaid(&trace);
    let diagram = trace.mermaid().to_string();
    assert!(diagram.contains("earlier acts left out"), "{diagram}");
    assert!(diagram.contains("more tasks"), "{diagram}");
    // Of wide characters as well.
    check_mermaid(&trace_of("d1:", async || {
        let tasks = (0..60).map(|_| spawn_named(&"\u{1f980}".repeat(100), yield_now()));
        dacapo::gather(tasks.collect::<Vec<_>>()).await;
    }));
    check_mermaid(&Trace::default());
}

#[test]
fn a_run_for_the_perfetto_ui() {
    let trace = trace_of("d1:1.0.1", everything);
    check_perfetto(&trace);
    assert_snapshot!(
        "perfetto",
        "The same run as trace events for the Perfetto UI.",
        trace.perfetto()
    );
}

/// The rules of the trace-event format, as far as Perfetto minds them.
#[track_caller]
fn check_perfetto(trace: &Trace) {
    let text = trace.perfetto().to_string();
    assert!(!text.contains("</script"));
    let json: Value = serde_json::from_str(&text).expect("it is JSON");
    let mut last = BTreeMap::new();
    let mut slices: BTreeMap<u64, Vec<(u64, u64)>> = BTreeMap::new();
    let (mut names, mut flows, mut steps) = (BTreeMap::new(), BTreeMap::new(), 0);
    for event in json["traceEvents"].as_array().expect("it has events") {
        assert_eq!(event["pid"], 1, "{event}");
        let tid = event["tid"].as_u64().expect("a track");
        let name = event["name"].as_str().expect("a name");
        assert!(name.chars().count() <= 301 && !name.contains(char::is_control), "{event}");
        let phase = event["ph"].as_str().expect("a phase");
        if phase == "M" {
            if name == "thread_name" {
                let name = event["args"]["name"].as_str().expect("a name of the track");
                assert_eq!(names.insert(tid, name.to_owned()), None);
            }
            continue;
        }
        assert!(names.contains_key(&tid), "no name of the track of {event}");
        assert!(event["cat"].is_string(), "{event}");
        let ts = nanos(&event["ts"]);
        let before = last.insert(tid, ts).unwrap_or(0);
        assert!(before <= ts, "back in time: {event}");
        match phase {
            "X" => {
                let dur = nanos(&event["dur"]);
                assert!(dur > 0, "{event}");
                slices.entry(tid).or_default().push((ts, ts + dur));
                steps += usize::from(name == "runs");
            }
            "i" => assert_eq!(event["s"], "t", "{event}"),
            "s" => {
                let id = event["id"].as_u64().expect("an id");
                assert_eq!(flows.insert(id, Some((name.to_owned(), tid, ts))), None);
            }
            "f" => {
                let id = event["id"].as_u64().expect("an id");
                let (of, from, start) = flows.insert(id, None).flatten().expect("it begins first");
                assert_eq!((of.as_str(), &event["bp"]), (name, &Value::from("e")));
                assert!(start <= ts, "{event}");
                // An arrow leads from a slice to a slice; a clock that did not jump has none.
                for (tid, at) in [(from, start), (tid, ts)] {
                    let within = |slices: &Vec<(u64, u64)>| {
                        slices.iter().any(|&(from, to)| from <= at && at < to)
                    };
                    assert!(slices.get(&tid).is_some_and(within), "{event}");
                }
            }
            phase => panic!("{phase}"),
        }
    }
    assert!(flows.values().all(Option::is_none), "an arrow that leads nowhere");
    for slices in slices.values() {
        assert!(slices.windows(2).all(|pair| pair[0].1 <= pair[1].0), "slices overlap");
    }
    let polls = trace.events().filter(|(_, event)| matches!(event, Event::Poll { .. }));
    assert_eq!(steps, polls.count());
}

fn nanos(micros: &Value) -> u64 {
    (micros.as_f64().expect("a number") * 1000.0).round() as u64
}

#[test]
fn hostile_texts_are_only_texts_to_perfetto() {
    check_perfetto(&hostile());
}

proptest! {
    #![proptest_config(crate::support::cases(100))]

    /// Also of runs whose first events were not kept.
    #[test]
    fn every_run_can_be_drawn(
        program in programs::program(),
        answers in prop::collection::vec(0..4u32, 0..20),
        max in prop_oneof![Just(100_000), 1..40usize],
    ) {
        let schedule = Schedule::new(answers);
        let builder = Builder::new().max_events(max);
        let run = builder.replay(schedule, async || programs::run(program.clone()).await);
        check_perfetto(run.trace());
        check_mermaid(run.trace());
    }
}
