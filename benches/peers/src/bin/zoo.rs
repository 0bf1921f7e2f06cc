//! How many schedules each simulator needs to find the bugs of the zoo, as a table in Markdown:
//!
//! ```sh
//! cd benches/peers && cargo run --release --bin zoo > zoo.md
//! ```
//!
//! With the names of programs, or parts of them, only those. Progress goes to the standard error.

#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "a bench prints a table")]

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs::File;
use std::io::Write as _;
use std::time::Instant;

use dacapo::scheduler::{Pct, Portfolio, Random, Urw};
use peers::first_failure::{Found, ShuttleMake, Way, warm_up};
use peers::programs::{self, Program};
use peers::quiet::{Panic, silence};
use peers::search::{MOST, SEARCHES, drawing};
use shuttle::scheduler::{PctScheduler, RandomScheduler, UrwRandomScheduler};

/// The versions that Cargo.toml pins.
const HEAD: &str = "\
# Runs to the first failure, beside other simulators

dacapo, shuttle 0.9.9 and madsim 0.2.34. Made by `cd benches/peers && cargo run --release --bin zoo`. The
programs are in `tests/zoo/programs`.

";

/// How many schedules each fixed twin must pass, in each column.
const TWIN: u64 = 1000;

/// The depth that shuttle's own tests give PCT.
const DEPTH: usize = 3;

const COLUMNS: [(&str, Way); 9] = [
    ("dacapo portfolio", Way::Dacapo(|seeds| Box::new(Portfolio::seeds(drawing(seeds))))),
    ("dacapo random", Way::Dacapo(|seeds| Box::new(Random::seeds(seeds)))),
    ("dacapo PCT 3", Way::Dacapo(|seeds| Box::new(Pct::seeds(drawing(seeds)).depth(3)))),
    ("dacapo URW", Way::Dacapo(|seeds| Box::new(Urw::seeds(drawing(seeds))))),
    ("shuttle random", yielding(|seed, most| Box::new(RandomScheduler::new_from_seed(seed, most)))),
    (
        "shuttle PCT 3",
        yielding(|seed, most| Box::new(PctScheduler::new_from_seed(seed, DEPTH, most))),
    ),
    (
        "shuttle PCT 3, plain awaits",
        Way::Shuttle {
            scheduler: |seed, most| Box::new(PctScheduler::new_from_seed(seed, DEPTH, most)),
            yields: false,
        },
    ),
    ("shuttle URW", yielding(|seed, most| Box::new(UrwRandomScheduler::new_from_seed(seed, most)))),
    ("madsim", Way::Madsim),
];

/// shuttle with its own `yield_now`.
const fn yielding(scheduler: ShuttleMake) -> Way {
    Way::Shuttle { scheduler, yields: true }
}

/// The counts of the searches of one program in one column, in order; a search that found nothing
/// counts `u64::MAX`.
#[derive(Default)]
struct Counts(Vec<u64>);

impl Counts {
    fn add(&mut self, count: u64) {
        let place = self.0.partition_point(|&other| other <= count);
        self.0.insert(place, count);
    }

    /// Whether half of all searches have found nothing, so that the others can change neither the median
    /// nor what comes after it.
    fn is_settled(&self) -> bool {
        let empty = self.0.iter().filter(|&&count| count == u64::MAX).count();
        empty >= SEARCHES.div_ceil(2) as usize
    }

    /// The count at this place of the searches, if the searches that were not made had found nothing.
    fn at(&self, place: u64) -> u64 {
        self.0.get(place as usize).copied().unwrap_or(u64::MAX)
    }

    fn median(&self) -> u64 {
        self.at(SEARCHES / 2)
    }

    fn upper_quartile(&self) -> u64 {
        self.at(SEARCHES * 3 / 4)
    }

    fn worst(&self) -> u64 {
        self.at(SEARCHES - 1)
    }
}

/// A program, and its counts in each column that can run it.
struct Row {
    program: &'static Program,
    counts: Vec<Option<Counts>>,
    /// The columns in which the twin fails.
    suspect: Vec<bool>,
}

/// What a column has shown besides its counts.
#[derive(Default)]
struct Remarks {
    /// Twins that fail.
    twins: Vec<String>,
    /// Failures that are neither a panic of the program nor a deadlock.
    strange: BTreeSet<String>,
}

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    warm_up();
    let mut terminal = silence().expect("the standard error can be put aside");
    let mut remarks = Remarks::default();
    let chosen = programs::all().filter(|program| {
        wanted.is_empty() || wanted.iter().any(|part| program.name.contains(part.as_str()))
    });
    let rows: Vec<_> = chosen.map(|program| row(program, &mut remarks, &mut terminal)).collect();
    print!("{HEAD}");
    print!("{}", table(&rows));
    print!("{}", summary(&rows));
    print!("{}", honesty(&remarks));
}

