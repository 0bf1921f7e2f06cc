use std::error::Error;
use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use pin_project_lite::pin_project;

use super::sleep::{Sleep, sleep_until};
use super::timeout::Elapsed;
use super::woken::Woken;
use crate::cancel::Cancelled;
use crate::executor::{self, Scope};
use crate::instant::Instant;
use crate::question::Question;
use crate::session::Place;

/// Awaits `future`, but no longer than `duration`, and cancels it when the time is up.
///
/// This is asyncio's `wait_for`. It [cancels](crate::cancel) what `future` awaits, including a task whose
/// handle it awaits, and then waits until `future` has cleaned up, however long that takes. In contrast,
/// [`timeout`](super::timeout()) drops the future at once. `future` is polled at least once, even if
/// `duration` is zero. If `future` awaits the handle of a task and handles the `JoinError` of its
/// cancellation, the result is `Ok`.
///
/// # Errors
///
/// [`Elapsed`], if the time was up and the cancellation ended `future`.
///
/// # Cancel safety
///
/// If you drop it, `future` is dropped where it waits.
///
/// # Panics
///
/// Outside of a run.
///
/// ```
/// use std::time::Duration;
/// use dacapo::time::{sleep, wait_for};
///
/// let run = dacapo::run(async || {
///     let task = dacapo::spawn(sleep(Duration::from_secs(5)));
///     let joined = wait_for(Duration::from_secs(1), task).await.unwrap();
///     assert!(joined.unwrap_err().is_cancelled());
/// });
/// assert_eq!(run.elapsed(), Duration::from_secs(1));
/// run.unwrap();
/// ```
#[track_caller]
pub fn wait_for<F: Future>(
    duration: Duration,
    future: F,
) -> impl Future<Output = Result<F::Output, Elapsed>> {
    let place = Location::caller();
    async move {
        scope_at(Some(Instant::now() + duration), async |_: &TimeoutScope| future.await, place)
            .await
    }
}

/// Awaits `body` under a deadline that can be moved while it runs; asyncio's `timeout`.
/// When the deadline strikes, the task is [cancelled](crate::cancel): the innermost scope within `body`
/// catches that, may clean up, and may raise it again. If nothing catches it, `body` is dropped where it
/// waits. A cancellation that reaches this scope ends as [`Elapsed`] if all other requests have been
/// taken back. If the task was also cancelled from elsewhere, that cancellation goes on.
///
/// A deadline that is not in the future strikes when `body` waits for the first time.
///
/// # Errors
///
/// [`Elapsed`], as said.
///
/// # Cancel safety
///
/// Dropping it drops `body` where it stands.
///
/// # Panics
///
/// Outside of a run.
///
/// ```
/// use std::time::Duration;
/// use dacapo::time::{Instant, sleep, timeout_scope};
///
/// let run = dacapo::run(async || {
///     let in_a_second = Instant::now() + Duration::from_secs(1);
///     timeout_scope(Some(in_a_second), async |scope| {
///         scope.reschedule(Some(in_a_second + Duration::from_secs(9))).unwrap();
///         sleep(Duration::from_secs(5)).await;
///     })
///     .await
/// });
/// assert_eq!(run.unwrap(), Ok(()));
/// ```
#[track_caller]
pub fn timeout_scope<T>(
    deadline: Option<Instant>,
    body: impl AsyncFnOnce(&TimeoutScope) -> T,
) -> impl Future<Output = Result<T, Elapsed>> {
    scope_at(deadline, body, Location::caller())
}

async fn scope_at<T>(
    deadline: Option<Instant>,
    body: impl AsyncFnOnce(&TimeoutScope) -> T,
    place: Place,
) -> Result<T, Elapsed> {
    let scope = TimeoutScope::new(deadline);
    let body = body(&scope);
    let shared = scope.clone();
    let body = Some(body);
    let start = Instant::now();
    Scoped { body, scope: None, shared, sleep: None, woken: None, baseline: 0, start, place }.await
}

/// The deadline of a [`timeout_scope`]. It can be read and moved, also by other tasks.
#[derive(Clone, Debug)]
pub struct TimeoutScope {
    shared: Arc<Mutex<Shared>>,
}

#[derive(Debug)]
struct Shared {
    deadline: Option<Instant>,
    phase: Phase,
    /// Of the task within, to be told of a new deadline.
    waker: Option<Waker>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Active,
    /// The deadline has struck, and the body has not ended.
    Expiring,
    Expired,
    /// The body ended in time.
    Left,
}

impl TimeoutScope {
    fn new(deadline: Option<Instant>) -> Self {
        let shared = Shared { deadline, phase: Phase::Active, waker: None };
        Self { shared: Arc::new(Mutex::new(shared)) }
    }

