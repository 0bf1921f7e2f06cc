//! Tells whether it was a certain future within a task that was woken.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Wake, Waker};

/// A waker for a future within a task, which remembers that it was used.
///
/// A task knows that it was woken, and not for what. A deadline has to know whether what it guards was
/// woken too, also under combinators that give one waker to many.
#[derive(Debug)]
pub(crate) struct Woken {
    shared: Arc<Shared>,
    waker: Waker,
}

#[derive(Debug)]
struct Shared {
    woken: AtomicBool,
    task: Mutex<Waker>,
}

impl Wake for Shared {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.woken.store(true, Ordering::Relaxed);
        let task = self.task.lock().unwrap_or_else(PoisonError::into_inner).clone();
        task.wake();
    }
}

impl Woken {
    /// The waker to poll the inner future with.
    pub(crate) fn update<'a>(place: &'a mut Option<Self>, task: &Waker) -> &'a Waker {
        let own = place.get_or_insert_with(|| {
            let task = Mutex::new(task.clone());
            let shared = Arc::new(Shared { woken: AtomicBool::new(false), task });
            Self { waker: Waker::from(Arc::clone(&shared)), shared }
        });
        let mut known = own.shared.task.lock().unwrap_or_else(PoisonError::into_inner);
        let previous =
            (!known.will_wake(task)).then(|| std::mem::replace(&mut *known, task.clone()));
        drop(known);
        drop(previous);
        &own.waker
    }

    /// Whether it was woken since this was last asked.
    pub(crate) fn take(place: &Option<Self>) -> bool {
        place.as_ref().is_some_and(|own| own.shared.woken.swap(false, Ordering::Relaxed))
    }
}
