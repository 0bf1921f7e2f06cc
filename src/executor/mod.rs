//! Polls the tasks of a run: cells, wakers, timers, the ready queue, and the loop.
//!
//! This is the only module with thread-local state. The layers above reach the run of this thread through
//! [`with`], and its session, which is all that most of them need, through [`session`]. The rule for everything in
//! here: code of the user (a poll, a destructor, a foreign waker) is never called while the core is borrowed,
//! because it may call back.

mod blocked;
mod cancellation;
mod cell;
mod core;
mod driver;
mod ending;
mod engine;
mod faults;
mod hosts;
mod joiners;
mod joining;
mod locals;
mod notes;
mod poll;
mod tasks;
mod timers;
mod turns;
mod unwind;
mod waker;

use std::cell::{Cell, RefCell, RefMut};
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use self::core::Core;
use self::poll::CurrentPoll;
use self::turns::Main;
use self::unwind::{Catcher, Caught};
use self::waker::{Outside, OwnWaker};
use crate::failure::Failure;
use crate::instant::Instant;
use crate::question::Question;
use crate::schedule::Schedule;
use crate::session::{Driver, Place, Session};
use crate::trace::{Record, TaskId};

pub use self::cancellation::Cancelled;
pub(crate) use self::cancellation::{Awaiting, CancelTarget, Scope, ScopeId};
pub(crate) use self::engine::{Engine, Raw};
pub(crate) use self::joining::{End, Joined};
#[cfg(feature = "tracing")]
pub use self::notes::Here;
pub(crate) use self::timers::TimerKey;
pub(crate) use self::unwind::{message_of, set_last_words};
pub(crate) use self::waker::{Heartbeat, RunId, Wakee, wake};
pub(crate) use crate::scheduler::TaskKey;

thread_local! {
    static EXECUTOR: Executor = Executor::new();
}

/// Calls `f` with the run of this thread.
///
/// # Panics
///
/// If there is none: `what` (a function's name) was called in the wrong place.
#[track_caller]
pub(crate) fn with<R>(what: &str, f: impl FnOnce(&Executor) -> R) -> R {
    match try_current(f) {
        Some(result) => result,
        None => panic!(
            "dacapo: `{what}` needs a run, and there is none in this thread; call it inside \
             dacapo::run, dacapo::check or dacapo::explore, or in a #[dacapo::test]"
        ),
    }
}

/// Calls `f` if a run is going on in this thread.
#[inline]
pub(crate) fn try_current<R>(f: impl FnOnce(&Executor) -> R) -> Option<R> {
    // No thread-local state is left when a thread's last destructors run. (These few lines are called so often
    // that without optimisation, each adaptor of an `Option` in them would be seen.)
    let called = EXECUTOR.try_with(|executor| match executor.id.get().is(RunId::NONE) {
        true => None,
        false => Some(f(executor)),
    });
    called.unwrap_or_default()
}

/// Calls `f` if this very run is going on in this thread.
#[inline]
pub(crate) fn try_with<R>(run: RunId, f: impl FnOnce(&Executor) -> R) -> Option<R> {
    let called = EXECUTOR.try_with(|executor| match executor.id.get().is(run) {
        true => Some(f(executor)),
        false => None,
    });
    called.unwrap_or_default()
}

/// Calls `f` with the session of this thread's run, if one is going on.
#[inline]
pub(crate) fn session<R>(f: impl FnOnce(&mut Session) -> R) -> Option<R> {
    try_current(|executor| f(&mut executor.session()))
}

/// What shows other threads whether the runs of this thread go on.
pub(crate) fn heartbeat() -> Heartbeat {
    EXECUTOR.with(|executor| Heartbeat(Arc::clone(&executor.outside)))
}

fn schedule_so_far() -> Schedule {
    let schedule = try_current(|executor| {
        let core = executor.core.try_borrow().ok()?;
        Some(core.session.schedule())
    });
    schedule.flatten().unwrap_or_default()
}

/// Makes the runs of a thread, one at a time.
pub(crate) struct Executor {
    /// The run that is going on.
    id: Cell<RunId>,
    /// How many runs there have been.
    runs: Cell<u64>,
    core: RefCell<Box<Core>>,
    poll: CurrentPoll,
    /// The waker of the main task, which has no cell to keep it.
    main_waker: RefCell<Option<OwnWaker>>,
    /// Whether primitives may skip fault and holding checks.
    plain: Cell<bool>,
    catcher: Catcher,
    outside: Arc<Outside>,
    driver: RefCell<Option<Rc<dyn Driver>>>,
    /// Whether the driver wants tasks that wakers wake to become ready in the order of spawning.
    sorts_wakes: Cell<bool>,
}

impl Executor {
    fn new() -> Self {
        Self {
            id: Cell::new(RunId::NONE),
            runs: Cell::new(0),
            core: RefCell::default(),
            poll: CurrentPoll::new(),
            main_waker: RefCell::new(None),
            plain: Cell::new(true),
            catcher: Catcher::new(),
            outside: Outside::of_thread(),
            driver: RefCell::new(None),
            sorts_wakes: Cell::new(false),
        }
    }

    /// Begins the run for which the core was prepared.
    fn begin(&self) {
        // A scheduler may have panicked in the run before.
        self.poll.end();
        let mut core = self.core();
        self.plain.set(core.session.is_plain());
        let key = core.spawn(None, None).expect("dacapo: Builder::max_tasks must be 1 or more");
        let mut waker = self.main_waker.borrow_mut();
        let waker = waker.get_or_insert_with(|| OwnWaker::new(self.id(), key));
        waker.part_with_clones();
        waker.assign(self.id(), key);
        core.tasks.furnish(key, None, waker.address());
    }

