//! A run in columns: a line for each thing done, a column for each task, in virtual time.

use std::fmt::{self, Write as _};

use super::fold::{Part, fold};
use super::legend::legend;
use super::story::{Act, Aside, Mark, StoryLine, story};
use super::{count, grouped, in_order};
use crate::instant::Instant;
use crate::trace::{TaskId, Trace, printable};

/// The widest that a line with a column per task may be; wider ones name the task instead.
const WIDTH: usize = 110;
/// The longest name, text and remark where they share a line.
const NAME: usize = 40;
const TEXT: usize = 100;
const ASIDE: usize = 100;
/// The most lines that a report shows; the full trace is in a file beside it.
const LINES: usize = 60;

/// What the reader wants to see.
#[derive(Clone, Copy)]
struct Style {
    /// The numbers of steps and choices, which every edit moves.
    numbers: bool,
    /// Whether repetitions are folded and a long beginning is left out.
    folds: bool,
    legend: bool,
}

/// The story in the report of a failure: its last part, if it is long, with the numbers that the report
/// uses.
pub(crate) fn last_columns(trace: &Trace) -> String {
    columns(trace, Style { numbers: true, folds: true, legend: false })
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&columns(self, Style { numbers: false, folds: false, legend: true }))
    }
}

fn columns(trace: &Trace, style: Style) -> String {
    let lines = story(trace);
    let parts = match style.folds {
        true => fold(&lines, LINES),
        false => lines.iter().map(Part::Line).collect(),
    };
    let shown: Vec<&StoryLine> = parts.iter().filter_map(Part::line).collect();
    let table = Table::new(trace, &shown, style);

    let mut out = String::new();
    table.head(&mut out);
    if trace.dropped() > 0 {
        let dropped = trace.dropped();
        table.line(
            &mut out,
            "",
            None,
            &format!("  … {dropped} earlier events are not kept; see Builder::max_events …"),
        );
    }
    let mut last = None;
    for part in &parts {
        match part {
            Part::LeftOut(lines) => {
                let lines = count(*lines, "line");
                table.line(&mut out, "", None, &format!("  … {lines} left out …"));
            }
            Part::Again { lines, times } => {
                let what = if *lines == 1 { "line" } else { &format!("{lines} lines") };
                let times = grouped(*times);
                table.pause(&mut out, &format!("… the same {what} {times} more times …"), "");
                last = None;
            }
            Part::Line(StoryLine::Pause(passed, asides)) => {
                let passed = format!("… {} …", Instant::START + *passed);
                table.pause(&mut out, &passed, &table.beside(asides));
            }
            Part::Line(StoryLine::Act(act)) => {
                let turn = (act.position.step, (!style.numbers).then_some(act.task));
                let first = last.replace(turn) != Some(turn);
                table.act(&mut out, act, first);
            }
        }
    }
    if style.legend {
        out.push_str(&legend(&meanings(&shown)));
    }
    out
}

/// Of the marks that occur, what they mean.
fn meanings(lines: &[&StoryLine]) -> Vec<(&'static str, &'static str)> {
    let has =
        |mark| lines.iter().any(|line| matches!(line, StoryLine::Act(act) if act.mark == mark));
    let asides = |line: &&StoryLine| match line {
        StoryLine::Act(act) => !act.asides.is_empty(),
        StoryLine::Pause(_, asides) => !asides.is_empty(),
    };
    let all = [
        (has(Mark::Note), "»", "noted by the code itself"),
        (has(Mark::Value), "=", "the answer that choose gave"),
        (
            lines.iter().any(|line| matches!(line, StoryLine::Pause(..))),
            "…",
            "no task was ready, and the clock jumped",
        ),
        (lines.iter().any(asides), "◀", "not what an ordinary event loop would have done"),
    ];
    all.into_iter()
        .filter(|(occurs, ..)| *occurs)
        .map(|(_, mark, meaning)| (mark, meaning))
        .collect()
}

/// The widths of a table.
struct Table {
    style: Style,
    time: usize,
    step: usize,
    /// For each task its name and the width of its column.
    tasks: Vec<(TaskId, String, usize)>,
    /// The width of the names, if there is no column for each.
    names: Option<usize>,
}

