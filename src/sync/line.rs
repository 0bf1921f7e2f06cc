//! Those who wait for one thing, in the order in which they began to.

use std::collections::VecDeque;
use std::collections::vec_deque::IterMut;
use std::fmt;
use std::task::{Context, Waker};

use crate::runtime::{self, RunId, TaskKey, Wakee};
use crate::trace::TaskId;

/// Who is to be woken. It is made and dropped while no lock is held, for a waker may be anybody's
/// code.
pub(super) struct Caller {
    /// Taken out by the wake-up.
    waker: Option<Waker>,
    /// The task, if it is the task's own waker.
    task: Option<(RunId, TaskKey)>,
}

impl Caller {
    pub(super) fn new(cx: &Context<'_>) -> Self {
        let waker = cx.waker().clone();
        let task = runtime::try_current(|runtime| match runtime.wakee(&waker) {
            Wakee::Task(task) => Some((runtime.id(), task)),
            Wakee::Waker(_) => None,
        });
        Self { waker: Some(waker), task: task.flatten() }
    }

    /// Whether its task was told to give up what it waits for, and has not had its turn since.
    fn has_given_up(&self) -> bool {
        let told = self
            .task
            .and_then(|(run, task)| runtime::try_with(run, |runtime| runtime.has_abandoned(task)));
        told.unwrap_or(false)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    Waiting,
    /// Somebody behind it was preferred, or nobody came, since its task is about to give up. Should
    /// it stay after all, it has to look again.
    Passed,
    /// It was given its turn, and has not come for it yet.
    Woken,
}

pub(super) struct Waiter<T> {
    key: u64,
    caller: Caller,
    pub(super) standing: Standing,
    /// What it asks for.
    pub(super) wanted: T,
}

impl<T> Waiter<T> {
    /// Whether it has left already, as far as others are concerned.
    pub(super) fn has_given_up(&self) -> bool {
        self.standing != Standing::Woken && self.caller.has_given_up()
    }

    /// Its task, if it is known.
    pub(super) fn task(&self) -> Option<TaskId> {
        self.caller.task.map(|(_, task)| task.id)
    }

    /// Gives it its turn. The waker is to be called when no lock is held.
    pub(super) fn wake(&mut self) -> Option<Waker> {
        self.standing = Standing::Woken;
        self.caller.waker.take()
    }

    /// Notes whom to wake from now on. What is returned is to be dropped when no lock is held.
    #[must_use]
    pub(super) fn renew(&mut self, caller: Caller) -> Caller {
        std::mem::replace(&mut self.caller, caller)
    }
}

/// Waiters, each with a key of its own.
pub(super) struct Line<T = ()> {
    /// In the order of their keys.
    waiters: VecDeque<Waiter<T>>,
    next_key: u64,
}

impl<T> Default for Line<T> {
    fn default() -> Self {
        Self { waiters: VecDeque::new(), next_key: 0 }
    }
}

/// Shows no wakers: their addresses differ from process to process.
impl<T> fmt::Debug for Line<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} waiting", self.waiters.len())
    }
}

impl<T> Line<T> {
    /// Goes to the end.
    pub(super) fn push(&mut self, caller: Caller, wanted: T) -> u64 {
        let key = self.next_key;
        self.next_key += 1;
        self.waiters.push_back(Waiter { key, caller, standing: Standing::Waiting, wanted });
        key
    }

    fn position(&self, key: u64) -> Option<usize> {
        self.waiters.binary_search_by_key(&key, |waiter| waiter.key).ok()
    }

    pub(super) fn get_mut(&mut self, key: u64) -> Option<&mut Waiter<T>> {
        self.position(key).map(|place| &mut self.waiters[place])
    }

    /// Leaves. What is returned is to be dropped when no lock is held.
    #[must_use]
    pub(super) fn remove(&mut self, key: u64) -> Option<Waiter<T>> {
        self.position(key).and_then(|place| self.waiters.remove(place))
    }

    pub(super) fn first_mut(&mut self) -> Option<&mut Waiter<T>> {
        self.waiters.front_mut()
    }

    pub(super) fn is_first(&self, key: u64) -> bool {
        self.waiters.front().is_some_and(|first| first.key == key)
    }

    pub(super) fn iter_mut(&mut self) -> IterMut<'_, Waiter<T>> {
        self.waiters.iter_mut()
    }

    pub(super) fn len(&self) -> usize {
        self.waiters.len()
    }

    /// Whether anybody stands in it who has not given up.
    pub(super) fn is_occupied(&self) -> bool {
        self.waiters.iter().any(|waiter| !waiter.has_given_up())
    }

    /// Takes out the first one who has not given up.
    pub(super) fn pop(&mut self) -> Option<Waiter<T>> {
        let place = self.waiters.iter_mut().position(|waiter| {
            let given_up = waiter.has_given_up();
            if given_up {
                waiter.standing = Standing::Passed;
            }
            !given_up
        });
        place.and_then(|place| self.waiters.remove(place))
    }

    /// Takes everybody out who was not given his turn.
    pub(super) fn take_waiting(&mut self) -> VecDeque<Waiter<T>> {
        let all = std::mem::take(&mut self.waiters).into_iter();
        let (woken, waiting) = all.partition(|waiter| waiter.standing == Standing::Woken);
        self.waiters = woken;
        waiting
    }
}

/// Wakes those who were taken out of a line, in their order. To be called when no lock is held.
pub(super) fn wake_all<T>(waiters: impl IntoIterator<Item = Waiter<T>>) {
    for mut waiter in waiters {
        waiter.wake().into_iter().for_each(Waker::wake);
    }
}
