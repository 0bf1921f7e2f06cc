//! What can happen in a run.

use std::time::Duration;

use crate::instant::Instant;
use crate::question::{Question, Words};
use crate::schedule::Lasting;
use crate::trace::TaskId;

/// Where in its run an event stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Position {
    /// The virtual time.
    pub time: Instant,
    /// How many steps (polls of a task) there have been, with this one.
    pub step: u64,
    /// How many choices there have been, with this one.
    pub choices: u64,
    /// The task that was polled last.
    pub task: TaskId,
}

/// One thing that happened in a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// A task came into being and is ready.
    Spawn {
        /// The new task.
        task: TaskId,
        /// The task that spawned it; itself for the main task.
        by: TaskId,
    },
    /// A choice was answered. The n-th choice event of a trace is the n-th answer of its schedule.
    Choice {
        /// What was to be chosen.
        asked: Asked,
        /// The answer.
        answer: u32,
        /// How many answers there were.
        options: u32,
    },
    /// A task was polled: one step of the run.
    Poll {
        /// The task.
        task: TaskId,
    },
    /// A task that is not ready will wait for this.
    Wait {
        /// The task.
        task: TaskId,
        /// What it waits for.
        on: Wait,
    },
    /// A task became ready.
    Wake {
        /// The task.
        task: TaskId,
        /// The task that woke it; none if a timer did.
        by: Option<TaskId>,
    },
    /// Nothing was ready, and the clock jumped to the next deadline.
    Advance {
        /// The time from now on.
        to: Instant,
    },
    /// A task was asked to end where it waits.
    Abort {
        /// The task.
        task: TaskId,
        /// The task that asked.
        by: Option<TaskId>,
    },
    /// A task was asked to end, and may clean up or refuse; see [`cancel`](crate::cancel).
    Cancel {
        /// The task.
        task: TaskId,
        /// The task that asked.
        by: Option<TaskId>,
    },
    /// The time of a timeout was up: what it guards is dropped, or asked to cancel.
    Timeout {
        /// The task.
        task: TaskId,
        /// The time that it allowed.
        after: Duration,
    },
    /// The code under test said something; see [`trace!`](crate::trace!).
    Note {
        /// The task that said it.
        task: TaskId,
        /// What it is about, by its [label](crate::trace::Trace::label).
        label: u32,
        /// The number of its [value](crate::trace::Trace::value), if it has one.
        value: Option<u32>,
    },
    /// A task ended.
    End {
        /// The task.
        task: TaskId,
        /// How.
        how: Ending,
    },
}

/// What a choice was about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Asked {
    /// The question.
    pub question: Question,
    /// What it is about.
    pub subject: Subject,
    /// What more is known.
    pub detail: Detail,
}

/// What a question is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Subject {
    /// A task.
    Task(TaskId),
    /// What the code under test calls by this [label](crate::trace::Trace::label).
    Label(u32),
    /// The clock.
    Clock,
    /// The host of this number.
    Host(u16),
    /// The way from one host to another.
    Link {
        /// Where it begins.
        from: u16,
        /// Where it ends.
        to: u16,
    },
}

/// What a question tells besides its subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Detail {
    /// Nothing.
    None,
    /// The task that was first in the ready queue. The subject is the task that runs.
    Next {
        /// The first one.
        first: TaskId,
        /// How long the answer lasts.
        lasting: Lasting,
    },
    /// What the subject may take, which was granted to a waiter.
    Granted {
        /// The task of the waiter, if that is known.
        to: Option<TaskId>,
        /// Whether it is a lock. Otherwise it is permits.
        lock: bool,
    },
    /// The next deadline.
    Deadline(Instant),
    /// An await of the task.
    Await {
        /// Which of its awaits it is, counted from 1.
        nth: u32,
        /// Whether it has just begun to wait, or was woken.
        moment: Moment,
    },
    /// The task in which a marked future is.
    In {
        /// The task.
        task: TaskId,
        /// Whether the future has just begun to wait, or is polled again.
        moment: Moment,
    },
    /// A number, such as the number of a message.
    Number(u64),
}