impl Table {
    fn new(trace: &Trace, lines: &[&StoryLine], style: Style) -> Self {
        let acts = || {
            lines.iter().filter_map(|line| match line {
                StoryLine::Act(act) => Some(act),
                StoryLine::Pause(..) => None,
            })
        };
        let ids: Vec<TaskId> = acts().map(|act| act.task).collect();
        let mut tasks: Vec<(TaskId, String, usize)> = in_order(&ids)
            .into_iter()
            .map(|task| {
                let name = trace.names().get(task).to_string();
                let width = width(&name);
                (task, name, width)
            })
            .collect();
        for act in acts() {
            if let Ok(place) = tasks.binary_search_by_key(&act.task, |(task, ..)| *task) {
                tasks[place].2 = tasks[place].2.max(width(&act.text));
            }
        }
        let too_wide = tasks.iter().map(|(.., width)| width + 3).sum::<usize>() > WIDTH;
        if too_wide {
            for (_, name, _) in &mut tasks {
                *name = printable(name, NAME);
            }
        }
        let names = tasks.iter().map(|(_, name, _)| width(name)).max();
        let least = if style.numbers { 12 } else { 10 };
        let time = acts().map(|act| width(&act.position.time.to_string())).max();
        let time = time.unwrap_or(0).max(least);
        let step = acts().map(|act| width(&act.position.step.to_string())).max();
        let step = step.unwrap_or(0).max("step".len());
        Self { style, time, step, tasks, names: names.filter(|_| too_wide) }
    }

    fn head(&self, out: &mut String) {
        let heads = match self.names {
            None => self.tasks.iter().fold(String::new(), |mut heads, (_, name, width)| {
                let _ = write!(heads, "   {name:<width$}");
                heads
            }),
            Some(longest) => format!("   {:<longest$}   what it does", "task"),
        };
        self.line(out, "time", Some("step"), &heads);
    }

    fn act(&self, out: &mut String, act: &Act, first: bool) {
        let cells = match self.names {
            None => self.tasks.iter().fold(String::new(), |mut cells, (task, _, width)| {
                let text = if *task == act.task { &*act.text } else { "" };
                let _ = write!(cells, "   {text:<width$}");
                cells
            }),
            Some(longest) => {
                let place = self.tasks.binary_search_by_key(&act.task, |(task, ..)| *task);
                let name = place.map_or("", |place| &self.tasks[place].1);
                format!("   {name:<longest$}   {}", printable(&act.text, TEXT))
            }
        };
        let cells = format!("{cells}   {}", self.beside(&act.asides));
        match first {
            true => {
                let (time, step) = (act.position.time.to_string(), act.position.step.to_string());
                self.line(out, &time, Some(&step), &cells);
            }
            false => self.line(out, "", Some(""), &cells),
        }
    }

    fn pause(&self, out: &mut String, passed: &str, beside: &str) {
        self.line(out, "", Some(""), &format!("   {passed}   {beside}"));
    }

    fn beside(&self, asides: &[Aside]) -> String {
        let mut text = String::new();
        for Aside { choice, what } in asides {
            text.push_str(if text.is_empty() { "◀ " } else { "; " });
            let between = if what.is_empty() { "" } else { ": " };
            let _ = match self.style.numbers {
                true => write!(text, "choice {choice}{between}{what}"),
                false => write!(text, "{what}"),
            };
        }
        printable(text.trim_end(), ASIDE)
    }

    /// A line; without a step, it has none of that column either.
    fn line(&self, out: &mut String, time: &str, step: Option<&str>, cells: &str) {
        let mut line = format!("{time:>0$}", self.time);
        match step {
            Some(step) if self.style.numbers => {
                let _ = write!(line, "  {step:>0$}", self.step);
            }
            Some(_) => {}
            None => line.push_str("  "),
        }
        line.push_str(cells);
        out.push_str(line.trim_end());
        out.push('\n');
    }
}

/// How many characters wide a text is, as far as that can be told.
fn width(text: &str) -> usize {
    text.chars().count()
}
