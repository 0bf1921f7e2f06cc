//! Requests to cancel: counted, passed on to what a task waits for, and delivered to its scopes.
//!
//! This is asyncio's protocol. A *request* for a suspended task goes to what the task waits for, if that
//! is a task or a gather that accepts it. Then the task stays suspended until that has ended. Otherwise
//! the request is *pending* until the task is next polled. Then it is *delivered*: to the innermost open
//! scope or, without one, to the task as a whole, whose future is dropped.

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
use crate::linked::{Linked, LinkedKey};
use crate::scheduler::TaskKey;

/// A request to cancel that has reached its task.
///
/// [`catch`](crate::cancel::catch) yields it. When you have cleaned up, pass it on with
/// [`raise`](Cancelled::raise), or swallow it by doing nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cancelled {
    message: Option<Arc<str>>,
}

impl Cancelled {
    /// A request without a message.
    pub fn new() -> Self {
        Self::default()
    }

    /// A request with a message for the code that catches it.
    pub fn with_message(message: impl Into<String>) -> Self {
        Self { message: Some(message.into().into()) }
    }

    /// The message, if there is one.
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
    /// Something that can be dropped at once.
    #[default]
    Other,
    /// The end of a task, which is cancelled first.
    Task(TaskKey),
    /// Something that passes requests on in its own way.
    Target(Arc<dyn CancelTarget>),
}

/// Something that passes requests on.
pub(crate) trait CancelTarget: Send + Sync {
    /// Passes a request on. Returns whether something accepted it.
    fn cancel(&self, executor: &Executor, request: &Cancelled) -> bool;
}

/// The part of a task that is about cancellation.
#[derive(Default)]
pub(super) struct Cancellation {
    /// Requests, without those that were taken back.
    pub(super) count: u32,
    /// The request to deliver at the next poll.
    pub(super) pending: Option<Box<Pending>>,
    /// The task is passing on a request right now.
    pub(super) passing: bool,
    /// A request on its way to a scope.
    pub(super) delivered: Option<Box<Delivery>>,
    /// The open scopes, in the order in which they were opened. They form a tree, because a combinator
    /// may poll several side by side.
    scopes: Linked<OpenScope>,
}

/// A request that has not been delivered.
pub(super) struct Pending {
    request: Cancelled,
    /// The scope that it is for, or one within that. `None` for any scope.
    within: Option<ScopeId>,
    /// It has made the task give up what it waited for.
    abandons: bool,
}

pub(super) struct Delivery {
    request: Cancelled,
    /// The scope that takes it, or `None` for the task as a whole.
    target: Option<ScopeId>,
    /// The task was polled without reaching that scope.
    missed: bool,
}

/// A scope of one task. The serial number of its key is unique in the run.
pub(crate) type ScopeId = LinkedKey;

struct OpenScope {
    parent: Option<ScopeId>,
    first_child: Option<ScopeId>,
    previous_sibling: Option<ScopeId>,
    next_sibling: Option<ScopeId>,
    noted: Noted,
    /// The waker it was polled with, if that is not the task's own. The scope may be polled again only
    /// after a wake-up through this waker.
    waker: Option<Waker>,
}

/// What the futures of one scope wait for.
#[derive(Default)]
struct Noted {
    awaiting: Awaiting,
    /// How many of them noted a wait in one poll.
    notes: u32,
}

impl Noted {
    fn begin(&mut self) {
        self.notes = 0;
        if !matches!(self.awaiting, Awaiting::Other) {
            self.awaiting = Awaiting::Other;
        }
    }

    /// What a request goes to first. If several things are awaited side by side: nothing, they are
    /// dropped.
    fn first(&self) -> Awaiting {
        if self.notes > 1 { Awaiting::Other } else { self.awaiting.clone() }
    }
}

impl Cancellation {
    /// Resets it for reuse. Returns `false` if it may still hold code of another crate.
    pub(super) fn reset(&mut self) -> bool {
        (self.count, self.passing) = (0, false);
        !self.is_requested() && !self.has_scope()
    }

