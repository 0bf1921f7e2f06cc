//! What all queues have in common.

use std::future::Future;
use std::pin::Pin;
use std::sync::Mutex;
use std::task::{Context, Poll};

use super::faults;
use super::resource::{Locked, PrimitiveState, Resource};
use super::store::Store;
use super::wait_queue::{Progress, Removed, WaitQueue, WaiterKey, WakeTarget, Wakes};
use crate::session::{Holding, Place};
use crate::trace::Wait;

pub(super) struct Channel<S> {
    /// 0 if there is no bound.
    maxsize: usize,
    state: Mutex<ChannelState<S>>,
}

struct ChannelState<S> {
    items: S,
    /// How many items were put and are not done.
    unfinished: usize,
    shut_down: bool,
    // A waiter that was removed by anything but its own drop was woken.
    getters: WaitQueue,
    putters: WaitQueue,
    joiners: WaitQueue,
    resource: Resource,
}

impl<S: Store> PrimitiveState for ChannelState<S> {
    const KIND: &'static str = "queue";

    fn resource(&mut self) -> &mut Resource {
        &mut self.resource
    }

    fn holding(&self) -> (Holding, usize) {
        (
            Holding::Taken(self.unfinished.saturating_sub(self.items.len())),
            self.getters.len() + self.putters.len() + self.joiners.len(),
        )
    }
}

/// Why an operation was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The queue is full, or empty.
    Now,
    /// It is shut down.
    ForEver,
}

impl<S: Store> Channel<S> {
    pub(super) fn new(maxsize: usize) -> Self {
        let state = ChannelState {
            items: S::default(),
            unfinished: 0,
            shut_down: false,
            getters: WaitQueue::default(),
            putters: WaitQueue::default(),
            joiners: WaitQueue::default(),
            resource: Resource::default(),
        };
        Self { maxsize, state: Mutex::new(state) }
    }

    fn state(&self) -> Locked<'_, ChannelState<S>> {
        Locked::new(&self.state)
    }

    pub(super) fn maxsize(&self) -> usize {
        self.maxsize
    }

    pub(super) fn len(&self) -> usize {
        self.state().items.len()
    }

    fn is_full_at(&self, len: usize) -> bool {
        self.maxsize > 0 && len >= self.maxsize
    }

    fn has_room(&self, state: &ChannelState<S>) -> bool {
        !state.shut_down && !self.is_full_at(state.items.len())
    }

    pub(super) fn is_full(&self) -> bool {
        self.is_full_at(self.len())
    }

    /// Puts an item if there is room; returns what to wake, or the item.
    fn try_put(
        &self,
        state: &mut ChannelState<S>,
        item: S::Item,
    ) -> Result<Wakes, (S::Item, Refusal)> {
        if state.shut_down {
            return Err((item, Refusal::ForEver));
        }
        if self.is_full_at(state.items.len()) {
            return Err((item, Refusal::Now));
        }
        state.items.put(item);
        state.unfinished += 1;
        Ok(state.getters.pop().into())
    }

    pub(super) fn put_nowait(&self, item: S::Item) -> Result<(), (S::Item, Refusal)> {
        let mut state = self.state();
        let woken = self.try_put(&mut state, item);
        drop(state);
        woken.map(Wakes::wake_all)
    }

    pub(super) fn put(&self, item: S::Item, place: Place) -> Put<'_, S> {
        Put { channel: self, item: Some(item), key: None, asked: false, place }
    }

    pub(super) fn get_nowait(&self) -> Result<S::Item, Refusal> {
        let mut state = self.state();
        let (item, woken) = state.try_get()?;
        drop(state);
        woken.wake_all();
        Ok(item)
    }

    pub(super) fn get(&self, place: Place) -> Get<'_, S> {
        Get { channel: self, key: None, asked: false, place }
    }

    pub(super) fn join(&self, place: Place) -> Join<'_, S> {
        Join { channel: self, key: None, asked: false, place }
    }

    /// Counts one item as done; returns `false` if all were already.
    pub(super) fn task_done(&self) -> bool {
        let mut state = self.state();
        if state.unfinished == 0 {
            return false;
        }
        let woken = state.finish(1);
        drop(state);
        woken.wake_all();
        true
    }

    pub(super) fn shut_down(&self, immediate: bool) {
        let mut state = self.state();
        state.shut_down = true;
        let mut joiners = Wakes::default();
        let mut dropped = None;
        if immediate {
            let items = std::mem::take(&mut state.items);
            joiners = state.finish(items.len());
            dropped = Some(items);
        }
        let getters = state.getters.take_waiting();
        let putters = state.putters.take_waiting();
        drop(state);
        [joiners, getters, putters].into_iter().for_each(Wakes::wake_all);
        drop(dropped);
    }
}

impl<S: Store> ChannelState<S> {
    /// Takes an item if there is one; returns also what to wake.
    fn try_get(&mut self) -> Result<(S::Item, Wakes), Refusal> {
        match self.items.get() {
            Some(item) => Ok((item, self.putters.pop().into())),
            None if self.shut_down => Err(Refusal::ForEver),
            None => Err(Refusal::Now),
        }
    }

    /// Counts up to `items` items as done; returns what to wake.
    fn finish(&mut self, items: usize) -> Wakes {
        self.unfinished = self.unfinished.saturating_sub(items);
        if self.unfinished == 0 { self.joiners.take_waiting() } else { Wakes::default() }
    }
}

