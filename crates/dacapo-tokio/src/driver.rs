//! A paused runtime of tokio around each run: its clock, its timers, and the tasks of crates that link tokio
//! itself.
//!
//! Turns of the run are polled within `Handle::block_on`, which gives each poll a budget for cooperation, but no
//! scheduler. So what is spawned on tokio itself goes to the runtime's inject queue, whose length is a metric.
//! If it is not empty, a helper task becomes ready. When it gets its turn, the runtime is driven.

use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use dacapo::driver::{self, Driver, Helper};
use tokio::runtime::{Builder, Handle, Runtime, RuntimeMetrics};
use tokio::time::Instant;

/// Fails runs in which a task panics that nothing awaits.
pub(crate) fn strict() -> Rc<dyn Driver> {
    Rc::new(Tokio { is_lenient: false, spare: RefCell::default() })
}

/// Lets such runs pass, as tokio does.
pub(crate) fn lenient() -> Rc<dyn Driver> {
    Rc::new(Tokio { is_lenient: true, spare: RefCell::default() })
}

struct Tokio {
    is_lenient: bool,
    /// The runtime of the last run, if it is as good as new.
    spare: RefCell<Option<Live>>,
}

thread_local! {
    /// Whether a run within tokio is going on.
    static IS_ON: Cell<bool> = const { Cell::new(false) };
    static LIVE: RefCell<Option<Rc<Live>>> = const { RefCell::new(None) };
    /// While the clock may move: what to wake when it has moved from this time.
    static ROOT: RefCell<Option<(Waker, Instant)>> = const { RefCell::new(None) };
}

/// Whether this thread is in a run within tokio.
#[inline]
pub(crate) fn in_run() -> bool {
    IS_ON.try_with(Cell::get).unwrap_or(false)
}

/// The same for code that needs a run within tokio, or no run at all.
#[inline]
#[track_caller]
pub(crate) fn in_tokio_run(what: &str) -> bool {
    let is_on = in_run();
    assert!(
        is_on || !dacapo::__private::in_run(),
        "dacapo: `{what}` needs a run within tokio, and this one is not; use #[dacapo_tokio::test] or \
         dacapo_tokio::builder()"
    );
    is_on
}

fn live() -> Rc<Live> {
    LIVE.with_borrow(Option::clone).expect("dacapo bug: not in a run within tokio")
}

/// The runtime of a run.
struct Live {
    runtime: Runtime,
    handle: Handle,
    metrics: RuntimeMetrics,
    /// When the run began.
    base: Cell<Instant>,
    helper: Cell<Option<Helper>>,
    probe: Rc<Probe>,
    /// What to do before the next turn.
    errand: Cell<Errand>,
    /// Whether the test has paused the clock.
    is_frozen: Cell<bool>,
    is_lenient: Cell<bool>,
    /// Tells tasks that wait for ctrl-c.
    #[cfg(feature = "signal")]
    signals: std::sync::Arc<tokio::sync::Notify>,
}

#[derive(Clone, Copy, Default, PartialEq)]
enum Errand {
    #[default]
    None,
    /// Poll tasks of tokio.
    Tasks,
    /// Look for timers that are due.
    Timers,
}

/// A task of tokio that tells when all tasks before it have been polled.
#[derive(Default)]
struct Probe {
    waker: RefCell<Option<Waker>>,
    is_polled: Cell<bool>,
}

/// After so many milliseconds, all levels of the timer wheel stand as at the start.
const ROUND: u64 = 1 << 36;

/// The most polls of tokio's tasks in one turn.
const POLLS: u32 = 61;

/// If nothing happens for so long, nothing will. tokio's clock has room for more, and its "never" is later.
const FAR_MILLIS: u64 = 29 * 365 * 86_400_000;

const MILLISECOND: Duration = Duration::from_millis(1);

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

impl Live {
    fn new() -> Self {
        let mut builder = Builder::new_current_thread();
        builder.enable_time().start_paused(true).event_interval(1).global_queue_interval(1);
        builder.on_thread_unpark(|| {
            ROOT.with_borrow(|root| {
                // A wake-up without cause would keep the clock from moving.
                if let Some((waker, start)) = root
                    && (driver::is_ready() || Instant::now() > *start)
                {
                    waker.wake_by_ref();
                }
            });
        });
        let runtime = builder.build().expect("dacapo: tokio cannot build a runtime");
        let handle = runtime.handle().clone();
        let base = {
            let _entered = handle.enter();
            Instant::now()
        };
        Self {
            metrics: handle.metrics(),
            runtime,
            handle,
            base: Cell::new(base),
            helper: Cell::new(None),
            probe: Rc::default(),
            errand: Cell::default(),
            is_frozen: Cell::new(false),
            is_lenient: Cell::new(false),
            #[cfg(feature = "signal")]
            signals: std::sync::Arc::default(),
        }
    }

