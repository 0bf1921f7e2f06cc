use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bb8::{ManageConnection, Pool, RunError};
use ecosystem::{check_outcomes, millis};
use tokio::time::{Instant, sleep};

/// Opens connections in 5 ms each, and counts them.
#[derive(Debug, Default)]
struct Manager {
    opened: Arc<AtomicUsize>,
}

#[derive(Debug)]
struct NoError;

impl ManageConnection for Manager {
    type Connection = usize;
    type Error = NoError;

    async fn connect(&self) -> Result<usize, NoError> {
        sleep(millis(5)).await;
        Ok(self.opened.fetch_add(1, Ordering::Relaxed))
    }

    async fn is_valid(&self, _: &mut usize) -> Result<(), NoError> {
        Ok(())
    }

    fn has_broken(&self, _: &mut usize) -> bool {
        false
    }
}

/// Three clients share two connections, each for 10 ms.
#[test]
fn a_pool_opens_no_more_connections_than_it_may() {
    check_outcomes(&["(2, 25)"], async || {
        let opened = Arc::new(AtomicUsize::new(0));
        let manager = Manager { opened: Arc::clone(&opened) };
        let pool = Pool::builder().max_size(2).build(manager).await.unwrap();
        let start = Instant::now();
        let clients = [1, 2, 3].map(|_| {
            let pool = pool.clone();
            tokio::spawn(async move {
                let _connection = pool.get().await.unwrap();
                sleep(millis(10)).await;
            })
        });
        for client in clients {
            client.await.unwrap();
        }
        (opened.load(Ordering::Relaxed), start.elapsed().as_millis())
    });
}

#[test]
fn a_client_gives_up_after_its_timeout() {
    check_outcomes(&["(true, 1000)"], async || {
        let pool = Pool::builder()
            .max_size(1)
            .connection_timeout(millis(1000))
            .build(Manager::default())
            .await
            .unwrap();
        let _held = pool.get().await.unwrap();
        let start = Instant::now();
        let late = pool.get().await;
        (matches!(late, Err(RunError::TimedOut)), start.elapsed().as_millis())
    });
}
