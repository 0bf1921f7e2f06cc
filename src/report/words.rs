//! The words for what is done in a run, the same ones in every form of it.

use crate::instant::Instant;
use crate::trace::{Asked, Ending, Event, Position, TaskId, Trace, Wait};

/// What a task does, to follow its name. None if no task does it, or if it is told by what comes of it: a
/// turn, a wake-up, a choice.
pub(super) fn deed(trace: &Trace, event: Event) -> Option<String> {
    let name = |task: TaskId| trace.names().get(task);
    Some(match event {
        Event::Spawn { task: TaskId::MAIN, .. } => "is spawned".to_owned(),
        Event::Spawn { task, .. } => format!("spawns {}", name(task)),
        Event::Wait { on: Wait::Turn, .. } => "yields".to_owned(),
        Event::Wait { on: Wait::Other, .. } => "waits".to_owned(),
        Event::Wait { on, .. } => format!("waits {}", trace.describe_wait(on)),
        Event::Abort { task, by: Some(_) } => format!("aborts {}", name(task)),
        Event::Cancel { task, by: Some(_) } => format!("cancels {}", name(task)),
        Event::Timeout { after, .. } => {
            format!("gives up (timeout of {})", Instant::START + after)
        }
        Event::Note { label, value, .. } => trace.describe_note(label, value),
        Event::End { how, .. } => match how {
            Ending::Returned => "returns",
            Ending::Panicked => "panics",
            Ending::Cancelled => "is cancelled",
            Ending::Dropped => "is dropped",
        }
        .to_owned(),
        Event::Poll { .. }
        | Event::Choice { .. }
        | Event::Wake { .. }
        | Event::Advance { .. }
        | Event::Abort { by: None, .. }
        | Event::Cancel { by: None, .. } => return None,
    })
}

/// What came of an answer.
pub(super) struct Told {
    /// What stands beside the line that it belongs to, if an event loop would have answered otherwise.
    pub(super) aside: Option<String>,
    /// A line of its own: whose, and what.
    pub(super) line: Option<(TaskId, String)>,
}

/// The same for an answer. `None` if an event loop would have given it too, and its value was not asked
/// for.
pub(super) fn answered(
    trace: &Trace,
    position: Position,
    asked: Asked,
    answer: u32,
) -> Option<Told> {
    let choice = Event::Choice { asked, answer, options: 0 };
    let words = asked.words(answer);
    let is_deviation = choice.is_deviation();
    // The code under test has asked for its value, whatever it is.
    if !is_deviation && words.act.is_empty() {
        return None;
    }
    let fill = |text: &str| trace.fill(text, position, asked, answer);
    let line = || (choice.actor(position), fill(words.act));
    Some(Told {
        aside: is_deviation.then(|| fill(words.aside)),
        line: (!words.act.is_empty()).then(line),
    })
}