    /// Delivers the pending request, when the task is about to be polled.
    pub(super) fn deliver(&mut self) {
        let Some(pending) = self.pending.take() else { return };
        let Pending { request, within, .. } = *pending;
        let target = self.innermost(within);
        self.delivered = Some(Box::new(Delivery { request, target, missed: false }));
    }

    pub(super) fn abandons(&self) -> bool {
        self.pending.as_ref().is_some_and(|pending| pending.abandons)
    }

    /// Whether a request is pending or on its way.
    pub(super) fn is_requested(&self) -> bool {
        self.pending.is_some() || self.delivered.is_some()
    }

    pub(super) fn has_scope(&self) -> bool {
        !self.scopes.is_empty()
    }

    fn scope(&self, id: ScopeId) -> Option<&OpenScope> {
        self.scopes.get(id)
    }

    fn scope_mut(&mut self, id: ScopeId) -> Option<&mut OpenScope> {
        self.scopes.get_mut(id)
    }

    fn open(&mut self, serial: u64, parent: Option<ScopeId>) -> ScopeId {
        let sibling = parent.and_then(|id| self.scope(id)?.first_child);
        let opened = OpenScope {
            parent,
            first_child: None,
            previous_sibling: None,
            next_sibling: sibling,
            noted: Noted::default(),
            waker: None,
        };
        let id = self.scopes.push_numbered(0, serial, opened);
        if let Some(parent) = parent.and_then(|id| self.scope_mut(id)) {
            parent.first_child = Some(id);
        }
        if let Some(sibling) = sibling.and_then(|id| self.scope_mut(id)) {
            sibling.previous_sibling = Some(id);
        }
        id
    }

    fn close(&mut self, id: ScopeId) -> Option<OpenScope> {
        let closed = self.scopes.remove(id)?;
        if let Some(next) = closed.next_sibling.and_then(|id| self.scope_mut(id)) {
            next.previous_sibling = closed.previous_sibling;
        }
        if let Some(previous) = closed.previous_sibling {
            if let Some(previous) = self.scope_mut(previous) {
                previous.next_sibling = closed.next_sibling;
            }
        } else if let Some(parent) = closed.parent.and_then(|id| self.scope_mut(id)) {
            parent.first_child = closed.next_sibling;
        }
        Some(closed)
    }

    /// The innermost open scope, of all or of those within another.
    fn innermost(&self, within: Option<ScopeId>) -> Option<ScopeId> {
        let Some(within) = within.filter(|&id| self.scope(id).is_some()) else {
            return self.scopes.last(0);
        };
        let mut last = within;
        // Depth first, along the links of the tree.
        let mut next = self.scope(within)?.first_child;
        while let Some(id) = next {
            last = last.max(id);
            let mut scope = self.scope(id)?;
            next = scope.first_child.or(scope.next_sibling);
            while next.is_none()
                && let Some(parent) = scope.parent.filter(|&parent| parent != within)
            {
                scope = self.scope(parent)?;
                next = scope.next_sibling;
            }
        }
        Some(last)
    }

    /// Prepares for a poll that brings the delivery to its scope. If the last poll missed it, the next
    /// scope outwards is tried. `None` if no scope is left, so that the task as a whole is cancelled.
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
    /// What a request to cancel this task, or one of its scopes, goes to first.
    fn first_asked(&self, within: Option<ScopeId>) -> Awaiting {
        let innermost = self.cancellation().and_then(|it| it.scope(it.innermost(within)?));
        innermost.map_or_else(|| self.awaiting(), |scope| scope.noted.first())
    }

    /// Whether a request would just drop it.
    pub(super) fn is_just_dropped(&self) -> bool {
        !self.has_scope() && matches!(self.awaiting(), Awaiting::Other)
    }

    pub(super) fn has_scope(&self) -> bool {
        self.cancellation().is_some_and(Cancellation::has_scope)
    }

    /// Whether it will give up what it waits for at its next poll.
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
    fn noted_within(&mut self, scope: ScopeId) -> Option<&mut Noted> {
        let scope = self.current_cancellation()?.scope_mut(scope);
        scope.map(|scope| &mut scope.noted)
    }

