//! One open question of a run.

use std::fmt;

use super::ReadyQueue;
use crate::schedule::Answer;
use crate::trace::{Moment, Next, TaskId, TaskName, TaskNames, mix};

/// A question with two or more possible answers, which a [`Scheduler`](crate::scheduler::Scheduler)
/// is asked.
///
/// Answers are numbers below [`options`](Choice::options). Answer 0 is always what an ordinary event
/// loop would do.
#[derive(Clone, Copy, Debug)]
pub struct Choice<'a> {
    kind: ChoiceKind,
    options: usize,
    among: Among<'a>,
}

/// What a [`Choice`] is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ChoiceKind {
    /// Which ready task runs next. Option 0 is the one that has been ready for longest.
    Task,
    /// At the deadline of a `timeout` whose inner future has been woken too: is that looked at once
    /// more (0), or is it dropped as it is (1)?
    Timeout,
    /// At the deadline of a `timeout_scope` or `wait_for` whose body has been woken too: does the
    /// deadline strike (0), or does the body go on first (1)?
    Deadline,
    /// Which branch of a `select!` is looked at first, of those that have been woken. Option 0 is the
    /// one that stands first.
    Select,
    /// A value that the code under test asked for with [`choose`](crate::choose), under this label.
    Value(&'static str),
    /// Does a newcomer at a lock or a semaphore wait (0), or does it take what was meant for another (1)?
    /// This and what follows is asked only in runs in which [faults](crate::Faults) are on.
    Barge,
    /// Is a task that goes to sleep left asleep (0), or polled once more for no reason (1)?
    Spurious,
    /// Does a notification wake those it is for (0), or all who wait (1)?
    WakeAll,
    /// Does the clock jump to the next deadline (0), or past it (1)?
    LateTimer,
    /// Does a task go on at an await that is ready (0), or does it give a turn away first (1)?
    Yield,
    /// Does a task go on (0), is it dropped at this await (1), or is it asked to cancel (2)? The last of
    /// these is there only where it differs from the second.
    Cancel(Moment),
    /// Does a future that is marked by this label go on (0), or is it dropped at this await (1)?
    Point(&'static str, Moment),
}

impl ChoiceKind {
    /// Whether it asks about a [fault](crate::Faults). Answers other than 0 should then be the exception.
    pub fn is_fault(self) -> bool {
        match self {
            Self::Task | Self::Timeout | Self::Deadline | Self::Select | Self::Value(_) => false,
            Self::Barge
            | Self::Spurious
            | Self::WakeAll
            | Self::LateTimer
            | Self::Yield
            | Self::Cancel(_)
            | Self::Point(..) => true,
        }
    }

    /// What an option means, of those kinds for which that is always the same.
    fn option_text(self, option: usize) -> &'static str {
        let texts = match self {
            Self::Timeout => ["completion", "deadline"],
            Self::Deadline => ["deadline", "completion"],
            Self::Barge => ["in line", "barging in"],
            Self::Spurious => ["asleep", "woken for no reason"],
            Self::WakeAll => ["so many", "all"],
            Self::LateTimer => ["in time", "late"],
            Self::Yield => ["at once", "a turn later"],
            _ if option == 2 => ["asked to cancel"; 2],
            _ => ["goes on", "dropped"],
        };
        texts[option.min(1)]
    }
}

#[derive(Clone, Copy, Debug)]
enum Among<'a> {
    Tasks {
        ready: &'a ReadyQueue,
        names: &'a TaskNames,
    },
    Numbers,
    /// What may happen to one task.
    OfTask {
        task: TaskId,
        names: &'a TaskNames,
    },
}

impl<'a> Choice<'a> {
    /// A choice among tasks, the one that has been ready for longest first.
    ///
    /// dacapo makes the choices of a run itself; this is for the tests of a scheduler.
    ///
    /// # Panics
    ///
    /// If fewer than two tasks are ready: that is no choice.
    #[track_caller]
    pub fn among_tasks(ready: &'a ReadyQueue, names: &'a TaskNames) -> Self {
        assert!(ready.len() >= 2, "a choice needs two options or more");
        Self::among(ready, names)
    }

    /// The same where it is known that there are two tasks or more.
    #[inline(always)]
    pub(crate) fn among(ready: &'a ReadyQueue, names: &'a TaskNames) -> Self {
        // More have no place in a trace.
        let options = ready.len().min(Next::MAX_OPTIONS);
        Self { kind: ChoiceKind::Task, options, among: Among::Tasks { ready, names } }
    }

