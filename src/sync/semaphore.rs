use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use crate::runtime::{self, RunId};
use crate::trace::Wait;

/// Permits, of which a limited number can be held at once.
///
/// Fair: permits go to waiters in the order in which they first waited, and nobody overtakes, also
/// if he wants fewer permits than the one before him. Works on any executor.
///
/// ```
/// use std::rc::Rc;
/// use std::time::Duration;
/// use dacapo::sync::Semaphore;
/// use dacapo::time::sleep;
///
/// let run = dacapo::run(async || {
///     let two_at_once = Rc::new(Semaphore::new(2));
///     let jobs = [(); 4].map(|()| {
///         let two_at_once = Rc::clone(&two_at_once);
///         async move {
///             let _permit = two_at_once.acquire().await.unwrap();
///             sleep(Duration::from_secs(1)).await;
///         }
///     });
///     dacapo::gather(jobs).await;
/// });
/// assert_eq!(run.elapsed(), Duration::from_secs(2));
/// ```
#[derive(Debug)]
pub struct Semaphore {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    permits: usize,
    closed: bool,
    /// In the order of their keys.
    waiters: VecDeque<Waiter>,
    /// The keys of those who have left the line with their permits and do not know it yet.
    served: Vec<u64>,
    next_key: u64,
    /// What the present run calls this semaphore.
    number: Option<(RunId, u32)>,
}

#[derive(Debug)]
struct Waiter {
    key: u64,
    wanted: usize,
    waker: Waker,
}

impl State {
    fn position(&self, key: u64) -> Option<usize> {
        self.waiters.binary_search_by_key(&key, |waiter| waiter.key).ok()
    }

    /// Hands permits to those in front whom they suffice. Returns whom to wake, once the lock is
    /// released.
    fn hand_out(&mut self) -> Vec<Waker> {
        let mut woken = Vec::new();
        while let Some(waiter) = self.waiters.pop_front_if(|first| first.wanted <= self.permits) {
            self.permits -= waiter.wanted;
            self.served.push(waiter.key);
            woken.push(waiter.waker);
        }
        woken
    }

    /// Whether this waiter was given its permits; if so, it is told only once.
    fn take_served(&mut self, key: u64) -> bool {
        let place = self.served.iter().position(|&served| served == key);
        place.map(|place| self.served.remove(place)).is_some()
    }
}

impl Semaphore {
    /// The most permits that a semaphore can have.
    pub const MAX_PERMITS: usize = usize::MAX >> 3;

    /// A semaphore with this many permits.
    ///
    /// # Panics
    ///
    /// If there are more than [`MAX_PERMITS`](Semaphore::MAX_PERMITS).
    #[track_caller]
    pub fn new(permits: usize) -> Self {
        assert!(
            permits <= Self::MAX_PERMITS,
            "a semaphore may not have more than MAX_PERMITS permits ({})",
            Self::MAX_PERMITS
        );
        Self { state: Mutex::new(State { permits, ..State::default() }) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing of the user's runs under the lock, so nothing can be half done.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many permits are free now.
    pub fn available_permits(&self) -> usize {
        self.state().permits
    }

    /// Adds permits, which need not have been acquired before.
    ///
    /// # Panics
    ///
    /// If there would be more than [`MAX_PERMITS`](Semaphore::MAX_PERMITS) free ones.
    #[track_caller]
    pub fn add_permits(&self, permits: usize) {
        let mut state = self.state();
        let sum = state.permits.checked_add(permits).filter(|&sum| sum <= Self::MAX_PERMITS);
        let Some(sum) = sum else {
            drop(state);
            panic!(
                "a semaphore may not have more than MAX_PERMITS permits ({})",
                Self::MAX_PERMITS
            );
        };
        state.permits = sum;
        let woken = state.hand_out();
        drop(state);
        woken.into_iter().for_each(Waker::wake);
    }

    /// Takes one permit, waiting for it if need be.
    ///
    /// # Errors
    ///
    /// If the semaphore is, or meanwhile becomes, [closed](Semaphore::close).
    ///
    /// # Cancel safety
    ///
    /// No permit is lost if it is dropped; its place in the line is.
    pub fn acquire(&self) -> Acquire<'_> {
        self.acquire_many(1)
    }

    /// Takes `permits` permits at once, waiting for all of them if need be.
    ///
    /// # Errors
    ///
    /// If the semaphore is, or meanwhile becomes, [closed](Semaphore::close).
    ///
    /// # Cancel safety
    ///
    /// As [`acquire`](Semaphore::acquire).
    pub fn acquire_many(&self, permits: u32) -> Acquire<'_> {
        Acquire { semaphore: self, permits, state: AcquireState::Start }
    }

    /// As [`acquire`](Semaphore::acquire), with a permit that keeps the semaphore alive.
    ///
    /// # Errors
    ///
    /// If the semaphore is, or meanwhile becomes, [closed](Semaphore::close).
    ///
    /// # Cancel safety
    ///
    /// As [`acquire`](Semaphore::acquire).
    pub async fn acquire_owned(self: Arc<Self>) -> Result<OwnedSemaphorePermit, AcquireError> {
        self.acquire().await?.forget();
        Ok(OwnedSemaphorePermit { semaphore: self, permits: 1 })
    }

