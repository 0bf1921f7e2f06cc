use std::cell::RefCell;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::thread::LocalKey as ThreadLocalKey;

use pin_project_lite::pin_project;

/// Declares values that belong to a task, or a part of one: tokio's `task_local!`, asyncio's
/// context variables.
///
/// A value is there within [`LocalKey::scope`], however many awaits it has, and in no other task. A task
/// that is spawned within does not inherit it: wrap its future in a scope too.
///
/// ```
/// dacapo::task_local! {
///     static REQUEST: u32;
/// }
///
/// let run = dacapo::run(async || {
///     let serve = async |id| {
///         REQUEST.scope(id, async {
///             dacapo::task::yield_now().await;
///             REQUEST.with(|id| *id)
///         })
///         .await
///     };
///     dacapo::gather([serve(1), serve(2)]).await.map(Result::unwrap)
/// });
/// assert_eq!(run.unwrap(), [1, 2]);
/// ```
#[macro_export]
macro_rules! task_local {
    ($($(#[$attribute:meta])* $visibility:vis static $name:ident: $type:ty;)+) => {
        $(
            $(#[$attribute])*
            $visibility static $name: $crate::task::LocalKey<$type> = {
                ::std::thread_local! {
                    static VALUE: ::core::cell::RefCell<::core::option::Option<$type>> =
                        const { ::core::cell::RefCell::new(::core::option::Option::None) };
                }
                $crate::task::LocalKey::__new(&VALUE)
            };
        )+
    };
}

/// What [`task_local!`](crate::task_local) declares.
pub struct LocalKey<T: 'static> {
    /// Holds the value while a future of its scope is polled.
    place: &'static ThreadLocalKey<RefCell<Option<T>>>,
}

impl<T> fmt::Debug for LocalKey<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalKey").finish_non_exhaustive()
    }
}

impl<T: 'static> LocalKey<T> {
    #[doc(hidden)]
    pub const fn __new(place: &'static ThreadLocalKey<RefCell<Option<T>>>) -> Self {
        Self { place }
    }

    /// Awaits a future in which this key has `value`.
    ///
    /// # Cancel safety
    ///
    /// Dropping it drops the future where it stands.
    pub fn scope<F: Future>(&'static self, value: T, future: F) -> TaskLocalFuture<T, F> {
        TaskLocalFuture { future: Some(future), key: self, value: Some(value) }
    }

    /// Calls `f` with the value.
    ///
    /// # Panics
    ///
    /// Outside of a scope of this key.
    #[track_caller]
    pub fn with<R>(&'static self, f: impl FnOnce(&T) -> R) -> R {
        match self.try_with(f) {
            Some(result) => result,
            None => panic!("dacapo: a task-local value was asked for outside of its scope"),
        }
    }

    /// Calls `f` with the value, if there is one.
    pub fn try_with<R>(&'static self, f: impl FnOnce(&T) -> R) -> Option<R> {
        self.place.with(|place| place.borrow().as_ref().map(f))
    }
}

pin_project! {
    /// The future of [`LocalKey::scope`].
    #[must_use = "futures do nothing unless they are awaited"]
    pub struct TaskLocalFuture<T: 'static, F> {
        #[pin]
        future: Option<F>,
        key: &'static LocalKey<T>,
        // Here between polls.
        value: Option<T>,
    }

    impl<T: 'static, F> PinnedDrop for TaskLocalFuture<T, F> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            // Its destructors may ask for the value too.
            let _lent = Lent::new(this.key, this.value);
            this.future.set(None);
        }
    }
}

impl<T, F> fmt::Debug for TaskLocalFuture<T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskLocalFuture").finish_non_exhaustive()
    }
}

impl<T: 'static, F: Future> Future for TaskLocalFuture<T, F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let mut this = self.project();
        let _lent = Lent::new(this.key, this.value);
        let future = this.future.as_mut().as_pin_mut();
        let polled =
            future.expect("dacapo: a task-local scope was polled after completion").poll(cx);
        if polled.is_ready() {
            this.future.set(None);
        }
        polled
    }
}

/// Puts a value into its place, and takes it back when dropped, also if the poll panics. What was there
/// before, of a scope around this one, is kept meanwhile.
struct Lent<'a, T: 'static> {
    key: &'static LocalKey<T>,
    value: &'a mut Option<T>,
}

impl<'a, T> Lent<'a, T> {
    fn new(key: &'static LocalKey<T>, value: &'a mut Option<T>) -> Self {
        key.place.with(|place| std::mem::swap(&mut *place.borrow_mut(), value));
        Self { key, value }
    }
}

impl<T> Drop for Lent<'_, T> {
    fn drop(&mut self) {
        self.key.place.with(|place| std::mem::swap(&mut *place.borrow_mut(), self.value));
    }
}
