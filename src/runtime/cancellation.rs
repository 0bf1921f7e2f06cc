//! Requests to cancel: counted, passed on to what a task waits for, and delivered to its scopes.
//!
//! This is asyncio's protocol. A *request* for a task that is suspended goes to what it waits for, if
//! that is a task or a gather which accepts it; then the task stays suspended until that has ended.
//! Else the request is *pending*, until the task is next to be polled: then it is *delivered*, to the
//! innermost scope that is open, or, if none is, to the task as a whole, whose future is dropped.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use super::Runtime;
use super::core::Core;
use super::places::Notes;
use super::tasks::State;
use crate::scheduler::TaskKey;

/// A request to cancel that has reached its task.
///
/// [`catch`](crate::cancel::catch) yields it. Whoever has cleaned up passes it on with
/// [`raise`](Cancelled::raise), or swallows it by doing nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cancelled {
    message: Option<Arc<str>>,
}

impl Cancelled {
    /// One without a message.
    pub fn new() -> Self {
        Self::default()
    }

    /// One with a message for whoever catches it.
    pub fn with_message(message: impl Into<String>) -> Self {
        Self { message: Some(message.into().into()) }
    }

    /// What the one who asked had to say.
    pub fn message(&self) -> Option<&str> {
        self.message.as_deref()
    }
}

impl fmt::Display for Cancelled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.message {
            Some(message) => write!(f, "cancelled: {message}"),
            None => f.write_str("cancelled"),
        }
    }
}

impl Error for Cancelled {}

/// What a task waits for, as far as a request is concerned.
#[derive(Clone, Default)]
pub(crate) enum Awaiting {
    /// Something that can be abandoned at once.
    #[default]
    Other,
    /// The end of a task: that is cancelled first.
    Task(TaskKey),
    /// Something that passes requests on in a way of its own.
    Target(Arc<dyn CancelTarget>),
}

/// Something that passes requests on.
pub(crate) trait CancelTarget: Send + Sync {
    /// Passes a request on; returns whether anybody has accepted it.
    fn cancel(&self, runtime: &Runtime, request: &Cancelled) -> bool;
}

/// The part of a task that is about cancellation.
#[derive(Default)]
pub(super) struct Cancellation {
    /// Requests, less those taken back.
    pub(super) count: u32,
    /// Waits until the task is next about to be polled, or suspends.
    pub(super) pending: Option<Box<Pending>>,
    /// A request is being passed on by it at this moment.
    pub(super) passing: bool,
    /// On its way to a scope.
    pub(super) delivered: Option<Box<Delivery>>,
    /// The scopes that are open, in the order of their opening. They are a tree: a combinator may poll
    /// several side by side.
    scopes: Vec<OpenScope>,
    /// What is awaited outside of all scopes.
    outside: Noted,
}

/// A request that has not been delivered.
pub(super) struct Pending {
    request: Cancelled,
    /// The scope that it is meant for, or one within that; any, if it is not said.
    within: Option<u64>,
    /// It has made the task abandon what it waited for.
    abandons: bool,
}

pub(super) struct Delivery {
    request: Cancelled,
    /// The scope that is to take it; the task as a whole, if it is none.
    target: Option<u64>,
    /// The task was polled, and that scope was not met.
    missed: bool,
}

struct OpenScope {
    id: u64,
    parent: Option<u64>,
    noted: Noted,
    /// What it was polled with, if that is not the task's own waker: then it may not be polled unless
    /// it is woken with that.
    waker: Option<Waker>,
}

/// What the futures of one scope have said that they wait for.
#[derive(Default)]
struct Noted {
    awaiting: Awaiting,
    /// How many have said so in one poll.
    notes: u32,
}

impl Noted {
    fn begin(&mut self) {
        self.notes = 0;
        if !matches!(self.awaiting, Awaiting::Other) {
            self.awaiting = Awaiting::Other;
        }
    }

    /// Whom to ask first. Of several that are awaited side by side none is: they are abandoned.
    fn first(&self) -> Awaiting {
        if self.notes > 1 { Awaiting::Other } else { self.awaiting.clone() }
    }
}

impl Cancellation {
    /// Called when the task is about to be polled: has the request delivered that is pending, and
    /// returns whether there was one.
    pub(super) fn begin_step(&mut self) -> bool {
        self.outside.begin();
        self.pending.is_some() && self.deliver()
    }

    /// Makes it as that of a new task, if nothing in it may be somebody else's code.
    pub(super) fn reset(&mut self) -> bool {
        let is_busy = self.pending.is_some() || self.delivered.is_some() || self.has_scope();
        if is_busy || matches!(self.outside.awaiting, Awaiting::Target(_)) {
            return false;
        }
        (self.count, self.passing) = (0, false);
        self.outside.begin();
        true
    }

