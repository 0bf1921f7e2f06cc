use std::fmt;
use std::future::Future;
use std::panic::Location;

use super::channel::{Channel, Refusal};
use super::store::{Fifo, Least, Lifo};

macro_rules! queue {
    ($(#[$docs:meta])* $name:ident: $store:ident $(, $bound:ident)?) => {
        $(#[$docs])*
        pub struct $name<T> {
            channel: Channel<$store<T>>,
        }

        impl<T $(: $bound)?> $name<T> {
            /// Creates an empty queue with room for `maxsize` items; 0 means no bound.
            pub fn new(maxsize: usize) -> Self {
                Self { channel: Channel::new(maxsize) }
            }

            /// Puts an item into the queue, waiting for room if it is full.
            ///
            /// It completes at once, without giving other tasks a turn, if there is room. Waiters are
            /// woken in order, one for each item that is taken. A woken waiter that finds the room
            /// taken by another task goes to the end of the wait queue.
            ///
            /// # Errors
            ///
            /// Returns the item if the queue is [shut down](Self::shutdown), or is shut down during the
            /// wait.
            ///
            /// # Cancel safety
            ///
            /// If the future is dropped before it completes, the item is dropped with it and the place
            /// in the wait queue is lost. If it had been woken, the next waiter is woken instead.
            #[track_caller]
            pub fn put(&self, item: T) -> impl Future<Output = Result<(), PutError<T>>> {
                let put = self.channel.put(item, Location::caller());
                async move { put.await.map_err(PutError) }
            }

            /// Puts an item into the queue if there is room.
            ///
            /// This may overtake tasks that were woken to put theirs, which then wait again.
            ///
            /// # Errors
            ///
            /// Returns the item if the queue is full or shut down.
            pub fn put_nowait(&self, item: T) -> Result<(), QueueFull<T>> {
                self.channel.put_nowait(item).map_err(|(item, refusal)| QueueFull { item, refusal })
            }

            /// Takes an item from the queue, waiting for one if it is empty.
            ///
            /// It completes at once, without giving other tasks a turn, if there is an item. Waiters
            /// are woken in order, one for each item. A woken waiter that finds its item taken by
            /// another task goes to the end of the wait queue.
            ///
            /// # Errors
            ///
            /// Returns an error if the queue is empty and [shut down](Self::shutdown), or is shut down
            /// during the wait.
            ///
            /// # Cancel safety
            ///
            /// No item is lost if the future is dropped. If it had been woken, the next waiter is woken
            /// instead.
            #[track_caller]
            pub fn get(&self) -> impl Future<Output = Result<T, QueueShutDown>> {
                let get = self.channel.get(Location::caller());
                async move { get.await.ok_or(QueueShutDown(())) }
            }

            /// Takes an item from the queue if there is one.
            ///
            /// # Errors
            ///
            /// Returns an error if the queue is empty.
            pub fn get_nowait(&self) -> Result<T, QueueEmpty> {
                self.channel.get_nowait().map_err(QueueEmpty)
            }

            /// Counts one item that was taken from the queue as done.
            ///
            /// # Errors
            ///
            /// Returns an error if all items that were put are done already.
            pub fn task_done(&self) -> Result<(), TaskDoneError> {
                self.channel.task_done().then_some(()).ok_or(TaskDoneError(()))
            }

            /// Waits until all items that were put are [done](Self::task_done).
            ///
            /// It completes at once, without giving other tasks a turn, if they are. Once woken it
            /// completes, even if more items were put before its turn.
            ///
            /// # Cancel safety
            ///
            /// Dropping the future loses nothing.
            #[track_caller]
            pub fn join(&self) -> impl Future<Output = ()> {
                self.channel.join(Location::caller())
            }

            /// Returns the number of items in the queue.
            pub fn len(&self) -> usize {
                self.channel.len()
            }

            /// Returns whether there is no item in the queue.
            pub fn is_empty(&self) -> bool {
                self.len() == 0
            }

            /// Returns whether the queue is full. A queue without a bound never is.
            pub fn is_full(&self) -> bool {
                self.channel.is_full()
            }

            /// Returns how many items there is room for; 0 if there is no bound.
            pub fn maxsize(&self) -> usize {
                self.channel.maxsize()
            }

            /// Shuts the queue down: no more items can be put, and no task can wait for one.
            ///
            /// Items that are in the queue can still be taken, unless `immediate` is `true`: then they
            /// are dropped and count as [done](Self::task_done). All tasks that wait to put or to get
            /// an item receive an error.
            pub fn shutdown(&self, immediate: bool) {
                self.channel.shut_down(immediate);
            }
        }

        impl<T $(: $bound)?> Default for $name<T> {
            /// Creates a queue without a bound.
            fn default() -> Self {
                Self::new(0)
            }
        }

        impl<T $(: $bound)?> fmt::Debug for $name<T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let mut f = f.debug_struct(stringify!($name));
                f.field("len", &self.len()).field("maxsize", &self.maxsize()).finish_non_exhaustive()
            }
        }
    };
}

