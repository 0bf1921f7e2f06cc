//! h2 0.3.3, client: a connection does not notice that it can no longer be used.
//!
//! Fixed in 0.3.4 (hyperium/h2#502).
//!
//! The task of a connection ends when the last handle for new requests and the last stream have gone.
//! Dropping a stream wakes it; dropping the handle does not. If the handle is the last to go, and the
//! task sleeps, the connection stays open.
//!
//! Invariant: without a handle and a stream, both ends of the connection end. Here a client keeps its
//! connection for a while, in which one response arrives.

use std::time::Duration;

use dacapo::task::spawn_named;
use dacapo::time::sleep;
use h2::{client, server};
use http::{Request, Response};
use tokio::io::{DuplexStream, duplex};

const KEEP_ALIVE: Duration = Duration::from_secs(5);

async fn serve(pipe: DuplexStream) {
    let mut connection = server::handshake(pipe).await.unwrap();
    while let Some(request) = connection.accept().await {
        let (_, mut respond) = request.unwrap();
        sleep(KEEP_ALIVE).await;
        respond.send_response(Response::new(()), true).unwrap();
    }
}

pub async fn scenario() {
    let (here, there) = duplex(4096);
    let server = spawn_named("server", serve(there));
    let (mut requests, connection) = client::handshake(here).await.unwrap();
    let connection = spawn_named("connection", connection);
    let (response, _) = requests.send_request(Request::new(()), true).unwrap();
    spawn_named("reader", async move { drop(response.await.unwrap()) });
    sleep(KEEP_ALIVE).await;
    drop(requests);
    connection.await.unwrap().unwrap();
    server.await.unwrap();
}