    /// Returns it as good as new, if that can be had. It is entered.
    fn renew(self) -> Option<Self> {
        if self.metrics.num_alive_tasks() > 0 {
            return None;
        }
        let passed = self.now();
        if !passed.is_zero() {
            advance(Duration::from_millis(ROUND).checked_sub(passed)?);
            self.turn_driver();
        }
        self.base.set(Instant::now());
        self.errand.take();
        self.is_frozen.set(false);
        Some(self)
    }

    fn now(&self) -> Duration {
        Instant::now() - self.base.get()
    }

    /// Fires timers that are due.
    fn turn_driver(&self) {
        let mut is_polled = false;
        self.runtime.block_on(poll_fn(|cx| {
            if std::mem::replace(&mut is_polled, true) {
                return Poll::Ready(());
            }
            cx.waker().wake_by_ref();
            Poll::Pending
        }));
    }

    /// Has tokio's tasks polled in a turn of the helper.
    fn wake_helper(self: &Rc<Self>) {
        if let Some(helper) = self.helper.get() {
            return helper.wake();
        }
        let live = Rc::downgrade(self);
        let helper = Helper::spawn(
            "tokio",
            poll_fn(move |_| {
                live.upgrade().inspect(|live| live.errand.set(Errand::Tasks));
                Poll::Pending
            }),
        );
        if helper.is_some() {
            self.handle.spawn(probe());
        }
        self.helper.set(helper);
    }

    /// Whether tokio has tasks besides the probe.
    fn has_tasks(&self) -> bool {
        self.metrics.num_alive_tasks() > usize::from(self.helper.get().is_some())
    }

    fn wake_probe(&self) {
        if let Some(waker) = &*self.probe.waker.borrow() {
            waker.wake_by_ref();
        }
    }

    /// Polls one of tokio's tasks that was woken. Returns `false` if there is none.
    fn poll_task(&self) -> bool {
        let mut polls = 0;
        self.runtime.block_on(poll_fn(|cx| {
            if polls == 0 {
                // It is behind the tasks that were woken before.
                self.wake_probe();
            } else if polls == 1 {
                return Poll::Ready(());
            }
            polls += 1;
            cx.waker().wake_by_ref();
            Poll::Pending
        }));
        !self.probe.is_polled.take()
    }

    /// Polls tokio's tasks. Returns whether there may be more to do.
    fn poll_tasks(&self) -> bool {
        // The probe may be in the queue already, with tasks behind it, so its first poll tells nothing.
        let (mut polls, mut since_probe, mut is_first) = (0, 1, true);
        self.runtime.block_on(poll_fn(|cx| {
            if std::mem::replace(&mut is_first, false) {
                self.wake_probe();
            } else {
                polls += 1;
                since_probe += 1;
                if self.probe.is_polled.take() {
                    if since_probe == 1 && self.metrics.global_queue_depth() == 0 {
                        return Poll::Ready(false);
                    }
                    since_probe = 0;
                    self.wake_probe();
                }
                if polls >= POLLS {
                    return Poll::Ready(true);
                }
            }
            cx.waker().wake_by_ref();
            Poll::Pending
        }))
    }

    /// Lets tokio's clock move to its next timer, but not beyond `target` milliseconds.
    fn advance_to(&self, target: u64) {
        let start = Instant::now();
        let deadline = self.base.get() + Duration::from_millis(target);
        let mut sentinel = pin!(tokio::time::sleep_until(deadline));
        let mut is_first = true;
        self.runtime.block_on(poll_fn(|cx| {
            if std::mem::replace(&mut is_first, false) {
                let _ = sentinel.as_mut().poll(cx);
                ROOT.set(Some((cx.waker().clone(), start)));
                return Poll::Pending;
            }
            match Instant::now() > start || driver::is_ready() {
                true => Poll::Ready(()),
                false => Poll::Pending,
            }
        }));
        ROOT.take();
    }
}

/// Moves tokio's clock, which fires nothing.
fn advance(by: Duration) {
    let mut advance = pin!(tokio::time::advance(by));
    let _ = advance.as_mut().poll(&mut Context::from_waker(Waker::noop()));
}

async fn probe() {
    poll_fn(|cx| {
        LIVE.with_borrow(|live| {
            let Some(live) = live else { return };
            live.probe.is_polled.set(true);
            live.probe.waker.borrow_mut().get_or_insert_with(|| cx.waker().clone());
        });
        Poll::Pending
    })
    .await
}

