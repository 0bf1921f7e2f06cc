use std::fmt;
use std::rc::Rc;

use crate::executor;

/// Declares values that belong to a run: what a `static` or a `thread_local!` is to a process or a thread.
///
/// A search makes many runs in one thread, and state that one run leaves behind changes the next one, so that
/// no failure can be replayed. A run-local value is made when a run first asks for it, and dropped at the end of
/// that run.
///
/// ```
/// use std::cell::Cell;
///
/// dacapo::run_local! {
///     static REQUESTS: Cell<u32> = Cell::new(0);
/// }
///
/// async fn request() -> u32 {
///     REQUESTS.with(|count| count.replace(count.get() + 1))
/// }
///
/// for _ in 0..2 {
///     let run = dacapo::run(async || (request().await, request().await));
///     assert_eq!(run.unwrap(), (0, 1));
/// }
/// ```
#[macro_export]
macro_rules! run_local {
    ($($(#[$attribute:meta])* $visibility:vis static $name:ident: $type:ty = $value:expr;)+) => {
        $(
            $(#[$attribute])*
            $visibility static $name: $crate::RunLocal<$type> = $crate::RunLocal::__new(|| $value);
        )+
    };
}

/// What [`run_local!`](crate::run_local) declares.
///
/// Values are dropped after all tasks of the run, the one that was made last first. Their destructors run inside
/// of the run.
pub struct RunLocal<T: 'static> {
    make: fn() -> T,
}

impl<T: 'static> RunLocal<T> {
    #[doc(hidden)]
    pub const fn __new(make: fn() -> T) -> Self {
        Self { make }
    }

    /// Calls `f` with the value of this run. Makes the value first if there is none yet.
    ///
    /// # Panics
    ///
    /// Outside of a run.
    #[track_caller]
    pub fn with<R>(&'static self, f: impl FnOnce(&T) -> R) -> R {
        // The address tells one static from another. It decides nothing else.
        let key = std::ptr::from_ref(self).addr();
        let known = executor::with("RunLocal::with", |executor| executor.local(key));
        let value = known.unwrap_or_else(|| {
            let made = Rc::new((self.make)());
            executor::with("RunLocal::with", |executor| executor.keep_local(key, made))
        });
        let value = value.downcast::<T>().expect("dacapo bug: a run-local has another type");
        f(&value)
    }
}

impl<T> fmt::Debug for RunLocal<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunLocal").finish_non_exhaustive()
    }
}
