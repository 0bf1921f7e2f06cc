//! tokio 1.5.0, `io::duplex`: a write waits for room that will never be made.
//!
//! Fixed in 1.6.0, which has been yanked, and so in 1.6.1 (tokio-rs/tokio#3756).
//!
//! Dropping one end of the pipe closes the direction in which that end writes, but not the one in which
//! it reads. A write on the other end, which waits for room, is neither woken nor refused.
//!
//! Invariant: a write ends, with success or because the pipe is broken. Here a camera uploads a picture
//! that is larger than the pipe, to a server that does not wait for it beyond a deadline.

use std::io::ErrorKind;
use std::time::Duration;

use dacapo::task::spawn_named;
use dacapo::time::{sleep, timeout};
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

const DEADLINE: Duration = Duration::from_secs(30);
const PIPE: usize = 1024;
const PICTURE: usize = 3 * PIPE;

pub async fn scenario() {
    let (mut camera, mut server) = duplex(PIPE);
    let upload = spawn_named("camera", async move {
        sleep(DEADLINE).await;
        camera.write_all(&[0; PICTURE]).await
    });
    spawn_named("server", async move {
        let mut picture = vec![0; PICTURE];
        // The server hangs up if the first byte does not come in time.
        if timeout(DEADLINE, server.read_exact(&mut picture[..1])).await.is_ok() {
            server.read_exact(&mut picture[1..]).await.unwrap();
        }
    });
    if let Err(error) = upload.await.unwrap() {
        assert_eq!(error.kind(), ErrorKind::BrokenPipe);
    }
}