/// In a run within tokio until this is dropped.
struct Entered;

impl Entered {
    fn new(live: &Rc<Live>) -> Self {
        IS_ON.set(true);
        LIVE.set(Some(Rc::clone(live)));
        Self
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        IS_ON.set(false);
        ROOT.take();
        let live = LIVE.take();
        drop(live);
    }
}

impl Driver for Tokio {
    /// The receivers of a `watch` wait on one of eight lists, which each draws from a generator of the thread.
    fn sorts_wakes(&self) -> bool {
        true
    }

    fn around(&self, run: &mut dyn FnMut()) {
        let live = Rc::new(self.spare.take().unwrap_or_else(Live::new));
        live.is_lenient.set(self.is_lenient);
        let handle = live.handle.clone();
        let context = handle.enter();
        let entered = Entered::new(&live);
        run();
        drop(entered);
        // If it cannot be used again, its tasks are dropped here, while a spawn still finds a runtime.
        let spare = Rc::into_inner(live).and_then(Live::renew);
        drop(context);
        self.spare.replace(spare);
    }

    fn turns(&self, turn: &mut dyn FnMut() -> bool) {
        let live = live();
        let goes_on = live.handle.block_on(poll_fn(|cx| {
            if !turn() {
                return Poll::Ready(false);
            }
            if live.errand.get() != Errand::None {
                return Poll::Ready(true);
            }
            if live.metrics.global_queue_depth() > 0 {
                live.wake_helper();
            }
            cx.waker().wake_by_ref();
            Poll::Pending
        }));
        if !goes_on {
            return;
        }
        match live.errand.take() {
            Errand::None => {}
            Errand::Tasks => {
                if live.poll_tasks() {
                    live.wake_helper();
                }
            }
            Errand::Timers => {
                live.turn_driver();
                if live.has_tasks() {
                    live.wake_helper();
                }
            }
        }
    }

    fn pass_time(&self, deadline: Option<Duration>) -> Option<Duration> {
        let live = live();
        let far = millis(live.now()) + FAR_MILLIS;
        loop {
            let start = live.now();
            let floor = Duration::from_millis(millis(start));
            let next_tick = floor + MILLISECOND;
            // tokio's timers have a resolution of a millisecond, those of dacapo a finer one.
            if start > floor || deadline.is_some_and(|deadline| deadline < next_tick) {
                let to = deadline.map_or(next_tick, |deadline| deadline.min(next_tick));
                advance(to.saturating_sub(start));
                if Some(to) == deadline {
                    return deadline;
                }
                live.turn_driver();
                if driver::is_ready() {
                    return Some(live.now());
                }
                continue;
            }
            let target = deadline.map_or(far, millis);
            live.advance_to(target);
            let due = deadline.filter(|deadline| live.now() >= *deadline);
            let has_tasks = live.has_tasks();
            if due.is_some() || driver::is_ready() {
                if has_tasks {
                    // A timer may have woken one of them, which takes its turn by choice.
                    live.wake_helper();
                }
                return due.or_else(|| Some(live.now()));
            }
            // Nothing else is ready, so that there is no choice.
            if has_tasks && live.poll_task() {
                live.wake_helper();
                return Some(live.now());
            }
            if deadline.is_none() && millis(live.now()) >= target {
                return None;
            }
        }
    }
}

// What the other modules ask for.

/// The runtime of this run.
pub(crate) fn handle() -> Handle {
    live().handle.clone()
}

/// Whether a task may panic that nothing awaits.
pub(crate) fn is_lenient() -> bool {
    LIVE.with_borrow(|live| live.as_ref().is_some_and(|live| live.is_lenient.get()))
}

/// Tells tasks that wait for ctrl-c.
#[cfg(feature = "signal")]
pub(crate) fn signals() -> std::sync::Arc<tokio::sync::Notify> {
    std::sync::Arc::clone(&live().signals)
}

/// A moment, as the time since the start of the run.
pub(crate) fn since_start(moment: Instant) -> Duration {
    LIVE.with_borrow(|live| {
        live.as_ref()
            .map_or(Duration::ZERO, |live| moment.saturating_duration_since(live.base.get()))
    })
}

/// Moves the clock of the run and of tokio. Timers that are due fire after this turn.
pub(crate) fn move_clock(by: Duration) {
    let live = live();
    advance(by);
    driver::move_clock(live.now());
    live.errand.set(Errand::Timers);
}

/// Whether the test has paused the clock.
pub(crate) fn is_frozen() -> bool {
    live().is_frozen.get()
}

pub(crate) fn set_frozen(is_frozen: bool) {
    live().is_frozen.set(is_frozen);
}
