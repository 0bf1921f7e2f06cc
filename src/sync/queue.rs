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
            /// An empty queue with places for `maxsize` items; 0 stands for no bound.
            pub fn new(maxsize: usize) -> Self {
                Self { channel: Channel::new(maxsize) }
            }

            /// Puts an item into the queue, waiting for a place if it is full.
            ///
            /// If there is a place, no turn is given away.
            ///
            /// # Errors
            ///
            /// If the queue is, or meanwhile is, [shut down](Self::shutdown).
            ///
            /// # Cancel safety
            ///
            /// If it is dropped before it is done, the item is dropped and its place in the line is
            /// lost; a place in the queue that it had been woken for goes to the next one.
            #[track_caller]
            pub fn put(&self, item: T) -> impl Future<Output = Result<(), PutError<T>>> {
                let put = self.channel.put(item, Location::caller());
                async move { put.await.map_err(PutError) }
            }

            /// Puts an item into the queue if there is a place.
            ///
            /// It may thus overtake tasks that have been woken to put theirs; they wait again.
            ///
            /// # Errors
            ///
            /// If the queue is full, or shut down.
            pub fn put_nowait(&self, item: T) -> Result<(), QueueFull<T>> {
                self.channel.put_nowait(item).map_err(|(item, refusal)| QueueFull { item, refusal })
            }

            /// Takes an item from the queue, waiting for one if it is empty.
            ///
            /// If there is one, no turn is given away. Those who wait are woken in their order, one
            /// for each item; one who finds that somebody was quicker goes to the end of the line.
            ///
            /// # Errors
            ///
            /// If the queue is [shut down](Self::shutdown), or meanwhile is, and empty.
            ///
            /// # Cancel safety
            ///
            /// No item is lost if it is dropped: one that it had been woken for goes to the next one.
            #[track_caller]
            pub fn get(&self) -> impl Future<Output = Result<T, QueueShutDown>> {
                let get = self.channel.get(Location::caller());
                async move { get.await.ok_or(QueueShutDown(())) }
            }

            /// Takes an item from the queue if there is one.
            ///
            /// # Errors
            ///
            /// If there is none.
            pub fn get_nowait(&self) -> Result<T, QueueEmpty> {
                self.channel.get_nowait().map_err(QueueEmpty)
            }

            /// Says that an item which was taken from the queue is done.
            ///
            /// # Errors
            ///
            /// If all items that were put have been said to be done before.
            pub fn task_done(&self) -> Result<(), TaskDoneError> {
                self.channel.task_done().then_some(()).ok_or(TaskDoneError(()))
            }

            /// Waits until all items that were put are [done](Self::task_done).
            ///
            /// If they are, no turn is given away. It returns also if more were put before it has
            /// its turn.
            ///
            /// # Cancel safety
            ///
            /// Nothing is lost if it is dropped.
            #[track_caller]
            pub fn join(&self) -> impl Future<Output = ()> {
                self.channel.join(Location::caller())
            }

            /// How many items are in the queue.
            pub fn len(&self) -> usize {
                self.channel.len()
            }

            /// Whether there is no item in the queue.
            pub fn is_empty(&self) -> bool {
                self.len() == 0
            }

            /// Whether there is no place left in the queue; never, if it has no bound.
            pub fn is_full(&self) -> bool {
                self.channel.is_full()
            }

            /// How many places it has; 0 if it has no bound.
            pub fn maxsize(&self) -> usize {
                self.channel.maxsize()
            }

            /// Lets nobody put an item any more, and nobody wait for one.
            ///
            /// What is in the queue can still be taken, unless `immediate`: then it is dropped, and
            /// counts as [done](Self::task_done). All who wait to put or to get get an error.
            pub fn shutdown(&self, immediate: bool) {
                self.channel.shut_down(immediate);
            }
        }

        impl<T $(: $bound)?> Default for $name<T> {
            /// A queue without a bound.
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
    /// A queue of items between tasks: first in, first out.
    ///
    /// To put into a full one waits, and so does to get from an empty one. Items may be counted until
    /// they are [done](Queue::task_done). Works on any executor.
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
    /// As [`Queue`], but the least item is taken first; of equal ones, the one that was put first.
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
    /// As [`Queue`], but the item that was put last is taken first.
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

/// The item was not put, for the queue is shut down.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PutError<T>(T);

impl<T> PutError<T> {
    /// The item.
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

/// The item was not put, for the queue is full, or shut down.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct QueueFull<T> {
    item: T,
    refusal: Refusal,
}

impl<T> QueueFull<T> {
    /// The item.
    pub fn into_inner(self) -> T {
        self.item
    }

    /// Whether the queue is shut down, full or not.
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

/// There is no item, and if the queue is shut down, there will never be one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueueEmpty(Refusal);

impl QueueEmpty {
    /// Whether the queue is shut down.
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

/// There is no item, and there will never be one, for the queue is shut down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueueShutDown(());

impl fmt::Display for QueueShutDown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(SHUT_DOWN)
    }
}

impl std::error::Error for QueueShutDown {}

/// More items were said to be done than have been put.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TaskDoneError(());

impl fmt::Display for TaskDoneError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no item of the queue is unfinished")
    }
}

impl std::error::Error for TaskDoneError {}