    fn poll_main(&self, main: &mut dyn Main) -> Poll<()> {
        let waker = self.main_waker.borrow();
        let waker = waker.as_ref().expect("dacapo bug: main is polled outside of its run");
        main.poll(&mut Context::from_waker(waker.waker()))
    }

    #[cfg_attr(not(debug_assertions), inline)]
    fn core(&self) -> RefMut<'_, Box<Core>> {
        match self.core.try_borrow_mut() {
            Ok(core) => core,
            Err(_) => called_back(),
        }
    }

    /// The half of the run that is not about polling.
    #[inline]
    pub(crate) fn session(&self) -> RefMut<'_, Session> {
        RefMut::map(self.core(), |core| &mut core.session)
    }

    #[inline]
    fn catch<R>(&self, f: impl FnOnce() -> R) -> Result<R, Box<Caught>> {
        self.catcher.catch(f)
    }

    // What the layers above ask for.

    pub(crate) fn id(&self) -> RunId {
        self.id.get()
    }

    /// Whether primitives may skip fault and holding checks: the scheduler does not observe their use, holdings
    /// are not recorded, and no fault is on.
    #[inline]
    pub(crate) fn is_plain(&self) -> bool {
        self.plain.get()
    }

    /// What the clock of the current task's host says.
    #[inline]
    pub(crate) fn now(&self) -> Instant {
        self.core().local_now()
    }

    /// Adds a task, which takes the future, unless a [limit](Executor::limit) forbids it. Then the caller must
    /// panic with the limit.
    pub(crate) fn spawn<F>(
        &self,
        name: Option<&str>,
        future: &mut Option<F>,
        place: Option<Place>,
    ) -> Option<TaskKey>
    where
        F: Future<Output: 'static> + 'static,
    {
        let mut borrowed = self.core();
        let core: &mut Core = &mut borrowed;
        let spare = core.spares.take();
        let key = core.spawn(name, place)?;
        let (cell, waker) = spare.fill(future, self.id(), key);
        core.tasks.furnish(key, Some(cell), waker);
        Some(key)
    }

    /// The limit that forbids another task.
    pub(crate) fn limit(&self) -> Failure {
        self.core().limit()
    }

    /// Wakes a task by its waker.
    #[inline]
    fn wake_by_waker(&self, task: TaskKey) {
        let mut core = self.core();
        if self.sorts_wakes.get() { core.wake_later(task) } else { core.wake(task) }
    }

    pub(crate) fn abort(&self, task: TaskKey) {
        self.core().abort(task);
    }

    pub(crate) fn has_ended(&self, task: TaskKey) -> bool {
        self.core().task(task).is_none_or(tasks::Task::has_ended)
    }

    pub(crate) fn current_task(&self) -> Option<TaskKey> {
        self.session().current
    }

    pub(crate) fn name(&self, task: TaskId) -> String {
        self.session().name(task)
    }

    /// The task or the waker to wake later for this waker.
    #[cfg_attr(not(debug_assertions), inline)]
    pub(crate) fn wakee(&self, waker: &Waker) -> Wakee {
        let own = self.poll.own_task(waker);
        own.map_or_else(|| Wakee::Waker(waker.clone()), Wakee::Task)
    }

    /// Records that the time of a timeout in the current task is up.
    pub(crate) fn record_timeout(&self, after: Duration) {
        let mut session = self.session();
        let task = session.current_id();
        session.record(Record::timeout(task, after));
    }

    /// Asks a question about the current task.
    pub(crate) fn ask_current(&self, question: Question, options: usize) -> usize {
        self.session().ask_current(question, options)
    }

    /// A number that the code under test asks for, under a label.
    pub(crate) fn choose(&self, label: &str, options: usize) -> usize {
        let mut session = self.session();
        let answer = session.choose(label, options);
        // Nothing else ends a loop that asks until it gets another answer. It gets one in a destructor, which
        // must not panic, and where the panic is caught again and again.
        let ends = (1..100).contains(&session.refused);
        drop(session);
        if ends && !std::thread::panicking() {
            panic!("dacapo: too many choices in one step");
        }
        answer
    }

    /// Sets a timer to another time. Returns `None` if it has fired or never will.
    pub(crate) fn move_timer(&self, timer: TimerKey, deadline: Instant) -> Option<TimerKey> {
        let mut core = self.core();
        let wakee = core.timers.remove(timer)?;
        if deadline == Instant::FAR_FUTURE {
            drop(core);
            drop(wakee);
            return None;
        }
        let deadline = core.due(deadline).max(core.session.now);
        Some(core.timers.insert(deadline, wakee))
    }

    #[inline]
    pub(crate) fn cancel_timer(&self, timer: TimerKey) {
        let removed = self.core().timers.remove(timer);
        drop(removed);
    }
}

/// No run is going on when a thread ends, unless code of the user has ended the process.
impl Drop for Executor {
    fn drop(&mut self) {
        if self.id.get().is(RunId::NONE) {
            return;
        }
        let schedule = self.core.try_borrow().map(|core| core.session.schedule());
        unwind::exits(&schedule.unwrap_or_default());
    }
}

#[cold]
fn called_back() -> ! {
    panic!(
        "dacapo: a scheduler called back into the run that it schedules; it may look at nothing but \
         the Choice that it is given"
    )
}