/// Whether a waiter goes on waiting. If not, it was woken, or was skipped and has to look again. It
/// leaves the queue, and the caller drops what is left of it after releasing all locks.
fn waits_on(
    waiters: &mut WaitQueue,
    key: WaiterKey,
    target: &mut WakeTarget,
) -> (bool, Option<Removed<()>>) {
    if waiters.progress(key) == Some(Progress::Waiting) {
        (waiters.wait_again(key, target), None)
    } else {
        (false, waiters.remove(key))
    }
}

pub(super) struct Put<'a, S: Store> {
    channel: &'a Channel<S>,
    item: Option<S::Item>,
    key: Option<WaiterKey>,
    place: Place,
    /// Whether the scheduler was asked for a turn before it completes.
    asked: bool,
}

// The item is never pinned.
impl<S: Store> Unpin for Put<'_, S> {}

impl<S: Store> Future for Put<'_, S> {
    type Output = Result<(), S::Item>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let channel = self.channel;
        // Declared before the lock is taken, so that they are dropped after it is released.
        let mut target = WakeTarget::new(cx);
        let _removed;
        let mut state = channel.state();
        if let Some(key) = self.key {
            self.asked = true;
            let waits_on;
            (waits_on, _removed) = self::waits_on(&mut state.putters, key, &mut target);
            if waits_on {
                state.resource.note_wait(Wait::QueuePut, self.place);
                return Poll::Pending;
            }
            self.key = None;
        }
        if self.item.is_some() && channel.has_room(&state) && faults::gives_way(&mut self.asked) {
            drop(state);
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let item = self.item.take().expect("dacapo: `put` was polled after completion");
        match channel.try_put(&mut state, item) {
            Ok(woken) => {
                drop(state);
                woken.wake_all();
                Poll::Ready(Ok(()))
            }
            Err((item, Refusal::ForEver)) => Poll::Ready(Err(item)),
            Err((item, Refusal::Now)) => {
                self.item = Some(item);
                self.key = Some(state.putters.push(target, ()));
                state.resource.note_wait(Wait::QueuePut, self.place);
                Poll::Pending
            }
        }
    }
}

impl<S: Store> Drop for Put<'_, S> {
    fn drop(&mut self) {
        let Some(key) = self.key else { return };
        let mut state = self.channel.state();
        let removed = state.putters.remove(key);
        // It was woken and will not come, so the next waiter is woken instead.
        let unused = removed.is_none() && !self.channel.is_full_at(state.items.len());
        let woken = Wakes::from(if unused { state.putters.pop() } else { None });
        drop(state);
        drop(removed);
        woken.wake_all();
    }
}

pub(super) struct Get<'a, S: Store> {
    channel: &'a Channel<S>,
    key: Option<WaiterKey>,
    place: Place,
    /// Whether the scheduler was asked for a turn before it completes.
    asked: bool,
}

impl<S: Store> Future for Get<'_, S> {
    type Output = Option<S::Item>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        // Declared before the lock is taken, so that they are dropped after it is released.
        let mut target = WakeTarget::new(cx);
        let _removed;
        let channel = self.channel;
        let mut state = channel.state();
        if let Some(key) = self.key {
            self.asked = true;
            let waits_on;
            (waits_on, _removed) = self::waits_on(&mut state.getters, key, &mut target);
            if waits_on {
                state.resource.note_wait(Wait::QueueGet, self.place);
                return Poll::Pending;
            }
            self.key = None;
        }
        if state.items.len() > 0 && faults::gives_way(&mut self.asked) {
            drop(state);
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        match state.try_get() {
            Ok((item, woken)) => {
                drop(state);
                woken.wake_all();
                Poll::Ready(Some(item))
            }
            Err(Refusal::ForEver) => Poll::Ready(None),
            Err(Refusal::Now) => {
                self.key = Some(state.getters.push(target, ()));
                state.resource.note_wait(Wait::QueueGet, self.place);
                Poll::Pending
            }
        }
    }
}

impl<S: Store> Drop for Get<'_, S> {
    fn drop(&mut self) {
        let Some(key) = self.key else { return };
        let mut state = self.channel.state();
        let removed = state.getters.remove(key);
        // It was woken and will not come, so the next waiter is woken instead.
        let unused = removed.is_none() && state.items.len() > 0;
        let woken = Wakes::from(if unused { state.getters.pop() } else { None });
        drop(state);
        drop(removed);
        woken.wake_all();
    }
}

pub(super) struct Join<'a, S: Store> {
    channel: &'a Channel<S>,
    key: Option<WaiterKey>,
    place: Place,
    /// Whether the scheduler was asked for a turn before it completes.
    asked: bool,
}

impl<S: Store> Future for Join<'_, S> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        // Declared before the lock is taken, so that it is dropped after it is released.
        let mut target = WakeTarget::new(cx);
        let channel = self.channel;
        let mut state = channel.state();
        let key = self.key;
        match key {
            None if state.unfinished == 0 && faults::gives_way(&mut self.asked) => {
                drop(state);
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            None if state.unfinished == 0 => return Poll::Ready(()),
            None => self.key = Some(state.joiners.push(target, ())),
            Some(key) if state.joiners.wait_again(key, &mut target) => {}
            Some(_) => return Poll::Ready(()),
        }
        state.resource.note_wait(Wait::QueueJoin, self.place);
        Poll::Pending
    }
}

impl<S: Store> Drop for Join<'_, S> {
    fn drop(&mut self) {
        let Some(key) = self.key else { return };
        let removed = self.channel.state().joiners.remove(key);
        drop(removed);
    }
}
