use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::sync::{Mutex, MutexGuard};

use super::condition::Condition;
use super::resource::lock;
use crate::session::Place;

/// A meeting point: tasks wait until a number of them have arrived; asyncio's `Barrier`.
///
/// The last task to arrive releases all of them. Once they have left, the barrier can be used again. It
/// can be [reset](Barrier::reset), or broken permanently with [`abort`](Barrier::abort). It works on any
/// executor.
///
/// ```
/// use std::rc::Rc;
/// use std::time::Duration;
/// use dacapo::sync::Barrier;
/// use dacapo::time::{Instant, sleep};
///
/// let run = dacapo::run(async || {
///     let start = Instant::now();
///     let barrier = Rc::new(Barrier::new(3));
///     let runners = [1, 2, 3].map(|n| {
///         let barrier = Rc::clone(&barrier);
///         async move {
///             sleep(Duration::from_secs(n)).await;
///             (barrier.wait().await.unwrap(), start.elapsed().as_secs())
///         }
///     });
///     dacapo::gather(runners).await.into_iter().map(Result::unwrap).collect::<Vec<_>>()
/// });
/// assert_eq!(run.unwrap(), [(0, 3), (1, 3), (2, 3)]);
/// ```
#[derive(Debug)]
pub struct Barrier {
    parties: usize,
    condition: Condition,
    /// Changes with the lock of the condition held, except when a party is dropped.
    state: Mutex<BarrierState>,
}

#[derive(Debug)]
struct BarrierState {
    phase: Phase,
    /// How many parties are inside.
    inside: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Filling,
    /// All have arrived, and not all have left.
    Draining,
    /// It was reset, and not all have left.
    Resetting,
    Broken,
}

impl Barrier {
    /// Creates a barrier for this many tasks.
    ///
    /// # Panics
    ///
    /// Panics if `parties` is zero.
    #[track_caller]
    pub fn new(parties: usize) -> Self {
        assert!(parties > 0, "dacapo: a Barrier needs at least one party");
        let state = Mutex::new(BarrierState { phase: Phase::Filling, inside: 0 });
        Self { parties, condition: Condition::of_barrier(), state }
    }

    fn state(&self) -> MutexGuard<'_, BarrierState> {
        lock(&self.state)
    }

    fn phase(&self) -> Phase {
        self.state().phase
    }

    /// Waits for the other tasks; returns how many had arrived before this one.
    ///
    /// The last task to arrive does not wait. If tasks of the previous round are still leaving, this
    /// waits for them first.
    ///
    /// # Errors
    ///
    /// Returns an error if the barrier is broken, or if it breaks or is reset during the wait.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, this task counts as not arrived. If all tasks had arrived by then, the
    /// others proceed without it.
    #[track_caller]
    pub fn wait(&self) -> impl Future<Output = Result<usize, BrokenBarrierError>> {
        self.wait_at(Location::caller())
    }

    async fn wait_at(&self, place: Place) -> Result<usize, BrokenBarrierError> {
        let mut guard = self.condition.lock_at(place).await;
        let others_leave = || matches!(self.phase(), Phase::Draining | Phase::Resetting);
        self.condition.wait_for_at(&mut guard, || !others_leave(), place).await;
        if self.is_broken() {
            return Err(BrokenBarrierError(()));
        }
        // Dropped before the guard, so that it leaves with the lock held if possible.
        let party = Party::enter(self);
        if party.index + 1 == self.parties {
            self.change(Phase::Draining);
            return Ok(party.index);
        }
        let all_here = || self.phase() != Phase::Filling;
        self.condition.wait_for_at(&mut guard, all_here, place).await;
        match self.phase() {
            Phase::Broken | Phase::Resetting => Err(BrokenBarrierError(())),
            Phase::Filling | Phase::Draining => Ok(party.index),
        }
    }

    fn change(&self, phase: Phase) {
        self.state().phase = phase;
        self.condition.notify_unlocked(usize::MAX);
    }

    /// Resets the barrier: waiting tasks get an error, and later ones wait for a full round.
    ///
    /// This also repairs a barrier that was [aborted](Barrier::abort).
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped before it completes, it has no effect.
    #[track_caller]
    pub fn reset(&self) -> impl Future<Output = ()> {
        let lock = self.condition.lock();
        async move {
            let _guard = lock.await;
            let phase = if self.state().inside > 0 { Phase::Resetting } else { Phase::Filling };
            self.change(phase);
        }
    }

    /// Breaks the barrier: waiting tasks and later ones get an error.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped before it completes, it has no effect.
    #[track_caller]
    pub fn abort(&self) -> impl Future<Output = ()> {
        let lock = self.condition.lock();
        async move {
            let _guard = lock.await;
            self.change(Phase::Broken);
        }
    }

    /// Returns the number of tasks that the barrier waits for.
    pub fn parties(&self) -> usize {
        self.parties
    }

    /// Returns how many tasks have arrived and wait for others. Tasks that are leaving do not count.
    pub fn n_waiting(&self) -> usize {
        let state = self.state();
        if state.phase == Phase::Filling { state.inside } else { 0 }
    }

    /// Returns whether the barrier was [aborted](Barrier::abort).
    pub fn is_broken(&self) -> bool {
        self.phase() == Phase::Broken
    }
}

/// A task that has arrived, until this is dropped.
struct Party<'a> {
    barrier: &'a Barrier,
    index: usize,
}

impl<'a> Party<'a> {
    fn enter(barrier: &'a Barrier) -> Self {
        let mut state = barrier.state();
        state.inside += 1;
        Self { barrier, index: state.inside - 1 }
    }
}

impl Drop for Party<'_> {
    fn drop(&mut self) {
        let mut state = self.barrier.state();
        state.inside -= 1;
        if state.inside > 0 {
            return;
        }
        if matches!(state.phase, Phase::Draining | Phase::Resetting) {
            state.phase = Phase::Filling;
        }
        drop(state);
        self.barrier.condition.notify_unlocked(usize::MAX);
    }
}

/// Error returned by [`Barrier::wait`]: the barrier is broken, or was reset during the wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BrokenBarrierError(());

impl fmt::Display for BrokenBarrierError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("barrier broken")
    }
}

impl std::error::Error for BrokenBarrierError {}
