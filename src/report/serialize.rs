//! A run as data, with the feature `serde`.
//! Written by hand, because that needs no macros to compile, and the form is for readers: names instead
//! of numbers, words instead of variants, times in nanoseconds.

use serde_core::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};

use super::Explanation;
use crate::failure::{Blocked, Failure, FailureKind};
use crate::instant::Instant;
use crate::schedule::{Lasting, Schedule};
use crate::trace::{Asked, Detail, Ending, Event, Moment, Position, Subject, TaskId, Trace, Wait};

/// Nanoseconds since the run began.
impl Serialize for Instant {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(self.as_nanos())
    }
}

/// Its text.
impl Serialize for Schedule {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// The known names of tasks in the order of spawning, how many events were not kept, and the events: each a map
/// of its time, its step, what it is, and what that takes, such as `{"time_ns": 0, "step": 1, "event":
/// "spawn", "task": "worker", "by": "main"}`.
impl Serialize for Trace {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let names = self.names();
        let tasks: Vec<String> = names.ids().map(|task| names.get(task).to_string()).collect();
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("tasks", &tasks)?;
        map.serialize_entry("dropped", &self.dropped())?;
        map.serialize_entry("events", &Events(self))?;
        map.end()
    }
}

struct Events<'a>(&'a Trace);

impl Serialize for Events<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(None)?;
        for (position, event) in self.0.events() {
            list.serialize_element(&SerializedEvent { trace: self.0, position, event })?;
        }
        list.end()
    }
}

struct SerializedEvent<'a> {
    trace: &'a Trace,
    position: Position,
    event: Event,
}

impl Serialize for SerializedEvent<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("time_ns", &self.position.time)?;
        map.serialize_entry("step", &self.position.step)?;
        let name = |task: TaskId| self.trace.names().get(task).to_string();
        let (event, task, by) = match self.event {
            Event::Spawn { task, by } => ("spawn", Some(task), Some(by).filter(|by| *by != task)),
            Event::Choice { .. } => ("choice", None, None),
            Event::Poll { task } => ("poll", Some(task), None),
            Event::Wait { task, .. } => ("wait", Some(task), None),
            Event::Wake { task, by } => ("wake", Some(task), by),
            Event::Advance { .. } => ("advance", None, None),
            Event::Abort { task, by } => ("abort", Some(task), by),
            Event::Cancel { task, by } => ("cancel", Some(task), by),
            Event::Timeout { task, .. } => ("timeout", Some(task), None),
            Event::Note { task, .. } => ("note", Some(task), None),
            Event::End { task, .. } => ("end", Some(task), None),
        };
        map.serialize_entry("event", event)?;
        if let Some(task) = task {
            map.serialize_entry("task", &name(task))?;
        }
        if let Some(by) = by {
            map.serialize_entry("by", &name(by))?;
        }
        match self.event {
            Event::Choice { asked, answer, options } => {
                map.serialize_entry("choice", &(self.position.choices - 1))?;
                self.asked(&mut map, asked)?;
                map.serialize_entry("answer", &answer)?;
                map.serialize_entry("options", &options)?;
            }
            Event::Wait { on, .. } => self.wait(&mut map, on)?,
            Event::Timeout { after, .. } => {
                let nanos = u64::try_from(after.as_nanos()).unwrap_or(u64::MAX);
                map.serialize_entry("after_ns", &nanos)?;
            }
            Event::Note { label, value, .. } => {
                map.serialize_entry("label", self.trace.label(label))?;
                if let Some(value) = value {
                    map.serialize_entry("value", &self.trace.value(value))?;
                }
            }
            Event::End { how, .. } => {
                let how = match how {
                    Ending::Returned => "returned",
                    Ending::Panicked => "panicked",
                    Ending::Cancelled => "cancelled",
                    Ending::Dropped => "dropped",
                };
                map.serialize_entry("how", how)?;
            }
            _ => {}
        }
        map.end()
    }
}

