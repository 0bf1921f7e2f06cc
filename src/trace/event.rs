//! What can happen in a run.

use crate::faults::FaultKind;
use crate::instant::Instant;
use crate::schedule::Lasting;
use crate::trace::TaskId;

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
pub enum Asked {
    /// Which ready task runs next.
    Next {
        /// The one that was first in line.
        first: TaskId,
        /// The one that runs.
        chosen: TaskId,
        /// For how long that matters.
        lasting: Lasting,
    },
    /// Whether a future that was woken at its deadline is looked at once more (0) or given up (1),
    /// in this task.
    Timeout(TaskId),
    /// Whether a deadline strikes (0) or what it guards, which was woken too, goes on first (1), in
    /// this task.
    Deadline(TaskId),
    /// Which branch of a `select!` in this task is looked at first, of those that have been woken.
    Select(TaskId),
    /// A value that the code asked for, by its [label](crate::trace::Trace::label).
    Value(u32),
    /// Whether a newcomer at a lock or a semaphore waits (0) or takes what was meant for another (1).
    Barge {
        /// The newcomer.
        task: TaskId,
        /// The task that it was meant for, if that is known.
        waiter: Option<TaskId>,
        /// Whether it is a lock.
        lock: bool,
    },
    /// Whether a task that goes to sleep is polled once more for no reason (1).
    Spurious(TaskId),
    /// Whether a notification by this task wakes all who wait (1).
    WakeAll(TaskId),
    /// Whether the clock jumps past this deadline (1).
    Late(Instant),
    /// Whether this task gives a turn away at an await that is ready (1).
    Yield(TaskId),
    /// Whether a task goes on (0), is dropped at an await (1), or is asked to cancel (2).
    Cancel {
        /// The task.
        task: TaskId,
        /// Which of its awaits it is, counted from 1.
        nth: u32,
        /// Whether it has just begun to wait, or was woken.
        moment: Moment,
    },
    /// Whether a [marked](crate::cancel::point) future goes on (0) or is dropped at an await (1).
    Point {
        /// The task that it is in.
        task: TaskId,
        /// Its [label](crate::trace::Trace::label).
        label: u32,
        /// Whether it has just begun to wait, or is polled again.
        moment: Moment,
    },
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
    /// The kind of fault that it asks about, if any.
    pub(crate) fn fault(self) -> Option<FaultKind> {
        Some(match self {
            Asked::Barge { .. } => FaultKind::Barging,
            Asked::Spurious(_) => FaultKind::Spurious,
            Asked::WakeAll(_) => FaultKind::WakeAll,
            Asked::Late(_) => FaultKind::LateTimers,
            Asked::Yield(_) => FaultKind::Yielding,
            Asked::Cancel { .. } => FaultKind::Cancellations,
            Asked::Point { .. } => FaultKind::Marked,
            _ => return None,
        })
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
            Event::Choice { asked: Asked::Next { lasting: Lasting::Ahead, .. }, .. } => true,
            Event::Choice { answer, .. } => *answer != 0,
            _ => false,
        }
    }
}
