//! A run in one line.

use std::fmt;

use crate::instant::Instant;
use crate::question::Question;
use crate::trace::{Ending, Event, TaskId, Trace};

/// The most turns that are shown.
const TURNS: usize = 200;
/// The most notes and answers of a turn that are shown.
const SAID: usize = 20;

/// A turn of a task, or what happens to it in a turn of another.
struct Segment {
    step: u64,
    task: TaskId,
    time: Instant,
    early: bool,
    said: Vec<String>,
    /// How the task ended, if it did.
    end: &'static str,
}

impl Trace {
    /// Whose turn it was, in one line: the names of the tasks in the order in which they ran, at each
    /// instant of virtual time.
    /// In brackets is what a turn has [noted](crate::trace!), or the answer it got from
    /// [`choose`](crate::choose). After that, `.` means that the task returned, `!` that it panicked, and
    /// `×` that it was cancelled. A `◀` before a task marks a deviation: it ran before tasks that were
    /// ahead of it in the ready queue, or something else was not what an ordinary event loop would do. Of
    /// a long run, the last 200 turns are shown.
    ///
    /// ```
    /// use std::time::Duration;
    /// use dacapo::{task::spawn_named, time::sleep};
    ///
    /// let run = dacapo::replay("d1:1", async || {
    ///     let tasks = ["alice", "bob"].map(|name| spawn_named(name, sleep(Duration::from_secs(1))));
    ///     for task in tasks {
    ///         task.await.unwrap();
    ///     }
    /// });
    /// assert_eq!(
    ///     run.trace().compact().to_string(),
    ///     "0 ms: main ◀bob alice | 1000 ms: bob. alice. main."
    /// );
    /// ```
    pub fn compact(&self) -> impl fmt::Display + '_ {
        fmt::from_fn(|f| {
            let turns = turns(self);
            let skipped = turns.len().saturating_sub(TURNS);
            if skipped > 0 {
                write!(f, "… {skipped} earlier turns … ")?;
            }
            let mut now = None;
            for turn in &turns[skipped..] {
                let Segment { time, task, early, said, end, .. } = turn;
                match now.replace(*time) {
                    None => write!(f, "{time}: ")?,
                    Some(before) if before != *time => write!(f, " | {time}: ")?,
                    Some(_) => f.write_str(" ")?,
                }
                f.write_str(if *early { "◀" } else { "" })?;
                write!(f, "{}", self.names().get(*task))?;
                if !said.is_empty() {
                    let told = &said[..said.len().min(SAID)];
                    let more = match said.len() - told.len() {
                        0 => String::new(),
                        more => format!(", … {more} more"),
                    };
                    write!(f, "({}{more})", told.join(", "))?;
                }
                f.write_str(end)?;
            }
            Ok(())
        })
    }
}

fn turns(trace: &Trace) -> Vec<Segment> {
    let mut turns: Vec<Segment> = Vec::new();
    // The task that owes its next turn to an unusual answer.
    let mut early = None;
    for (position, event) in trace.events() {
        let task = event.actor(position);
        let own = |turn: &&mut Segment| (turn.step, turn.task) == (position.step, task);
        let (said, end) = match event {
            Event::Choice { asked, answer, .. } if asked.question == Question::Value => {
                (Some(trace.fill(asked.words(answer).act, position, asked, answer)), None)
            }
            Event::Choice { asked, .. } => {
                if event.is_deviation() {
                    match turns.last_mut().filter(own) {
                        Some(turn) if asked.question != Question::Next => turn.early = true,
                        _ => early = Some(task),
                    }
                }
                continue;
            }
            Event::Note { label, value, .. } => (Some(trace.describe_note(label, value)), None),
            Event::End { how, .. } => match how {
                Ending::Returned => (None, Some(".")),
                Ending::Panicked => (None, Some("!")),
                Ending::Cancelled => (None, Some("×")),
                Ending::Dropped => continue,
            },
            Event::Poll { .. } => (None, None),
            // What a task does to others is seen by their turns.
            _ => continue,
        };
        if turns.last_mut().filter(own).is_none() {
            let (step, time) = (position.step, position.time);
            let early = early.take() == Some(task);
            turns.push(Segment { step, task, time, early, said: Vec::new(), end: "" });
        }
        if let Some(turn) = turns.last_mut() {
            turn.said.extend(said);
            turn.end = end.unwrap_or(turn.end);
        }
    }
    turns
}
