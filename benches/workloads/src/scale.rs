//! What much work takes: a million tasks, a hundred million steps, an hour, two processors.
//!
//! Each measurement is made in a process of its own, since a process does not give back its memory.

use std::env;
use std::future::pending;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

use cpu_time::ProcessTime;

use crate::world::dacapo::{Dacapo, Fifo, Pct, Random};
use crate::world::floor::Floor;
use crate::{World, cores};

/// The first argument of a process that makes one measurement.
const ONE: &str = "--one";

/// Asleep at once.
const TASKS: u64 = 1_000_000;
/// In each of the waves that come and go.
const WAVE: u64 = 50_000;
const WAVES: u64 = 20;
const HOURLY_TASKS: u64 = 1000;

/// Tells what it has measured, and does not return.
type Measure = fn();

/// The simulators that are measured.
pub struct Contender {
    pub name: &'static str,
    asleep: Measure,
    ended: Measure,
    steps: Option<Measure>,
    hour: Option<Measure>,
}

impl Contender {
    /// A simulator with virtual time.
    pub const fn timed<W: World>(name: &'static str) -> Self {
        Self {
            name,
            asleep: || asleep::<W>(TASKS, true),
            ended: || ended::<W>(WAVE),
            steps: None,
            hour: Some(hour::<W>),
        }
    }

    /// A simulator without it: its tasks wait for ever. It can have only a `share` of the tasks.
    pub const fn timeless<W: World, const SHARE: u64>(name: &'static str) -> Self {
        Self {
            name,
            asleep: || asleep::<W>(TASKS / SHARE, false),
            ended: || ended::<W>(WAVE / SHARE),
            steps: None,
            hour: None,
        }
    }

    /// Is also to take a hundred million steps.
    pub const fn steps<W: World>(mut self) -> Self {
        self.steps = Some(steps::<W>);
        self
    }

