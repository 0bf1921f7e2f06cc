use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::sync::{Mutex, MutexGuard};

use super::condition::Condition;
use super::resource::hold;
use crate::session::Place;

/// Has tasks wait until so many of them have come.
///
/// The last to come lets all go on, and when they have left, the barrier can be used again. It can
/// be [reset](Barrier::reset), and be broken for good with [`abort`](Barrier::abort). Works on any
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
    /// Changed with the lock of the condition held, but for parties that are dropped.
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    phase: Phase,
    /// How many parties are inside.
    inside: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Filling,
    /// All have come, and not all have left.
    Draining,
    /// It was reset, and not all have left.
    Resetting,
    Broken,
}

impl Barrier {
    /// A barrier for so many parties.
    ///
    /// # Panics
    ///
    /// If there are none.
    #[track_caller]
    pub fn new(parties: usize) -> Self {
        assert!(parties > 0, "dacapo: a Barrier needs at least one party");
        let state = Mutex::new(State { phase: Phase::Filling, inside: 0 });
        Self { parties, condition: Condition::of_barrier(), state }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        hold(&self.state)
    }

    fn phase(&self) -> Phase {
        self.state().phase
    }

    /// Waits for the others; returns how many have come before, from 0.
    ///
    /// The last to come does not wait. While those of the round before are leaving, this waits for
    /// them first.
    ///
    /// # Errors
    ///
    /// If the barrier is broken, or meanwhile becomes so, or is reset.
    ///
    /// # Cancel safety
    ///
    /// If it is dropped, this party has not come. If all have come by then, they go on without it.
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
        // Dropped before the guard: it leaves with the lock held, if this has it.
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

    /// Makes it as new: those who wait get an error, those who come afterwards wait for a full
    /// round.
    ///
    /// It also mends a barrier that was [aborted](Barrier::abort).
    ///
    /// # Cancel safety
    ///
    /// If it is dropped, nothing has happened.
    #[track_caller]
    pub fn reset(&self) -> impl Future<Output = ()> {
        let lock = self.condition.lock();
        async move {
            let _guard = lock.await;
            let phase = if self.state().inside > 0 { Phase::Resetting } else { Phase::Filling };
            self.change(phase);
        }
    }

    /// Breaks it: those who wait, and those who come, get an error.
    ///
    /// # Cancel safety
    ///
    /// If it is dropped, nothing has happened.
    #[track_caller]
    pub fn abort(&self) -> impl Future<Output = ()> {
        let lock = self.condition.lock();
        async move {
            let _guard = lock.await;
            self.change(Phase::Broken);
        }
    }

    /// How many have to come.
    pub fn parties(&self) -> usize {
        self.parties
    }

    /// How many have come and wait for the others; those who are leaving do not count.
    pub fn n_waiting(&self) -> usize {
        let state = self.state();
        if state.phase == Phase::Filling { state.inside } else { 0 }
    }

    /// Whether it was [aborted](Barrier::abort).
    pub fn is_broken(&self) -> bool {
        self.phase() == Phase::Broken
    }
}

/// One who is inside, until this is dropped.
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

/// The barrier is broken, or was reset meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BrokenBarrierError(());

impl fmt::Display for BrokenBarrierError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("barrier broken")
    }
}

impl std::error::Error for BrokenBarrierError {}
