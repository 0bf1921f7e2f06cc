//! A run as people would tell it: a line for each thing done, a column for each task.

use super::rude;
use crate::instant::Instant;
use crate::schedule::Lasting;
use crate::trace::{Asked, Ending, Event, Position, TaskId, Trace, Wait};

/// The widest that a story with a column per task may be; wider ones name the task instead.
const WIDTH: usize = 110;
/// The most lines shown; the full trace is in a file beside the report.
const LINES: usize = 60;

enum Line {
    /// The first thing that a task does in a step, or, without a position, one thing more.
    Act { position: Option<Position>, task: TaskId, text: String, note: String },
    /// Nothing was ready, and so much time passed, in words.
    Pause(String),
}

/// The story of a run, its last part if it is long.
pub(crate) fn story(trace: &Trace) -> String {
    let lines = lines(trace);
    let skipped = lines.len().saturating_sub(LINES);
    let shown = &lines[skipped..];
    let mut tasks: Vec<TaskId> = shown.iter().filter_map(Line::task).collect();
    tasks.sort_unstable();
    tasks.dedup();

    let name = |task: TaskId| trace.names().get(task).to_string();
    let mut columns: Vec<(TaskId, usize)> =
        tasks.iter().map(|&task| (task, name(task).chars().count())).collect();
    for line in shown {
        if let Line::Act { task, text, .. } = line
            && let Some((_, width)) = columns.iter_mut().find(|(of, _)| of == task)
        {
            *width = (*width).max(text.chars().count());
        }
    }
    let in_columns = columns.iter().map(|(_, width)| width + 3).sum::<usize>() <= WIDTH;
    let longest = tasks.iter().map(|&task| name(task).chars().count()).max().unwrap_or(0);

    let mut out = Text::default();
    let heads: String = match in_columns {
        true => columns.iter().map(|&(task, width)| format!("   {:<width$}", name(task))).collect(),
        false => format!("   {:<longest$}   what it does", "task"),
    };
    out.line(&format!("{:>12}  {:>4}{heads}", "time", "step"));
    if skipped > 0 {
        out.line(&format!("{:>12}  … {skipped} earlier lines are left out …", ""));
    }
    for line in shown {
        match line {
            Line::Pause(passed) => out.line(&format!("{:>12}  {:>4}   {passed}", "", "")),
            Line::Act { position, task, text, note } => {
                let cells: String = match in_columns {
                    true => columns
                        .iter()
                        .map(|&(of, width)| {
                            format!("   {:<width$}", if of == *task { text } else { "" })
                        })
                        .collect(),
                    false => format!("   {:<longest$}   {text}", name(*task)),
                };
                let time = position.map_or_else(String::new, |at| at.time.to_string());
                let step = position.map_or_else(String::new, |at| at.step.to_string());
                out.line(&format!("{time:>12}  {step:>4}{cells}   {note}"));
            }
        }
    }
    out.0
}

#[derive(Default)]
struct Text(String);

impl Text {
    fn line(&mut self, line: &str) {
        self.0.push_str(line.trim_end());
        self.0.push('\n');
    }
}

impl Line {
    fn task(&self) -> Option<TaskId> {
        match self {
            Line::Act { task, .. } => Some(*task),
            Line::Pause(_) => None,
        }
    }
}

/// What is worth telling, in its order.
fn lines(trace: &Trace) -> Vec<Line> {
    let name = |task: TaskId| trace.names().get(task).to_string();
    let mut lines = Vec::new();
    // The step that is going on, until the first thing that is done in it has been told.
    let mut step: Option<Position> = None;
    let mut current = TaskId::MAIN;
    let mut note = String::new();
    let mut requested = None;
    let mut now = None;
    for (position, event) in trace.events() {
        let before = now.replace(position.time).unwrap_or(position.time);
        let mut actor = current;
        let text = match *event {
            Event::Poll { task } => {
                (step, current) = (Some(position), task);
                continue;
            }
            Event::Choice { asked: Asked::Next { first, lasting, .. }, .. } => {
                if event.is_deviation() {
                    let what = match lasting {
                        Lasting::Once => format!("before {}", name(first)),
                        Lasting::Hold => format!("{} is held back", name(first)),
                        Lasting::Ahead => "stays ahead".to_owned(),
                    };
                    note = format!("◀ choice {}: {what}", position.choices - 1);
                }
                continue;
            }
            Event::Choice { asked: Asked::Timeout(_), answer: 0, .. } => continue,
            Event::Choice { asked: Asked::Timeout(_), .. } => {
                note.push_str(&format!("◀ choice {}: deadline first", position.choices - 1));
                "gives up".to_owned()
            }
            Event::Choice { asked: Asked::Deadline(_), answer: 0, .. } => continue,
            Event::Choice { asked: Asked::Deadline(_), .. } => {
                note.push_str(&format!("◀ choice {}: before the deadline", position.choices - 1));
                "goes on".to_owned()
            }
            Event::Choice { asked: Asked::Select(_), answer: 0, .. } => continue,
            Event::Choice { asked: Asked::Select(_), answer, .. } => {
                note.push_str(&format!("◀ choice {}: branch {answer} first", position.choices - 1));
                "selects".to_owned()
            }
            Event::Choice { asked: Asked::Value(label), answer, .. } => {
                if answer > 0 {
                    note.push_str(&format!("◀ choice {}", position.choices - 1));
                }
                format!("{} = {answer}", trace.label(label))
            }
            Event::Choice { answer: 0, .. } => continue,
            Event::Choice { asked, answer, .. } => {
                let (beside, line) = rude::story(trace, asked, answer);
                let between = if beside.is_empty() { "" } else { ": " };
                note.push_str(&format!("◀ choice {}{between}{beside}", position.choices - 1));
                let Some((task, text)) = line else { continue };
                requested = matches!(asked, Asked::Cancel { .. }).then_some(task);
                actor = task;
                text
            }
            Event::Advance { to } => {
                let passed = Instant::START + (to - before);
                let note = std::mem::take(&mut note);
                let between = if note.is_empty() { "" } else { "   " };
                lines.push(Line::Pause(format!("… {passed} …{between}{note}")));
                continue;
            }
            Event::Spawn { task, .. } if task == TaskId::MAIN => continue,
            Event::Spawn { task, by } => {
                actor = by;
                format!("spawns {}", name(task))
            }
            Event::Wait { on: Wait::Turn, .. } => "yields".to_owned(),
            Event::Wait { on: Wait::Other, .. } => "waits".to_owned(),
            Event::Wait { on, .. } => format!("waits {}", trace.describe_wait(on)),
            // Whose wake-ups these are is told by what the woken one waited for.
            Event::Wake { .. } => continue,
            Event::Abort { task, .. } => format!("aborts {}", name(task)),
            // That it was asked to has been told.
            Event::Cancel { task, .. } if requested.take() == Some(task) => continue,
            Event::Cancel { task, .. } => format!("cancels {}", name(task)),
            Event::End { how: Ending::Dropped, .. } => continue,
            Event::End { task, how } => {
                actor = task;
                match how {
                    Ending::Returned => "returns",
                    Ending::Panicked => "panics",
                    Ending::Cancelled | Ending::Dropped => "is cancelled",
                }
                .to_owned()
            }
        };
        let note = std::mem::take(&mut note);
        lines.push(Line::Act { position: step.take(), task: actor, text, note });
    }
    lines
}