    fn measurements(&self) -> [(&'static str, Option<Measure>); 4] {
        [
            ("asleep", Some(self.asleep)),
            ("ended", Some(self.ended)),
            ("steps", self.steps),
            ("hour", self.hour),
        ]
    }
}

/// The simulators of this package.
pub const OURS: [Contender; 4] = [
    Contender::timed::<Floor>("floor").steps::<Floor>(),
    Contender::timed::<Dacapo<Random>>("dacapo, random").steps::<Dacapo<Random>>(),
    Contender::timed::<Dacapo<Pct>>("dacapo, PCT").steps::<Dacapo<Pct>>(),
    Contender::timed::<Dacapo<Fifo>>("dacapo, FIFO").steps::<Dacapo<Fifo>>(),
];

/// The page with what these take; the arguments of the program select among them by parts of their names.
pub fn page(contenders: &[Contender], command: &str) -> String {
    let words: Vec<String> = env::args().skip(1).collect();
    if words.first().is_some_and(|word| word == ONE) {
        let [_, name, measurement] = &words[..] else { panic!("this takes two names") };
        if name == cores::NAME {
            cores::one(measurement);
        }
        let contender = contenders.iter().find(|it| it.name == name).expect("it is there");
        let mut all = contender.measurements().into_iter();
        let (_, measure) = all.find(|(name, _)| name == measurement).expect("it is there");
        measure.expect("it is measured")();
        unreachable!("a measurement does not return");
    }
    let mut page = format!(
        "# Scale

Made by `{command}`.

| | bytes per sleeping task | spawning it, until it sleeps | bytes kept per ended task | MB after 1 M steps | 10 M | 100 M | an hour |
|---|---|---|---|---|---|---|---|
"
    );
    let is_asked_for =
        |name: &str| words.is_empty() || words.iter().any(|word| name.contains(word.as_str()));
    for contender in contenders.iter().filter(|it| is_asked_for(it.name)) {
        let mut cells = Vec::new();
        for (measurement, measure) in contender.measurements() {
            match measure {
                Some(_) => cells.push(another(contender.name, measurement, &[])),
                None if measurement == "steps" => cells.push("| |".to_owned()),
                None => cells.push("no time".to_owned()),
            }
        }
        page += &format!("| {} | {} |\n", contender.name, cells.join(" | "));
    }
    page += "
- Memory is resident memory. A million tasks sleep at once. Where there is no virtual time, they wait for
  something that never happens, and shuttle has 10,000 of them. A task includes its handle.
- Ended tasks: 20 waves of tasks come and go, and the figure is how much memory grows from the second wave to the
  last.
- Steps: 100 tasks yield in one run.
- The hour is virtual: 1,000 tasks sleep for a second, 3,600 times. The figure is processor time.
";
    if is_asked_for(cores::NAME) {
        page += &cores::section();
    }
    page
}

/// The line that a measurement tells, made in another process.
pub(crate) fn another(name: &str, measurement: &str, variables: &[(&str, &str)]) -> String {
    let mut command = Command::new(env::current_exe().expect("this program has a path"));
    command.args([ONE, name, measurement]).envs(variables.iter().copied());
    let mut process = command.stdout(Stdio::piped()).spawn().expect("this program can be started");
    let mut line = String::new();
    let output = process.stdout.take().expect("it is piped");
    BufReader::new(output).read_line(&mut line).expect("it can be read");
    // It may stand in the midst of a run, and has nothing more to say.
    process.kill().and_then(|()| process.wait()).expect("it can be ended");
    assert!(!line.is_empty(), "{name}, {measurement}: nothing was told");
    line.trim().to_owned()
}

/// Resident bytes.
fn resident() -> u64 {
    let status =
        std::fs::read_to_string("/proc/self/status").expect("Linux says what a process has");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line.and_then(|line| line.trim().strip_suffix(" kB")).expect("it is in kB");
    1024 * number.trim().parse::<u64>().expect("it is a number")
}

/// Nanoseconds on the processor, of the first thread: a world may have the clocks of the system in its hands.
fn on_processor() -> u64 {
    let numbers = std::fs::read_to_string("/proc/self/schedstat").expect("Linux counts them");
    let first = numbers.split(' ').next().expect("a split has one part");
    first.parse().expect("it is a number")
}

/// The process that has asked for it ends this one.
#[expect(clippy::print_stdout, reason = "the other process reads it")]
pub(crate) fn tell(text: &str) -> ! {
    println!("{text}");
    loop {
        thread::park();
    }
}

fn asleep<W: World>(tasks: u64, timed: bool) {
    W::runs(1, move || async move {
        static STARTED: AtomicU64 = AtomicU64::new(0);
        let mut handles = Vec::with_capacity(tasks as usize);
        let (before, start) = (resident(), on_processor());
        for _ in 0..tasks {
            handles.push(W::spawn(async move {
                STARTED.fetch_add(1, Relaxed);
                if timed {
                    W::sleep(Duration::from_hours(1)).await;
                } else {
                    pending::<()>().await;
                }
                1
            }));
        }
        while STARTED.load(Relaxed) < tasks {
            W::yield_now().await;
        }
        let bytes = (resident() - before) / tasks;
        let nanos = (on_processor() - start) / tasks;
        tell(&format!("{bytes} | {nanos} ns"))
    });
}

fn ended<W: World>(wave: u64) {
    W::runs(1, move || async move {
        let mut before = 0;
        for nth in 0..WAVES {
            let tasks: Vec<_> = (0..wave).map(|_| W::spawn(async { 1 })).collect();
            for task in tasks {
                W::join(task).await;
            }
            if nth == 1 {
                before = resident();
            }
        }
        let tasks = (WAVES - 2) * wave;
        let bytes = resident().saturating_sub(before) as f64 / tasks as f64;
        tell(&format!("{bytes:.1}"))
    });
}

fn steps<W: World>() {
    static STEPS: AtomicU64 = AtomicU64::new(0);
    static SEEN: [AtomicU64; 2] = [const { AtomicU64::new(0) }; 2];
    W::runs(1, || async {
        let task = || async {
            loop {
                W::yield_now().await;
                match STEPS.fetch_add(1, Relaxed) + 1 {
                    1_000_000 => SEEN[0].store(resident(), Relaxed),
                    10_000_000 => SEEN[1].store(resident(), Relaxed),
                    100_000_000 => {
                        let seen = [SEEN[0].load(Relaxed), SEEN[1].load(Relaxed), resident()];
                        let mega = seen.map(|bytes| format!("{:.0}", bytes as f64 / 1e6));
                        tell(&mega.join(" | "))
                    }
                    _ => {}
                }
            }
        };
        let tasks: Vec<_> = (0..100).map(|_| W::spawn(task())).collect();
        let mut none = 0;
        for task in tasks {
            none += W::join(task).await;
        }
        none
    });
}

fn hour<W: World>() {
    let start = ProcessTime::now();
    let ticks = W::runs(1, || async {
        let task = || async {
            for _ in 0..3600 {
                W::sleep(Duration::from_secs(1)).await;
            }
            3600
        };
        let tasks: Vec<_> = (0..HOURLY_TASKS).map(|_| W::spawn(task())).collect();
        let mut ticks = 0;
        for task in tasks {
            ticks += W::join(task).await;
        }
        ticks
    });
    // A world may make its run more than once.
    let hours = ticks as f64 / (3600 * HOURLY_TASKS) as f64;
    assert!(hours >= 1.0 && hours.fract() == 0.0, "{ticks} ticks are no hours");
    tell(&format!("{:.1} s", start.elapsed().as_secs_f64() / hours))
}
