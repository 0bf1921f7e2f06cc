//! One execution: tasks, the clock, and the loop that polls.
//!
//! This is the only module with thread-local state. The layers above reach the run that is going on
//! through [`with`]. Rule for everything in here: no code of the user (a poll, a destructor, a
//! foreign waker) is called while the core is borrowed, for it may call back.

mod answers;
mod cancellation;
mod cell;
mod choices;
mod core;
mod drive;
mod engine;
mod faults;
mod joining;
mod ledger;
mod limits;
mod marks;
mod notes;
mod places;
mod poll;
mod tasks;
mod timers;
mod unwind;
mod waker;
mod watch;

use std::cell::{Cell, RefCell, RefMut};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use self::core::Core;
use self::poll::CurrentPoll;
use self::unwind::{Catcher, Caught};
use self::waker::{Outside, OwnWaker};
use crate::failure::Failure;
use crate::instant::Instant;
use crate::schedule::Schedule;
use crate::scheduler::ChoiceKind;
use crate::trace::TaskId;

pub use self::cancellation::Cancelled;
pub(crate) use self::cancellation::{Awaiting, CancelTarget, Scope};
pub(crate) use self::engine::{Engine, Raw};
pub(crate) use self::joining::{End, Joined};
pub(crate) use self::ledger::{Entry, Holding};
pub(crate) use self::limits::Limits;
pub(crate) use self::marks::Marks;
#[cfg(feature = "tracing")]
pub use self::notes::Here;
pub(crate) use self::places::{Awaited, Place, Standing, show as show_place};
pub(crate) use self::timers::TimerKey;
pub(crate) use self::unwind::message_of;
pub(crate) use self::waker::{RunId, Wakee, wake};
pub(crate) use crate::scheduler::TaskKey;

thread_local! {
    static RUNTIME: Runtime = Runtime::new();
}

