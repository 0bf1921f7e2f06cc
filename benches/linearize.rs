//! How long it takes to decide histories of 1,000 operations of 8 clients that are always busy, and to
//! write the report if they are wrong, as a table in Markdown:
//!
//! ```sh
//! cargo bench --bench linearize
//! cargo bench --bench linearize -- published   # histories of other systems, see tests/support/published.rs
//! ```
#![allow(missing_docs, clippy::print_stdout, reason = "a bench prints a table")]
#![allow(unreachable_pub, reason = "tests have the same histories")]

#[path = "../tests/support/histories.rs"]
mod histories;
#[path = "../tests/support/published.rs"]
mod published;

use std::time::{Duration, Instant};

use histories::{
    Events, Map, Queue, Random, Register, Shape, System, events, exchange, record, spoil,
};

const SHAPE: Shape = Shape { clients: 8, operations: 1_000, dropped: 0 };
const HISTORIES: u64 = 20;

/// What is done to a right history.
type Wrong<S> = fn(&mut Events<S>, &mut Random);

#[expect(clippy::disallowed_methods, reason = "a bench measures real time")]
fn row<S: System>(name: &str, shape: Shape, wrong: Wrong<S>) {
    let mut times: Vec<Duration> = Vec::new();
    let mut verdicts = [0; 3];
    for seed in 0..HISTORIES {
        let random = &mut Random::new(seed);
        let mut events = events::<S>(shape, random);
        wrong(&mut events, random);
        let history = record(&events);
        let start = Instant::now();
        let verdict = history.linearize();
        times.push(start.elapsed());
        verdicts[match verdict {
            Ok(()) => 0,
            Err(error) if error.is_undecided() => 2,
            Err(_) => 1,
        }] += 1;
    }
    times.sort_unstable();
    let millis = |time: Duration| time.as_secs_f64() * 1_000.0;
    let [yes, no, undecided] = verdicts;
    let (median, worst) = (millis(times[times.len() / 2]), millis(times[times.len() - 1]));
    println!("| {name} | {yes} | {no} | {undecided} | {median:.1} | {worst:.1} |");
}

fn rows<S: System>(name: &str) {
    row::<S>(name, SHAPE, |_, _| {});
    row::<S>(&format!("{name}, an output is wrong"), SHAPE, spoil);
    row::<S>(&format!("{name}, two are exchanged"), SHAPE, exchange);
    row::<S>(
        &format!("{name}, 1 call in 20 is dropped"),
        Shape { dropped: 20, ..SHAPE },
        |_, _| {},
    );
}

/// Histories of other systems, if they are there.
#[expect(clippy::disallowed_methods, reason = "a bench measures real time")]
fn published_rows() {
    let mut of_etcd = Duration::ZERO;
    for published in published::all() {
        let mut time = Duration::ZERO;
        let verdict = published.linearize(&mut |linearize| {
            let start = Instant::now();
            linearize();
            time = start.elapsed();
        });
        let verdict = match &verdict {
            Ok(()) => "linearizable",
            Err(error) if error.is_undecided() => "undecided",
            Err(_) => "not linearizable",
        };
        let right = if published.is_linearizable { "linearizable" } else { "not linearizable" };
        let name = &published.name;
        if verdict != right {
            println!("| {name} | {right} | **{verdict}** | {:.1} |", time.as_secs_f64() * 1_000.0);
        } else if name.starts_with("etcd") {
            of_etcd += time;
        } else {
            println!("| {name} | {right} | {verdict} | {:.1} |", time.as_secs_f64() * 1_000.0);
        }
    }
    println!("| all of etcd | | | {:.1} |", of_etcd.as_secs_f64() * 1_000.0);
}

fn main() {
    if std::env::args().any(|argument| argument == "published") {
        println!("| history | it is | dacapo says | time, ms |");
        println!("|---|---|---|---|");
        return published_rows();
    }
    println!("| histories | linearizable | not | undecided | median, ms | worst, ms |");
    println!("|---|---|---|---|---|---|");
    rows::<Register>("register");
    rows::<Map>("map");
    rows::<Queue>("queue");
}
