use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use super::faults;
use super::line::{Caller, Line, Standing, Wakes};
use super::resource::{Accounted, Held, Resource};
use crate::question::Question;
use crate::session::{Holding, Place};
use crate::trace::Wait;

/// Permits, of which a limited number can be held at once.
///
/// Fair: permits go to waiters in the order in which they first waited, and nobody overtakes, also
/// if he wants fewer permits than the one before him, or if there are permits left when the one
/// before him has been served, but did not have his turn yet. Works on any executor.
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
    /// With how many permits each wants. Who was woken has them.
    line: Line<usize>,
    resource: Resource,
}

impl Accounted for State {
    const KIND: &'static str = "semaphore";

    fn resource(&mut self) -> &mut Resource {
        &mut self.resource
    }

    fn account(&self) -> (Holding, usize) {
        (Holding::Permits(self.permits), self.line.len())
    }
}

impl State {
    fn try_take(&mut self, wanted: usize) -> Result<(), TryAcquireError> {
        if self.closed {
            return Err(TryAcquireError::Closed);
        }
        if !self.is_free(wanted) && !self.barge(wanted) {
            return Err(TryAcquireError::NoPermits);
        }
        self.permits -= wanted;
        Ok(())
    }

    fn is_free(&self, wanted: usize) -> bool {
        !self.closed && self.permits >= wanted && !self.line.is_occupied()
    }

    /// Whether a newcomer takes permits before one who was served and has not come for them yet. If they
    /// are needed, that one has none then, and waits on.
    fn barge(&mut self, wanted: usize) -> bool {
        if !faults::is_possible(Question::Barge) {
            return false;
        }
        let permits = self.permits;
        let mut served = self.line.iter_mut().rev();
        // The last one who would do, so that those who wait keep their order.
        let served = served.find(|waiter| {
            waiter.standing == Standing::Woken && permits.saturating_add(waiter.wanted) >= wanted
        });
        let Some(served) = served else { return false };
        let barges = faults::barges(served.task(), false);
        if barges && permits < wanted {
            served.standing = Standing::Waiting;
            self.permits += served.wanted;
        }
        barges
    }

    /// Gives the first who waits, and is not about to give up, his permits, if they suffice.
    fn serve_next(&mut self) -> Option<Caller> {
        for waiter in self.line.iter_mut().filter(|waiter| waiter.standing != Standing::Woken) {
            if self.permits == 0 && waiter.wanted > 0 {
                return None;
            }
            if waiter.has_given_up() {
                waiter.standing = Standing::Passed;
                continue;
            }
            self.permits = self.permits.checked_sub(waiter.wanted)?;
            return waiter.give_turn();
        }
        None
    }

    /// Serves one waiter after another, as long as there are permits, but no more than `most`.
    #[inline]
    fn serve(&mut self, most: usize, woken: &mut Wakes) {
        while woken.len() < most {
            let Some(caller) = self.serve_next() else { break };
            woken.push(caller);
        }
    }

    /// Adds permits, and serves a waiter for each; `false` if there would be too many.
    #[inline]
    fn add(&mut self, permits: usize, woken: &mut Wakes) -> bool {
        let sum = self.permits.checked_add(permits);
        let Some(sum) = sum.filter(|&sum| sum <= Semaphore::MAX_PERMITS) else { return false };
        self.permits = sum;
        self.serve(permits, woken);
        true
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

    fn state(&self) -> Held<'_, State> {
        Held::new(&self.state)
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
        let mut woken = Wakes::default();
        let added = self.state().add(permits, &mut woken);
        assert!(
            added,
            "a semaphore may not have more than MAX_PERMITS permits ({})",
            Self::MAX_PERMITS
        );
        woken.wake_all();
    }

    /// Adds one permit, if there are fewer than `bound` free ones; returns whether it did.
    pub(super) fn add_permit_below(&self, bound: usize) -> bool {
        let mut state = self.state();
        let mut woken = Wakes::default();
        let added = state.permits < bound && state.add(1, &mut woken);
        drop(state);
        woken.wake_all();
        added
    }

    /// Whether who wants one permit has to wait: none is free, or others have been waiting before.
    ///
    /// It is as long as somebody waits, also if he was served and did not have his turn yet.
    pub fn is_locked(&self) -> bool {
        let state = self.state();
        state.permits == 0 || state.line.is_occupied()
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
    #[track_caller]
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
    #[track_caller]
    pub fn acquire_many(&self, permits: u32) -> Acquire<'_> {
        self.acquire_at(permits, Location::caller())
    }

