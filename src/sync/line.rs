//! Those who wait for one thing, in the order in which they began to.

use std::cmp::Ordering;
use std::collections::VecDeque;
use std::collections::vec_deque::IterMut;
use std::fmt;
use std::task::{Context, Waker};

use crate::executor::{self, RunId, TaskKey, Wakee};
use crate::trace::TaskId;

/// Who is to be woken. It is made and dropped while no lock is held, for a waker may be anybody's
/// code.
pub(super) enum Caller {
    /// A task that was polled with its own waker, which need not be cloned.
    Task(RunId, TaskKey),
    /// Anybody else, whose waker is taken out by the wake-up.
    Waker(Option<Waker>),
}

impl Caller {
    #[inline]
    pub(super) fn new(cx: &Context<'_>) -> Self {
        match executor::try_current(|executor| (executor.id(), executor.wakee(cx.waker()))) {
            Some((run, Wakee::Task(task))) => Self::Task(run, task),
            Some((_, Wakee::Waker(waker))) => Self::Waker(Some(waker)),
            None => Self::Waker(Some(cx.waker().clone())),
        }
    }

    /// Whether its task was told to give up what it waits for, and has not had its turn since.
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

/// Who is to be woken when no lock is held any more, in this order. Nearly always it is one at most, and
/// nothing is allocated.
#[derive(Default)]
#[must_use = "they wait to be woken"]
pub(super) struct Wakes {
    first: Option<Caller>,
    more: Vec<Caller>,
}

impl Wakes {
    #[inline]
    pub(super) fn push(&mut self, caller: Caller) {
        match self.first {
            None => self.first = Some(caller),
            Some(_) => self.more.push(caller),
        }
    }

    pub(super) fn len(&self) -> usize {
        usize::from(self.first.is_some()) + self.more.len()
    }

    /// To be called when no lock is held.
    #[inline]
    pub(super) fn wake_all(self) {
        if let Some(first) = self.first {
            first.wake();
        }
        if !self.more.is_empty() {
            self.more.into_iter().for_each(Caller::wake);
        }
    }
}

impl From<Option<Caller>> for Wakes {
    fn from(first: Option<Caller>) -> Self {
        Self { first, more: Vec::new() }
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
        match self.caller {
            Caller::Task(_, task) => Some(task.id()),
            Caller::Waker(_) => None,
        }
    }

    /// Gives it its turn; returns whom to wake, unless it had its turn already.
    #[inline]
    pub(super) fn give_turn(&mut self) -> Option<Caller> {
        if std::mem::replace(&mut self.standing, Standing::Woken) == Standing::Woken {
            return None;
        }
        Some(match &mut self.caller {
            &mut Caller::Task(run, task) => Caller::Task(run, task),
            Caller::Waker(waker) => Caller::Waker(waker.take()),
        })
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
        // So far behind the first one, or nearer, if some between them have left.
        let most = key.checked_sub(self.waiters.front()?.key)? as usize;
        let (mut low, mut high) = (0, most.min(self.waiters.len() - 1));
        let mut place = high;
        loop {
            match self.waiters[place].key.cmp(&key) {
                Ordering::Equal => return Some(place),
                Ordering::Less => low = place + 1,
                Ordering::Greater => high = place,
            }
            if low >= high {
                return None;
            }
            place = low.midpoint(high);
        }
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

    /// Takes out the first one who has not given up; returns whom to wake.
    pub(super) fn pop(&mut self) -> Option<Caller> {
        let place = self.waiters.iter_mut().position(|waiter| {
            let given_up = waiter.has_given_up();
            if given_up {
                waiter.standing = Standing::Passed;
            }
            !given_up
        });
        place.and_then(|place| self.waiters.remove(place)).map(|waiter| waiter.caller)
    }

    /// Takes everybody out who was not given his turn, to be woken.
    pub(super) fn take_waiting(&mut self) -> Wakes {
        let mut wakes = Wakes::default();
        self.waiters.retain_mut(|waiter| {
            let waiting = waiter.give_turn();
            let stays = waiting.is_none();
            waiting.into_iter().for_each(|caller| wakes.push(caller));
            stays
        });
        wakes
    }
}
