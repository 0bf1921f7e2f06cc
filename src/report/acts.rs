//! A run as a list of acts: what pictures have a line for, each with the events that it is made of.

use super::rude;
use crate::instant::Instant;
use crate::schedule::Lasting;
use crate::trace::{Asked, Ending, Event, Position, TaskId, Trace, Wait};

/// One thing done in a run. What belongs together is one act: a turn and the first thing done in it, an
/// end and who is woken by it, a jump of the clock and all its timers.
pub(super) struct Act {
    pub(super) kind: ActKind,
    /// Who did it, or to whom it was done; none if it was the clock.
    pub(super) task: Option<TaskId>,
    /// What, in words that follow the name.
    pub(super) text: String,
    /// Those it reaches: who is spawned, woken, cancelled.
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

/// Who a step belongs to, if an event begins one.
pub(super) fn turn(event: Event) -> Option<TaskId> {
    match event {
        Event::Poll { task } => Some(task),
        Event::Choice { asked: Asked::Next { chosen, .. }, .. } => Some(chosen),
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
    /// A turn has begun of which nothing has been told.
    begun: bool,
    /// What goes with the next act.
    deviations: Vec<(u64, String)>,
    events: Vec<(Position, Event)>,
    /// Who was asked to cancel, which has been told.
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

    fn name(&self, task: TaskId) -> String {
        self.trace.names().get(task).to_string()
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
            // The choice of who is next comes before that turn, and ends the one before.
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
            Event::Choice { asked, answer, .. } => self.choice(position, event, asked, answer),
            Event::Advance { to } => {
                let passed = Instant::START + (to - before);
                // From where is not known if that was not kept.
                let text = if before == to { "time".to_owned() } else { passed.to_string() };
                self.act(ActKind::Jump, None, text, &[]);
            }
            Event::Spawn { task, .. } if task == TaskId::MAIN => {
                self.act(ActKind::Spawn, Some(task), "is spawned", &[]);
            }
            Event::Spawn { task, by } => {
                let text = format!("spawns {}", self.name(task));
                self.act(ActKind::Spawn, Some(by), text, &[task]);
            }
            Event::Wait { task, on: Wait::Turn } => {
                // Its wake-up by itself is a part of it.
                let own = |act: &Act| act.kind == ActKind::Wake && act.to == [task];
                if let Some(act) = self.joins(|act| own(act) && act.task == Some(task)) {
                    (act.kind, act.text) = (ActKind::Yield, "yields".to_owned());
                    act.to.clear();
                } else {
                    self.act(ActKind::Yield, Some(task), "yields", &[]);
                }
            }
            Event::Wait { task, on } => {
                let text = match on {
                    Wait::Other => "waits".to_owned(),
                    on => format!("waits {}", self.trace.describe_wait(on)),
                };
                self.act(ActKind::Wait, Some(task), text, &[]);
            }
            Event::Wake { task, by } => self.wake(task, by),
            Event::Abort { task, by } => {
                let text = format!("aborts {}", self.name(task));
                self.asks_to_end(task, by, text);
            }
            // That it was asked to has been told.
            Event::Cancel { task, .. } if self.requested.take() == Some(task) => {
                self.joins(|_| true);
            }
            Event::Cancel { task, by } => {
                let text = format!("cancels {}", self.name(task));
                self.asks_to_end(task, by, text);
            }
            Event::Note { task, label, value } => {
                let text = self.trace.describe_note(label, value);
                self.act(ActKind::Value, Some(task), text, &[]);
            }
            Event::End { task, how } => {
                let text = match how {
                    Ending::Returned => "returns",
                    Ending::Panicked => "panics",
                    Ending::Cancelled => "is cancelled",
                    Ending::Dropped => "is dropped",
                };
                self.act(ActKind::End(how), Some(task), text, &[]);
            }
        }
    }

    fn asks_to_end(&mut self, task: TaskId, by: Option<TaskId>, text: String) {
        match by {
            Some(by) => self.act(ActKind::Cancel, Some(by), text, &[task]),
            None => {
                self.act(ActKind::Cancel, Some(task), "is cancelled by the end of the run", &[])
            }
        }
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

    fn choice(&mut self, position: Position, event: Event, asked: Asked, answer: u32) {
        let number = position.choices - 1;
        let mut deviates = |what: String| self.deviations.push((number, what));
        let name = |task: TaskId| self.trace.names().get(task).to_string();
        match asked {
            Asked::Value(label) => {
                if answer > 0 {
                    deviates(String::new());
                }
                let text = format!("{} = {answer}", self.trace.shown_label(label));
                self.act(ActKind::Value, Some(event.actor(position)), text, &[]);
            }
            _ if !event.is_deviation() => {}
            Asked::Next { first, lasting, .. } => deviates(match lasting {
                Lasting::Once => format!("before {}", name(first)),
                Lasting::Hold => format!("{} is held back", name(first)),
                Lasting::Ahead => "stays ahead".to_owned(),
            }),
            Asked::Timeout(task) => {
                deviates("deadline first".to_owned());
                self.act(ActKind::Run, Some(task), "gives up", &[]);
            }
            Asked::Deadline(task) => {
                deviates("before the deadline".to_owned());
                self.act(ActKind::Run, Some(task), "goes on", &[]);
            }
            Asked::Select(task) => {
                deviates(format!("branch {answer} first"));
                self.act(ActKind::Run, Some(task), "selects", &[]);
            }
            asked => {
                let (beside, line) = rude::story(self.trace, asked, answer);
                deviates(beside);
                if let Some((task, text)) = line {
                    self.requested = matches!(asked, Asked::Cancel { .. }).then_some(task);
                    self.act(ActKind::Cancel, Some(task), text, &[]);
                }
            }
        }
    }
}
