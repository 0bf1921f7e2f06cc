//! How much each simulator does in a second of the processor, as a table in Markdown:
//!
//! ```sh
//! cd benches/peers && cargo run --release --bin speed > speed.md
//! cargo run --bin speed >> speed.md                        # unoptimised
//! cargo run --profile dev-optimised --bin speed >> speed.md   # only dacapo optimised
//! ```
//!
//! With parts of the names of workloads or of peers, only those: `speed yield dacapo floor`. Each figure
//! is the median of five. Each measurement has a process of its own, and all take turns. Progress goes
//! to the standard error.

#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a bench prints a table")]

use std::env;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use peers::speed::{PEERS, Part, Peer};
use workloads::{Workload, cpu};

const ROUNDS: usize = 5;

/// The first argument of a process that makes one measurement.
const ONE: &str = "--one";

/// How long a measurement takes at most, about.
const TIME: Duration = Duration::from_millis(400);

fn main() {
    let mut words: Vec<String> = env::args().skip(1).collect();
    if words.first().is_some_and(|word| word == ONE) {
        words.remove(0);
        let (workload, peer) = (&words[0], &words[1]);
        let workload = Workload::ALL.into_iter().find(|other| other.name() == workload);
        let peer = PEERS.iter().find(|other| other.name == peer);
        println!("{}", one(workload.expect("it is one"), peer.expect("it is one")));
        return;
    }
    let is_workload = |word: &&String| Workload::ALL.iter().any(|it| it.name().contains(&**word));
    let (workloads, peers): (Vec<_>, Vec<_>) = words.iter().partition(is_workload);
    let is_asked_for = |asked: &[&String], name: &str| {
        asked.is_empty() || asked.iter().any(|it| name.contains(&**it))
    };
    let workloads: Vec<_> =
        Workload::ALL.into_iter().filter(|it| is_asked_for(&workloads, it.name())).collect();
    let peers: Vec<_> = PEERS.iter().filter(|it| is_asked_for(&peers, it.name)).collect();
    print!("{}", page(&workloads, &measure(&workloads, peers)));
}

/// Operations per second of the processor, from one measurement in this process.
fn one(workload: Workload, peer: &Peer) -> f64 {
    let Part::Runs(run) = peer.part(workload) else { panic!("this is not run") };
    let rate = |size: u64| {
        let (count, time) = cpu::timed(|| run(size));
        count as f64 / time.as_secs_f64()
    };
    let whole = workload.size();
    // The first part also warms the caches; a slow peer does not have to do all of it.
    let first = rate((whole / 100).max(1));
    if workload == Workload::Sleep && !cfg!(debug_assertions) {
        return rate(whole);
    }
    let affordable = (first * TIME.as_secs_f64()) as u64;
    rate(affordable.clamp(whole / 100, whole))
}

struct Row {
    peer: &'static Peer,
    /// The medians, as far as there are any, in the order of the workloads.
    rates: Vec<Option<f64>>,
}

fn measure(workloads: &[Workload], peers: Vec<&'static Peer>) -> Vec<Row> {
    let program = env::current_exe().expect("this program has a path");
    let mut rates = vec![vec![Vec::new(); workloads.len()]; peers.len()];
    for round in 1..=ROUNDS {
        for (column, workload) in workloads.iter().enumerate() {
            eprintln!("round {round} of {ROUNDS}: {}", workload.name());
            for (row, peer) in peers.iter().enumerate() {
                if let Part::Runs(_) = peer.part(*workload) {
                    rates[row][column].push(ask(&program, *workload, peer));
                }
            }
        }
    }
    let median = |mut rates: Vec<f64>| {
        rates.sort_by(f64::total_cmp);
        rates.get(rates.len() / 2).copied()
    };
    let rows = peers.into_iter().zip(rates);
    rows.map(|(peer, rates)| Row { peer, rates: rates.into_iter().map(median).collect() }).collect()
}

/// The rate that another process measures.
fn ask(program: &Path, workload: Workload, peer: &Peer) -> f64 {
    let mut one = Command::new(program);
    let output = one.args([ONE, workload.name(), peer.name]).output();
    let output = output.expect("this program can be started");
    let rate = String::from_utf8_lossy(&output.stdout).trim().parse();
    let errors = || String::from_utf8_lossy(&output.stderr).into_owned();
    rate.unwrap_or_else(|_| panic!("{}, {}: {}", workload.name(), peer.name, errors()))
}

