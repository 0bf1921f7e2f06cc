//! Where a run did not do what an ordinary event loop would have done.

use crate::trace::{Asked, Event, Trace};

/// One sentence for each answer of the run that is not 0, with the number of its choice.
pub(crate) fn deviations(trace: &Trace) -> Vec<(u64, String)> {
    let names = trace.names();
    let mut found = Vec::new();
    let mut events = trace.events().peekable();
    while let Some((position, event)) = events.next() {
        let Event::Choice { asked, answer, .. } = *event else { continue };
        if answer == 0 {
            continue;
        }
        let what = match asked {
            Asked::Next(first) => {
                let chosen = match events.peek() {
                    Some((_, Event::Poll { task })) => names.get(*task).to_string(),
                    _ => format!("number {answer} in line"),
                };
                format!("{chosen} runs before {}", names.get(first))
            }
            Asked::Timeout(task) => format!(
                "the timeout in {} gives up, though what it guards was woken at that instant",
                names.get(task)
            ),
            Asked::Deadline(task) => format!(
                "what the deadline in {} guards goes on first, for it was woken at that instant",
                names.get(task)
            ),
            Asked::Value(label) => format!("{} = {answer}", trace.label(label)),
        };
        found.push((position.choices - 1, format!("at {}: {what}", position.time)));
    }
    found
}
