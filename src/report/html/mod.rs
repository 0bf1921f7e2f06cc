//! A run as a page of its own: lanes, arrows, and beside it a run that went otherwise.
//!
//! The page is drawn by its script (`page.js`) from data that stands in it as JSON; no text of a user
//! is a part of its HTML but the title.

use std::collections::BTreeMap;
use std::fmt::{self, Write};

use super::acts::{Act, ActKind, acts};
use super::json::{Quoted, list};
use crate::failure::Failure;
use crate::numbering::Numbering;
use crate::schedule::Schedule;
use crate::trace::{Ending, Event, Position, TaskId, Trace, printable};

const PAGE: &str = include_str!("page.html");
const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// The most acts of a run that are on the page, the last ones.
const ACTS: usize = 20_000;
/// The most lanes; what more tasks do is in the last one.
const LANES: usize = 48;
/// The longest text of an act, and of a line elsewhere, in characters.
const TEXT: usize = 200;
const LINE: usize = 500;
/// The most lines of the failure.
const LINES: usize = 40;

impl Trace {
    /// The run as a page of HTML to be opened in a browser.
    /// Time goes down, and each task has a lane: where it runs, waits and is ready, and which turn or
    /// wake-up led to what. The page is self-contained: it needs no network and no other file. Read it
    /// with a mouse or with the keyboard; `?` shows the keys.
    ///
    /// ```
    /// let run = dacapo::run(async || dacapo::task::yield_now().await);
    /// let page = run.trace().html().title("a turn given away").to_string();
    /// assert!(page.starts_with("<!doctype html>"));
    /// // std::fs::write("run.html", page)?;
    /// ```
    pub fn html(&self) -> Html<'_> {
        Html {
            runs: vec![Shown::new(self, "the run")],
            title: "a run".to_owned(),
            facts: Vec::new(),
        }
    }
}

/// A page that shows a run, or two side by side; see [`Trace::html`]. Its text (`Display`) is the page.
#[derive(Clone, Debug)]
#[must_use = "the page is its text"]
pub struct Html<'a> {
    title: String,
    runs: Vec<Shown<'a>>,
    facts: Vec<(&'static str, String)>,
}

#[derive(Clone, Debug)]
struct Shown<'a> {
    trace: &'a Trace,
    name: &'static str,
    /// How it ended, if it failed.
    failure: Option<String>,
    schedule: Option<String>,
}

impl<'a> Shown<'a> {
    fn new(trace: &'a Trace, name: &'static str) -> Self {
        Self { trace, name, failure: None, schedule: None }
    }
}

impl<'a> Html<'a> {
    /// What stands above it.
    pub fn title(mut self, title: &str) -> Self {
        self.title = printable(title, TEXT);
        self
    }

    /// Another run of the same body beside it, such as one that passes beside one that fails. Equal
    /// moments of virtual time are aligned, and the first difference is marked.
    pub fn beside(mut self, other: &'a Trace) -> Self {
        self.runs.truncate(1);
        self.runs.push(Shown::new(other, "the other run"));
        self
    }

    /// That the run fails, and with it the other one passes.
    pub(crate) fn failing(mut self, failure: &Failure, schedules: [Option<&Schedule>; 2]) -> Self {
        let names = ["this run fails", "the nearest run that passes"];
        for ((run, name), schedule) in self.runs.iter_mut().zip(names).zip(schedules) {
            run.name = name;
            run.schedule = schedule.map(|schedule| printable(&schedule.to_string(), LINE));
        }
        let text = failure.to_string();
        let mut lines: Vec<_> =
            text.lines().take(LINES).map(|line| printable(line, LINE)).collect();
        if text.lines().nth(LINES).is_some() {
            lines.push("…".to_owned());
        }
        self.runs[0].failure = Some(lines.join("\n"));
        self
    }

    /// A line of the head, after a word for it.
    pub(crate) fn fact(mut self, word: &'static str, text: &str) -> Self {
        self.facts.push((word, printable(text, LINE)));
        self
    }

