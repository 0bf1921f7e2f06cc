//! How the cost of `n` of anything grows: the time and the instructions for each of them should not
//! depend on `n`.
//!
//! ```sh
//! cargo bench --bench growth                  # prints the table of benches/growth.md
//! cargo bench --bench growth -- --instructions  # fails if something is not near-linear; needs valgrind
//! cargo bench --bench growth -- gather queue    # only the programs with these in their names
//! ```
//!
//! Each figure is measured in a process of its own.

#![allow(missing_docs, reason = "a program has no items to use")]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "it prints a table")]
#![allow(clippy::disallowed_methods, reason = "a bench measures real time, and starts processes")]

mod texts;
mod workloads;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::hint::black_box;
use std::process::{Command, ExitCode, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, mpsc};
use std::thread;
use std::time::Duration;

use dacapo::Builder;
use dacapo::scheduler::Random;

/// The first argument of a process that makes one measurement.
const ONE: &str = "--one";
/// The sizes of the table.
const SIZES: [usize; 2] = [10_000, 100_000];
/// How many processes measure the time of one thing. The fastest counts.
const REPEATS: usize = 2;
/// The sizes of which the instructions are compared.
const COUNTED: [usize; 2] = [1_000, 10_000];
/// How many times the instructions for each may grow from the first of these sizes to the second. Heaps and sorts
/// grow with the logarithm.
const LIMIT: f64 = 1.4;
/// What one thing may take, for programs that nest. Whatever takes longer is not measured.
const PATIENCE: Duration = Duration::from_secs(60);

/// What is measured: how tasks are scheduled, and the name of the program.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Case {
    order: Order,
    name: &'static str,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Order {
    /// The run of `dacapo::run`.
    Fifo,
    /// One run of a search, in a random order.
    Random,
    /// A run that fails or is printed, in one of the forms.
    Text,
}

impl Order {
    const ALL: [Self; 3] = [Self::Fifo, Self::Random, Self::Text];

    fn name(self) -> &'static str {
        match self {
            Self::Fifo => "fifo",
            Self::Random => "random",
            Self::Text => "text",
        }
    }

    fn programs(self) -> Vec<&'static str> {
        match self {
            Self::Text => texts::TEXTS.iter().map(|(name, _)| *name).collect(),
            _ => workloads::PROGRAMS.iter().map(|(name, _)| *name).collect(),
        }
    }
}

fn main() -> ExitCode {
    let mut words: Vec<String> =
        std::env::args().skip(1).filter(|word| word != "--bench").collect();
    if words.first().is_some_and(|word| word == ONE) {
        let [_, order, name, size] = &words[..] else { panic!("{ONE} takes three arguments") };
        one(order, name, size.parse().expect("the size is a number"));
        return ExitCode::SUCCESS;
    }
    let counts = words.first().is_some_and(|word| word == "--instructions");
    if counts {
        words.remove(0);
    }
    let is_asked_for = |name: &str| {
        words.is_empty()
            || words.iter().any(|word| name.to_lowercase().contains(&word.to_lowercase()))
    };
    let cases = |orders: &[Order]| -> Vec<Case> {
        let all = orders
            .iter()
            .flat_map(|&order| order.programs().into_iter().map(move |name| Case { order, name }));
        all.filter(|case| is_asked_for(case.name)).collect()
    };
    if counts { count(&cases(&[Order::Random, Order::Text])) } else { table(&cases(&Order::ALL)) }
}

/// Makes one measurement: prints the nanoseconds that a program takes. Deeply nested futures need a large stack.
fn one(order: &str, name: &str, size: usize) {
    let (order, name) = (order.to_owned(), name.to_owned());
    let work = move || {
        let start = on_processor();
        run(&order, &name, size);
        on_processor() - start
    };
    let thread = thread::Builder::new().stack_size(4 << 30).spawn(work);
    println!("{}", thread.expect("a thread can be started").join().expect("the program passes"));
}

/// The nanoseconds that this thread had on a processor. Other processes do not count.
fn on_processor() -> u64 {
    let numbers = fs::read_to_string("/proc/thread-self/schedstat").expect("Linux counts them");
    let first = numbers.split(' ').next().expect("a split has one part");
    first.parse().expect("it is a number")
}

fn run(order: &str, name: &str, size: usize) {
    if order == Order::Text.name() {
        let (_, text) = texts::TEXTS.iter().find(|(known, _)| *known == name).expect("it is there");
        black_box(text(size));
        return;
    }
    let program = workloads::PROGRAMS.iter().find(|(known, _)| *known == name);
    let (_, program) = program.expect("it is there");
    let builder = Builder::new().max_steps(1_000_000_000).max_tasks(10_000_000).recheck_every(0);
    if order == Order::Fifo.name() {
        builder.run(async || program(size).await).unwrap();
    } else {
        let report = builder.explore(Random::seeds(0..1), async || program(size).await);
        assert_eq!(report.failures().count(), 0, "{name}:\n{report}");
    }
}

