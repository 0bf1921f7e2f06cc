//! The cancellation of a run, in words.

use crate::question::Question;
use crate::trace::{Detail, Event, Moment, Trace};

/// Where the run was cancelled that a sweep has made: `cancelled at await 7 of writer (for a place in
/// queue 1)`.
pub(crate) fn cancelled_at(trace: &Trace) -> Option<String> {
    let cancelled = trace.deviations().filter_map(|(position, event)| {
        let Event::Choice { asked, answer, .. } = event else { return None };
        let is_woken = asked.moment() == Some(Moment::Woken);
        let name = asked.task().map(|task| trace.names().get(task))?;
        match (asked.question, asked.detail) {
            (Question::Cancel, Detail::Await { nth, .. }) => {
                let waits = trace.waited_for(position, asked.task()?);
                let waits = waits.map_or_else(String::new, |waits| format!(" ({waits})"));
                let how = if answer == 1 { "dropped" } else { "cancelled" };
                let when = if is_woken { ", when it was woken" } else { "" };
                Some(format!("{how} at await {nth} of {name}{waits}{when}"))
            }
            (Question::Point, _) => {
                let when = if is_woken { ", before it is polled again" } else { "" };
                let label = trace.shown_label(asked.label()?);
                Some(format!("dropped \"{label}\" in {name}{when}"))
            }
            _ => None,
        }
    });
    cancelled.last()
}