    fn data(&self) -> String {
        let acts: Vec<Vec<Act>> = self.runs.iter().map(|run| acts(run.trace)).collect();
        let shown: Vec<&[Act]> =
            acts.iter().map(|acts| &acts[acts.len().saturating_sub(ACTS)..]).collect();
        let lanes = Lanes::of(&self.runs, &shown);
        let lines = in_line(&shown);
        let is_whole = self.runs.iter().all(|run| run.trace.dropped() == 0)
            && acts.iter().all(|acts| acts.len() <= ACTS);
        let parting = match (&self.runs[..], is_whole) {
            ([a, b], true) => lines.iter().position(|line| !is_equal([a, b], [line[0], line[1]])),
            _ => None,
        };
        let facts = self.facts.iter().map(|(word, text)| list([Quoted(word), Quoted(text)]));
        let runs = self.runs.iter().enumerate().map(|(number, run)| {
            let rows = lines.iter().map(|line| match line[number] {
                Some(act) => row(run.trace, act, number, &lanes),
                None => "null".to_owned(),
            });
            let skipped = acts[number].len() - shown[number].len();
            head(run, shown[number], skipped) + &list(rows) + "}"
        });
        format!(
            "{{\"title\":{},\"facts\":{},\"lanes\":{},\"parting\":{},\"runs\":{}}}",
            Quoted(&self.title),
            list(facts),
            list(lanes.names.iter().map(|name| Quoted(name))),
            parting.map_or_else(|| "null".to_owned(), |line| line.to_string()),
            list(runs)
        )
    }
}

impl fmt::Display for Html<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, part) in PAGE.split("@@").enumerate() {
            match (number % 2, part) {
                (0, text) => f.write_str(text)?,
                (_, "title") => escape(f, &self.title)?,
                (_, "style") => f.write_str(STYLE)?,
                (_, "data") => f.write_str(&self.data())?,
                (_, "script") => f.write_str(SCRIPT)?,
                (_, other) => unreachable!("dacapo bug: {other} in page.html"),
            }
        }
        Ok(())
    }
}

/// A text in HTML.
fn escape(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    text.chars().try_for_each(|c| match c {
        '<' | '>' | '&' | '"' | '\'' => write!(f, "&#{};", u32::from(c)),
        c => f.write_char(c),
    })
}

/// The acts of the runs, one of each in a line: what happens at one moment stands side by side.
fn in_line<'a>(runs: &[&'a [Act]]) -> Vec<Vec<Option<&'a Act>>> {
    let mut numbers = Numbering::default();
    let mut moments: Vec<Vec<Vec<&Act>>> = Vec::new();
    for (number, run) in runs.iter().enumerate() {
        for act in *run {
            let moment = numbers.number(position(act).time.as_nanos());
            if moment == moments.len() {
                moments.push(vec![Vec::new(); runs.len()]);
            }
            moments[moment][number].push(act);
        }
    }
    let mut lines = Vec::new();
    for acts in numbers.by_key().map(|moment| &moments[moment]) {
        let longest = acts.iter().map(Vec::len).max().unwrap_or(0);
        lines.extend(
            (0..longest).map(|line| acts.iter().map(|acts| acts.get(line).copied()).collect()),
        );
    }
    lines
}

/// Where the run stood when an act was done.
fn position(act: &Act) -> Position {
    act.events.last().expect("dacapo bug: an act without events").0
}

/// Whether two runs did the same in a line.
fn is_equal(runs: [&Shown<'_>; 2], acts: [Option<&Act>; 2]) -> bool {
    let [Some(a), Some(b)] = acts else { return false };
    let who = |run: &Shown<'_>, act: &Act| -> Vec<u64> {
        let tasks = act.task.iter().chain(&act.to);
        tasks.map(|&task| run.trace.names().signature(task)).collect()
    };
    a.kind == b.kind
        && a.text == b.text
        && a.deviations == b.deviations
        && who(runs[0], a) == who(runs[1], b)
}

/// Which task has which lane. A task that is in both runs has one.
struct Lanes {
    names: Vec<String>,
    /// For each run, by the ids of tasks.
    of: Vec<BTreeMap<u64, usize>>,
}

