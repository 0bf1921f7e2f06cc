//! A run as a list of acts: what pictures have a line for, each with the events that it is made of.

use super::words;
use crate::instant::Instant;
use crate::question::Question;
use crate::trace::{Asked, Ending, Event, Position, TaskId, Trace, Wait};

/// One thing done in a run. Events that belong together are one act: a turn and the first thing done in
/// it, an end and the tasks it wakes, a jump of the clock and all its timers.
pub(super) struct Act {
    pub(super) kind: ActKind,
    /// The task that did it, or that it was done to. `None` for the clock.
    pub(super) task: Option<TaskId>,
    /// What, in words that follow the name.
    pub(super) text: String,
    /// The tasks it reaches: those that are spawned, woken or cancelled.
    pub(super) to: Vec<TaskId>,
    /// What was answered before it otherwise than an event loop would, after a number each.
    pub(super) deviations: Vec<(u64, String)>,
    /// All of it, in its order; never empty.
    pub(super) events: Vec<(Position, Event)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ActKind {
    Run,
    Spawn,
    Wait,
    Yield,
    Wake,
    Cancel,
    /// A value of the code's own.
    Value,
    End(Ending),
    /// Nothing was ready, and time passed.
    Jump,
}

impl ActKind {
    /// Whether the wake-ups that follow are told with it.
    fn wakes(self) -> bool {
        matches!(self, Self::Wake | Self::Cancel | Self::End(_) | Self::Jump)
    }
}

/// The acts of a run, in their order.
pub(super) fn acts(trace: &Trace) -> Vec<Act> {
    let mut teller = Teller::new(trace);
    trace.events().for_each(|(position, event)| teller.tell(position, event));
    teller.rest();
    teller.acts
}

/// The task of a step, if an event begins one.
pub(super) fn turn(event: Event) -> Option<TaskId> {
    match event {
        Event::Poll { task } => Some(task),
        Event::Choice { asked, .. } if asked.question == Question::Next => asked.task(),
        _ => None,
    }
}

struct Teller<'a> {
    trace: &'a Trace,
    acts: Vec<Act>,
    /// Whose step it is, and which.
    current: TaskId,
    step: u64,
    now: Instant,
    /// A turn has begun, and nothing of it has been told yet.
    begun: bool,
    /// What goes with the next act.
    deviations: Vec<(u64, String)>,
    events: Vec<(Position, Event)>,
    /// The task whose request to cancel has been told.
    requested: Option<TaskId>,
}

impl<'a> Teller<'a> {
    fn new(trace: &'a Trace) -> Self {
        Self {
            trace,
            acts: Vec::new(),
            current: TaskId::MAIN,
            step: 0,
            now: Instant::START,
            begun: false,
            deviations: Vec::new(),
            events: Vec::new(),
            requested: None,
        }
    }

    fn act(&mut self, kind: ActKind, task: Option<TaskId>, text: impl Into<String>, to: &[TaskId]) {
        self.begun = false;
        let (text, to) = (text.into(), to.to_vec());
        let deviations = std::mem::take(&mut self.deviations);
        let events = std::mem::take(&mut self.events);
        self.acts.push(Act { kind, task, text, to, deviations, events });
    }

    /// A turn in which nothing was done that has a line.
    fn rest(&mut self) {
        if self.begun {
            self.act(ActKind::Run, Some(self.current), "runs", &[]);
        } else if let Some(act) = self.acts.last_mut() {
            // What came last and has no line of its own.
            act.events.append(&mut self.events);
        }
    }

    /// Adds an event to the last act, if it is of this kind and nothing came between.
    fn joins(&mut self, fits: impl Fn(&Act) -> bool) -> Option<&mut Act> {
        let alone = !self.begun && self.events.len() == 1 && self.deviations.is_empty();
        let act = self.acts.last_mut().filter(|act| alone && fits(act))?;
        act.events.append(&mut self.events);
        Some(act)
    }

