//! What surrounds a run, such as another runtime whose tasks and clock take part in it.

use std::rc::Rc;
use std::time::Duration;

/// Surrounds the runs of a search, their turns, and the passing of time.
///
/// Without a driver, time passes by a jump of the clock to the next deadline.
pub trait Driver {
    /// Whether wakers may be called in a random order. Then tasks that are woken in one turn become ready after
    /// it, in the order of spawning.
    fn sorts_wakes(&self) -> bool {
        false
    }

    /// Calls `run` once. It makes one run.
    fn around(&self, run: &mut dyn FnMut());

    /// Calls `turn` until it returns `false`, or until the driver has something to do. It is called again after
    /// that.
    fn turns(&self, turn: &mut dyn FnMut() -> bool);

    /// Lets time pass when no task is ready, at most until `deadline`, the next one of the run (from its
    /// start). Returns the time since the start of the run, or `None` if neither the run nor the driver has
    /// anything to wait for.
    fn pass_time(&self, deadline: Option<Duration>) -> Option<Duration>;
}

/// Makes the driver of a search.
pub(crate) type DriverFactory = fn() -> Rc<dyn Driver>;
