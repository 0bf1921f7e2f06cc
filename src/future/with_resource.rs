use std::panic::resume_unwind;

use super::catch_unwind::CatchUnwind;
use crate::cancel;
use crate::runtime;
use crate::task::spawn;

/// Acquires a resource, lends it to `body`, and awaits its release, however `body` ends; asyncio's
/// `async with`.
///
/// Rust has no destructors that await. `release` is awaited when `body` returns, panics, or is
/// [cancelled](crate::cancel), be it by a deadline ([`wait_for`](crate::time::wait_for),
/// [`timeout_scope`](crate::time::timeout_scope)), and then the value, the panic or the cancellation goes
/// on. If `acquire` does not complete, there is nothing to release.
///
/// # Cancel safety
///
/// If this is dropped instead of cancelled, as by [`timeout`](crate::time::timeout()) or `abort`,
/// nobody is left to await: the release is then spawned as a task.
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
    let mut held = Held { resource: Some((acquire.await, release)) };
    let (resource, _) = held.resource.as_mut().expect("it has just been put there");
    let ended = cancel::catch(CatchUnwind::new(body(resource))).await;
    let exit = match &ended {
        Ok(Ok(_)) => Exit(Kind::Returned),
        Ok(Err(_)) => Exit(Kind::Panicked),
        Err(_) => Exit(Kind::Cancelled),
    };
    if let Some((resource, release)) = held.resource.take() {
        release(resource, exit).await;
    }
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

    /// It was dropped, and this runs in a task of its own.
    pub fn is_dropped(&self) -> bool {
        self.0 == Kind::Dropped
    }
}

/// Releases in a task what is still held when this is dropped.
struct Held<R: 'static, F: AsyncFnOnce(R, Exit) + 'static> {
    resource: Option<(R, F)>,
}

impl<R: 'static, F: AsyncFnOnce(R, Exit) + 'static> Drop for Held<R, F> {
    fn drop(&mut self) {
        if let Some((resource, release)) = self.resource.take()
            && runtime::try_current(|_| ()).is_some()
        {
            spawn(async move { release(resource, Exit(Kind::Dropped)).await });
        }
    }
}