    pub(super) fn acquire_at(&self, permits: u32, place: Place) -> Acquire<'_> {
        Acquire { semaphore: self, permits, state: AcquireState::Start, asked: false, place }
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
    #[track_caller]
    pub fn acquire_owned(
        self: Arc<Self>,
    ) -> impl Future<Output = Result<OwnedSemaphorePermit, AcquireError>> {
        let place = Location::caller();
        async move {
            self.acquire_at(1, place).await?.forget();
            Ok(OwnedSemaphorePermit { semaphore: self, permits: 1 })
        }
    }

    /// Takes one permit if one is free and nobody waits.
    ///
    /// # Errors
    ///
    /// If none is free, or the semaphore is closed.
    pub fn try_acquire(&self) -> Result<SemaphorePermit<'_>, TryAcquireError> {
        let taken = self.state().try_take(1);
        taken.map(|()| SemaphorePermit { semaphore: self, permits: 1 })
    }

    /// Lets no one acquire any more: all who wait, and all who come, get an error.
    pub fn close(&self) {
        let mut state = self.state();
        state.closed = true;
        let refused = state.line.take_waiting();
        drop(state);
        refused.wake_all();
    }

    /// Whether it was [closed](Semaphore::close).
    pub fn is_closed(&self) -> bool {
        self.state().closed
    }
}

/// The future of [`Semaphore::acquire`] and [`Semaphore::acquire_many`].
#[derive(Debug)]
#[must_use = "futures do nothing unless they are awaited"]
pub struct Acquire<'a> {
    semaphore: &'a Semaphore,
    permits: u32,
    state: AcquireState,
    place: Place,
    /// Whether it was asked to give a turn away.
    asked: bool,
}

#[derive(Debug, Clone, Copy)]
enum AcquireState {
    Start,
    /// In the line under this key, unless it has been served or the semaphore was closed.
    Waiting(u64),
    Done,
}

impl Acquire<'_> {
    fn poll_acquire(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), AcquireError>> {
        let (permits, wanted) = (self.permits, self.permits as usize);
        let caller = Caller::new(cx);
        // Declared before the lock is held, and so dropped after.
        let (_left, _previous);
        let semaphore = self.semaphore;
        let mut state = semaphore.state();
        match self.state {
            AcquireState::Start if state.is_free(wanted) && faults::gives_way(&mut self.asked) => {
                drop(state);
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            AcquireState::Start => match state.try_take(wanted) {
                Ok(()) => return Poll::Ready(Ok(())),
                Err(TryAcquireError::Closed) => return Poll::Ready(Err(AcquireError(()))),
                Err(TryAcquireError::NoPermits) => {
                    self.state = AcquireState::Waiting(state.line.push(caller, wanted));
                }
            },
            AcquireState::Waiting(key) => {
                let Some(waiter) = state.line.get_mut(key) else {
                    return Poll::Ready(Err(AcquireError(())));
                };
                match waiter.standing {
                    Standing::Waiting => _previous = waiter.renew(caller),
                    Standing::Woken => {
                        _left = state.line.remove(key);
                        // Others may have come, and waited although there were permits.
                        serve_all(state);
                        return Poll::Ready(Ok(()));
                    }
                    Standing::Passed => {
                        waiter.standing = Standing::Waiting;
                        _previous = waiter.renew(caller);
                        serve_all(state);
                        state = semaphore.state();
                    }
                }
            }
            AcquireState::Done => {
                drop(state);
                panic!("dacapo: `acquire` was polled after completion");
            }
        }
        state.resource.note_wait(|number| Wait::Semaphore { number, permits }, self.place);
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
        let left = state.line.remove(key);
        if left.as_ref().is_some_and(|waiter| waiter.standing == Standing::Woken) {
            state.permits += self.permits as usize;
        }
        // Whoever stood behind it may now be served: by what it was given, or since it wanted more.
        serve_all(state);
        drop(left);
    }
}

/// Serves as many as there are permits for, lets go of the lock, and wakes them.
fn serve_all(mut state: Held<'_, State>) {
    let mut woken = Wakes::default();
    state.serve(usize::MAX, &mut woken);
    drop(state);
    woken.wake_all();
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
