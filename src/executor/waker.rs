//! Wakers of tasks, and what they wake.

use std::num::NonZeroU64;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering, fence};
use std::sync::{Arc, Mutex, PoisonError, RwLock, Weak};
use std::task::{Wake, Waker};

use crate::scheduler::TaskKey;
use crate::trace::TaskId;

/// What to wake. It is nearly always a task of this run, whose waker need not be cloned.
#[derive(Debug)]
pub(crate) enum Wakee {
    Task(TaskKey),
    /// A waker that a combinator made, such as `FuturesUnordered`.
    Waker(Waker),
}

/// Identifies a run of this process: the number of its thread, and its number among the runs of that
/// thread, in one word, because it is compared often. Never hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RunId(NonZeroU64);

/// The bits for the number of the run.
const NUMBER_BITS: u32 = 40;
const MARK: u64 = 1 << 63;

impl RunId {
    pub(super) const NONE: Self = Self(NonZeroU64::MAX);

    #[cfg_attr(not(debug_assertions), inline)]
    pub(super) fn is(self, other: Self) -> bool {
        self.0.get() == other.0.get()
    }

    fn new(thread: u32, number: u64) -> Self {
        Self::of(u64::from(thread) << NUMBER_BITS | number)
    }

    fn of(word: u64) -> Self {
        NonZeroU64::new(word).map_or(Self::NONE, Self)
    }

    fn thread(self) -> usize {
        (self.0.get() >> NUMBER_BITS) as usize
    }

    /// The same with a mark, for an owner that is done with the run. A marked id matches no run.
    pub(crate) fn marked(self) -> Self {
        Self(self.0 | MARK)
    }

    pub(crate) fn is_marked(self) -> bool {
        self.0.get() & MARK != 0
    }

    pub(crate) fn unmarked(self) -> Self {
        Self::of(self.0.get() & !MARK)
    }

    /// The number of the run among those of its thread, from 1.
    pub(super) fn number(self) -> u64 {
        self.0.get() & ((1 << NUMBER_BITS) - 1)
    }
}

/// The waker that a task is polled with. It is reused by later tasks.
pub(super) struct OwnWaker {
    waker: Waker,
    behind: Arc<TaskWaker>,
}

/// What is behind a waker. It changes only while no clone exists.
struct TaskWaker {
    run: AtomicU64,
    slot: AtomicU32,
    id: AtomicU32,
}

impl OwnWaker {
    pub(super) fn new(run: RunId, task: TaskKey) -> Self {
        let behind = Arc::new(TaskWaker {
            run: AtomicU64::new(run.0.get()),
            slot: AtomicU32::new(task.slot()),
            id: AtomicU32::new(task.id().0),
        });
        Self { waker: Waker::from(Arc::clone(&behind)), behind }
    }

    /// Prepares for [`assign`](OwnWaker::assign). Existing clones keep waking the former task.
    #[cfg_attr(not(debug_assertions), inline)]
    pub(super) fn part_with_clones(&mut self) {
        if Arc::strong_count(&self.behind) > 2 {
            *self = Self::new(RunId::NONE, TaskKey::default());
        }
        // What another thread read before it dropped its clone happens before what follows.
        fence(Ordering::Acquire);
    }

    /// Makes it the waker of another task. No clone may exist.
    #[cfg_attr(not(debug_assertions), inline)]
    pub(super) fn assign(&self, run: RunId, task: TaskKey) {
        let behind = &*self.behind;
        behind.run.store(run.0.get(), Ordering::Relaxed);
        behind.slot.store(task.slot(), Ordering::Relaxed);
        behind.id.store(task.id().0, Ordering::Relaxed);
    }

    #[cfg_attr(not(debug_assertions), inline)]
    pub(super) fn waker(&self) -> &Waker {
        &self.waker
    }

    /// Tells it from all other wakers while it exists.
    pub(super) fn address(&self) -> *const () {
        self.waker.data()
    }
}

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let run = RunId::of(self.run.load(Ordering::Relaxed));
        let id = TaskId(self.id.load(Ordering::Relaxed));
        wake(run, TaskKey::new(self.slot.load(Ordering::Relaxed), id));
    }
}

/// Wakes a task, perhaps of a run that is over or of another thread.
#[inline]
pub(crate) fn wake(run: RunId, task: TaskKey) {
    let woken = super::try_with(run, |executor| executor.wake_by_waker(task));
    if woken.is_none() {
        Outside::record_wake(run, task.id());
    }
}

/// The part of a thread's runs that other threads may touch.
///
/// A waker knows its thread by a number, so that making one costs no more than its allocation.
pub(super) struct Outside {
    thread: u32,
    /// The number of the current run, or 0.
    run: AtomicU64,
    /// How many steps the current run has begun.
    steps: AtomicU64,
    /// Whether another thread has woken a task of the current run. If a run was just ending, of the one
    /// before.
    woken: AtomicBool,
    /// The first task that was woken by another thread, and its run.
    first: Mutex<Option<(u64, TaskId)>>,
}

