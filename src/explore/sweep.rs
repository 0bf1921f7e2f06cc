//! Cancelling at every await, and looking at what is left behind.

use std::fmt;

use super::Builder;
use super::check::{CheckError, check};
use super::subject::Subject;
use super::test_id::TestId;
use super::verdict::Verdict;
use crate::failure::{Failure, Kind};
use crate::report::{cancelled_at, count};
use crate::scheduler::CancelSweep;
use crate::session::{Holding, Holdings};
use crate::trace::{Trace, printable};

/// Runs `body` once for each await at which it can be cancelled and each way to do so, and panics with a
/// report if it is not up to that.
///
/// The first run is first in, first out. Each other one has one cancellation besides: a task, other than
/// main, is dropped when it has begun to wait, or when it was woken and is about to be polled; or, where
/// that makes a difference, it is asked to [`cancel`](crate::cancel). If `body` [marks](crate::cancel::point)
/// futures, these are dropped instead, also in main. See [`CancelSweep`].
///
/// `body` has to live with it: who awaits a task gets a [`JoinError`](crate::task::JoinError) that is
/// cancelled. What is then asked of it is what [`check`](crate::check) asks, its own assertions among it;
/// and of the primitives of [`sync`](crate::sync), at the end of the run, that
///
/// - all permits of a semaphore are back, and no more of them,
/// - no lock is taken,
/// - all items that were taken out of a queue are done,
/// - nobody is left in a line who is gone,
///
/// each as far as it was so at the end of the first run.
///
/// # Panics
///
/// If a run fails, or something is left behind. Otherwise as [`check`](crate::check).
///
/// ```
/// use std::rc::Rc;
/// use dacapo::{spawn, sync::Semaphore, task::yield_now};
///
/// let sweep = dacapo::cancel_sweep(async || {
///     let pool = Rc::new(Semaphore::new(2));
///     let workers = [(); 3].map(|()| {
///         let pool = pool.clone();
///         spawn(async move {
///             let _permit = pool.acquire().await; // given back by its destructor
///             yield_now().await;
///         })
///     });
///     for worker in workers {
///         let _ = worker.await; // one of them is cancelled
///     }
/// });
/// assert_eq!(sweep.to_string(), "\
/// main/3: 2 awaits
/// main/1: 1 await
/// main/2: 1 await
/// 6 runs
/// ");
/// ```
#[track_caller]
pub fn cancel_sweep<T: Verdict>(body: impl AsyncFn() -> T) -> Sweep {
    Builder::new().cancel_sweep(body)
}

/// As [`cancel_sweep`], with the report as an error instead of a panic.
///
/// # Errors
///
/// If a run fails, or something is left behind, or a run cannot be repeated.
///
/// # Panics
///
/// As [`try_check`](crate::try_check).
///
/// ```
/// use std::rc::Rc;
/// use dacapo::{spawn, sync::Semaphore, task::yield_now};
///
/// let error = dacapo::try_cancel_sweep(async || {
///     let pool = Rc::new(Semaphore::new(1));
///     let user = pool.clone();
///     let worker = spawn(async move {
///         user.acquire().await.unwrap().forget();
///         yield_now().await; // does not come back from here
///         user.add_permits(1);
///     });
///     let _ = worker.await;
/// })
/// .unwrap_err();
/// assert!(error.failure().is_leak());
/// assert_eq!(
///     error.failure().to_string(),
///     "dropped at await 1 of main/1 (for its next turn), when it was woken: \
///      permit not returned: a semaphore ends with 0 of 1 permit"
/// );
/// assert_eq!(error.schedule().to_string(), "d1:1+c1");
/// ```
#[track_caller]
pub fn try_cancel_sweep<T: Verdict>(body: impl AsyncFn() -> T) -> Result<Sweep, CheckError> {
    Builder::new().try_cancel_sweep(body)
}

impl Builder {
    /// As [`dacapo::cancel_sweep`](crate::cancel_sweep()).
    ///
    /// # Panics
    ///
    /// As [`dacapo::cancel_sweep`](crate::cancel_sweep()).
    #[track_caller]
    pub fn cancel_sweep<T: Verdict>(&self, body: impl AsyncFn() -> T) -> Sweep {
        match self.try_cancel_sweep(body) {
            Ok(sweep) => sweep,
            Err(error) => panic!("{error}"),
        }
    }