    fn shared(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The deadline, if there is one.
    pub fn when(&self) -> Option<Instant> {
        self.shared().deadline
    }

    /// Whether the deadline has struck.
    pub fn expired(&self) -> bool {
        matches!(self.shared().phase, Phase::Expiring | Phase::Expired)
    }

    /// Moves the deadline, or takes it away.
    ///
    /// # Errors
    ///
    /// If it has struck, or the scope was left.
    pub fn reschedule(&self, deadline: Option<Instant>) -> Result<(), ScopeClosed> {
        let mut shared = self.shared();
        if shared.phase != Phase::Active {
            return Err(ScopeClosed(()));
        }
        shared.deadline = deadline;
        let waker = shared.waker.take();
        drop(shared);
        waker.into_iter().for_each(Waker::wake);
        Ok(())
    }
}

/// A deadline cannot be moved any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScopeClosed(());

impl fmt::Display for ScopeClosed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the timeout scope has expired or was left")
    }
}

impl Error for ScopeClosed {}

pin_project! {
    #[project = ScopedProjection]
    struct Scoped<F> {
        #[pin]
        body: Option<F>,
        // Absent before the first poll and after the end.
        scope: Option<Scope>,
        shared: TimeoutScope,
        sleep: Option<Sleep>,
        woken: Option<Woken>,
        // Requests to the task that there were before.
        baseline: usize,
        start: Instant,
        place: Place,
    }
}

impl<F: Future> Future for Scoped<F> {
    type Output = Result<F::Output, Elapsed>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let first = self.scope.is_none() && self.body.is_some();
        if first {
            let (scope, baseline) = executor::with("timeout_scope", |executor| {
                let task = executor.current_task();
                let baseline = task.map_or(0, |task| executor.cancelling(task));
                (executor.open_scope(), baseline)
            });
            let this = self.as_mut().project();
            (*this.scope, *this.baseline) = (Some(scope), baseline);
        } else if self.as_mut().has_struck() {
            self.shared.shared().phase = Phase::Expiring;
            let after = self.shared.when().map_or(Duration::ZERO, |deadline| deadline - self.start);
            if let Some(scope) = &self.scope {
                executor::try_current(|executor| {
                    executor.record_timeout(after);
                    executor.strike(scope, &Cancelled::new());
                });
            }
        }
        if let Some(cancelled) = self.scope.as_ref().and_then(Scope::take_delivered) {
            return self.leave(Err(cancelled));
        }
        let this = self.as_mut().project();
        let (Some(body), Some(scope)) = (this.body.as_pin_mut(), this.scope.as_ref()) else {
            // It has passed a cancellation on, and what is around it has polled it again.
            return Poll::Pending;
        };
        let waker = Woken::update(this.woken, cx.waker());
        if let Poll::Ready(output) = scope.poll(body, &mut Context::from_waker(waker)) {
            return self.leave(Ok(output));
        }
        // What is within may just have passed on a cancellation.
        if let Some(cancelled) = scope.take_delivered() {
            return self.leave(Err(cancelled));
        }
        self.project().watch(cx);
        Poll::Pending
    }
}

impl<F: Future> Scoped<F> {
    /// Whether the deadline strikes in this poll. If the body was woken at that very instant too, a
    /// choice may let it go on first.
    fn has_struck(self: Pin<&mut Self>) -> bool {
        let woken = Woken::take(&self.woken);
        let shared = self.shared.shared();
        let (deadline, active) = (shared.deadline, shared.phase == Phase::Active);
        drop(shared);
        let due = active && deadline.is_some_and(|deadline| deadline <= Instant::now());
        due && executor::try_current(|executor| {
            !woken || executor.ask_current(Question::Deadline, 2) == 0
        })
        .unwrap_or(true)
    }

    fn leave(
        self: Pin<&mut Self>,
        ended: Result<F::Output, Cancelled>,
    ) -> Poll<Result<F::Output, Elapsed>> {
        let mut this = self.project();
        this.body.set(None);
        *this.scope = None;
        *this.sleep = None;
        let mut shared = this.shared.shared();
        let expiring = shared.phase == Phase::Expiring;
        shared.phase = if expiring { Phase::Expired } else { Phase::Left };
        let waker = shared.waker.take();
        drop(shared);
        drop(waker);
        let left = if expiring { crate::cancel::uncancel() } else { usize::MAX };
        match ended {
            Ok(output) => Poll::Ready(Ok(output)),
            Err(_) if left <= *this.baseline => Poll::Ready(Err(Elapsed::new())),
            Err(cancelled) => {
                executor::try_current(|executor| executor.raise(cancelled));
                Poll::Pending
            }
        }
    }
}

impl<F> ScopedProjection<'_, F> {
    /// Sees to it that the deadline wakes the task, or a new one does.
    fn watch(self, cx: &mut Context<'_>) {
        let waker = cx.waker().clone();
        let mut shared = self.shared.shared();
        let previous = shared.waker.replace(waker);
        let deadline = shared.deadline.filter(|_| shared.phase == Phase::Active);
        drop(shared);
        drop(previous);
        if self.sleep.as_ref().map(Sleep::deadline) != deadline {
            *self.sleep = deadline.map(|deadline| sleep_until(deadline).at(self.place));
        }
        if let Some(sleep) = self.sleep
            && Pin::new(sleep).poll(cx).is_ready()
        {
            // It strikes at the next turn: the body has had to wait.
            cx.waker().wake_by_ref();
        }
    }
}