/// All threads that have made runs, by number.
static THREADS: RwLock<Vec<Weak<Outside>>> = RwLock::new(Vec::new());

impl Outside {
    pub(super) fn of_thread() -> Arc<Self> {
        let mut threads = THREADS.write().unwrap_or_else(PoisonError::into_inner);
        // The number of a thread that has ended could be reused, if its wakers did not outlive it.
        let outside = Arc::new(Self {
            thread: u32::try_from(threads.len())
                .ok()
                .filter(|thread| u64::from(*thread) < MARK >> NUMBER_BITS)
                .expect("fewer than 2^23 threads make runs"),
            run: AtomicU64::new(0),
            steps: AtomicU64::new(0),
            woken: AtomicBool::new(false),
            first: Mutex::new(None),
        });
        threads.push(Arc::downgrade(&outside));
        outside
    }

    /// Begins the run with this number.
    pub(super) fn begin(&self, number: u64) -> RunId {
        self.run.store(number, Ordering::Release);
        RunId::new(self.thread, number)
    }

    /// Wakers that outlive their run do nothing from now on.
    pub(super) fn end(&self) {
        self.run.store(0, Ordering::Release);
        self.first_woken();
    }

    /// Shows other threads that a step begins.
    #[inline]
    pub(super) fn beat(&self, steps: usize) {
        self.steps.store(steps as u64, Ordering::Relaxed);
    }

    fn record_wake(run: RunId, task: TaskId) {
        let threads = THREADS.read().unwrap_or_else(PoisonError::into_inner);
        let Some(outside) = threads.get(run.thread()).and_then(Weak::upgrade) else {
            return;
        };
        let mut first = outside.first.lock().unwrap_or_else(PoisonError::into_inner);
        if outside.run.load(Ordering::Acquire) == run.number() {
            let of_this_run = first.filter(|(woken, _)| *woken == run.number());
            *first = of_this_run.or(Some((run.number(), task)));
            outside.woken.store(true, Ordering::Release);
        }
    }

    /// Whether another thread may have woken a task of the current run.
    #[inline]
    pub(super) fn is_woken(&self) -> bool {
        self.woken.load(Ordering::Relaxed)
    }

    /// The first task of the current run that another thread has woken.
    pub(super) fn first_woken(&self) -> Option<TaskId> {
        if !self.is_woken() {
            return None;
        }
        let mut first = self.first.lock().unwrap_or_else(PoisonError::into_inner);
        let run = self.run.load(Ordering::Relaxed);
        if let Some((_, task)) = first.filter(|(woken, _)| *woken == run) {
            return Some(task);
        }
        // It belongs to a run that has ended.
        *first = None;
        self.woken.store(false, Ordering::Relaxed);
        None
    }
}

/// Shows another thread whether the runs of a thread go on.
#[derive(Clone)]
pub(crate) struct Heartbeat(pub(super) Arc<Outside>);

impl Heartbeat {
    /// The number of the current run of the thread and of its step, if there is a run.
    pub(crate) fn beat(&self) -> Option<[u64; 2]> {
        let run = self.0.run.load(Ordering::Acquire);
        (run > 0).then(|| [run, self.0.steps.load(Ordering::Relaxed)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A thread may report a wake-up of one run when the next one has begun.
    #[test]
    fn a_wake_of_a_run_that_is_over_is_none() {
        let outside = Outside::of_thread();
        let (early, late) = (TaskId(3), TaskId(5));
        let first = outside.begin(1);
        assert!(!outside.is_woken());
        Outside::record_wake(first, early);
        Outside::record_wake(first, late);
        assert_eq!(outside.first_woken(), Some(early));
        outside.end();
        assert!(!outside.is_woken());
        Outside::record_wake(first, late);
        assert!(!outside.is_woken());
        for is_looked_at in [true, false] {
            let run = outside.begin(2);
            *outside.first.lock().unwrap() = Some((1, early));
            outside.woken.store(true, Ordering::Release);
            if is_looked_at {
                assert_eq!(outside.first_woken(), None);
                assert!(!outside.is_woken());
            }
            Outside::record_wake(run, late);
            assert_eq!(outside.first_woken(), Some(late));
            outside.end();
        }
    }

    /// A late wake-up does not end the next run either.
    #[test]
    fn a_run_goes_on_after_a_wake_of_the_one_before() {
        let run = crate::run(async || {
            let set = super::super::try_current(|executor| {
                let before = executor.runs.get() - 1;
                *executor.outside.first.lock().unwrap() = Some((before, TaskId::MAIN));
                executor.outside.woken.store(true, Ordering::Release);
            });
            assert!(set.is_some());
            crate::task::yield_now().await;
            7
        });
        assert_eq!(run.unwrap(), 7);
    }
}