    pub(super) fn notes_within(&mut self, scope: ScopeId) -> u32 {
        self.noted_within(scope).map_or(0, |noted| noted.notes)
    }

    /// Notes that a future of a scope waits for something.
    #[cold]
    pub(super) fn count_notes(&mut self, scope: ScopeId, notes: u32) {
        if let Some(noted) = self.noted_within(scope) {
            noted.notes += notes;
        }
    }

    /// Sends a request on its way to a scope of the current task.
    fn set_delivered(&mut self, delivery: Delivery) {
        if let Some(task) = self.session.current.and_then(|key| self.task_mut(key)) {
            task.is_special = true;
            task.cancellation_mut().delivered = Some(Box::new(delivery));
        }
    }
}

impl Executor {
    /// Asks a task to end. Returns `false` if it has ended.
    pub(crate) fn cancel(&self, key: TaskKey, request: &Cancelled) -> bool {
        self.cancel_within(key, None, request)
    }

    /// Asks a task to end what is within one of its scopes.
    pub(crate) fn cancel_within(
        &self,
        key: TaskKey,
        mut within: Option<ScopeId>,
        request: &Cancelled,
    ) -> bool {
        let mut next = Some(key);
        let mut passed = Vec::new();
        // Along a chain of tasks that await each other, to the one that awaits something else. In a loop,
        // because chains may be long.
        while let Some(key) = next.take() {
            let mut core = self.core();
            let Some(task) = core.task_mut(key).filter(|task| !task.has_ended()) else {
                // It has ended, which can only be the first of the chain.
                break;
            };
            let idle = task.state == State::Idle;
            let running = matches!(task.state, State::Running | State::Woken);
            let suspended = task.started && !running;
            let awaiting = task.first_asked(within);
            let cancellation = task.cancellation_mut();
            cancellation.count += 1;
            // A second request must not be passed on while the first one is on its way. Neither may one
            // that has come round in a circle of tasks.
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
            // The other tasks are asked as a whole.
            within = None;
        }
        let mut core = self.core();
        passed.iter().for_each(|key| core.set_passing(*key, false));
        core.task(key).is_some_and(|task| !task.has_ended())
    }

    /// Passes on the pending request of a task that is about to be suspended.
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