/// When something that waits may be cancelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Moment {
    /// When it has begun to wait.
    Waiting,
    /// When it has been woken, and is about to be polled.
    Woken,
}

impl Moment {
    pub(super) fn is_woken(self) -> bool {
        self == Self::Woken
    }
}

impl Asked {
    pub(crate) fn new(question: Question, subject: Subject, detail: Detail) -> Self {
        Self { question, subject, detail }
    }

    /// A question about a task.
    pub(crate) fn of_task(question: Question, task: TaskId) -> Self {
        Self::new(question, Subject::Task(task), Detail::None)
    }

    /// The choice among ready tasks, as it was answered.
    pub(crate) fn next(first: TaskId, chosen: TaskId, lasting: Lasting) -> Self {
        Self::new(Question::Next, Subject::Task(chosen), Detail::Next { first, lasting })
    }

    /// The task that it is about, or that what it is about is in.
    pub fn task(&self) -> Option<TaskId> {
        match (self.subject, self.detail) {
            (Subject::Task(task), _) | (_, Detail::In { task, .. }) => Some(task),
            _ => None,
        }
    }

    /// The task that was passed over, if one was and it is known.
    pub fn other(&self) -> Option<TaskId> {
        match self.detail {
            Detail::Next { first, .. } => Some(first),
            Detail::Granted { to, .. } => to,
            _ => None,
        }
    }

    /// The label of what it is about.
    pub fn label(&self) -> Option<u32> {
        match self.subject {
            Subject::Label(label) => Some(label),
            _ => None,
        }
    }

    /// Whether what it is about has just begun to wait, or was woken.
    pub fn moment(&self) -> Option<Moment> {
        match self.detail {
            Detail::Await { moment, .. } | Detail::In { moment, .. } => Some(moment),
            _ => None,
        }
    }

    /// How long the answer lasts.
    pub fn lasting(&self) -> Lasting {
        match self.detail {
            Detail::Next { lasting, .. } => lasting,
            _ => Lasting::Once,
        }
    }

    /// The words for an answer.
    pub(crate) fn words(&self, answer: u32) -> &'static Words {
        match self.detail {
            Detail::Next { lasting, .. } => self.question.words(lasting as u32),
            _ => self.question.words(answer),
        }
    }
}

/// How a task ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ending {
    /// It returned.
    Returned,
    /// It panicked.
    Panicked,
    /// It was aborted: its future was dropped at an await.
    Cancelled,
    /// The run ended first.
    Dropped,
}

impl Ending {
    pub(super) const ALL: [Self; 4] =
        [Self::Returned, Self::Panicked, Self::Cancelled, Self::Dropped];
}

/// What a task waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Wait {
    /// Its next turn, having yielded this one.
    Turn,
    /// Something that dacapo does not know, such as a future of another crate.
    Other,
    /// A moment of virtual time.
    Until(Instant),
    /// The end of another task.
    Task(TaskId),
    /// Permits of a semaphore.
    Semaphore {
        /// The number of the semaphore. All primitives of a run are counted from 1, in the order of
        /// their first waits.
        number: u32,
        /// How many permits.
        permits: u32,
    },
    /// The lock of this number.
    Lock(u32),
    /// The event of this number, to be set.
    Event(u32),
    /// A notification of the condition of this number.
    Condition(u32),
    /// The others at the barrier of this number.
    Barrier(u32),
    /// An item of the queue of this number.
    QueueGet(u32),
    /// A place in the queue of this number.
    QueuePut(u32),
    /// All items of the queue of this number, to be done.
    QueueJoin(u32),
}

impl Event {
    /// Whether it is a choice that was answered otherwise than an ordinary event loop would.
    pub fn is_deviation(&self) -> bool {
        match self {
            Event::Choice { asked, answer, .. } => {
                *answer != 0 || asked.lasting() == Lasting::Ahead
            }
            _ => false,
        }
    }
}
