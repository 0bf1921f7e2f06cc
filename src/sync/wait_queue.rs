//! The waiters of a primitive, in the order in which they began to wait.

use std::fmt;
use std::task::{Context, Waker};

use crate::executor::{self, RunId, TaskKey, Wakee};
use crate::linked::{Linked, LinkedKey};
use crate::trace::TaskId;

/// What to wake. Targets are made and dropped while no lock is held, because a waker may run any code.
pub(super) enum WakeTarget {
    /// A task that was polled with its own waker, which need not be cloned.
    Task(RunId, TaskKey),
    /// Any other waker. Waking takes it out.
    Waker(Option<Waker>),
}

impl WakeTarget {
    #[inline]
    pub(super) fn new(cx: &Context<'_>) -> Self {
        match executor::try_current(|executor| (executor.id(), executor.wakee(cx.waker()))) {
            Some((run, Wakee::Task(task))) => Self::Task(run, task),
            Some((_, Wakee::Waker(waker))) => Self::Waker(Some(waker)),
            None => Self::Waker(Some(cx.waker().clone())),
        }
    }

    /// Whether its task has been told to abandon what it waits for, and has not had its turn since.
    fn has_given_up(&self) -> bool {
        let &Self::Task(run, task) = self else { return false };
        executor::try_with(run, |executor| executor.has_abandoned(task)).unwrap_or(false)
    }

    #[inline]
    fn wake(self) {
        match self {
            Self::Task(run, task) => executor::wake(run, task),
            Self::Waker(waker) => waker.into_iter().for_each(Waker::wake),
        }
    }
}

/// What to wake, in this order, once no lock is held. Usually that is one target at most, and nothing
/// is allocated.
#[derive(Default)]
#[must_use = "the targets are not woken until `wake_all` is called"]
pub(super) struct Wakes {
    first: Option<WakeTarget>,
    more: Vec<WakeTarget>,
}

impl Wakes {
    #[inline]
    pub(super) fn push(&mut self, target: WakeTarget) {
        match self.first {
            None => self.first = Some(target),
            Some(_) => self.more.push(target),
        }
    }

    pub(super) fn len(&self) -> usize {
        usize::from(self.first.is_some()) + self.more.len()
    }

    /// Wakes all targets. Call it when no lock is held.
    #[inline]
    pub(super) fn wake_all(self) {
        if let Some(first) = self.first {
            first.wake();
        }
        if !self.more.is_empty() {
            self.more.into_iter().for_each(WakeTarget::wake);
        }
    }
}

impl From<Option<WakeTarget>> for Wakes {
    fn from(first: Option<WakeTarget>) -> Self {
        Self { first, more: Vec::new() }
    }
}

/// What has become of a waiter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// It waits.
    Waiting,
    /// Its task was about to abandon the wait when it was skipped. If the task polls it once more
    /// after all, it has to look again.
    Skipped,
    /// As `Skipped`, and no other waiter could get its notification. It may proceed if it is polled
    /// again.
    Excused,
    /// It was granted what it waits for, and has not been polled since.
    Granted,
}

struct Waiter<T> {
    target: WakeTarget,
    wanted: T,
}

pub(super) type WaiterKey = LinkedKey;

/// A waiter that was removed. Drop it when no lock is held.
pub(super) struct Removed<T> {
    progress: Progress,
    _waiter: Waiter<T>,
}

/// Waiters, each with what it wants.
///
/// There is one list for each kind of progress, so that no operation passes over waiters that it does
/// not concern.
pub(super) struct WaitQueue<T = ()> {
    waiters: Linked<Waiter<T>, 4>,
}

impl Progress {
    const ALL: [Self; 4] = [Self::Waiting, Self::Skipped, Self::Excused, Self::Granted];

    const fn list(self) -> usize {
        self as usize
    }
}

impl<T> Default for WaitQueue<T> {
    fn default() -> Self {
        Self { waiters: Linked::default() }
    }
}

/// Shows no wakers, whose addresses differ from process to process.
impl<T> fmt::Debug for WaitQueue<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} waiting", self.waiters.len())
    }
}

impl<T> WaitQueue<T> {
    pub(super) fn len(&self) -> usize {
        self.waiters.len()
    }

    pub(super) fn push(&mut self, target: WakeTarget, wanted: T) -> WaiterKey {
        self.waiters.push(Progress::Waiting.list(), Waiter { target, wanted })
    }

    /// What has become of a waiter; `None` if it was removed.
    pub(super) fn progress(&self, key: WaiterKey) -> Option<Progress> {
        self.waiters.list_of(key).map(|list| Progress::ALL[list])
    }

    pub(super) fn remove(&mut self, key: WaiterKey) -> Option<Removed<T>> {
        let progress = self.progress(key)?;
        self.waiters.remove(key).map(|_waiter| Removed { progress, _waiter })
    }

