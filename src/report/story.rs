//! A run as people would tell it: what is worth a line, whose line it is, and what stands beside it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::words;
use crate::instant::Instant;
use crate::question::Question;
use crate::trace::{Asked, Ending, Event, Position, Subject, TaskId, Trace, Wait};

pub(super) enum StoryLine {
    Act(Act),
    /// Nothing was ready, and so much time passed.
    Pause(Duration, Vec<Aside>),
}

/// One thing that a task does.
pub(super) struct Act {
    pub(super) position: Position,
    pub(super) task: TaskId,
    pub(super) text: String,
    pub(super) mark: Mark,
    pub(super) asides: Vec<Aside>,
}

/// What in a line needs a legend.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    None,
    /// It was said by the code under test.
    Note,
    /// It is what the code was answered that asked for a number.
    Value,
}

/// An answer that made it come so: the number of the choice, and in a few words what came of it.
pub(super) struct Aside {
    pub(super) choice: u64,
    pub(super) what: String,
}

/// What is worth telling, in its order.
pub(super) fn story(trace: &Trace) -> Vec<StoryLine> {
    let mut story = Story {
        trace,
        lines: Vec::new(),
        time: None,
        pending: None,
        late: Vec::new(),
        unexplained: BTreeMap::new(),
        wakes: None,
        wakers: trace.is_filtered().then(|| actors(trace)),
    };
    for (position, event) in trace.events() {
        story.time.get_or_insert(position.time);
        match event {
            Event::Choice { asked, answer, .. } => story.add_choice(position, asked, answer),
            event => {
                story.follow(position, event);
                story.add(position, event);
            }
        }
    }
    story.flush();
    story.lines
}

/// The tasks that do something in a trace.
fn actors(trace: &Trace) -> BTreeSet<TaskId> {
    // All jumps of the clock are in a filtered trace, whichever task came before.
    let events = trace.events().filter(|(_, event)| !matches!(event, Event::Advance { .. }));
    events.map(|(position, event)| event.actor(position)).collect()
}

struct Story<'a> {
    trace: &'a Trace,
    lines: Vec<StoryLine>,
    /// The time of the last line.
    time: Option<Instant>,
    /// Answers that belong beside the next line of this task.
    pending: Option<(Position, TaskId, Vec<Aside>)>,
    /// Events that belong beside the next jump of the clock.
    late: Vec<Aside>,
    /// The tasks that wait, each with the step in which it began to and whether what it waits for leaves open
    /// which task will wake it.
    unexplained: BTreeMap<TaskId, (u64, bool)>,
    /// The step and the task whose last line says what it wakes.
    wakes: Option<(u64, TaskId)>,
    /// Of a filtered trace, the tasks that are in it: the story tells of no others.
    wakers: Option<BTreeSet<TaskId>>,
}

impl Story<'_> {
    fn add(&mut self, position: Position, event: Event) {
        let text = match event {
            Event::Spawn { task: TaskId::MAIN, .. } | Event::End { how: Ending::Dropped, .. } => {
                return;
            }
            // A fault that asked the task to cancel has been told already.
            Event::Cancel { task, .. } if self.just_asked(task) => return,
            Event::Abort { by: None, .. } | Event::Cancel { by: None, .. } => ASKED.to_owned(),
            // Whose turn it is, is told by what comes of it; whose wake-up it was, by what was waited for or by `follow`.
            event => match words::deed(self.trace, event) {
                Some(text) => text,
                None => return,
            },
        };
        let (text, mark) = match event {
            Event::Note { .. } => (format!("» {text}"), Mark::Note),
            _ => (text, Mark::None),
        };
        self.tell(position, event.actor(position), text, mark);
    }

    /// Tells which task wakes which, if nothing else does: futures of other crates do not say what they wait
    /// for.
    fn follow(&mut self, position: Position, event: Event) {
        match event {
            Event::Wait { task, on } => {
                let is_open = matches!(on, Wait::Other | Wait::Until(_));
                let wait = self.unexplained.entry(task).or_insert((position.step, true));
                // A task may wait for several things at once.
                let before = wait.0 != position.step || wait.1;
                *wait = (position.step, before && is_open);
            }
            Event::Wake { task, by } => {
                let is_open = self.unexplained.remove(&task).is_some_and(|(_, is_open)| is_open);
                let known = |by: &TaskId| self.wakers.as_ref().is_none_or(|all| all.contains(by));
                if let Some(by) = by.filter(|by| is_open && *by != task && known(by)) {
                    self.wake(position, by, task);
                }
            }
            // Their own lines say so.
            Event::Abort { task, .. } | Event::Cancel { task, .. } | Event::End { task, .. } => {
                self.unexplained.remove(&task);
            }
            _ => {}
        }
    }

    fn wake(&mut self, position: Position, by: TaskId, task: TaskId) {
        let name = self.trace.names().get(task);
        let is_next = self.wakes == Some((position.step, by)) && self.pending.is_none();
        if let (true, Some(StoryLine::Act(act))) = (is_next, self.lines.last_mut()) {
            act.text.push_str(&format!(", {name}"));
            return;
        }
        self.tell(position, by, format!("wakes {name}"), Mark::None);
        self.wakes = Some((position.step, by));
    }

    fn just_asked(&self, asked: TaskId) -> bool {
        matches!(self.lines.last(), Some(StoryLine::Act(Act { task, text, .. })) if *task == asked && text == ASKED)
    }

    fn add_choice(&mut self, position: Position, asked: Asked, answer: u32) {
        let Some(told) = words::answered(self.trace, position, asked, answer) else { return };
        let choice = Event::Choice { asked, answer, options: 0 };
        let task = told.line.as_ref().map_or_else(|| choice.actor(position), |line| line.0);
        if let Some(what) = told.aside {
            let aside = Aside { choice: position.choices - 1, what };
            match asked.subject {
                Subject::Clock => self.late.push(aside),
                _ => self.pend(position, task, aside),
            }
        }
        if let Some((_, text)) = told.line {
            let is_value = asked.question == Question::Value;
            self.tell(position, task, text, if is_value { Mark::Value } else { Mark::None });
        }
    }

    fn pend(&mut self, position: Position, task: TaskId, aside: Aside) {
        if self.pending.as_ref().is_some_and(|(_, other, _)| *other != task) {
            self.flush();
        }
        self.pending.get_or_insert((position, task, Vec::new())).2.push(aside);
    }

    /// What is pending gets a line of its own if the event that it belongs to does not come, which may
    /// have been filtered out.
    fn flush(&mut self) {
        if let Some((position, task, asides)) = self.pending.take() {
            self.push(Act { position, task, text: "runs".to_owned(), mark: Mark::None, asides });
        }
    }

    fn tell(&mut self, position: Position, task: TaskId, text: String, mark: Mark) {
        if self.pending.as_ref().is_some_and(|(_, other, _)| *other != task) {
            self.flush();
        }
        let asides = self.pending.take().map(|(_, _, asides)| asides).unwrap_or_default();
        self.push(Act { position, task, text, mark, asides });
    }

    /// Adds a line, after the time that has passed.
    fn push(&mut self, act: Act) {
        self.wakes = None;
        let now = act.position.time;
        let before = self.time.replace(now).unwrap_or(now);
        if now > before {
            self.lines.push(StoryLine::Pause(now - before, std::mem::take(&mut self.late)));
        }
        self.lines.push(StoryLine::Act(act));
    }
}

/// What comes of a fault, and of the end of the run.
const ASKED: &str = "is asked to cancel";
