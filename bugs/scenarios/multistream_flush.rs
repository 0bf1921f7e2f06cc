//! multistream-select 0.8.2: the last message of a negotiation is written and never flushed.
//!
//! Fixed in 0.8.3 (libp2p/rust-libp2p#1781).
//!
//! The listener leaves its last message to the first use of the connection. A read sends it off, and
//! waits if it cannot be flushed at once; but the next poll of that read finds that all is written, stops
//! flushing, and waits for a request. The dialer waits for the rest of the message.
//!
//! Invariant: a negotiation and a ping-pong after it end, over any transport that buffers. Here the pipe
//! holds one byte less than the message. That fails under every schedule.

use dacapo::task::spawn_named;
use futures::io::{AsyncReadExt, AsyncWriteExt, BufWriter};
use multistream_select::{Version, dialer_select_proto, listener_select_proto};
use tokio::io::duplex;
use tokio_util::compat::TokioAsyncReadCompatExt;

const PIPE: usize = 20;
/// With its length before it and a newline after it, one byte more than the pipe holds.
const PROTOCOL: &str = "/weather/report/1.0";

pub async fn scenario() {
    let (here, there) = duplex(PIPE);
    let listener = spawn_named("listener", async move {
        let pipe = BufWriter::new(there.compat());
        let (_, mut pipe) = listener_select_proto(pipe, [PROTOCOL]).await.unwrap();
        let mut ping = [0; 4];
        pipe.read_exact(&mut ping).await.unwrap();
        pipe.write_all(&ping).await.unwrap();
        pipe.flush().await.unwrap();
    });
    let dialer = spawn_named("dialer", async move {
        let pipe = BufWriter::new(here.compat());
        let (_, pipe) = dialer_select_proto(pipe, [PROTOCOL], Version::V1).await.unwrap();
        let mut pipe = pipe.complete().await.unwrap();
        pipe.write_all(b"ping").await.unwrap();
        pipe.flush().await.unwrap();
        let mut pong = [0; 4];
        pipe.read_exact(&mut pong).await.unwrap();
        assert_eq!(&pong, b"ping");
    });
    dialer.await.unwrap();
    listener.await.unwrap();
}