    /// A choice of a number below `options`; see [`among_tasks`](Choice::among_tasks).
    ///
    /// # Panics
    ///
    /// If there are fewer than two options: that is no choice.
    #[track_caller]
    pub fn of_number(kind: ChoiceKind, options: usize) -> Self {
        assert!(options >= 2, "a choice needs two options or more");
        Self { kind, options, among: Among::Numbers }
    }

    /// A choice of a number below `options` that is about one task; see
    /// [`among_tasks`](Choice::among_tasks).
    ///
    /// # Panics
    ///
    /// If there are fewer than two options: that is no choice.
    #[track_caller]
    pub fn of_task(kind: ChoiceKind, options: usize, task: TaskId, names: &'a TaskNames) -> Self {
        assert!(options >= 2, "a choice needs two options or more");
        Self { kind, options, among: Among::OfTask { task, names } }
    }

    /// The task that a choice is about which is not among tasks, if dacapo knows it.
    pub fn task_name(&self) -> Option<TaskName<'a>> {
        match self.among {
            Among::OfTask { task, names } => Some(names.get(task)),
            Among::Tasks { .. } | Among::Numbers => None,
        }
    }

    /// What is to be chosen.
    pub fn kind(&self) -> ChoiceKind {
        self.kind
    }

    #[inline]
    pub(super) fn is_among_tasks(&self) -> bool {
        matches!(self.kind, ChoiceKind::Task)
    }

    /// How many options there are: two or more. Answers are below this number.
    pub fn options(&self) -> usize {
        self.options
    }

    /// The answer that takes this option, for this choice only.
    ///
    /// # Panics
    ///
    /// If `option` is not below [`options`](Choice::options).
    #[track_caller]
    pub fn option(&self, option: usize) -> Answer {
        let options = self.options;
        assert!(option < options, "option {option} of a choice with {options} options");
        Answer::from_place(option)
    }

    /// Which option a task is, if it is one.
    pub fn place_of(&self, task: TaskId) -> Option<usize> {
        let Among::Tasks { ready, .. } = self.among else { return None };
        ready.place_of(task)
    }

    /// What an option stands for: the same in each run in which this option exists.
    ///
    /// # Panics
    ///
    /// If `option` is not below [`options`](Choice::options).
    #[track_caller]
    pub fn label(&self, option: usize) -> Label<'a> {
        let options = self.options;
        assert!(option < options, "option {option} of a choice with {options} options");
        Label(match self.among {
            Among::Tasks { ready, names } => {
                let task = ready.get(option).expect("dacapo bug: a line is shorter than it says");
                LabelKind::Task { task, names }
            }
            Among::Numbers | Among::OfTask { .. } => LabelKind::Number { kind: self.kind, option },
        })
    }
}

/// What one option of a [`Choice`] stands for; its text is for people.
#[derive(Clone, Copy, Debug)]
pub struct Label<'a>(LabelKind<'a>);

#[derive(Clone, Copy, Debug)]
enum LabelKind<'a> {
    Task { task: TaskId, names: &'a TaskNames },
    Number { kind: ChoiceKind, option: usize },
}

impl<'a> Label<'a> {
    /// The task that would run, if the choice is among tasks.
    pub fn task(&self) -> Option<TaskId> {
        match self.0 {
            LabelKind::Task { task, .. } => Some(task),
            LabelKind::Number { .. } => None,
        }
    }

    /// The name of that task.
    pub fn task_name(&self) -> Option<TaskName<'a>> {
        match self.0 {
            LabelKind::Task { task, names } => Some(names.get(task)),
            LabelKind::Number { .. } => None,
        }
    }

    /// A number that stands for this label in all runs: for a task it depends on its name only, so
    /// that a scheduler can remember what it learnt about it. (Two labels may share a number, which
    /// is as unlikely as two equal draws of 64 bits.)
    pub fn signature(&self) -> u64 {
        match self.0 {
            LabelKind::Task { task, names } => names.signature(task),
            LabelKind::Number { option, .. } => mix(!0, option as u64),
        }
    }
}

impl fmt::Display for Label<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            LabelKind::Task { task, names } => names.get(task).fmt(f),
            LabelKind::Number { kind: ChoiceKind::Value(label), option } => {
                write!(f, "{label} = {option}")
            }
            LabelKind::Number { kind: ChoiceKind::Select, option } => write!(f, "branch {option}"),
            LabelKind::Number { kind: ChoiceKind::Task, option } => write!(f, "task {option}"),
            LabelKind::Number { kind, option } => f.write_str(kind.option_text(option)),
        }
    }
}
