use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::sync::Mutex;
use std::task::{Context, Poll};

use super::faults;
use super::line::{Caller, Line};
use super::resource::{Accounted, Held, Resource};
use crate::session::{Holding, Place};
use crate::trace::Wait;

/// A flag that tasks can wait for.
///
/// To set it wakes all who wait, once and for all: they go on even if it is cleared before they run.
/// Works on any executor.
///
/// ```
/// use std::rc::Rc;
/// use dacapo::sync::Event;
///
/// let run = dacapo::run(async || {
///     let event = Rc::new(Event::new());
///     let waits = event.clone();
///     let task = dacapo::spawn(async move { waits.wait().await });
///     dacapo::task::yield_now().await;
///     event.set();
///     event.clear();
///     task.await.unwrap();
/// });
/// run.unwrap();
/// ```
#[derive(Debug, Default)]
pub struct Event {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    set: bool,
    /// Who has left it, without having done so himself, was woken.
    line: Line,
    resource: Resource,
}

impl Accounted for State {
    const KIND: &'static str = "event";

    fn resource(&mut self) -> &mut Resource {
        &mut self.resource
    }

    fn account(&self) -> (Holding, usize) {
        (Holding::Waiters, self.line.len())
    }
}

impl Event {
    /// An event that is not set.
    pub fn new() -> Self {
        Self::default()
    }

    fn state(&self) -> Held<'_, State> {
        Held::new(&self.state)
    }

    /// Sets it, and wakes all who wait.
    pub fn set(&self) {
        let mut state = self.state();
        state.set = true;
        let woken = state.line.take_waiting();
        drop(state);
        woken.wake_all();
    }

    /// Resets it, for those to come.
    pub fn clear(&self) {
        self.state().set = false;
    }

    /// Whether it is set.
    pub fn is_set(&self) -> bool {
        self.state().set
    }

    /// Waits until it is set.
    ///
    /// If it is set already, no turn is given away.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost if it is dropped.
    #[track_caller]
    pub fn wait(&self) -> impl Future<Output = ()> {
        Waiting { event: self, key: None, asked: false, place: Location::caller() }
    }
}

/// The future of [`Event::wait`], less its name.
struct Waiting<'a> {
    event: &'a Event,
    key: Option<u64>,
    place: Place,
    /// Whether it was asked to give a turn away.
    asked: bool,
}

impl Future for Waiting<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let caller = Caller::new(cx);
        // Declared before the lock is held, and so dropped after.
        let _previous;
        let event = self.event;
        let mut state = event.state();
        let key = self.key;
        match key {
            None if state.set && faults::gives_way(&mut self.asked) => {
                drop(state);
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            None if state.set => return Poll::Ready(()),
            None => self.key = Some(state.line.push(caller, ())),
            Some(key) => match state.line.get_mut(key) {
                Some(waiter) => _previous = waiter.renew(caller),
                None => return Poll::Ready(()),
            },
        }
        state.resource.note_wait(Wait::Event, self.place);
        Poll::Pending
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let Some(key) = self.key else { return };
        let left = self.event.state().line.remove(key);
        drop(left);
    }
}
