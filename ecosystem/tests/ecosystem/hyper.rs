use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use ecosystem::{check_outcomes, millis};
use http_body_util::{BodyExt, Empty, Full};
use hyper::body::{Bytes, Incoming};
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper::service::service_fn;
use hyper::{Request, Response, Uri};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{DuplexStream, duplex};
use tokio::time::sleep;

/// Answers with the path, after some time. `Date` would be the day of the wall clock.
async fn serve(stream: DuplexStream) {
    let answer = service_fn(|request: Request<Incoming>| async move {
        sleep(millis(3)).await;
        let body = Full::new(Bytes::from(request.uri().path().to_owned()));
        Ok::<_, Infallible>(Response::new(body))
    });
    let server = hyper::server::conn::http1::Builder::new()
        .auto_date_header(false)
        .serve_connection(TokioIo::new(stream), answer);
    // The client may have gone.
    let _ = server.await;
}

async fn text(response: Response<Incoming>) -> String {
    let body = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(body.to_vec()).unwrap()
}

#[test]
fn a_connection_over_duplex() {
    check_outcomes(&["[\"/0\", \"/1\"]"], async || {
        let (client, server) = duplex(1024);
        tokio::spawn(serve(server));
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(client)).await.unwrap();
        tokio::spawn(connection);
        let mut texts = Vec::new();
        for n in 0..2 {
            let request = Request::get(format!("/{n}")).body(Empty::<Bytes>::new()).unwrap();
            sender.ready().await.unwrap();
            texts.push(text(sender.send_request(request).await.unwrap()).await);
        }
        texts
    });
}

/// A stream that `Client` takes for a connection.
struct Wire(TokioIo<DuplexStream>);

impl Connection for Wire {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl Read for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buffer)
    }
}

impl Write for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, buffer)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

/// Its connections are tasks of tokio itself.
#[test]
fn a_client_with_a_pool_over_a_connector() {
    check_outcomes(&["[\"/0\", \"/1\", \"/2\"]"], async || {
        let connector = tower::service_fn(|_: Uri| {
            Box::pin(async {
                sleep(millis(1)).await;
                let (client, server) = duplex(1024);
                tokio::spawn(serve(server));
                Ok::<_, Infallible>(Wire(TokioIo::new(client)))
            })
        });
        let client: Client<_, Empty<Bytes>> =
            Client::builder(TokioExecutor::new()).build(connector);
        let calls = [0, 1, 2].map(|n| {
            let client = client.clone();
            tokio::spawn(async move {
                let uri = format!("http://service/{n}").parse().unwrap();
                text(client.get(uri).await.unwrap()).await
            })
        });
        let mut texts = Vec::new();
        for call in calls {
            texts.push(call.await.unwrap());
        }
        texts
    });
}
