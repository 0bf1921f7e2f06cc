use std::io;
use std::ops::{Deref, DerefMut};
use std::time::Duration;

use super::Runtime;

/// Builds a [`Runtime`]. In a run, the settings have no effect.
///
/// It dereferences to tokio's own builder, for what is not listed here.
#[derive(Debug)]
pub struct Builder(tokio::runtime::Builder);

/// Settings with tokio's names, which go to tokio's builder.
macro_rules! settings {
    ($($(#[$attribute:meta])* $name:ident($($value:ident: $type:ty)?);)*) => {$(
        $(#[$attribute])*
        #[doc = concat!("As [`tokio::runtime::Builder::", stringify!($name), "`].")]
        #[track_caller]
        pub fn $name(&mut self $(, $value: $type)?) -> &mut Self {
            self.0.$name($($value)?);
            self
        }
    )*};
}

impl Builder {
    /// A builder of a runtime with one thread.
    pub fn new_current_thread() -> Self {
        Self(tokio::runtime::Builder::new_current_thread())
    }

    /// A builder of a runtime with several threads.
    #[cfg(feature = "rt-multi-thread")]
    pub fn new_multi_thread() -> Self {
        Self(tokio::runtime::Builder::new_multi_thread())
    }

    settings! {
        enable_all();
        #[cfg(any(feature = "net", feature = "process", feature = "signal"))]
        enable_io();
        enable_time();
        start_paused(start_paused: bool);
        worker_threads(threads: usize);
        max_blocking_threads(threads: usize);
        #[cfg(any(feature = "net", feature = "process", feature = "signal"))]
        max_io_events_per_tick(events: usize);
        thread_name(name: impl Into<String>);
        thread_name_fn(name: impl Fn() -> String + Send + Sync + 'static);
        thread_stack_size(bytes: usize);
        thread_keep_alive(duration: Duration);
        on_thread_start(call: impl Fn() + Send + Sync + 'static);
        on_thread_stop(call: impl Fn() + Send + Sync + 'static);
        on_thread_park(call: impl Fn() + Send + Sync + 'static);
        on_thread_unpark(call: impl Fn() + Send + Sync + 'static);
        global_queue_interval(polls: u32);
        event_interval(polls: u32);
    }

    /// Builds the runtime.
    ///
    /// # Errors
    ///
    /// As [`tokio::runtime::Builder::build`].
    pub fn build(&mut self) -> io::Result<Runtime> {
        Runtime::build(&mut self.0)
    }
}

impl Deref for Builder {
    type Target = tokio::runtime::Builder;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl DerefMut for Builder {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.0
    }
}
