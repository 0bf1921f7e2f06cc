//! Local sets: in a run, groups of tasks that take turns only while the set is polled.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use dacapo::task::Task;
use pin_project_lite::pin_project;

use super::{JoinHandle, spawn_at};
use crate::driver;
use crate::runtime::Runtime;

thread_local! {
    static CURRENT: RefCell<Option<Rc<Group>>> = const { RefCell::new(None) };
}

/// The tasks of a set in a run.
#[derive(Default)]
struct Group {
    /// How many futures poll the set.
    polled_by: Cell<u32>,
    /// Tasks whose turn came while the set was not polled.
    held: RefCell<Vec<Waker>>,
    tasks: RefCell<BTreeMap<u32, Task>>,
    /// Wakes the task that awaits the set.
    waker: RefCell<Option<Waker>>,
}

impl Group {
    fn begin(&self) {
        self.polled_by.set(self.polled_by.get() + 1);
        self.held.take().into_iter().for_each(Waker::wake);
    }

    fn end(&self) {
        self.polled_by.set(self.polled_by.get() - 1);
    }

    #[track_caller]
    fn spawn<F>(
        self: &Rc<Self>,
        place: &'static Location<'static>,
        future: F,
    ) -> JoinHandle<F::Output>
    where
        F: Future<Output: 'static> + 'static,
    {
        let number = Rc::new(Cell::new(0));
        let member = Member { group: Rc::clone(self), number: Rc::clone(&number) };
        let inner = Within { group: Rc::clone(self), is_held: true, future };
        let handle = spawn_at(place, async move {
            let _member = member;
            inner.await
        });
        let task = handle.sim_task().expect("dacapo bug: the task is not of a run");
        number.set(task.id().as_u32());
        self.tasks.borrow_mut().insert(number.get(), task);
        handle
    }
}

/// Takes a task out of its group when it ends.
struct Member {
    group: Rc<Group>,
    number: Rc<Cell<u32>>,
}

impl Drop for Member {
    fn drop(&mut self) {
        self.group.tasks.borrow_mut().remove(&self.number.get());
        if self.group.tasks.borrow().is_empty() {
            let waker = self.group.waker.take();
            waker.into_iter().for_each(Waker::wake);
        }
    }
}

pin_project! {
    /// A future that is polled within a group.
    struct Within<F> {
        group: Rc<Group>,
        // Whether it is polled only while the set is.
        is_held: bool,
        #[pin]
        future: F,
    }
}

impl<F: Future> Future for Within<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        if *this.is_held && this.group.polled_by.get() == 0 {
            this.group.held.borrow_mut().push(cx.waker().clone());
            return Poll::Pending;
        }
        let _entered = Entered::new(this.group);
        this.future.poll(cx)
    }
}

/// A group is the current one until this is dropped.
struct Entered(Option<Rc<Group>>);

impl Entered {
    fn new(group: &Rc<Group>) -> Self {
        let before = CURRENT.try_with(|current| current.replace(Some(Rc::clone(group))));
        Self(before.unwrap_or_default())
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        let before = self.0.take();
        let left = CURRENT.try_with(|current| current.replace(before));
        drop(left);
    }
}

/// A set of tasks that stay on one thread.
pub struct LocalSet(Kind);

enum Kind {
    Sim { group: Rc<Group>, is_polled: bool },
    Real(Box<tokio::task::LocalSet>),
}

/// Spawns on a [`LocalSet`] until it is dropped.
pub struct LocalEnterGuard {
    _guard: Guard,
}

#[expect(dead_code, reason = "they are kept to be dropped")]
enum Guard {
    Sim(Entered),
    Real(tokio::task::LocalEnterGuard),
}

impl fmt::Debug for LocalEnterGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalEnterGuard").finish_non_exhaustive()
    }
}

impl LocalSet {
    /// Returns an empty set.
    pub fn new() -> Self {
        Self(match driver::in_run() {
            true => Kind::Sim { group: Rc::default(), is_polled: false },
            false => Kind::Real(Box::default()),
        })
    }

    /// The set of tokio, outside of runs.
    pub(super) fn real(&self) -> Option<&tokio::task::LocalSet> {
        match &self.0 {
            Kind::Sim { .. } => None,
            Kind::Real(set) => Some(set),
        }
    }

    /// Makes [`spawn_local`] spawn on this set until the guard is dropped.
    pub fn enter(&self) -> LocalEnterGuard {
        let guard = match &self.0 {
            Kind::Sim { group, .. } => Guard::Sim(Entered::new(group)),
            Kind::Real(set) => Guard::Real(set.enter()),
        };
        LocalEnterGuard { _guard: guard }
    }

    /// Spawns a task on the set. It is polled only while the set is.
    #[track_caller]
    pub fn spawn_local<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + 'static,
        F::Output: 'static,
    {
        match &self.0 {
            Kind::Sim { group, .. } => group.spawn(Location::caller(), future),
            Kind::Real(set) => JoinHandle::real(set.spawn_local(future)),
        }
    }

    /// Runs a future on a runtime, and the tasks of the set meanwhile.
    #[track_caller]
    pub fn block_on<F: Future>(&self, rt: &Runtime, future: F) -> F::Output {
        rt.block_on(self.run_until(future))
    }

    /// Runs a future, and the tasks of the set meanwhile.
    ///
    /// # Cancel safety
    ///
    /// Dropping it drops the future. The tasks remain in the set.
    pub async fn run_until<F: Future>(&self, future: F) -> F::Output {
        match &self.0 {
            Kind::Real(set) => set.run_until(future).await,
            Kind::Sim { group, .. } => {
                group.begin();
                let _polling = Polling(group);
                Within { group: Rc::clone(group), is_held: false, future }.await
            }
        }
    }
}

struct Polling<'a>(&'a Group);

impl Drop for Polling<'_> {
    fn drop(&mut self) {
        self.0.end();
    }
}

impl Future for LocalSet {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        match &mut self.0 {
            Kind::Real(set) => Pin::new(&mut **set).poll(cx),
            Kind::Sim { group, is_polled } => {
                if !std::mem::replace(is_polled, true) {
                    group.begin();
                }
                if group.tasks.borrow().is_empty() {
                    *is_polled = false;
                    group.end();
                    return Poll::Ready(());
                }
                let before = group.waker.replace(Some(cx.waker().clone()));
                drop(before);
                Poll::Pending
            }
        }
    }
}

impl Drop for LocalSet {
    fn drop(&mut self) {
        let Kind::Sim { group, .. } = &self.0 else { return };
        let tasks = group.tasks.take();
        let _entered = Entered::new(group);
        tasks.values().for_each(dacapo::driver::abort_now);
    }
}

impl Default for LocalSet {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for LocalSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalSet").finish_non_exhaustive()
    }
}

/// Spawns a task on the current [`LocalSet`].
///
/// # Panics
///
/// Outside of a [`LocalSet`].
#[track_caller]
pub fn spawn_local<F>(future: F) -> JoinHandle<F::Output>
where
    F: Future + 'static,
    F::Output: 'static,
{
    if !driver::in_tokio_run("spawn_local") {
        return JoinHandle::real(tokio::task::spawn_local(future));
    }
    let group = CURRENT.with_borrow(Option::clone);
    let group = group.expect(
        "`spawn_local` called from outside of a `task::LocalSet` or `runtime::LocalRuntime`",
    );
    group.spawn(Location::caller(), future)
}