impl Lanes {
    fn of(runs: &[Shown<'_>], acts: &[&[Act]]) -> Self {
        let mut lanes = Self { names: Vec::new(), of: Vec::new() };
        let mut known = Numbering::default();
        for (run, acts) in runs.iter().zip(acts) {
            let mut of: BTreeMap<u64, usize> = BTreeMap::new();
            for task in acts.iter().flat_map(|act| act.task.iter().chain(&act.to)) {
                of.insert(task.as_u32().into(), 0);
            }
            for (&id, lane) in &mut of {
                let task = TaskId(id as u32);
                *lane = known.number(run.trace.names().signature(task));
                if *lane == lanes.names.len() {
                    lanes.names.push(run.trace.names().get(task).to_string());
                }
            }
            lanes.of.push(of);
        }
        if let more @ 2.. = lanes.names.len().saturating_sub(LANES - 1) {
            lanes.names.truncate(LANES - 1);
            lanes.names.push(format!("{more} more tasks"));
            for of in &mut lanes.of {
                of.values_mut().for_each(|lane| *lane = (*lane).min(LANES - 1));
            }
        }
        lanes
    }

    fn get(&self, run: usize, task: TaskId) -> usize {
        self.of[run].get(&task.as_u32().into()).copied().unwrap_or(0)
    }
}

/// What is said of a run, up to its rows.
fn head(run: &Shown<'_>, acts: &[Act], skipped: usize) -> String {
    let text = |text: &Option<String>| match text {
        Some(text) => Quoted(text).to_string(),
        None => "null".to_owned(),
    };
    let last = run.trace.events().last().map(|(position, _)| position).unwrap_or_default();
    format!(
        "{{\"name\":{},\"failure\":{},\"schedule\":{},\"steps\":{},\"choices\":{},\"time\":{},\
         \"events\":{},\"left\":{},\"rows\":",
        Quoted(run.name),
        text(&run.failure),
        text(&run.schedule),
        last.step,
        last.choices,
        Quoted(&last.time.to_string()),
        acts.iter().map(|act| act.events.len()).sum::<usize>(),
        // Whether there was something before.
        run.trace.dropped() > 0 || skipped > 0,
    )
}

/// An act as the script reads it: its time, step, kind, lane, name and text; the lanes it reaches, and
/// the lanes that are ready after it; what deviates; and its events in words.
fn row(trace: &Trace, act: &Act, run: usize, lanes: &Lanes) -> String {
    let at = position(act);
    let lane = act.task.map_or_else(|| "null".to_owned(), |task| lanes.get(run, task).to_string());
    let name = act.task.map_or_else(String::new, |task| trace.names().get(task).to_string());
    let to = act.to.iter().map(|&task| lanes.get(run, task));
    let ready = act.events.iter().filter_map(|(_, event)| match *event {
        Event::Spawn { task, .. } | Event::Wake { task, .. } => Some(lanes.get(run, task)),
        _ => None,
    });
    let deviations = act.deviations.iter().map(|(choice, what)| {
        list([Quoted(&format!("choice {choice}")), Quoted(&printable(what, TEXT))])
    });
    let events = act.events.iter().map(|&(position, event): &(Position, Event)| {
        Quoted(&printable(&trace.describe(position, event), LINE)).to_string()
    });
    format!(
        "\n[{},{},\"{}\",{lane},{},{},{},{},{},{}]",
        Quoted(&at.time.to_string()),
        at.step,
        kind(act.kind),
        Quoted(&name),
        Quoted(&printable(&act.text, TEXT)),
        list(to),
        list(ready),
        list(deviations),
        list(events)
    )
}

fn kind(kind: ActKind) -> &'static str {
    match kind {
        ActKind::Run => "run",
        ActKind::Spawn => "spawn",
        ActKind::Wait => "wait",
        ActKind::Yield => "yield",
        ActKind::Wake => "wake",
        ActKind::Cancel => "cancel",
        ActKind::Value => "value",
        ActKind::Jump => "jump",
        ActKind::End(Ending::Returned) => "return",
        ActKind::End(Ending::Panicked) => "panic",
        ActKind::End(Ending::Cancelled) => "cancelled",
        ActKind::End(Ending::Dropped) => "dropped",
    }
}