    #[cold]
    fn deliver(&mut self) -> bool {
        let Some(pending) = self.pending.take() else { return false };
        let Pending { request, within, .. } = *pending;
        let target = self.innermost(within);
        self.delivered = Some(Box::new(Delivery { request, target, missed: false }));
        true
    }

    pub(super) fn abandons(&self) -> bool {
        self.pending.as_ref().is_some_and(|pending| pending.abandons)
    }

    /// Whether a request is on its way, which has not been delivered.
    pub(super) fn is_requested(&self) -> bool {
        self.pending.is_some() || self.delivered.is_some()
    }

    /// Whether a request would have no other effect than to drop the task.
    pub(super) fn is_plain(&self) -> bool {
        !self.has_scope() && matches!(self.first_asked(None), Awaiting::Other)
    }

    pub(super) fn has_scope(&self) -> bool {
        !self.scopes.is_empty()
    }

    fn scope(&self, id: u64) -> Option<&OpenScope> {
        self.scopes.iter().rev().find(|scope| scope.id == id)
    }

    fn scope_mut(&mut self, id: u64) -> Option<&mut OpenScope> {
        self.scopes.iter_mut().rev().find(|scope| scope.id == id)
    }

    /// Counts something that is awaited within a scope, or in none.
    #[inline]
    pub(super) fn count_note(&mut self, scope: Option<u64>) {
        match scope {
            None => self.outside.notes += 1,
            Some(_) => self.noted_mut(scope).notes += 1,
        }
    }

    fn noted_mut(&mut self, scope: Option<u64>) -> &mut Noted {
        match scope.and_then(|id| self.scopes.iter().rposition(|scope| scope.id == id)) {
            Some(place) => &mut self.scopes[place].noted,
            None => &mut self.outside,
        }
    }

    /// The scope opened last, of those within another, or of all.
    fn innermost(&self, within: Option<u64>) -> Option<u64> {
        let within = within.filter(|&id| self.scope(id).is_some());
        let is_within = |scope: &&OpenScope| {
            let mut id = Some(scope.id);
            while id.is_some() && id != within {
                id = id.and_then(|id| self.scope(id)).and_then(|scope| scope.parent);
            }
            id == within
        };
        self.scopes.iter().rev().find(is_within).map(|scope| scope.id)
    }

    /// What the innermost scope awaits.
    fn first_asked(&self, within: Option<u64>) -> Awaiting {
        match self.innermost(within).and_then(|id| self.scope(id)) {
            Some(scope) => scope.noted.first(),
            None => self.outside.first(),
        }
    }

    /// Makes ready for a poll that is to bring what is delivered to its scope. If the last one has
    /// missed it, the next scope outwards is tried; `None` if there is no scope left, and the task as a
    /// whole is cancelled.
    pub(super) fn route(&mut self) -> Option<Option<Waker>> {
        let delivery = self.delivered.as_ref()?;
        let mut target = delivery.target;
        if delivery.missed {
            target = target.and_then(|id| self.scope(id)).and_then(|scope| scope.parent);
        }
        let waker = target.and_then(|id| self.scope(id)).map(|scope| scope.waker.clone());
        if let Some(delivery) = &mut self.delivered {
            (delivery.target, delivery.missed) = (target, true);
        }
        waker
    }
}

impl Core {
    pub(super) fn cancellation(&mut self, key: TaskKey) -> Option<&mut Cancellation> {
        self.task_mut(key).map(|task| &mut task.cancellation)
    }

    fn current_cancellation(&mut self) -> Option<&mut Cancellation> {
        self.current.and_then(|key| self.cancellation(key))
    }

    fn set_passing(&mut self, key: TaskKey, passing: bool) {
        if let Some(cancellation) = self.cancellation(key) {
            cancellation.passing = passing;
        }
    }

    /// Notes that a future of the current scope waits for something.
    pub(super) fn count_note(&mut self) {
        let scope = self.scope;
        if let Some(cancellation) = self.current_cancellation() {
            cancellation.count_note(scope);
        }
    }
}

impl Runtime {
    /// Asks a task to end; returns `false` if it has ended.
    pub(crate) fn cancel(&self, key: TaskKey, request: &Cancelled) -> bool {
        self.cancel_within(key, None, request)
    }