    fn tell(&mut self, position: Position, event: Event) {
        let before = std::mem::replace(&mut self.now, position.time);
        if let Some(task) = turn(event) {
            // The choice of the next task comes before its turn, and ends the turn before.
            if self.begun {
                self.rest();
            }
            if position.step > self.step {
                (self.step, self.current, self.begun) = (position.step, task, true);
            }
        }
        self.events.push((position, event));
        match event {
            Event::Poll { .. } => {}
            Event::Choice { asked, answer, .. } => self.choice(position, asked, answer),
            Event::Advance { to } => {
                let passed = Instant::START + (to - before);
                // From where is not known if that was not kept.
                let text = if before == to { "time".to_owned() } else { passed.to_string() };
                self.act(ActKind::Jump, None, text, &[]);
            }
            Event::Spawn { task: TaskId::MAIN, .. } => {
                self.done(ActKind::Spawn, event, TaskId::MAIN, &[]);
            }
            Event::Spawn { task, by } => self.done(ActKind::Spawn, event, by, &[task]),
            Event::Wait { task, on: Wait::Turn } => {
                // Its wake-up by itself is a part of it.
                let own = |act: &Act| act.kind == ActKind::Wake && act.to == [task];
                let text = words::deed(self.trace, event).unwrap_or_default();
                if let Some(act) = self.joins(|act| own(act) && act.task == Some(task)) {
                    (act.kind, act.text) = (ActKind::Yield, text);
                    act.to.clear();
                } else {
                    self.act(ActKind::Yield, Some(task), text, &[]);
                }
            }
            Event::Wait { task, .. } => self.done(ActKind::Wait, event, task, &[]),
            Event::Wake { task, by } => self.wake(task, by),
            // That it was asked to has been told.
            Event::Cancel { task, .. } if self.requested.take() == Some(task) => {
                self.joins(|_| true);
            }
            Event::Abort { task, by: Some(by) } | Event::Cancel { task, by: Some(by) } => {
                self.done(ActKind::Cancel, event, by, &[task]);
            }
            Event::Abort { task, by: None } | Event::Cancel { task, by: None } => {
                self.act(ActKind::Cancel, Some(task), "is cancelled by the end of the run", &[]);
            }
            Event::Timeout { task, .. } => self.done(ActKind::Run, event, task, &[]),
            Event::Note { task, .. } => self.done(ActKind::Value, event, task, &[]),
            Event::End { task, how } => self.done(ActKind::End(how), event, task, &[]),
        }
    }

    /// Adds what a task does.
    fn done(&mut self, kind: ActKind, event: Event, task: TaskId, to: &[TaskId]) {
        let text = words::deed(self.trace, event).unwrap_or_default();
        self.act(kind, Some(task), text, to);
    }

    fn wake(&mut self, task: TaskId, by: Option<TaskId>) {
        let names = self.trace.names();
        let joined = self.joins(|act| act.kind.wakes() && (act.task == by || act.to == [task]));
        if let Some(act) = joined {
            if act.kind == ActKind::Wake {
                act.text.push_str(&format!(", {}", names.get(task)));
            }
            if !act.to.contains(&task) && act.task != Some(task) {
                act.to.push(task);
            }
            return;
        }
        let text = match by {
            Some(by) if by == task => "wakes itself".to_owned(),
            _ => format!("wakes {}", names.get(task)),
        };
        self.act(ActKind::Wake, by, text, &[task]);
    }

    fn choice(&mut self, position: Position, asked: Asked, answer: u32) {
        let Some(told) = words::answered(self.trace, position, asked, answer) else { return };
        self.deviations.extend(told.aside.map(|aside| (position.choices - 1, aside)));
        let Some((task, text)) = told.line else { return };
        let kind = match asked.question {
            Question::Value => ActKind::Value,
            question if question.is_fault() => ActKind::Cancel,
            _ => ActKind::Run,
        };
        if kind == ActKind::Cancel {
            self.requested = (asked.question == Question::Cancel).then_some(task);
        }
        self.act(kind, Some(task), text, &[]);
    }
}