/// Calls `f` with the run that is going on in this thread.
///
/// # Panics
///
/// If there is none: `what` (a function's name) was called in the wrong place.
#[track_caller]
pub(crate) fn with<R>(what: &str, f: impl FnOnce(&Runtime) -> R) -> R {
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
pub(crate) fn try_current<R>(f: impl FnOnce(&Runtime) -> R) -> Option<R> {
    // No thread-local state is left when a thread's last destructors run. (These few lines are called so often
    // that where nothing is optimised each adaptor of an `Option` in them would be seen.)
    let called = RUNTIME.try_with(|runtime| match runtime.id.get().is(RunId::NONE) {
        true => None,
        false => Some(f(runtime)),
    });
    called.unwrap_or_default()
}

/// Calls `f` if this very run is going on in this thread.
#[inline]
pub(crate) fn try_with<R>(run: RunId, f: impl FnOnce(&Runtime) -> R) -> Option<R> {
    let called = RUNTIME.try_with(|runtime| match runtime.id.get().is(run) {
        true => Some(f(runtime)),
        false => None,
    });
    called.unwrap_or_default()
}

fn schedule_so_far() -> Schedule {
    let schedule = try_current(|runtime| {
        let core = runtime.core.try_borrow().ok()?;
        Some(core.schedule())
    });
    schedule.flatten().unwrap_or_default()
}

/// The runs of a thread, one at a time.
pub(crate) struct Runtime {
    /// The run that is going on.
    id: Cell<RunId>,
    /// How many there have been.
    runs: Cell<u64>,
    core: RefCell<Box<Core>>,
    poll: CurrentPoll,
    /// Of the main task, which has no cell to keep it.
    main_waker: RefCell<Option<OwnWaker>>,
    /// Whether primitives have nothing to ask in this run.
    plain: Cell<bool>,
    catcher: Catcher,
    outside: Arc<Outside>,
}

impl Runtime {
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
        }
    }

    /// Begins the run for which the core was made ready.
    fn begin(&self) {
        // A scheduler may have panicked in the run before.
        self.poll.end();
        let mut core = self.core();
        self.plain.set(core.is_plain());
        let key = core.spawn(None, None).expect("dacapo: Builder::max_tasks must be 1 or more");
        let mut waker = self.main_waker.borrow_mut();
        let waker = waker.get_or_insert_with(|| OwnWaker::new(self.id(), key));
        waker.part_with_clones();
        waker.assign(self.id(), key);
        core.tasks.furnish(key, None, waker.address());
    }

    /// Polls the main task.
    fn poll_main(&self, main: &mut dyn FnMut(&mut Context<'_>) -> Poll<()>) -> Poll<()> {
        let waker = self.main_waker.borrow();
        let waker = waker.as_ref().expect("dacapo bug: main is polled outside of its run");
        main(&mut Context::from_waker(waker.waker()))
    }

    #[cfg_attr(not(debug_assertions), inline)]
    fn core(&self) -> RefMut<'_, Box<Core>> {
        match self.core.try_borrow_mut() {
            Ok(core) => core,
            Err(_) => called_back(),
        }
    }

    #[inline]
    fn catch<R>(&self, f: impl FnOnce() -> R) -> Result<R, Box<Caught>> {
        self.catcher.catch(f)
    }

    // What the layers above ask for.

    pub(crate) fn id(&self) -> RunId {
        self.id.get()
    }

    /// Whether a primitive need not tell of its use, nor ask whether a fault happens: nobody watches,
    /// no accounts are kept, and no faults are on.
    #[inline]
    pub(crate) fn is_plain(&self) -> bool {
        self.plain.get()
    }

    #[inline]
    pub(crate) fn now(&self) -> Instant {
        self.core().now
    }

    /// Adds a task, to which the future goes, unless a [limit](Runtime::limit) forbids it, with which the caller
    /// is to panic.
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

    pub(crate) fn wake(&self, task: TaskKey) {
        self.core().wake(task);
    }

    pub(crate) fn abort(&self, task: TaskKey) {
        self.core().abort(task);
    }

    pub(crate) fn has_ended(&self, task: TaskKey) -> bool {
        self.core().task(task).is_none_or(tasks::Task::has_ended)
    }

    pub(crate) fn current_task(&self) -> Option<TaskKey> {
        self.core().current
    }

    pub(crate) fn name(&self, task: TaskId) -> String {
        self.core().trace.names().get(task).to_string()
    }

    /// Whom to wake for this waker, later.
    #[cfg_attr(not(debug_assertions), inline)]
    pub(crate) fn wakee(&self, waker: &Waker) -> Wakee {
        let own = self.poll.own_task(waker);
        own.map_or_else(|| Wakee::Waker(waker.clone()), Wakee::Task)
    }

    /// Notes that the current step uses a primitive, known to the scheduler by this number, if any;
    /// returns its number if somebody wants to know.
    pub(crate) fn watch_use(&self, number: Option<u32>, awaits: bool) -> Option<u32> {
        self.core().watch_use(number, awaits)
    }

    pub(crate) fn next_resource(&self) -> u32 {
        self.core().next_resource()
    }

    pub(crate) fn choose(&self, kind: ChoiceKind, options: usize) -> usize {
        self.core().choose(kind, options)
    }

    pub(crate) fn mark(&self, label: &'static str, held: bool) {
        self.core().marks.hit(label, held);
    }

    pub(crate) fn draw<R>(&self, f: impl FnOnce(&mut crate::rng::Stream) -> R) -> R {
        f(self.core().data())
    }

    /// Sets a timer to another time; one that has fired, or never will, is gone.
    pub(crate) fn move_timer(&self, timer: TimerKey, deadline: Instant) -> Option<TimerKey> {
        let mut core = self.core();
        let wakee = core.timers.remove(timer)?;
        if deadline == Instant::FAR_FUTURE {
            drop(core);
            drop(wakee);
            return None;
        }
        let deadline = deadline.max(core.now);
        Some(core.timers.insert(deadline, wakee))
    }

    #[inline]
    pub(crate) fn cancel_timer(&self, timer: TimerKey) {
        let removed = self.core().timers.remove(timer);
        drop(removed);
    }
}

#[cold]
fn called_back() -> ! {
    panic!(
        "dacapo: a scheduler called back into the run that it schedules; it may look at nothing but \
         the Choice that it is given"
    )
}