    /// Asks what is within a scope of a task to end.
    pub(crate) fn cancel_within(
        &self,
        key: TaskKey,
        mut within: Option<u64>,
        request: &Cancelled,
    ) -> bool {
        let mut next = Some(key);
        let mut passed = Vec::new();
        // Along a chain of tasks that await each other, to the one that awaits something else. (Not by
        // recursion: chains may be long.)
        while let Some(key) = next.take() {
            let mut core = self.core();
            let Some(task) = core.task_mut(key).filter(|task| !task.has_ended()) else {
                // The first has ended. Others are asked first.
                break;
            };
            task.cancellation.count += 1;
            let idle = task.state == State::Idle;
            let running = matches!(task.state, State::Running | State::Woken);
            let suspended = task.started && !running;
            let awaiting = task.cancellation.first_asked(within);
            // A second request must find the first one's way closed: it is on its way already. So must
            // one that has come round in a circle of tasks.
            let open = task.cancellation.pending.is_none() && !task.cancellation.passing;
            core.record_cancel(key);
            let accepted = match awaiting {
                _ if !(suspended && open) => false,
                Awaiting::Other => false,
                Awaiting::Task(other) => {
                    let alive = core.task(other).is_some_and(|task| !task.has_ended());
                    next = Some(other).filter(|_| alive);
                    alive
                }
                Awaiting::Target(target) => {
                    core.set_passing(key, true);
                    passed.push(key);
                    drop(core);
                    let accepted = target.cancel(self, request);
                    core = self.core();
                    accepted
                }
            };
            if accepted {
                core.set_passing(key, true);
                passed.push(key);
            }
            drop(core);
            if !accepted {
                self.set_pending(key, request, within, idle);
            }
            // The others are asked as a whole.
            within = None;
        }
        let mut core = self.core();
        passed.iter().for_each(|key| core.set_passing(*key, false));
        core.task(key).is_some_and(|task| !task.has_ended())
    }

    /// Asks what a task waits for that has a request pending and is about to be suspended.
    pub(super) fn suspend(&self, key: TaskKey) {
        let (request, within, awaiting) = {
            let mut core = self.core();
            let Some(cancellation) = core.cancellation(key) else { return };
            let Some(pending) = cancellation.pending.take() else { return };
            let Pending { request, within, .. } = *pending;
            (request, within, cancellation.first_asked(within))
        };
        if !self.ask(&awaiting, &request) {
            self.set_pending(key, &request, within, true);
        }
    }

    fn ask(&self, awaiting: &Awaiting, request: &Cancelled) -> bool {
        match awaiting {
            Awaiting::Other => false,
            Awaiting::Task(other) => self.cancel(*other, request),
            Awaiting::Target(target) => target.cancel(self, request),
        }
    }

    fn set_pending(&self, key: TaskKey, request: &Cancelled, within: Option<u64>, abandons: bool) {
        let mut core = self.core();
        if let Some(cancellation) = core.cancellation(key)
            && !cancellation.abandons()
        {
            let request = request.clone();
            cancellation.pending = Some(Box::new(Pending { request, within, abandons }));
        }
        core.wake(key);
    }

    /// A request to the current task from within, such as a deadline that has struck: what is awaited
    /// within that scope is asked, and if it does not accept, the innermost scope there gets it.
    pub(crate) fn strike(&self, scope: &Scope, request: &Cancelled) {
        let awaiting = {
            let mut core = self.core();
            let Some(cancellation) = core.current_cancellation() else { return };
            cancellation.count += 1;
            cancellation.first_asked(Some(scope.id))
        };
        if self.ask(&awaiting, request) {
            return;
        }
        let mut core = self.core();
        let Some(cancellation) = core.current_cancellation() else { return };
        let target = cancellation.innermost(Some(scope.id));
        let request = request.clone();
        cancellation.delivered = Some(Box::new(Delivery { request, target, missed: true }));
        let waker = target.and_then(|id| cancellation.scope(id)).and_then(|s| s.waker.clone());
        drop(core);
        waker.into_iter().for_each(Waker::wake);
    }

    /// How many futures of the current scope have noted what they wait for in this poll.
    pub(crate) fn notes(&self) -> Notes {
        let mut core = self.core();
        let scope = core.scope;
        let waits = core.waits_noted();
        let noted = core.current_cancellation().map(|c| c.noted_mut(scope).notes);
        Notes::new(noted.unwrap_or(0), waits)
    }

    /// Forgets what futures have noted in this poll that are not waited for any more.
    pub(crate) fn forget_notes(&self, before: Notes) {
        let mut core = self.core();
        core.forget_waits(before);
        let before = before.scope;
        let scope = core.scope;
        if let Some(cancellation) = core.current_cancellation() {
            let noted = cancellation.noted_mut(scope);
            noted.notes = before;
            if before == 0 {
                let previous = std::mem::take(&mut noted.awaiting);
                drop(core);
                drop(previous);
            }
        }
    }

    /// Notes what a future of the current scope waits for, should this poll not complete it. `before`
    /// is the number of notes before it was polled: it counts as one, whatever is within.
    pub(crate) fn set_awaiting(&self, before: Notes, awaiting: Awaiting) {
        let mut core = self.core();
        let scope = core.scope;
        if let Some(cancellation) = core.current_cancellation() {
            let noted = cancellation.noted_mut(scope);
            noted.notes = before.scope + 1;
            let previous = std::mem::replace(&mut noted.awaiting, awaiting);
            drop(core);
            drop(previous);
        }
    }