/// Says so if this is no failure of the program, in the terms of shuttle and madsim.
fn strange(program: &Program, column: &str, panic: &Panic) -> Option<String> {
    let Panic { message, file } = panic;
    let expected = file.contains("tests/zoo/programs/")
        || message.starts_with("deadlock!")
        || message.starts_with("no events, all tasks will block forever");
    (!expected).then(|| format!("`{}`, {column}: {message:?} in {file}", program.name))
}

fn row(program: &'static Program, remarks: &mut Remarks, terminal: &mut File) -> Row {
    let mut row = Row { program, counts: Vec::new(), suspect: Vec::new() };
    for (name, way) in COLUMNS {
        if !way.runs(program) {
            row.counts.push(None);
            row.suspect.push(false);
            continue;
        }
        let start = now();
        let mut seen = BTreeSet::new();
        let mut counts = Counts::default();
        for nth in 0..SEARCHES {
            counts.add(match way.search(program, false, nth, MOST) {
                Found::Nothing => u64::MAX,
                Found::Failure(count, panic) => {
                    if let Some(panic) = panic {
                        seen.insert(panic.message.chars().take(60).collect::<String>());
                        remarks.strange.extend(strange(program, name, &panic));
                    }
                    count
                }
            });
            if counts.is_settled() {
                break;
            }
        }
        let twin = way.search(program, true, SEARCHES, TWIN);
        if let Found::Failure(count, panic) = &twin {
            let message = panic.as_ref().map_or("", |panic| &panic.message);
            let message = message.lines().next().unwrap_or_default();
            remarks.twins.push(format!(
                "`{}`, {name}: the twin fails in schedule {count}: {message}",
                program.name
            ));
        }
        // If this fails, there is nowhere to report it.
        let _ = writeln!(
            terminal,
            "{}, {name}: {} ({}), {:.1} s {seen:?}",
            program.name,
            text(counts.median()),
            text(counts.worst()),
            start.elapsed().as_secs_f64()
        );
        row.counts.push(Some(counts));
        row.suspect.push(matches!(twin, Found::Failure(..)));
    }
    row
}

fn text(count: u64) -> String {
    if count == u64::MAX { "–".to_owned() } else { count.to_string() }
}

fn table(rows: &[Row]) -> String {
    let mut page = String::from("| program |");
    for (name, _) in COLUMNS {
        write!(page, " {name} |").expect("a string takes all");
    }
    page += "\n|---|";
    page += &"---|".repeat(COLUMNS.len());
    page += "\n";
    for row in rows {
        write!(page, "| {} |", row.program.name).expect("a string takes all");
        for (counts, suspect) in row.counts.iter().zip(&row.suspect) {
            let cell = counts.as_ref().map_or_else(
                || "n/a".to_owned(),
                |counts| {
                    let mark = if *suspect { " †" } else { "" };
                    format!("{} ({}){mark}", text(counts.median()), text(counts.worst()))
                },
            );
            write!(page, " {cell} |").expect("a string takes all");
        }
        page += "\n";
    }
    for (title, timed) in
        [("median of the medians, without a clock", false), ("the same, with a clock", true)]
    {
        write!(page, "| *{title}* |").expect("a string takes all");
        for column in 0..COLUMNS.len() {
            let rows = rows.iter().filter(|row| row.program.timed == timed);
            let medians = rows.filter_map(|row| row.counts[column].as_ref().map(Counts::median));
            let mut medians: Vec<_> = medians.collect();
            medians.sort_unstable();
            let median = medians.get(medians.len() / 2);
            let cell = median.map_or_else(|| "n/a".to_owned(), |&median| text(median));
            write!(page, " {cell} |").expect("a string takes all");
        }
        page += "\n";
    }
    page += "| *not found in half of the searches* |";
    for column in 0..COLUMNS.len() {
        let counts = rows.iter().filter_map(|row| row.counts[column].as_ref());
        let missed = counts.filter(|counts| counts.median() == u64::MAX).count();
        write!(page, " {missed} |").expect("a string takes all");
    }
    page += "\n";
    page
}

