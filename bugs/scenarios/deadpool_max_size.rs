//! deadpool 0.9.4: a client that gives up makes the pool grow beyond its maximum.
//!
//! Fixed in 0.9.5 ("the pool exceeds its `max_size` in the case of a recycling error").
//!
//! A `get` that is cancelled while it recycles an object returns its permit twice: once for the object
//! that it drops, once for the call itself. From then on one client more gets an object.
//!
//! Invariant: never more than `max_size` objects are in use. Here a client is willing to wait exactly
//! as long as recycling takes, so it may or may not be cancelled in the middle.

use std::cell::Cell;
use std::convert::Infallible;
use std::rc::Rc;
use std::time::Duration;

use async_trait::async_trait;
use dacapo::task::{spawn_named, yield_now};
use dacapo::time::{sleep, timeout};
use deadpool::managed::{Manager, Pool, RecycleResult};

const MAX_SIZE: usize = 1;
const PING: Duration = Duration::from_millis(20);
const PATIENCE: Duration = Duration::from_secs(60);

struct Connection;
struct Connector;

#[async_trait]
impl Manager for Connector {
    type Type = Connection;
    type Error = Infallible;

    async fn create(&self) -> Result<Connection, Infallible> {
        Ok(Connection)
    }

    async fn recycle(&self, _: &mut Connection) -> RecycleResult<Infallible> {
        sleep(PING).await;
        Ok(())
    }
}

#[derive(Clone)]
struct Database {
    pool: Pool<Connector>,
    in_use: Rc<Cell<usize>>,
    most: Rc<Cell<usize>>,
}

impl Database {
    async fn query(self, patience: Duration) {
        let Ok(connection) = timeout(patience, self.pool.get()).await else { return };
        self.in_use.set(self.in_use.get() + 1);
        self.most.set(self.most.get().max(self.in_use.get()));
        yield_now().await;
        self.in_use.set(self.in_use.get() - 1);
        drop(connection.unwrap());
    }
}

pub async fn scenario() {
    let pool = Pool::builder(Connector).max_size(MAX_SIZE).build().unwrap();
    // From here on there is a connection to recycle.
    drop(pool.get().await.unwrap());

    let database = Database { pool, in_use: Rc::default(), most: Rc::default() };
    let clients = [("hasty client", PING), ("client A", PATIENCE), ("client B", PATIENCE)]
        .map(|(name, patience)| spawn_named(name, database.clone().query(patience)));
    for client in clients {
        client.await.unwrap();
    }
    let most = database.most.get();
    assert!(most <= MAX_SIZE, "more connections in use than the pool may have: {most}");
}
