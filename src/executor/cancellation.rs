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

use super::Executor;
use super::core::Core;
use super::poll::Notes;
use super::tasks::{State, Task};
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
    fn cancel(&self, executor: &Executor, request: &Cancelled) -> bool;
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
    /// Makes it as that of a new task, if nothing in it may be somebody else's code.
    pub(super) fn reset(&mut self) -> bool {
        (self.count, self.passing) = (0, false);
        !self.is_requested() && !self.has_scope()
    }

    /// Called when the task is about to be polled: has the request delivered that is pending.
    pub(super) fn deliver(&mut self) {
        let Some(pending) = self.pending.take() else { return };
        let Pending { request, within, .. } = *pending;
        let target = self.innermost(within);
        self.delivered = Some(Box::new(Delivery { request, target, missed: false }));
    }

    pub(super) fn abandons(&self) -> bool {
        self.pending.as_ref().is_some_and(|pending| pending.abandons)
    }

    /// Whether a request is on its way, which has not been delivered.
    pub(super) fn is_requested(&self) -> bool {
        self.pending.is_some() || self.delivered.is_some()
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

impl Task {
    /// What is to be asked first if this is cancelled, or what is within one of its scopes.
    fn first_asked(&self, within: Option<u64>) -> Awaiting {
        let innermost = self.cancellation().and_then(|it| it.scope(it.innermost(within)?));
        innermost.map_or_else(|| self.awaiting(), |scope| scope.noted.first())
    }

    /// Whether a request would have no other effect than to drop it.
    pub(super) fn is_just_dropped(&self) -> bool {
        !self.has_scope() && matches!(self.awaiting(), Awaiting::Other)
    }

    pub(super) fn has_scope(&self) -> bool {
        self.cancellation().is_some_and(Cancellation::has_scope)
    }

    /// Whether it is about to give up what it waits for, and has not had its turn yet.
    fn abandons(&self) -> bool {
        self.cancellation().is_some_and(Cancellation::abandons)
    }
}

impl Core {
    pub(super) fn cancellation(&mut self, key: TaskKey) -> Option<&mut Cancellation> {
        self.task_mut(key).map(Task::cancellation_mut)
    }

    fn current_cancellation(&mut self) -> Option<&mut Cancellation> {
        self.session.current.and_then(|key| self.cancellation(key))
    }

    fn set_passing(&mut self, key: TaskKey, passing: bool) {
        if let Some(cancellation) = self.cancellation(key) {
            cancellation.passing = passing;
        }
    }

    /// What the futures of a scope of the current task have noted.
    fn noted_within(&mut self, scope: u64) -> Option<&mut Noted> {
        let scope = self.current_cancellation()?.scope_mut(scope);
        scope.map(|scope| &mut scope.noted)
    }

    pub(super) fn notes_within(&mut self, scope: u64) -> u32 {
        self.noted_within(scope).map_or(0, |noted| noted.notes)
    }

    /// Notes that a future of a scope waits for something.
    #[cold]
    pub(super) fn count_note(&mut self, scope: u64) {
        if let Some(noted) = self.noted_within(scope) {
            noted.notes += 1;
        }
    }

    /// A request is on its way to the current task.
    fn set_delivered(&mut self, delivery: Delivery) {
        if let Some(task) = self.session.current.and_then(|key| self.task_mut(key)) {
            task.is_special = true;
            task.cancellation_mut().delivered = Some(Box::new(delivery));
        }
    }
}

impl Executor {
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
            let idle = task.state == State::Idle;
            let running = matches!(task.state, State::Running | State::Woken);
            let suspended = task.started && !running;
            let awaiting = task.first_asked(within);
            let cancellation = task.cancellation_mut();
            cancellation.count += 1;
            // A second request must find the first one's way closed: it is on its way already. So must
            // one that has come round in a circle of tasks.
            let open = cancellation.pending.is_none() && !cancellation.passing;
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
            let Some(task) = core.task_mut(key) else { return };
            let Some(pending) = task.cancellation_mut().pending.take() else { return };
            let Pending { request, within, .. } = *pending;
            (request, within, task.first_asked(within))
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
        if let Some(task) = core.task_mut(key)
            && !task.abandons()
        {
            let request = request.clone();
            task.is_special = true;
            task.cancellation_mut().pending = Some(Box::new(Pending { request, within, abandons }));
        }
        core.wake(key);
    }

    /// A request to the current task from within, such as a deadline that has struck: what is awaited
    /// within that scope is asked, and if it does not accept, the innermost scope there gets it.
    pub(crate) fn strike(&self, scope: &Scope, request: &Cancelled) {
        let awaiting = {
            let mut core = self.core();
            let Some(task) = core.session.current.and_then(|key| core.task_mut(key)) else {
                return;
            };
            task.cancellation_mut().count += 1;
            task.first_asked(Some(scope.id))
        };
        if self.ask(&awaiting, request) {
            return;
        }
        let mut core = self.core();
        let Some(cancellation) = core.current_cancellation() else { return };
        let target = cancellation.innermost(Some(scope.id));
        let waker = target.and_then(|id| cancellation.scope(id)).and_then(|s| s.waker.clone());
        core.set_delivered(Delivery { request: request.clone(), target, missed: true });
        drop(core);
        waker.into_iter().for_each(Waker::wake);
    }

    /// Forgets what futures have noted in this poll that are not waited for any more.
    pub(crate) fn forget_notes(&self, before: Notes) {
        self.poll.forget_waits(before);
        match before.scope {
            0 => self.note_awaiting(0, Some(Awaiting::Other)),
            notes => self.note_awaiting(notes, None),
        }
    }

    /// Notes what a future of the current scope waits for, should this poll not complete it. `before`
    /// is the number of notes before it was polled: it counts as one, whatever is within.
    #[cfg_attr(not(debug_assertions), inline)]
    pub(crate) fn set_awaiting(&self, before: Notes, awaiting: Awaiting) {
        self.note_awaiting(before.scope + 1, Some(awaiting));
    }

    /// Sets how many futures of the current scope wait, and what is to be asked first of them, if that
    /// changes.
    #[cfg_attr(not(debug_assertions), inline)]
    fn note_awaiting(&self, notes: u32, awaiting: Option<Awaiting>) {
        let previous = match self.poll.scope.get() {
            None => self.poll.set_awaiting(notes, awaiting),
            Some(scope) => {
                let mut core = self.core();
                core.noted_within(scope).and_then(|noted| {
                    noted.notes = notes;
                    awaiting.map(|awaiting| std::mem::replace(&mut noted.awaiting, awaiting))
                })
            }
        };
        drop(previous);
    }

    /// Sends a cancellation to the scope in which this is called, in this same step.
    pub(crate) fn raise(&self, request: Cancelled) {
        let target = self.poll.scope.get();
        self.core().set_delivered(Delivery { request, target, missed: false });
    }

    /// Opens a scope in the current task, within the one that is being polled.
    pub(crate) fn open_scope(&self) -> Scope {
        let mut core = self.core();
        let (id, parent) = (core.next_scope(), self.poll.scope.get());
        if let Some(cancellation) = core.current_cancellation() {
            cancellation.scopes.push(OpenScope {
                id,
                parent,
                noted: Noted::default(),
                waker: None,
            });
        }
        Scope { run: self.id(), task: core.session.current, id }
    }

    /// Says that what is in a scope is polled from now on, until [`leave_scope`](Executor::leave_scope)
    /// is called with what this returns.
    fn enter_scope(&self, scope: &Scope, waker: &Waker) -> Option<u64> {
        let foreign = self.poll.own_task(waker).is_none();
        let waker = foreign.then(|| waker.clone());
        let mut core = self.core();
        let previous = core.current_cancellation().and_then(|cancellation| {
            let open = cancellation.scope_mut(scope.id)?;
            open.noted.begin();
            std::mem::replace(&mut open.waker, waker)
        });
        let outer = self.poll.scope.replace(Some(scope.id));
        drop(core);
        drop(previous);
        outer
    }

    fn leave_scope(&self, outer: Option<u64>) {
        self.poll.scope.set(outer);
    }

    /// Takes the cancellation that is on its way, if it is for this scope.
    pub(crate) fn take_delivered(&self, scope: &Scope) -> Option<Cancelled> {
        let mut core = self.core();
        let task = core
            .session
            .current
            .and_then(|key| core.task_mut(key))
            .filter(|task| task.is_special)?;
        let cancellation = task.cancellation_mut();
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
        core.task(key).is_some_and(|task| task.aborted || task.abandons())
    }

    pub(crate) fn cancelling(&self, key: TaskKey) -> usize {
        let core = self.core();
        let cancellation = core.task(key).and_then(Task::cancellation);
        cancellation.map_or(0, |cancellation| cancellation.count as usize)
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
        let outer = super::try_with(self.run, |executor| executor.enter_scope(self, cx.waker()));
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
        super::try_with(self.run, |executor| executor.leave_scope(self.outer));
    }
}

impl Drop for Scope {
    fn drop(&mut self) {
        super::try_with(self.run, |executor| executor.close_scope(self));
    }
}