/// The best peer for a program: the one with the least median and, among these, the least upper quartile.
fn best_peer(row: &Row) -> Option<&Counts> {
    let columns = COLUMNS.iter().zip(&row.counts);
    let peers = columns.filter(|((_, way), _)| !matches!(way, Way::Dacapo(_)));
    let counts = peers.filter_map(|(_, counts)| counts.as_ref());
    counts.min_by_key(|counts| (counts.median(), counts.upper_quartile()))
}

fn portfolio(row: &Row) -> u64 {
    row.counts[0].as_ref().expect("dacapo runs every program").median()
}

/// The portfolio against others, in the programs that one of the two finds: a row of a table.
fn against<'a>(
    name: &str,
    rows: &'a [Row],
    other: impl Fn(&'a Row) -> Option<&'a Counts>,
) -> String {
    let (mut programs, mut no_more, mut within) = (0, 0, 0);
    let mut ratios = Vec::new();
    for row in rows {
        let Some(other) = other(row) else { continue };
        let portfolio = portfolio(row);
        if portfolio.min(other.median()) < u64::MAX {
            programs += 1;
            no_more += usize::from(portfolio <= other.median());
            within += usize::from(portfolio <= other.upper_quartile());
            ratios.push(portfolio as f64 / other.median() as f64);
        }
    }
    ratios.sort_by(f64::total_cmp);
    let (Some(middle), Some(worst)) = (ratios.get(ratios.len() / 2), ratios.last()) else {
        return format!("| {name} | 0 | 0 | 0 | n/a |\n");
    };
    format!("| {name} | {programs} | {no_more} | {within} | {middle:.2} ({worst:.1}) |\n")
}

fn summary(rows: &[Row]) -> String {
    let most = grouped(MOST);
    let mut page = format!(
        "
Runs to the first failure: the median (and the worst) of {SEARCHES} searches, each with its own seeds
and at most {most} runs. – means that none was found, n/a that the program needs a clock.

- shuttle can also switch tasks where a task is spawned or aborted; dacapo and madsim only at awaits.
- shuttle's PCT gives the lowest priority to a task that calls its `yield_now`, so it does not hold other
  tasks back for long. With *plain awaits*, shuttle is not told that a task yields. Its other schedulers ignore
  yields.
- The portfolio's first run is first in, first out. The first run of shuttle's PCT runs the oldest task for as
  long as possible; that of its URW is a random walk.
- madsim advances its clock by 50 to 100 ns with each poll, so no two timers fire at the same instant.

| portfolio against | programs | median no higher | median within the other's upper quartile | median (and worst) ratio |
|---|---|---|---|---|
"
    );
    for (at, (name, _)) in COLUMNS.iter().enumerate().skip(1) {
        page += &against(name, rows, |row| row.counts[at].as_ref());
    }
    page += &against("**the best of the peers for each program**", rows, best_peer);
    let sooner = rows
        .iter()
        .filter(|row| best_peer(row).is_some_and(|best| portfolio(row) > best.upper_quartile()));
    let sooner: Vec<_> = sooner.map(|row| format!("`{}`", row.program.name)).collect();
    if !sooner.is_empty() {
        page += &format!(
            "\nThe best peer is faster by more than the spread (its upper quartile is below the portfolio's median) in {}: {}.\n",
            sooner.len(),
            sooner.join(", ")
        );
    }
    page
}

/// A number with commas, as 20,000.
fn grouped(number: u64) -> String {
    match number {
        0..1000 => number.to_string(),
        _ => format!("{},{:03}", grouped(number / 1000), number % 1000),
    }
}

/// What else the searches have shown.
fn honesty(remarks: &Remarks) -> String {
    let mut page = String::new();
    if remarks.twins.is_empty() {
        writeln!(page, "\nAll fixed twins pass {} runs in each column.", grouped(TWIN))
            .expect("a string takes all");
    } else {
        writeln!(
            page,
            "\n† Some fixed twins fail within {} runs, so what was found may not be the bug:\n",
            grouped(TWIN)
        )
        .expect("a string takes all");
        for twin in &remarks.twins {
            writeln!(page, "- {twin}").expect("a string takes all");
        }
    }
    if !remarks.strange.is_empty() {
        page += "\nFailures that are neither a panic of the program nor a deadlock:\n\n";
        for strange in &remarks.strange {
            writeln!(page, "- {strange}").expect("a string takes all");
        }
    }
    page
}

#[expect(clippy::disallowed_methods, reason = "progress is shown in real time")]
fn now() -> Instant {
    Instant::now()
}