    fn set_pending(
        &self,
        key: TaskKey,
        request: &Cancelled,
        within: Option<ScopeId>,
        abandons: bool,
    ) {
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

    /// A request from within the current task, such as a deadline that strikes. It goes to what is
    /// awaited within the scope and, if that does not accept it, to the innermost scope there.
    pub(crate) fn strike(&self, scope: &Scope, request: &Cancelled) {
        let awaiting = {
            let mut core = self.core();
            let Some(task) = core.session.current.and_then(|key| core.task_mut(key)) else {
                return;
            };
            task.cancellation_mut().count += 1;
            task.first_asked(scope.id)
        };
        if self.ask(&awaiting, request) {
            return;
        }
        let mut core = self.core();
        let Some(cancellation) = core.current_cancellation() else { return };
        let target = cancellation.innermost(scope.id);
        let waker = target.and_then(|id| cancellation.scope(id)).and_then(|s| s.waker.clone());
        core.set_delivered(Delivery { request: request.clone(), target, missed: true });
        drop(core);
        waker.into_iter().for_each(Waker::wake);
    }

    /// Forgets what futures have noted in this poll that are no longer awaited.
    pub(crate) fn forget_notes(&self, before: Notes) {
        self.poll.forget_waits(before);
        match before.scope {
            0 => self.note_awaiting(0, Some(Awaiting::Other)),
            notes => self.note_awaiting(notes, None),
        }
    }

    /// Notes what a future of the current scope waits for if this poll does not complete it. `before` is
    /// the number of notes before it was polled. It counts as one note, whatever is within.
    #[cfg_attr(not(debug_assertions), inline)]
    pub(crate) fn set_awaiting(&self, before: Notes, awaiting: Awaiting) {
        self.note_awaiting(before.scope + 1, Some(awaiting));
    }

    /// Sets how many futures of the current scope wait and, if given, what a request goes to first.
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

    /// Sends a cancellation to the scope in which this is called, within this step.
    pub(crate) fn raise(&self, request: Cancelled) {
        let target = self.poll.scope.get();
        self.core().set_delivered(Delivery { request, target, missed: false });
    }

    /// Opens a scope in the current task, within the scope that is being polled.
    pub(crate) fn open_scope(&self) -> Scope {
        let mut core = self.core();
        let (serial, parent) = (core.next_scope(), self.poll.scope.get());
        let opened = core.current_cancellation().map(|it| it.open(serial, parent));
        Scope { run: self.id(), task: core.session.current, id: opened }
    }

    /// Enters a scope that is about to be polled. Pass what this returns to
    /// [`leave_scope`](Executor::leave_scope).
    fn enter_scope(&self, scope: &Scope, waker: &Waker) -> Option<ScopeId> {
        let foreign = self.poll.own_task(waker).is_none();
        let waker = foreign.then(|| waker.clone());
        let mut core = self.core();
        let previous = core.current_cancellation().and_then(|cancellation| {
            let open = cancellation.scope_mut(scope.id?)?;
            open.noted.begin();
            std::mem::replace(&mut open.waker, waker)
        });
        let outer = self.poll.scope.replace(scope.id);
        drop(core);
        drop(previous);
        outer
    }

    fn leave_scope(&self, outer: Option<ScopeId>) {
        self.poll.scope.set(outer);
    }

    /// Takes the cancellation that is on its way, if it is for this scope.
    fn take_delivered(&self, scope: &Scope) -> Option<Cancelled> {
        let mut core = self.core();
        let task = core
            .session
            .current
            .and_then(|key| core.task_mut(key))
            .filter(|task| task.is_special)?;
        let cancellation = task.cancellation_mut();
        let delivery = cancellation
            .delivered
            .take_if(|delivery| scope.id.is_some() && delivery.target == scope.id);
        delivery.map(|delivery| delivery.request)
    }

    fn close_scope(&self, scope: &Scope) {
        let mut core = self.core();
        let Some(cancellation) = scope.task.and_then(|key| core.cancellation(key)) else { return };
        let closed = scope.id.and_then(|id| cancellation.close(id));
        drop(core);
        drop(closed);
    }

    /// Whether a task will give up what it waits for at its next poll.
    pub(crate) fn has_abandoned(&self, key: TaskKey) -> bool {
        let core = self.core();
        core.task(key).is_some_and(|task| task.aborted || task.abandons())
    }

    pub(crate) fn cancelling(&self, key: TaskKey) -> usize {
        let core = self.core();
        let cancellation = core.task(key).and_then(Task::cancellation);
        cancellation.map_or(0, |cancellation| cancellation.count as usize)
    }

    /// Takes a request back. Returns how many are left.
    pub(crate) fn uncancel(&self, key: TaskKey) -> usize {
        let mut core = self.core();
        let Some(cancellation) = core.cancellation(key) else { return 0 };
        cancellation.count = cancellation.count.saturating_sub(1);
        if cancellation.count == 0 && !cancellation.abandons() {
            // As in CPython 3.13: a request that has had no effect yet is taken back too.
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
    /// None if it was opened where no task ran.
    id: Option<ScopeId>,
}

impl Scope {
    /// Polls a future in this scope.
    pub(crate) fn poll<F: Future + ?Sized>(
        &self,
        future: Pin<&mut F>,
        cx: &mut Context<'_>,
    ) -> Poll<F::Output> {
        let outer = super::try_with(self.run, |executor| executor.enter_scope(self, cx.waker()));
        let _left = Left { run: self.run, outer: outer.flatten() };
        future.poll(cx)
    }

    /// Takes the cancellation that is on its way, if it is for this scope.
    pub(crate) fn take_delivered(&self) -> Option<Cancelled> {
        super::try_current(|executor| executor.take_delivered(self))?
    }

    /// What tells the scope from others. `None` if no task opened it.
    pub(crate) fn id(&self) -> Option<ScopeId> {
        self.id
    }
}

/// Leaves a scope when its poll is over, even by a panic.
struct Left {
    run: super::RunId,
    outer: Option<ScopeId>,
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
