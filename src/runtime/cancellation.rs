//! Requests to cancel: counted, passed on to what a task waits for, and delivered to its scopes.
//!
//! This is asyncio's protocol. A *request* for a task that is suspended goes to what it waits for, if
//! that is a task or a gather which accepts it; then the task stays suspended until that has ended.
//! Else the request is *pending*, until the task is next to be polled: then it is *delivered*, to the
//! innermost scope that is open, or, if none is, to the task as a whole, whose future is dropped.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use super::Runtime;
use super::core::Core;
use super::tasks::State;
use super::waker::TaskKey;

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
    pub(super) pending: Option<Cancelled>,
    /// Whether the pending request has made the task abandon what it waited for.
    pub(super) abandoned: bool,
    /// A request is being passed on by it at this moment.
    pub(super) passing: bool,
    /// On its way to a scope, or through all of them.
    pub(super) delivered: Option<Cancelled>,
    /// Counts deliveries, to tell one from the next.
    pub(super) deliveries: u64,
    /// The scopes that are open, the innermost last.
    pub(super) scopes: Vec<u64>,
    pub(super) awaiting: Awaiting,
    /// What it was, before the poll that is going on.
    pub(super) awaited: Awaiting,
}

impl Cancellation {
    /// Called when the task is about to be polled: has the request delivered that is pending, and
    /// returns whether there was one.
    pub(super) fn begin_step(&mut self) -> bool {
        // Nearly always there is nothing to move.
        if !matches!((&self.awaiting, &self.awaited), (Awaiting::Other, Awaiting::Other)) {
            self.awaited = std::mem::take(&mut self.awaiting);
        }
        let Some(request) = self.pending.take() else { return false };
        self.abandoned = false;
        self.deliver(request);
        true
    }

    pub(super) fn deliver(&mut self, request: Cancelled) {
        self.delivered = Some(request);
        self.deliveries += 1;
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

    /// The number of the delivery that is on its way, and whether a scope is open that it could
    /// reach.
    pub(super) fn delivery(&mut self, key: TaskKey) -> Option<(u64, bool)> {
        let cancellation = self.cancellation(key)?;
        cancellation.delivered.as_ref()?;
        Some((cancellation.deliveries, !cancellation.scopes.is_empty()))
    }
}

impl Runtime {
    /// Asks a task to end; returns `false` if it has ended.
    pub(crate) fn cancel(&self, key: TaskKey, request: &Cancelled) -> bool {
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
            let idle = matches!(task.state, State::Idle);
            let suspended = task.started && !matches!(task.state, State::Running { .. });
            let awaiting = task.cancellation.awaiting.clone();
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
                self.set_pending(key, request, idle);
            }
        }
        let mut core = self.core();
        passed.iter().for_each(|key| core.set_passing(*key, false));
        core.task(key).is_some_and(|task| !task.has_ended())
    }

    /// Asks what a task waits for that has a request pending and is about to be suspended.
    pub(super) fn suspend(&self, key: TaskKey) {
        let (request, awaiting) = {
            let mut core = self.core();
            let Some(cancellation) = core.cancellation(key) else { return };
            let Some(request) = cancellation.pending.take() else { return };
            (request, cancellation.awaiting.clone())
        };
        if !self.ask(&awaiting, &request) {
            self.set_pending(key, &request, true);
        }
    }

    fn ask(&self, awaiting: &Awaiting, request: &Cancelled) -> bool {
        match awaiting {
            Awaiting::Other => false,
            Awaiting::Task(other) => self.cancel(*other, request),
            Awaiting::Target(target) => target.cancel(self, request),
        }
    }

    fn set_pending(&self, key: TaskKey, request: &Cancelled, abandons: bool) {
        let mut core = self.core();
        if let Some(cancellation) = core.cancellation(key)
            && !cancellation.abandoned
        {
            cancellation.pending = Some(request.clone());
            cancellation.abandoned = abandons;
        }
        core.wake(key);
    }

    /// A request to the current task from within, such as a deadline that has struck: it is asked what
    /// it waited for when it was last suspended. Returns whether that accepts; else the request is
    /// delivered.
    pub(crate) fn strike(&self, request: &Cancelled) -> bool {
        let awaited = {
            let mut core = self.core();
            let Some(cancellation) = core.current_cancellation() else { return false };
            cancellation.count += 1;
            cancellation.awaited.clone()
        };
        let accepted = self.ask(&awaited, request);
        if !accepted {
            self.raise(request.clone());
        }
        accepted
    }

    /// Notes what the current task waits for, should this poll not complete it; returns what was
    /// noted before.
    pub(crate) fn set_awaiting(&self, awaiting: Awaiting) -> Awaiting {
        match self.core().current_cancellation() {
            Some(cancellation) => std::mem::replace(&mut cancellation.awaiting, awaiting),
            None => Awaiting::Other,
        }
    }

    /// Sends a cancellation to the innermost scope of the current task, in this same step.
    pub(crate) fn raise(&self, request: Cancelled) {
        if let Some(cancellation) = self.core().current_cancellation() {
            cancellation.deliver(request);
        }
    }

    /// Opens a scope in the current task.
    pub(crate) fn open_scope(&self) -> Scope {
        let mut core = self.core();
        let id = core.next_serial();
        if let Some(cancellation) = core.current_cancellation() {
            cancellation.scopes.push(id);
        }
        Scope { run: self.id(), task: core.current, id }
    }

    /// Takes the cancellation that is on its way, if this scope is the innermost.
    pub(crate) fn take_delivered(&self, scope: &Scope) -> Option<Cancelled> {
        let mut core = self.core();
        let cancellation = core.current_cancellation()?;
        let innermost = cancellation.scopes.last() == Some(&scope.id);
        innermost.then(|| cancellation.delivered.take()).flatten()
    }

    fn close_scope(&self, scope: &Scope) {
        let mut core = self.core();
        if let Some(cancellation) = scope.task.and_then(|key| core.cancellation(key)) {
            cancellation.scopes.retain(|&id| id != scope.id);
        }
    }

    /// Whether a task is about to give up what it waits for, and has not had its turn yet.
    pub(crate) fn has_abandoned(&self, key: TaskKey) -> bool {
        let core = self.core();
        core.task(key).is_some_and(|task| task.aborted || task.cancellation.abandoned)
    }

    pub(crate) fn cancelling(&self, key: TaskKey) -> usize {
        self.core().cancellation(key).map_or(0, |cancellation| cancellation.count as usize)
    }

    /// Takes a request back; returns how many are left.
    pub(crate) fn uncancel(&self, key: TaskKey) -> usize {
        let mut core = self.core();
        let Some(cancellation) = core.cancellation(key) else { return 0 };
        cancellation.count = cancellation.count.saturating_sub(1);
        if cancellation.count == 0 && !cancellation.abandoned {
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

impl Drop for Scope {
    fn drop(&mut self) {
        super::try_with(self.run, |runtime| runtime.close_scope(self));
    }
}
