//! Where a run did not do what an ordinary event loop would have done.

use super::{count, faults};
use crate::schedule::Lasting;
use crate::trace::{Asked, Event, Trace};

/// One sentence for each answer that is kept and not 0, with the number of its choice.
pub(crate) fn deviations(trace: &Trace) -> Vec<(u64, String)> {
    let name = |task| trace.names().get(task);
    let sentences = trace.deviations().filter_map(|(position, event)| {
        let Event::Choice { asked, answer, .. } = event else { return None };
        let what = match asked {
            Asked::Next { first, chosen, lasting } => match lasting {
                Lasting::Once => format!("{} runs before {}", name(chosen), name(first)),
                Lasting::Hold if answer == 1 => {
                    format!("{} is held back until nobody else is ready", name(first))
                }
                Lasting::Hold => format!(
                    "{} and {} are held back until nobody else is ready",
                    name(first),
                    count(answer as usize - 1, "more task")
                ),
                Lasting::Ahead => {
                    format!("{} runs before all others until it waits", name(chosen))
                }
            },
            Asked::Timeout(task) => format!(
                "the timeout in {} gives up, though what it guards was woken at that instant",
                name(task)
            ),
            Asked::Deadline(task) => format!(
                "what the deadline in {} guards goes on first, for it was woken at that instant",
                name(task)
            ),
            Asked::Select(task) => format!(
                "select in {} looks first at branch {answer} of those that were woken, counted from 0",
                name(task)
            ),
            Asked::Value(label) => format!("{} = {answer}", trace.shown_label(label)),
            _ => faults::sentence(trace, position, asked, answer)?,
        };
        Some((position.choices - 1, format!("at {}: {what}", position.time)))
    });
    sentences.collect()
}