impl SerializedEvent<'_> {
    /// What was asked.
    fn asked<M: SerializeMap>(&self, map: &mut M, asked: Asked) -> Result<(), M::Error> {
        let name = |task: TaskId| self.trace.names().get(task).to_string();
        map.serialize_entry("about", asked.question.row().name)?;
        match (asked.subject, asked.detail) {
            (Subject::Task(chosen), Detail::Next { first, .. }) => {
                map.serialize_entry("first", &name(first))?;
                map.serialize_entry("chosen", &name(chosen))?;
            }
            (Subject::Task(task), _) | (_, Detail::In { task, .. }) => {
                map.serialize_entry("task", &name(task))?;
            }
            _ => {}
        }
        match asked.subject {
            Subject::Task(_) | Subject::Clock => {}
            Subject::Label(label) => map.serialize_entry("label", self.trace.label(label))?,
            Subject::Host(host) => map.serialize_entry("host", &host)?,
            Subject::Link { from, to } => {
                map.serialize_entry("from", &from)?;
                map.serialize_entry("to", &to)?;
            }
        }
        match asked.detail {
            Detail::None => Ok(()),
            Detail::Next { lasting, .. } => match lasting {
                Lasting::Once => Ok(()),
                Lasting::Hold => map.serialize_entry("lasting", "hold"),
                Lasting::Ahead => map.serialize_entry("lasting", "ahead"),
            },
            Detail::Granted { to, lock } => {
                map.serialize_entry("waiter", &to.map(name))?;
                map.serialize_entry("at", if lock { "lock" } else { "semaphore" })
            }
            Detail::Deadline(deadline) => map.serialize_entry("deadline_ns", &deadline),
            Detail::Number(number) => map.serialize_entry("number", &number),
            Detail::Await { nth, moment } => {
                map.serialize_entry("await", &nth)?;
                map.serialize_entry("moment", when(moment))
            }
            Detail::In { moment, .. } => map.serialize_entry("moment", when(moment)),
        }
    }

    /// What a task waits for.
    fn wait<M: SerializeMap>(&self, map: &mut M, on: Wait) -> Result<(), M::Error> {
        let (what, number) = match on {
            Wait::Turn => ("turn", None),
            Wait::Other => ("other", None),
            Wait::Until(_) => ("time", None),
            Wait::Task(_) => ("task", None),
            Wait::Semaphore { number, .. } => ("semaphore", Some(number)),
            Wait::Lock(number) => ("lock", Some(number)),
            Wait::Event(number) => ("event", Some(number)),
            Wait::Condition(number) => ("condition", Some(number)),
            Wait::Barrier(number) => ("barrier", Some(number)),
            Wait::QueueGet(number) => ("queue item", Some(number)),
            Wait::QueuePut(number) => ("queue place", Some(number)),
            Wait::QueueJoin(number) => ("queue done", Some(number)),
        };
        map.serialize_entry("for", what)?;
        if let Some(number) = number {
            map.serialize_entry("number", &number)?;
        }
        match on {
            // A time that never comes is none.
            Wait::Until(at) => {
                map.serialize_entry("until_ns", &Some(at).filter(|at| *at != Instant::FAR_FUTURE))
            }
            Wait::Task(other) => {
                map.serialize_entry("other", &self.trace.names().get(other).to_string())
            }
            Wait::Semaphore { permits, .. } => map.serialize_entry("permits", &permits),
            _ => Ok(()),
        }
    }
}

fn when(moment: Moment) -> &'static str {
    match moment {
        Moment::Waiting => "waiting",
        Moment::Woken => "woken",
    }
}

/// Its kind, its title, the whole text, and the blocked tasks.
impl Serialize for Failure {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let kind = match self.kind() {
            FailureKind::Panic => "panic",
            FailureKind::Error => "error",
            FailureKind::Cancelled => "cancelled",
            FailureKind::Stuck => "stuck",
            FailureKind::Limit => "limit",
            FailureKind::ForeignWake => "foreign wake",
            FailureKind::Divergence => "divergence",
            FailureKind::Nondeterminism => "nondeterminism",
            FailureKind::Unmet => "unmet",
            FailureKind::Leak => "leak",
            FailureKind::ProcessEnded => "process ended",
        };
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("kind", kind)?;
        map.serialize_entry("title", &self.title())?;
        map.serialize_entry("text", &self.to_string())?;
        if self.kind() == FailureKind::Stuck {
            map.serialize_entry("blocked", self.blocked())?;
        }
        map.end()
    }
}

impl Serialize for Blocked {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("task", self.task())?;
        map.serialize_entry("waits", self.waits())?;
        map.end()
    }
}

impl Serialize for Explanation {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("sentence", self.sentence())?;
        map.serialize_entry("tasks", &self.tasks())?;
        map.serialize_entry("passing", &self.passing())?;
        map.serialize_entry("inevitable_from", &self.inevitable_from())?;
        map.end()
    }
}
