use std::future::Future;
use std::panic::resume_unwind;
use std::pin::Pin;
use std::task::{Context, Poll};

use super::catch_unwind::CatchUnwind;
use crate::cancel;
use crate::executor;
use crate::task::spawn;

/// Acquires a resource, lends it to `body`, and awaits its release, however `body` ends; asyncio's
/// `async with`.
///
/// Destructors in Rust cannot await, so `release` is awaited when `body` returns, panics, or is
/// [cancelled](crate::cancel), also by a deadline ([`wait_for`](crate::time::wait_for),
/// [`timeout_scope`](crate::time::timeout_scope)). Then the value is returned, or the panic or cancellation continues.
/// If `acquire` does not complete, there is nothing to release.
///
/// # Cancel safety
///
/// If this is dropped, for example by [`timeout`](crate::time::timeout()) or `abort`, or is cancelled during
/// the release, the release continues in a task of its own.
///
/// ```
/// use std::time::Duration;
/// use dacapo::{future::with_resource, time::{sleep, wait_for}};
///
/// let run = dacapo::run(async || {
///     let query = with_resource(
///         async { "connection" },
///         async |_connection| sleep(Duration::from_secs(60)).await,
///         async |_connection, exit| {
///             sleep(Duration::from_millis(5)).await; // says goodbye
///             assert!(exit.is_cancelled());
///         },
///     );
///     assert!(wait_for(Duration::from_secs(1), query).await.is_err());
/// });
/// assert_eq!(run.elapsed(), Duration::from_millis(1005));
/// run.unwrap();
/// ```
pub async fn with_resource<R: 'static, T>(
    acquire: impl Future<Output = R>,
    body: impl AsyncFnOnce(&mut R) -> T,
    release: impl AsyncFnOnce(R, Exit) + 'static,
) -> T {
    let mut held = Held { resource: Some(acquire.await), release: Some(release) };
    let ended = cancel::catch(CatchUnwind::new(body(
        held.resource.as_mut().expect("it has just been put there"),
    )))
    .await;
    let exit = match &ended {
        Ok(Ok(_)) => Exit(Kind::Returned),
        Ok(Err(_)) => Exit(Kind::Panicked),
        Err(_) => Exit(Kind::Cancelled),
    };
    held.release(exit).await;
    match ended {
        Ok(Ok(output)) => output,
        Ok(Err(panic)) => resume_unwind(panic),
        Err(cancelled) => match cancelled.raise().await {},
    }
}

/// How the body of [`with_resource`] ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exit(Kind);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Returned,
    Panicked,
    Cancelled,
    Dropped,
}

impl Exit {
    /// It returned.
    pub fn is_returned(&self) -> bool {
        self.0 == Kind::Returned
    }

    /// It panicked.
    pub fn is_panic(&self) -> bool {
        self.0 == Kind::Panicked
    }

    /// It was cancelled.
    pub fn is_cancelled(&self) -> bool {
        self.0 == Kind::Cancelled
    }

    /// It was dropped, and the release runs in a task of its own.
    pub fn is_dropped(&self) -> bool {
        self.0 == Kind::Dropped
    }
}

/// A resource that is released in any case.
struct Held<R: 'static, F: AsyncFnOnce(R, Exit) + 'static> {
    resource: Option<R>,
    release: Option<F>,
}

impl<R: 'static, F: AsyncFnOnce(R, Exit) + 'static> Held<R, F> {
    fn release(&mut self, exit: Exit) -> Releasing<impl Future<Output = ()> + use<R, F>> {
        let held = self.resource.take().zip(self.release.take());
        let release =
            held.map(|(resource, release)| Box::pin(async move { release(resource, exit).await }));
        Releasing { release, polling: false }
    }
}

impl<R: 'static, F: AsyncFnOnce(R, Exit) + 'static> Drop for Held<R, F> {
    fn drop(&mut self) {
        drop(self.release(Exit(Kind::Dropped)));
    }
}

/// A release that goes on as a task if it is no longer awaited.
struct Releasing<F: Future<Output = ()> + 'static> {
    release: Option<Pin<Box<F>>>,
    /// So it stays if the release panics, which ends it.
    polling: bool,
}

impl<F: Future<Output = ()> + 'static> Future for Releasing<F> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.polling = true;
        let Some(release) = &mut self.release else { return Poll::Ready(()) };
        let polled = release.as_mut().poll(cx);
        self.polling = false;
        if polled.is_ready() {
            self.release = None;
        }
        polled
    }
}

impl<F: Future<Output = ()> + 'static> Drop for Releasing<F> {
    fn drop(&mut self) {
        if let Some(release) = self.release.take()
            && !self.polling
            && executor::try_current(|_| ()).is_some()
        {
            spawn(release).task().finish();
        }
    }
}
