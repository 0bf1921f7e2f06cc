use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::sync::Mutex;
use std::task::{Context, Poll};

use super::faults;
use super::resource::{Locked, PrimitiveState, Resource};
use super::wait_queue::{WaitQueue, WaiterKey, WakeTarget};
use crate::session::{Holding, Place};
use crate::trace::Wait;

/// A flag that tasks can wait for; asyncio's `Event`.
///
/// Setting it releases all waiters: they proceed even if it is cleared before they run. It works
/// on any executor.
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
    state: Mutex<EventState>,
}

#[derive(Debug, Default)]
struct EventState {
    set: bool,
    /// A waiter that was removed by anything but its own drop was woken.
    waiters: WaitQueue,
    resource: Resource,
}

impl PrimitiveState for EventState {
    const KIND: &'static str = "event";

    fn resource(&mut self) -> &mut Resource {
        &mut self.resource
    }

    fn holding(&self) -> (Holding, usize) {
        (Holding::Waiters, self.waiters.len())
    }
}

impl Event {
    /// Creates an event that is not set.
    pub fn new() -> Self {
        Self::default()
    }

    fn state(&self) -> Locked<'_, EventState> {
        Locked::new(&self.state)
    }

    /// Sets the event and wakes all waiters.
    pub fn set(&self) {
        let mut state = self.state();
        state.set = true;
        let woken = state.waiters.take_waiting();
        drop(state);
        woken.wake_all();
    }

    /// Clears the event, so that later calls of [`wait`](Event::wait) wait again.
    pub fn clear(&self) {
        self.state().set = false;
    }

    /// Returns whether the event is set.
    pub fn is_set(&self) -> bool {
        self.state().set
    }

    /// Waits until the event is set.
    ///
    /// It completes at once, without giving other tasks a turn, if the event is set already.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing.
    #[track_caller]
    pub fn wait(&self) -> impl Future<Output = ()> {
        WaitSet { event: self, key: None, asked: false, place: Location::caller() }
    }
}

/// Future returned by [`Event::wait`].
struct WaitSet<'a> {
    event: &'a Event,
    key: Option<WaiterKey>,
    place: Place,
    /// Whether the scheduler was asked for a turn before it completes.
    asked: bool,
}

impl Future for WaitSet<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        // Declared before the lock is taken, so that it is dropped after it is released.
        let mut target = WakeTarget::new(cx);
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
            None => self.key = Some(state.waiters.push(target, ())),
            Some(key) if state.waiters.wait_again(key, &mut target) => {}
            Some(_) => return Poll::Ready(()),
        }
        state.resource.note_wait(Wait::Event, self.place);
        Poll::Pending
    }
}

impl Drop for WaitSet<'_> {
    fn drop(&mut self) {
        let Some(key) = self.key else { return };
        let removed = self.event.state().waiters.remove(key);
        drop(removed);
    }
}
