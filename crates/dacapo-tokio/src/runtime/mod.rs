//! tokio's runtimes. In a run there is one, which is that of the run.

mod builder;
mod handle;
#[expect(clippy::module_inception, reason = "it holds the type of that name")]
mod runtime;

#[doc(no_inline)]
pub use tokio::runtime::*;

pub use builder::Builder;
pub use handle::Handle;
pub use runtime::Runtime;

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

/// Polls a future once, which must be enough: code in a turn of a run cannot wait.
#[track_caller]
fn block_on_now<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!(
            "dacapo: `block_on` in a run would have to wait, and a run has one thread; await the future \
             instead"
        ),
    }
}
