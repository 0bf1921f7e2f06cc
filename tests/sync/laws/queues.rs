//! A queue delivers each item once, in order, within its bound, and no task waits for an item that is
//! there.

use std::cell::RefCell;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::future::Future;
use std::rc::Rc;

use dacapo::sync::{LifoQueue, PriorityQueue, Queue};
use dacapo::task::yield_now;
use dacapo::time::sleep;

use super::clients::{Client, Clients, clients, holds, is_broken, millis};

trait AnyQueue: 'static {
    type Model: Store;

    fn new(maxsize: usize) -> Self;
    fn put(&self, item: u32) -> impl Future<Output = ()>;
    fn get(&self) -> impl Future<Output = u32>;
    fn len(&self) -> usize;
    fn task_done(&self);
    fn join(&self) -> impl Future<Output = ()>;
}

/// A container that every reader knows, as the model of a queue.
trait Store: Default {
    fn push(&mut self, item: u32);
    fn pop(&mut self) -> Option<u32>;
}

impl Store for VecDeque<u32> {
    fn push(&mut self, item: u32) {
        self.push_back(item);
    }
    fn pop(&mut self) -> Option<u32> {
        self.pop_front()
    }
}

impl Store for Vec<u32> {
    fn push(&mut self, item: u32) {
        self.push(item);
    }
    fn pop(&mut self) -> Option<u32> {
        self.pop()
    }
}

impl Store for BinaryHeap<Reverse<u32>> {
    fn push(&mut self, item: u32) {
        self.push(Reverse(item));
    }
    fn pop(&mut self) -> Option<u32> {
        self.pop().map(|Reverse(item)| item)
    }
}

macro_rules! any_queue {
    ($queue:ident, $model:ty) => {
        impl AnyQueue for $queue<u32> {
            type Model = $model;

            fn new(maxsize: usize) -> Self {
                $queue::new(maxsize)
            }
            async fn put(&self, item: u32) {
                $queue::put(self, item).await.unwrap();
            }
            async fn get(&self) -> u32 {
                $queue::get(self).await.unwrap()
            }
            fn len(&self) -> usize {
                $queue::len(self)
            }
            fn task_done(&self) {
                $queue::task_done(self).unwrap();
            }
            async fn join(&self) {
                $queue::join(self).await;
            }
        }
    };
}

any_queue!(Queue, VecDeque<u32>);
any_queue!(LifoQueue, Vec<u32>);
any_queue!(PriorityQueue, BinaryHeap<Reverse<u32>>);

#[derive(Default)]
struct Model<S> {
    items: S,
    len: usize,
    unfinished: usize,
    /// How often all items were done.
    finished: usize,
    getting: usize,
    putting: usize,
}

/// The model is a container: what is put comes out once, in order, and never more than there is room for.
/// When nothing happens any more, no task waits for what is there. (The items of one producer stay in
/// order because the model is one queue for all.)
async fn queue<Q: AnyQueue>((maxsize, workload): (usize, Vec<Client>)) {
    let queue = Rc::new(Q::new(maxsize));
    let model = Rc::new(RefCell::new(Model::<Q::Model>::default()));
    let mut clients = Clients::default();
    for (me, client) in workload.iter().enumerate() {
        let (queue, model) = (queue.clone(), model.clone());
        let Client { what, takes, .. } = *client;
        clients.start(client, async move {
            for n in 0..=what / 2 {
                match what % 3 {
                    0 => get(&*queue, &model, takes).await,
                    1 if n == 2 => {
                        let before = model.borrow().finished;
                        let done = model.borrow().unfinished == 0;
                        queue.join().await;
                        assert!(done || model.borrow().finished > before, "joined too early");
                    }
                    _ => {
                        // Not in the order in which they are put, for the priorities.
                        let item = ((7 * n + 5 * me as u32) % 10) * 100 + 10 * me as u32 + n;
                        let waits = Count::new(&model, |model| &mut model.putting);
                        queue.put(item).await;
                        drop(waits);
                        let mut model = model.borrow_mut();
                        model.items.push(item);
                        model.len += 1;
                        model.unfinished += 1;
                        assert_eq!(queue.len(), model.len);
                        assert!(maxsize == 0 || model.len <= maxsize, "there is no room");
                    }
                }
            }
        });
    }
    let left = clients.settle().await;
    {
        let model = model.borrow();
        assert!(model.getting == 0 || model.len == 0, "a task waits for an item, and there is one");
        assert!(
            model.putting == 0 || model.len == maxsize,
            "one waits for a place, and there is one"
        );
    }
    left.iter().for_each(|task| task.abort());
    yield_now().await;
    while queue.len() > 0 {
        get(&*queue, &model, 0).await;
    }
    assert!(model.borrow_mut().items.pop().is_none(), "an item is lost");
}

async fn get<Q: AnyQueue>(queue: &Q, model: &Rc<RefCell<Model<Q::Model>>>, takes: u64) {
    let waits = Count::new(model, |model| &mut model.getting);
    let item = queue.get().await;
    drop(waits);
    {
        let mut model = model.borrow_mut();
        assert_eq!(Some(item), model.items.pop());
        model.len -= 1;
        assert_eq!(queue.len(), model.len);
    }
    let _done = Done(queue, model);
    sleep(millis(takes)).await;
}

struct Done<'a, Q: AnyQueue>(&'a Q, &'a RefCell<Model<Q::Model>>);

impl<Q: AnyQueue> Drop for Done<'_, Q> {
    fn drop(&mut self) {
        let mut model = self.1.borrow_mut();
        model.unfinished -= 1;
        if model.unfinished == 0 {
            model.finished += 1;
        }
        drop(model);
        self.0.task_done();
    }
}

/// Counts one more until this is dropped.
struct Count<S>(Rc<RefCell<Model<S>>>, fn(&mut Model<S>) -> &mut usize);

impl<S> Count<S> {
    fn new(model: &Rc<RefCell<Model<S>>>, which: fn(&mut Model<S>) -> &mut usize) -> Self {
        *which(&mut model.borrow_mut()) += 1;
        Self(model.clone(), which)
    }
}

impl<S> Drop for Count<S> {
    fn drop(&mut self) {
        *self.1(&mut self.0.borrow_mut()) -= 1;
    }
}

#[test]
fn a_queue_delivers_each_item_once_and_in_order() {
    holds((0..3_usize, clients()), queue::<Queue<u32>>);
}

#[test]
fn a_priority_queue_delivers_the_least_first() {
    holds((0..3_usize, clients()), queue::<PriorityQueue<u32>>);
}

#[test]
fn a_lifo_queue_delivers_the_last_first() {
    holds((0..3_usize, clients()), queue::<LifoQueue<u32>>);
}

/// Takes an item, and yields before it hands it out.
struct Distracted(Queue<u32>);

impl AnyQueue for Distracted {
    type Model = VecDeque<u32>;

    fn new(maxsize: usize) -> Self {
        Self(Queue::new(maxsize))
    }
    async fn put(&self, item: u32) {
        self.0.put(item).await.unwrap();
    }
    async fn get(&self) -> u32 {
        let item = self.0.get().await.unwrap();
        if item % 2 == 1 {
            yield_now().await;
        }
        item
    }
    fn len(&self) -> usize {
        self.0.len()
    }
    fn task_done(&self) {
        self.0.task_done().unwrap();
    }
    async fn join(&self) {
        self.0.join().await;
    }
}

#[test]
fn a_queue_that_loses_items_is_found() {
    is_broken((0..3_usize, clients()), queue::<Distracted>);
}