queue! {
    /// A queue of items between tasks, first in, first out; asyncio's `Queue`.
    ///
    /// Putting an item waits while the queue is full, and getting one waits while it is empty. Items can
    /// be counted until they are [done](Queue::task_done). It works on any executor.
    ///
    /// ```
    /// use std::rc::Rc;
    /// use dacapo::sync::Queue;
    ///
    /// let run = dacapo::run(async || {
    ///     let queue = Rc::new(Queue::new(1));
    ///     let worker = Rc::clone(&queue);
    ///     let task = dacapo::spawn(async move {
    ///         let mut sum = 0;
    ///         while let Ok(item) = worker.get().await {
    ///             sum += item;
    ///             worker.task_done().unwrap();
    ///         }
    ///         sum
    ///     });
    ///     for item in 1..=3 {
    ///         queue.put(item).await.unwrap();
    ///     }
    ///     queue.join().await;
    ///     queue.shutdown(false);
    ///     task.await.unwrap()
    /// });
    /// assert_eq!(run.unwrap(), 6);
    /// ```
    Queue: Fifo
}

queue! {
    /// A [`Queue`] that gives out its least item first. Equal items come out in the order in which they
    /// were put in.
    ///
    /// The comparison must not use the queue itself.
    ///
    /// ```
    /// use dacapo::sync::PriorityQueue;
    ///
    /// let queue = PriorityQueue::new(0);
    /// for item in [2, 3, 1] {
    ///     queue.put_nowait(item).unwrap();
    /// }
    /// assert_eq!(queue.get_nowait().unwrap(), 1);
    /// ```
    PriorityQueue: Least, Ord
}

queue! {
    /// A [`Queue`] whose last item is taken first.
    ///
    /// ```
    /// use dacapo::sync::LifoQueue;
    ///
    /// let queue = LifoQueue::new(2);
    /// queue.put_nowait("first").unwrap();
    /// queue.put_nowait("last").unwrap();
    /// assert_eq!(queue.put_nowait("more").unwrap_err().into_inner(), "more");
    /// assert_eq!(queue.get_nowait().unwrap(), "last");
    /// ```
    LifoQueue: Lifo
}

const SHUT_DOWN: &str = "the queue is shut down";

/// Error returned by `put`: the queue is shut down. It contains the item.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PutError<T>(T);

impl<T> PutError<T> {
    /// Returns the item.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> fmt::Debug for PutError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PutError").finish_non_exhaustive()
    }
}

impl<T> fmt::Display for PutError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(SHUT_DOWN)
    }
}

impl<T> std::error::Error for PutError<T> {}

/// Error returned by `put_nowait`: the queue is full or shut down. It contains the item.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct QueueFull<T> {
    item: T,
    refusal: Refusal,
}

impl<T> QueueFull<T> {
    /// Returns the item.
    pub fn into_inner(self) -> T {
        self.item
    }

    /// Returns whether the queue is shut down, whether it is full or not.
    pub fn is_shut_down(&self) -> bool {
        self.refusal == Refusal::ForEver
    }
}

impl<T> fmt::Debug for QueueFull<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut f = f.debug_struct("QueueFull");
        f.field("is_shut_down", &self.is_shut_down()).finish_non_exhaustive()
    }
}

impl<T> fmt::Display for QueueFull<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_shut_down() { SHUT_DOWN } else { "the queue is full" })
    }
}

impl<T> std::error::Error for QueueFull<T> {}

/// Error returned by `get_nowait`: the queue is empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueueEmpty(Refusal);

impl QueueEmpty {
    /// Returns whether the queue is shut down, so that there will never be another item.
    pub fn is_shut_down(&self) -> bool {
        self.0 == Refusal::ForEver
    }
}

impl fmt::Display for QueueEmpty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_shut_down() { SHUT_DOWN } else { "the queue is empty" })
    }
}

impl std::error::Error for QueueEmpty {}

/// Error returned by `get`: the queue is empty and shut down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueueShutDown(());

impl fmt::Display for QueueShutDown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(SHUT_DOWN)
    }
}

impl std::error::Error for QueueShutDown {}

/// Error returned by `task_done`: all items that were put are done already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TaskDoneError(());

impl fmt::Display for TaskDoneError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no item of the queue is unfinished")
    }
}

impl std::error::Error for TaskDoneError {}
