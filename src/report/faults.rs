//! The faults of a run, in words.

use crate::trace::{Asked, Event, Moment, Position, TaskId, Trace};

/// What a fault did, in a sentence. None if the choice is not about a fault.
pub(super) fn sentence(
    trace: &Trace,
    position: Position,
    asked: Asked,
    answer: u32,
) -> Option<String> {
    let name = |task: TaskId| trace.names().get(task);
    Some(match asked {
        Asked::Barge { task, waiter, lock } => {
            let what = if lock { "lock" } else { "permit" };
            let other = waiter.map_or_else(|| "another".to_owned(), |task| name(task).to_string());
            format!("the {what} goes to {}, though {other} was first in line", name(task))
        }
        Asked::Spurious(task) => format!("{} is woken for no reason", name(task)),
        Asked::WakeAll(task) => format!("the notification by {} wakes all who wait", name(task)),
        Asked::Late(deadline) => {
            let to = jump(trace, position).map_or_else(String::new, |to| format!(" to {to},"));
            format!("the clock is late: it jumps{to} past the deadline at {deadline}")
        }
        Asked::Yield(task) => {
            format!("{} gives a turn away at an await that was ready", name(task))
        }
        Asked::Cancel { task, nth, moment } => {
            let waits = waited_for(trace, position, task);
            let waits = waits.map_or_else(String::new, |waits| format!(" {waits}"));
            let done = if answer == 1 { "is dropped" } else { "is asked to cancel" };
            let when = match moment {
                Moment::Waiting => "while it waits",
                Moment::Woken => "when it was woken and before it is polled, having waited",
            };
            format!("{} {done} at await {nth}, {when}{waits}", name(task))
        }
        Asked::Point { task, label, moment } => {
            let when = match moment {
                Moment::Waiting => "while it waits",
                Moment::Woken => "before it is polled again",
            };
            format!("\"{}\" in {} is dropped {when}", trace.shown_label(label), name(task))
        }
        Asked::Next { .. }
        | Asked::Timeout(_)
        | Asked::Deadline(_)
        | Asked::Select(_)
        | Asked::Value(_) => return None,
    })
}

/// Where the run was cancelled that a sweep has made: `cancelled at await 7 of writer (for a place in
/// queue 1)`.
pub(crate) fn cancelled_at(trace: &Trace) -> Option<String> {
    let cancelled = trace.deviations().filter_map(|(position, event)| match event {
        Event::Choice { asked: Asked::Cancel { task, nth, moment }, answer, .. } => {
            let waits = waited_for(trace, position, task);
            let waits = waits.map_or_else(String::new, |waits| format!(" ({waits})"));
            let how = if answer == 1 { "dropped" } else { "cancelled" };
            let when = if moment == Moment::Woken { ", when it was woken" } else { "" };
            Some(format!("{how} at await {nth} of {}{waits}{when}", trace.names().get(task)))
        }
        Event::Choice { asked: Asked::Point { task, label, moment }, .. } => {
            let when = if moment == Moment::Woken { ", before it is polled again" } else { "" };
            let (label, name) = (trace.shown_label(label), trace.names().get(task));
            Some(format!("dropped \"{label}\" in {name}{when}"))
        }
        _ => None,
    });
    cancelled.last()
}

/// What a task waited for when it was last put back before this place in the run.
fn waited_for(trace: &Trace, until: Position, task: TaskId) -> Option<String> {
    let before = trace.events().take_while(|(at, event)| {
        at.choices < until.choices || !matches!(event, Event::Choice { .. })
    });
    let waits = before.filter_map(|(at, event)| match event {
        Event::Wait { task: other, on } if other == task => Some((at.step, on)),
        _ => None,
    });
    let all: Vec<_> = waits.collect();
    let last = all.last()?.0;
    let texts = all.iter().filter(|(step, _)| *step == last);
    let texts: Vec<_> = texts.map(|(_, on)| trace.describe_wait(*on)).collect();
    Some(texts.join(", and "))
}

/// To what the clock jumps after a choice.
fn jump(trace: &Trace, position: Position) -> Option<crate::instant::Instant> {
    trace.events().find_map(|(at, event)| match event {
        Event::Advance { to } if at.choices == position.choices => Some(to),
        _ => None,
    })
}

/// A fault in the story of a run: what stands beside the line of what comes of it, and a line of
/// its own, if it has one, with its task.
pub(super) fn story(
    trace: &Trace,
    asked: Asked,
    answer: u32,
) -> (String, Option<(TaskId, String)>) {
    let name = |task: TaskId| trace.names().get(task).to_string();
    match asked {
        Asked::Barge { task, waiter, .. } => {
            let other = waiter.map_or_else(|| "another".to_owned(), name);
            (format!("before {other}"), Some((task, "barges in".to_owned())))
        }
        Asked::Spurious(task) => {
            ("nothing happened".to_owned(), Some((task, "is woken".to_owned())))
        }
        Asked::WakeAll(task) => ("all who wait".to_owned(), Some((task, "notifies".to_owned()))),
        Asked::Late(deadline) => (format!("past the deadline at {deadline}"), None),
        Asked::Cancel { task, .. } if answer > 1 => {
            (String::new(), Some((task, "is asked to cancel".to_owned())))
        }
        Asked::Cancel { moment: Moment::Waiting, .. } => ("while it waits".to_owned(), None),
        Asked::Cancel { moment: Moment::Woken, .. } => ("though it was woken".to_owned(), None),
        Asked::Point { task, label, .. } => {
            (String::new(), Some((task, format!("drops \"{}\"", trace.shown_label(label)))))
        }
        _ => ("though it was ready".to_owned(), None),
    }
}
