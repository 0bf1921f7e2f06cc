use deadpool::Runtime;
use deadpool::managed::{Manager, Metrics, Pool, PoolError, RecycleResult};
use ecosystem::{check_outcomes, millis};
use tokio::time::{Instant, sleep};

/// Makes objects in 5 ms each.
struct Objects;

impl Manager for Objects {
    type Type = ();
    type Error = ();

    async fn create(&self) -> Result<(), ()> {
        sleep(millis(5)).await;
        Ok(())
    }

    async fn recycle(&self, (): &mut (), _: &Metrics) -> RecycleResult<()> {
        Ok(())
    }
}

/// The pool's timeout is tokio's.
#[test]
fn waiting_for_an_object_times_out() {
    check_outcomes(&["[5, 5, 15, 15, 25]"], async || {
        let pool: Pool<Objects> = Pool::builder(Objects)
            .max_size(2)
            .runtime(Runtime::Tokio1)
            .wait_timeout(Some(millis(25)))
            .build()
            .unwrap();
        let clients = [(); 5].map(|()| {
            let pool = pool.clone();
            tokio::spawn(async move {
                let start = Instant::now();
                let got = pool.get().await;
                let waited = start.elapsed().as_millis();
                match got {
                    // The next two hold their objects until the fifth client has given up.
                    Ok(_object) => sleep(millis(if waited == 5 { 10 } else { 40 })).await,
                    Err(error) => assert!(matches!(error, PoolError::Timeout(_))),
                }
                waited
            })
        });
        let mut waited = Vec::new();
        for client in clients {
            waited.push(client.await.unwrap());
        }
        waited.sort_unstable();
        waited
    });
}