    /// As [`dacapo::try_cancel_sweep`](crate::try_cancel_sweep).
    ///
    /// # Errors
    ///
    /// As [`dacapo::try_cancel_sweep`](crate::try_cancel_sweep).
    ///
    /// # Panics
    ///
    /// As [`dacapo::try_cancel_sweep`](crate::try_cancel_sweep).
    #[track_caller]
    pub fn try_cancel_sweep<T: Verdict>(
        &self,
        body: impl AsyncFn() -> T,
    ) -> Result<Sweep, CheckError> {
        let judge = |output: T| output.verdict().map(|()| String::new());
        let subject = Subject::new(self.limits, &body, judge);
        let sweep = CancelSweep::new();
        let (tried, runs) = (sweep.tried(), sweep.runs_made());
        check(self, subject, Box::new(sweep), &TestId::infer(), None)?;
        let tried = tried.borrow();
        let awaits = tried.awaits().map(|(of, count)| (of.to_owned(), count)).collect();
        Ok(Sweep { awaits, runs: runs.get() })
    }
}

/// What a [`cancel_sweep`] has tried, and found nothing wrong. Its text (`Display`) has a line for each
/// task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sweep {
    awaits: Vec<(String, usize)>,
    runs: usize,
}

impl Sweep {
    /// The names of the tasks that were cancelled, or the labels of what is marked, in quotes, in the order
    /// of their first waits, each with the number of awaits at which it was. Empty if a single run was replayed instead.
    pub fn awaits(&self) -> &[(String, usize)] {
        &self.awaits
    }

    /// How many runs that took, with the first one, in which nothing is cancelled.
    pub fn runs(&self) -> usize {
        self.runs
    }
}

/// The longest name of what was cancelled.
const NAME: usize = 80;

impl fmt::Display for Sweep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (of, awaits) in &self.awaits {
            writeln!(f, "{}: {}", printable(of, NAME), count(*awaits, "await"))?;
        }
        writeln!(f, "{}", count(self.runs, "run"))
    }
}

/// What is left behind at the end of a run that is not at the end of the first one. Primitives are
/// compared in the order of their first use, as far as they are alike.
pub(super) fn leak(first: &[Holdings], accounts: &[Holdings], trace: &Trace) -> Option<Failure> {
    let alike =
        |(first, now): &(&Holdings, &Holdings)| first.kind == now.kind && first.first == now.first;
    let pairs = first.iter().zip(accounts).filter(alike);
    let left: Vec<String> = pairs.flat_map(|(first, now)| left_behind(first, now)).collect();
    let at = || cancelled_at(trace).unwrap_or_else(|| "with nothing cancelled".to_owned());
    (!left.is_empty()).then(|| Failure::new(Kind::Leak { cancelled: at(), left }))
}

fn left_behind(first: &Holdings, now: &Holdings) -> Vec<String> {
    let name = match now.number.or(first.number) {
        Some(number) => format!("{} {number}", now.kind),
        None => format!("{} {}", if now.kind == "event" { "an" } else { "a" }, now.kind),
    };
    let mut left = Vec::new();
    match (first.last, now.last) {
        (Holding::Permits(before), Holding::Permits(free)) => {
            let Holding::Permits(all) = first.first else { return left };
            let some = if all.abs_diff(free) == 1 { "permit" } else { "permits" };
            let all_of = count(all, "permit");
            if before == all && free < all {
                left.push(format!("{some} not returned: {name} ends with {free} of {all_of}"));
            } else if before == all && free > all {
                left.push(format!("{some} returned twice: {name} ends with {free} of {all_of}"));
            }
        }
        (Holding::Lock { taken: false }, Holding::Lock { taken: true }) => {
            left.push(format!("lock not released: {name} ends taken"));
        }
        (Holding::Taken(0), Holding::Taken(taken @ 1..)) => {
            let items = count(taken, "item");
            left.push(format!("item lost: {name} ends with {items} taken and not done"));
        }
        _ => {}
    }
    if now.waiting > first.waiting {
        let gone = count(now.waiting, "waiter");
        left.push(format!("waiter left behind: {name} ends with {gone} in line"));
    }
    left
}