    /// Has a waiter wait from now on, whatever became of it before, and swaps its target for this one,
    /// which the caller drops when no lock is held. Returns `false` if the waiter was removed.
    pub(super) fn wait_again(&mut self, key: WaiterKey, target: &mut WakeTarget) -> bool {
        self.waiters.move_to(key, Progress::Waiting.list());
        let waiter = self.waiters.get_mut(key);
        waiter.map(|waiter| std::mem::swap(&mut waiter.target, target)).is_some()
    }

    /// Grants a waiter what it waits for; returns what to wake.
    #[inline]
    pub(super) fn grant(&mut self, key: WaiterKey) -> Option<WakeTarget> {
        self.waiters.move_to(key, Progress::Granted.list());
        Some(match &mut self.waiters.get_mut(key)?.target {
            &mut WakeTarget::Task(run, task) => WakeTarget::Task(run, task),
            WakeTarget::Waker(waker) => WakeTarget::Waker(waker.take()),
        })
    }

    /// Takes back what a waiter was granted, so that it waits on.
    pub(super) fn revoke(&mut self, key: WaiterKey) {
        self.waiters.move_to(key, Progress::Waiting.list());
    }

    pub(super) fn wanted(&self, key: WaiterKey) -> Option<&T> {
        self.waiters.get(key).map(|waiter| &waiter.wanted)
    }

    /// The task of a waiter, if it is known.
    pub(super) fn task(&self, key: WaiterKey) -> Option<TaskId> {
        match self.waiters.get(key)?.target {
            WakeTarget::Task(_, task) => Some(task.id()),
            WakeTarget::Waker(_) => None,
        }
    }

    /// Whether the task of a waiter is about to abandon the wait.
    pub(super) fn has_given_up(&self, key: WaiterKey) -> bool {
        self.waiters.get(key).is_some_and(|waiter| waiter.target.has_given_up())
    }

    /// The first of all waiters, whatever has become of it.
    pub(super) fn first(&self) -> Option<WaiterKey> {
        self.waiters.oldest()
    }

    /// The first waiter that waits, even if it has given up.
    pub(super) fn first_waiting(&self) -> Option<WaiterKey> {
        self.waiters.first(Progress::Waiting.list())
    }

    /// Skips a waiter that has given up.
    pub(super) fn skip(&mut self, key: WaiterKey) {
        self.waiters.move_to(key, Progress::Skipped.list());
    }

    /// The first waiter that has not given up.
    #[inline]
    pub(super) fn next_waiting(&mut self) -> Option<WaiterKey> {
        while let Some(key) = self.first_waiting() {
            if !self.has_given_up(key) {
                return Some(key);
            }
            self.skip(key);
        }
        None
    }

    /// Excuses the first waiter that was skipped; returns whether there was one.
    pub(super) fn excuse_skipped(&mut self) -> bool {
        let first = self.waiters.first(Progress::Skipped.list());
        first.inspect(|&key| self.waiters.move_to(key, Progress::Excused.list())).is_some()
    }

    /// Whether more than `n` waiters wait and have not given up.
    pub(super) fn has_more_than(&mut self, n: usize) -> bool {
        let (mut waiting, mut next) = (0, self.first_waiting());
        while let Some(key) = next
            && waiting <= n
        {
            next = self.waiters.next(key);
            if self.has_given_up(key) {
                self.skip(key);
            } else {
                waiting += 1;
            }
        }
        waiting > n
    }

    /// The waiters that were granted something, the last one first.
    pub(super) fn granted(&self) -> impl Iterator<Item = WaiterKey> {
        let last = self.waiters.last(Progress::Granted.list());
        std::iter::successors(last, |&key| self.waiters.previous(key))
    }

    /// Whether a newcomer has to queue: there is a waiter that has not given up.
    #[inline]
    pub(super) fn is_occupied(&mut self) -> bool {
        !self.waiters.is_empty()
            && (self.waiters.first(Progress::Granted.list()).is_some()
                || self.next_waiting().is_some())
    }

    /// Removes the first waiter that has not given up; returns what to wake.
    #[inline]
    pub(super) fn pop(&mut self) -> Option<WakeTarget> {
        if self.waiters.is_empty() {
            return None;
        }
        let key = self.next_waiting()?;
        self.waiters.remove(key).map(|waiter| waiter.target)
    }

    /// Removes all waiters that were granted nothing, to be woken in their order.
    pub(super) fn take_waiting(&mut self) -> Wakes {
        let lists = [Progress::Waiting, Progress::Skipped, Progress::Excused];
        let mut wakes = Wakes::default();
        while let Some(key) = lists.iter().filter_map(|it| self.waiters.first(it.list())).min() {
            let removed = self.waiters.remove(key);
            removed.into_iter().for_each(|waiter| wakes.push(waiter.target));
        }
        wakes
    }
}

impl<T> Removed<T> {
    /// Whether it had been granted what it waited for.
    pub(super) fn was_granted(&self) -> bool {
        self.progress == Progress::Granted
    }
}