    /// Sends a cancellation to the scope in which this is called, in this same step.
    pub(crate) fn raise(&self, request: Cancelled) {
        let mut core = self.core();
        let target = core.scope;
        if let Some(cancellation) = core.current_cancellation() {
            cancellation.delivered = Some(Box::new(Delivery { request, target, missed: false }));
        }
    }

    /// Opens a scope in the current task, within the one that is being polled.
    pub(crate) fn open_scope(&self) -> Scope {
        let mut core = self.core();
        let (id, parent) = (core.next_serial(), core.scope);
        if let Some(cancellation) = core.current_cancellation() {
            cancellation.scopes.push(OpenScope {
                id,
                parent,
                noted: Noted::default(),
                waker: None,
            });
        }
        Scope { run: self.id(), task: core.current, id }
    }

    /// Says that what is in a scope is polled from now on, until [`leave_scope`](Runtime::leave_scope)
    /// is called with what this returns.
    fn enter_scope(&self, scope: &Scope, waker: &Waker) -> Option<u64> {
        let mut core = self.core();
        let foreign = core.own_task(waker).is_none();
        drop(core);
        let waker = foreign.then(|| waker.clone());
        core = self.core();
        let previous = core.current_cancellation().and_then(|cancellation| {
            let open = cancellation.scope_mut(scope.id)?;
            open.noted.begin();
            std::mem::replace(&mut open.waker, waker)
        });
        let outer = core.scope.replace(scope.id);
        drop(core);
        drop(previous);
        outer
    }

    fn leave_scope(&self, outer: Option<u64>) {
        self.core().scope = outer;
    }

    /// Takes the cancellation that is on its way, if it is for this scope.
    pub(crate) fn take_delivered(&self, scope: &Scope) -> Option<Cancelled> {
        let mut core = self.core();
        let cancellation = core.current_cancellation()?;
        let delivery = cancellation.delivered.take_if(|delivery| delivery.target == Some(scope.id));
        delivery.map(|delivery| delivery.request)
    }

    fn close_scope(&self, scope: &Scope) {
        let mut core = self.core();
        let Some(cancellation) = scope.task.and_then(|key| core.cancellation(key)) else { return };
        let place = cancellation.scopes.iter().rposition(|open| open.id == scope.id);
        let closed = place.map(|place| cancellation.scopes.remove(place));
        drop(core);
        drop(closed);
    }

    /// Whether a task is about to give up what it waits for, and has not had its turn yet.
    pub(crate) fn has_abandoned(&self, key: TaskKey) -> bool {
        let core = self.core();
        core.task(key).is_some_and(|task| task.aborted || task.cancellation.abandons())
    }

    pub(crate) fn cancelling(&self, key: TaskKey) -> usize {
        self.core().cancellation(key).map_or(0, |cancellation| cancellation.count as usize)
    }

    /// Takes a request back; returns how many are left.
    pub(crate) fn uncancel(&self, key: TaskKey) -> usize {
        let mut core = self.core();
        let Some(cancellation) = core.cancellation(key) else { return 0 };
        cancellation.count = cancellation.count.saturating_sub(1);
        if cancellation.count == 0 && !cancellation.abandons() {
            // As in CPython 3.13: a request that has had no effect yet is taken back with it.
            cancellation.pending = None;
        }
        cancellation.count as usize
    }
}

/// A scope that is open until this is dropped.
#[derive(Debug)]
pub(crate) struct Scope {
    run: super::RunId,
    task: Option<TaskKey>,
    id: u64,
}

impl Scope {
    /// Polls a future that is in this scope.
    pub(crate) fn poll<F: Future + ?Sized>(
        &self,
        future: Pin<&mut F>,
        cx: &mut Context<'_>,
    ) -> Poll<F::Output> {
        let outer = super::try_with(self.run, |runtime| runtime.enter_scope(self, cx.waker()));
        let _left = Left { run: self.run, outer: outer.flatten() };
        future.poll(cx)
    }

    /// Which of the run's scopes it is.
    pub(crate) fn id(&self) -> u64 {
        self.id
    }
}

/// Goes back to the scope around one when its poll is over, also by a panic.
struct Left {
    run: super::RunId,
    outer: Option<u64>,
}

impl Drop for Left {
    fn drop(&mut self) {
        super::try_with(self.run, |runtime| runtime.leave_scope(self.outer));
    }
}

impl Drop for Scope {
    fn drop(&mut self) {
        super::try_with(self.run, |runtime| runtime.close_scope(self));
    }
}