/// What a process prints that makes one measurement. `None` if it has crashed or takes too long.
fn measure(mut command: Command, case: Case, size: usize) -> Option<String> {
    command.args([ONE, case.order.name(), case.name, &size.to_string()]);
    let process = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let process = process.expect("a process can be started");
    let id = process.id();
    let (sender, receiver) = mpsc::channel();
    let reader = thread::spawn(move || {
        let output = process.wait_with_output().expect("the output of a process can be read");
        let _ = sender.send(());
        output
    });
    if receiver.recv_timeout(PATIENCE).is_err() {
        let _ = Command::new("kill").arg(id.to_string()).status();
        let _ = reader.join();
        return None;
    }
    let output = reader.join().expect("the reader does not panic");
    let text =
        [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
    output.status.success().then(|| text.concat())
}

fn this() -> Command {
    Command::new(std::env::current_exe().expect("this program has a path"))
}

fn table(cases: &[Case]) -> ExitCode {
    print!("{HEAD}");
    for order in Order::ALL {
        if !cases.iter().any(|case| case.order == order) {
            continue;
        }
        let title = match order {
            Order::Fifo => "One run, first in, first out",
            Order::Random => "One run, in a random order",
            Order::Text => "Texts",
        };
        println!("\n## {title}\n\n| | 10,000 | 100,000 | growth |\n|---|---|---|---|");
        for &case in cases.iter().filter(|case| case.order == order) {
            let nanos = SIZES.map(|size| {
                let time = || {
                    measure(this(), case, size)?.lines().find_map(|line| line.parse::<u64>().ok())
                };
                let least = (0..REPEATS).map_while(|_| time()).min()?;
                Some(least as f64 / size as f64)
            });
            let mut line = format!("| {} |", case.name);
            for nanos in nanos {
                let cell = nanos.map_or_else(|| "–".to_owned(), |nanos| format!("{nanos:.0} ns"));
                write!(line, " {cell} |").expect("a string takes all text");
            }
            let growth = match nanos {
                [Some(first), Some(last)] if first > 0.0 => format!("{:.1}", last / first),
                _ => "–".to_owned(),
            };
            println!("{line} {growth} |");
        }
    }
    ExitCode::SUCCESS
}

const HEAD: &str = "# Growth

Made by `cargo bench --bench growth`: the processor time for each of `n` tasks, waiters or scopes, and how many times it
grows from 10,000 to 100,000. The faster of 2 processes. – means more than a minute, or too little to
be measured: the clock of a thread goes in steps of some milliseconds. 100,000 tasks do not fit into the caches, so
each step waits for memory; a growth of up to 3 is that. What is quadratic grows tenfold.

`cargo bench --bench growth -- --instructions`, which is a part of `.ci/run`, compares instructions at 1,000 and at
10,000, and fails if one of these grows by more than 1.4.
";

/// The instructions of a program, as valgrind counts them: unlike time, that repeats.
fn instructions(case: Case, size: usize) -> Option<u64> {
    let mut valgrind = Command::new("valgrind");
    // Without the environment, whose length would count.
    valgrind.env_clear().args([
        "--tool=cachegrind",
        "--cache-sim=no",
        "--cachegrind-out-file=/dev/null",
    ]);
    valgrind.arg("--main-stacksize=8388608").arg(this().get_program());
    let output = measure(valgrind, case, size)?;
    let line = output.lines().find_map(|line| line.split_once("I   refs:"))?;
    line.1.trim().replace(',', "").parse().ok()
}

/// Compares the instructions for each at two sizes.
fn count(cases: &[Case]) -> ExitCode {
    let nothing = Case { order: Order::Random, name: "nothing" };
    let Some(base) = instructions(nothing, 1) else {
        eprintln!("valgrind has counted nothing; is it installed?");
        return ExitCode::from(2);
    };
    let next = AtomicUsize::new(0);
    let counted = Mutex::new(BTreeMap::new());
    let work = || {
        while let Some(&case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
            let each = COUNTED.map(|size| {
                Some(instructions(case, size)?.saturating_sub(base) as f64 / size as f64)
            });
            let place = cases.iter().position(|other| *other == case);
            counted.lock().expect("no thread panics").insert(place, each);
        }
    };
    thread::scope(|scope| {
        (0..thread::available_parallelism().map_or(1, usize::from))
            .for_each(|_| drop(scope.spawn(work)));
    });
    let mut failed = false;
    for (case, (_, each)) in cases.iter().zip(counted.into_inner().expect("no thread panics")) {
        let Case { order, name } = case;
        let (verdict, is_bad) = match each {
            [Some(small), Some(large)] if large <= LIMIT * small.max(1.0) => {
                (format!("{small:.0} → {large:.0} instructions for each"), false)
            }
            [Some(small), Some(large)] => (
                format!("{small:.0} → {large:.0} instructions for each: × {:.1}", large / small),
                true,
            ),
            _ => ("it crashed, or took too long".to_owned(), true),
        };
        failed |= is_bad;
        println!(
            "{}  {name}, {}: {verdict}",
            if is_bad { "FAILED" } else { "ok    " },
            order.name()
        );
    }
    if failed {
        eprintln!(
            "Something grows faster than near-linear: its cost for each of {} is more than {LIMIT} times that for \
             each of {}.",
            COUNTED[1], COUNTED[0]
        );
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}