    /// Takes one permit if one is free and nobody waits.
    ///
    /// # Errors
    ///
    /// If none is free, or the semaphore is closed.
    pub fn try_acquire(&self) -> Result<SemaphorePermit<'_>, TryAcquireError> {
        self.try_take(1).map(|()| SemaphorePermit { semaphore: self, permits: 1 })
    }

    fn try_take(&self, wanted: usize) -> Result<(), TryAcquireError> {
        let mut state = self.state();
        if state.closed {
            return Err(TryAcquireError::Closed);
        }
        if !state.waiters.is_empty() || state.permits < wanted {
            return Err(TryAcquireError::NoPermits);
        }
        state.permits -= wanted;
        Ok(())
    }

    /// Lets no one acquire any more: all who wait, and all who come, get an error.
    pub fn close(&self) {
        let mut state = self.state();
        state.closed = true;
        let waiters = std::mem::take(&mut state.waiters);
        drop(state);
        waiters.into_iter().for_each(|waiter| waiter.waker.wake());
    }

    /// Whether it was [closed](Semaphore::close).
    pub fn is_closed(&self) -> bool {
        self.state().closed
    }

    /// Takes part in the run's account of who waits for what.
    fn note_wait(&self, permits: u32) {
        runtime::try_current(|runtime| {
            let mut state = self.state();
            let known = state.number.filter(|(run, _)| *run == runtime.id());
            let number = known.map_or_else(|| runtime.next_resource(), |(_, number)| number);
            state.number = Some((runtime.id(), number));
            runtime.wait_on(Wait::Semaphore { number, permits });
        });
    }
}

/// The future of [`Semaphore::acquire`] and [`Semaphore::acquire_many`].
#[derive(Debug)]
#[must_use = "futures do nothing unless they are awaited"]
pub struct Acquire<'a> {
    semaphore: &'a Semaphore,
    permits: u32,
    state: AcquireState,
}

#[derive(Debug, Clone, Copy)]
enum AcquireState {
    Start,
    /// In the line under this key, unless it has been served or the semaphore was closed.
    Waiting(u64),
    Done,
}

impl<'a> Acquire<'a> {
    fn poll_acquire(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), AcquireError>> {
        let wanted = self.permits as usize;
        // Cloned before the lock is taken: a waker may be anybody's code.
        let waker = cx.waker().clone();
        match self.state {
            AcquireState::Start => match self.semaphore.try_take(wanted) {
                Ok(()) => return Poll::Ready(Ok(())),
                Err(TryAcquireError::Closed) => return Poll::Ready(Err(AcquireError(()))),
                Err(TryAcquireError::NoPermits) => {
                    let mut state = self.semaphore.state();
                    let key = state.next_key;
                    state.next_key += 1;
                    state.waiters.push_back(Waiter { key, wanted, waker });
                    self.state = AcquireState::Waiting(key);
                }
            },
            AcquireState::Waiting(key) => {
                let mut state = self.semaphore.state();
                let Some(place) = state.position(key) else {
                    let served = state.take_served(key);
                    return Poll::Ready(if served { Ok(()) } else { Err(AcquireError(())) });
                };
                let previous = std::mem::replace(&mut state.waiters[place].waker, waker);
                drop(state);
                drop(previous);
            }
            AcquireState::Done => panic!("dacapo: `acquire` was polled after completion"),
        }
        self.semaphore.note_wait(self.permits);
        Poll::Pending
    }
}

impl<'a> Future for Acquire<'a> {
    type Output = Result<SemaphorePermit<'a>, AcquireError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Poll::Ready(result) = self.poll_acquire(cx) else { return Poll::Pending };
        self.state = AcquireState::Done;
        let (semaphore, permits) = (self.semaphore, self.permits);
        Poll::Ready(result.map(|()| SemaphorePermit { semaphore, permits }))
    }
}

impl Drop for Acquire<'_> {
    fn drop(&mut self) {
        let AcquireState::Waiting(key) = self.state else { return };
        let mut state = self.semaphore.state();
        // Whoever stood behind it may now be served: by what it was given, or since it wanted more.
        if let Some(place) = state.position(key) {
            state.waiters.remove(place);
        } else if state.take_served(key) {
            state.permits += self.permits as usize;
        }
        let woken = state.hand_out();
        drop(state);
        woken.into_iter().for_each(Waker::wake);
    }
}

/// Permits that are given back when this is dropped.
#[derive(Debug)]
#[must_use = "the permits are given back when this is dropped"]
pub struct SemaphorePermit<'a> {
    semaphore: &'a Semaphore,
    permits: u32,
}

impl SemaphorePermit<'_> {
    /// How many permits it stands for.
    pub fn num_permits(&self) -> usize {
        self.permits as usize
    }

    /// Keeps the permits from being given back.
    pub fn forget(mut self) {
        self.permits = 0;
    }
}

impl Drop for SemaphorePermit<'_> {
    fn drop(&mut self) {
        self.semaphore.add_permits(self.permits as usize);
    }
}

/// As [`SemaphorePermit`], with a share in the semaphore instead of a borrow.
#[derive(Debug)]
#[must_use = "the permits are given back when this is dropped"]
pub struct OwnedSemaphorePermit {
    semaphore: Arc<Semaphore>,
    permits: u32,
}

impl OwnedSemaphorePermit {
    /// How many permits it stands for.
    pub fn num_permits(&self) -> usize {
        self.permits as usize
    }

    /// Keeps the permits from being given back.
    pub fn forget(mut self) {
        self.permits = 0;
    }
}

impl Drop for OwnedSemaphorePermit {
    fn drop(&mut self) {
        self.semaphore.add_permits(self.permits as usize);
    }
}

/// The semaphore is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AcquireError(());

impl fmt::Display for AcquireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("semaphore closed")
    }
}

impl std::error::Error for AcquireError {}

/// Why [`Semaphore::try_acquire`] gave no permit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TryAcquireError {
    /// The semaphore is closed.
    Closed,
    /// No permit is free, or others have been waiting before.
    NoPermits,
}

impl fmt::Display for TryAcquireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Closed => "semaphore closed",
            Self::NoPermits => "no permits available",
        })
    }
}

impl std::error::Error for TryAcquireError {}