/// How this program was built, by the directory that cargo puts it into.
fn profile() -> String {
    let program = env::current_exe().expect("this program has a path");
    let directory = program.parent().and_then(|directory| directory.file_name());
    directory.map_or_else(String::new, |name| name.to_string_lossy().into_owned())
}

fn page(workloads: &[Workload], rows: &[Row]) -> String {
    let (title, option) = match profile().as_str() {
        "release" => ("Speed, optimised".to_owned(), " --release".to_owned()),
        "debug" => ("Speed, unoptimised".to_owned(), String::new()),
        other => (format!("Speed, with the profile `{other}`"), format!(" --profile {other}")),
    };
    let mut page = format!(
        "## {title}

Made by `cd benches/peers && cargo run{option} --bin speed`: operations per processor second, and in
brackets the ratio to the floor. Medians of {ROUNDS}; all take turns, each in a process of its own. The floor is a
bare loop on `async-task` with a `Vec` of ready tasks, a random pick, and a heap of timers. Raw polls one future in
a loop.

"
    );
    page += &line("", workloads.iter().map(|workload| workload.name().to_owned()));
    page += &line("---", workloads.iter().map(|_| "---".to_owned()));
    let floor = rows.iter().find(|row| row.peer.name == "floor");
    for row in rows {
        let cells = workloads.iter().enumerate().map(|(column, &workload)| {
            let Some(rate) = row.rates[column] else {
                let Part::Cannot(why) = row.peer.part(workload) else { return String::new() };
                return why.to_owned();
            };
            let ratio = floor.and_then(|floor| floor.rates[column]).map(|floor| rate / floor);
            rounded(rate) + &ratio.map_or_else(String::new, |ratio| format!(" ({ratio:.2})"))
        });
        page += &line(row.peer.name, cells);
    }
    let best: Vec<Option<(f64, &str)>> = (0..workloads.len())
        .map(|column| {
            let rivals = rows.iter().filter(|row| row.peer.is_rival);
            let rates = rivals.filter_map(|row| Some((row.rates[column]?, row.peer.name)));
            rates.max_by(|one, other| one.0.total_cmp(&other.0))
        })
        .collect();
    page += &line(
        "*the best of the peers*",
        best.iter().map(|best| best.map_or_else(String::new, |(_, name)| name.to_owned())),
    );
    for row in rows.iter().filter(|row| row.peer.is_dacapo) {
        let cells = row.rates.iter().zip(&best).map(|(&rate, &best)| match (rate, best) {
            (Some(rate), Some((best, _))) => format!("× {:.2}", rate / best),
            _ => String::new(),
        });
        page += &line(&format!("*{}, to the best peer*", row.peer.name), cells);
    }
    page + "
- yield: 100 tasks. spawn: 100 tasks are spawned and joined, again and again. crowd: 100,000
  tasks are spawned and then joined. abort: 100,000 tasks are spawned, then aborted and joined. sleep: 100,000 tasks sleep ten
  times each (fewer if unoptimised). semaphore: 1,000 tasks acquire one of 3 permits, and yield while they hold
  it. queue: 4 tasks put items into a queue of 16 places. simulation: whole runs, each with a fresh seed, of 5
  tasks with 4 yields and a sleep each. empty: whole runs that do nothing.
- dacapo makes its runs with `check`, records and hashes them, and repeats some of them. A repeated run counts as
  two, except in the last column. The portfolio's seven policies share eleven turns, so its figure is for eleven
  runs, each an eleventh as long, except in the last column. FIFO is `run`.
- Semaphore and queue are each simulator's own, or tokio's if it has none.
- shuttle and smol have no virtual time. Their simulations yield where others sleep.
"
}

fn line(first: &str, cells: impl Iterator<Item = String>) -> String {
    let mut line = format!("| {first} |");
    for cell in cells {
        line += &format!(" {cell} |");
    }
    line + "\n"
}

/// A rate for people, as 34.7 M or 559 k.
fn rounded(rate: f64) -> String {
    let (number, unit) = match rate {
        1e6.. => (rate / 1e6, " M"),
        1e3.. => (rate / 1e3, " k"),
        _ => (rate, ""),
    };
    if number < 10.0 { format!("{number:.2}{unit}") } else { format!("{number:.1}{unit}") }
}
