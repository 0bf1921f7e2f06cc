//! What of a trace is shown.

use super::{Event, Position, TaskId, Trace, Wait};
use crate::buffer::Buffer;
use crate::numbering::Numbering;

/// One event of a trace, as [`Trace::filter`] passes it to its closure.
#[derive(Clone, Copy, Debug)]
pub struct EventRef<'a> {
    trace: &'a Trace,
    position: Position,
    event: Event,
}

impl<'a> EventRef<'a> {
    /// What happened.
    pub fn event(&self) -> Event {
        self.event
    }

    /// When it happened.
    pub fn position(&self) -> Position {
        self.position
    }

    /// The name of the task in whose column the event is: the task that spawns, or the task that is
    /// woken.
    pub fn task(&self) -> String {
        self.trace.names().get(self.event.actor(self.position)).to_string()
    }

    /// The label that the code under test gave to a [note](crate::trace!), a [choice](crate::choose), or a
    /// [cancellation point](crate::cancel::point).
    pub fn label(&self) -> Option<&'a str> {
        match self.event {
            Event::Note { label, .. } => Some(self.trace.label(label)),
            Event::Choice { asked, .. } => asked.label().map(|label| self.trace.label(label)),
            _ => None,
        }
    }
}

impl Event {
    /// The task that does it. If no task does it, the task that it affects.
    pub(crate) fn actor(&self, position: Position) -> TaskId {
        match *self {
            Event::Spawn { by, .. } => by,
            Event::Abort { task, by } | Event::Cancel { task, by } => by.unwrap_or(task),
            Event::Poll { task }
            | Event::Wait { task, .. }
            | Event::Wake { task, .. }
            | Event::Timeout { task, .. }
            | Event::Note { task, .. }
            | Event::End { task, .. } => task,
            Event::Advance { .. } => position.task,
            Event::Choice { asked, .. } => asked.task().unwrap_or(position.task),
        }
    }

    /// The other task that a choice is about, if there is one.
    pub(super) fn other(&self) -> Option<TaskId> {
        match *self {
            Event::Choice { asked, .. } => asked.other(),
            _ => None,
        }
    }
}

impl Trace {
    /// Returns a trace of those events for which `keep` returns `true`, and of all jumps of the clock.
    ///
    /// Events keep their times and the numbers of their steps and choices. Primitives are numbered again,
    /// in the order in which they appear, so that there are no gaps. The [hash](Trace::hash) is still that of
    /// the whole run.
    ///
    /// ```
    /// use dacapo::task::spawn_named;
    /// use dacapo::trace::Event;
    ///
    /// let run = dacapo::run(async || {
    ///     let tasks = ["alice", "bob"].map(|name| spawn_named(name, async move {
    ///         dacapo::trace!("hello from", name);
    ///     }));
    ///     dacapo::gather(tasks).await;
    /// });
    /// let bob = run.trace().filter(|entry| entry.task() == "bob");
    /// assert_eq!(bob.compact().to_string(), r#"0 ms: bob(hello from: "bob")."#);
    /// let notes = run.trace().filter(|entry| matches!(entry.event(), Event::Note { .. }));
    /// assert_eq!(notes.events().count(), 2);
    /// let greetings = run.trace().filter(|entry| entry.label() == Some("hello from"));
    /// assert_eq!(greetings.events().count(), 2);
    /// ```
    #[must_use = "it returns another trace"]
    pub fn filter(&self, mut keep: impl FnMut(EventRef<'_>) -> bool) -> Self {
        let mut keep = |&(position, event): &(Position, Event)| {
            let always = matches!(event, Event::Advance { .. });
            always || keep(EventRef { trace: self, position, event })
        };
        let mut numbers = Numbering::default();
        let kept = self.events().filter(&mut keep);
        let kept = kept.map(|(position, event)| (position, renumbered(event, &mut numbers)));
        let selected = Some(kept.collect());
        let early = self.early.iter().copied().filter(keep).collect();
        let (records, before) = (Buffer::default(), Buffer::default());
        let all = Self { records, before, ..self.clone() };
        Self { selected, early, ..all }
    }

    /// Whether it is a part of another trace.
    pub(crate) fn is_filtered(&self) -> bool {
        self.selected.is_some()
    }
}

/// The event with the number of its primitive in the order in which they come.
fn renumbered(mut event: Event, numbers: &mut Numbering) -> Event {
    let Event::Wait { on, .. } = &mut event else { return event };
    match on {
        Wait::Semaphore { number, .. }
        | Wait::Lock(number)
        | Wait::Event(number)
        | Wait::Condition(number)
        | Wait::Barrier(number)
        | Wait::QueueGet(number)
        | Wait::QueuePut(number)
        | Wait::QueueJoin(number) => *number = numbers.number((*number).into()) as u32 + 1,
        Wait::Turn | Wait::Other | Wait::Until(_) | Wait::Task(_) => {}
    }
    event
}
