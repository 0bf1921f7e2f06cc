//! Marks in the code under test: what a search must see at least once.

use crate::executor;

/// Asserts that a condition is true at least once in a search.
///
/// If all runs of a [`check`](crate::check) pass, some run reached this line, and the condition was never
/// true, then the check fails: the case that you had in mind was not tested. The report shows the label,
/// and how often the condition was evaluated. Labels are compared as text. Places with the same label
/// count as one.
///
/// If no run reaches this line, the check does not fail. Use [`Builder::expect`](crate::Builder::expect)
/// for that. A search of a single run, as with [`Fifo`](crate::scheduler::Fifo), does not check this, unless
/// the program has only one possible run.
///
/// In code that many tests share, each of them must make the condition true. If that is too much, use
/// [`reachable!`](crate::reachable) there, and let the tests that are about it expect it.
///
/// Outside of a run, this does nothing and does not evaluate the condition.
///
/// ```
/// use dacapo::scheduler::Exhaustive;
///
/// let error = dacapo::try_check(Exhaustive::new(), async || {
///     let lost = dacapo::choose("messages lost", 3);
///     dacapo::sometimes!("all is well", lost == 0);
///     dacapo::sometimes!("more than we can bear", lost > 2);
/// })
/// .unwrap_err();
/// assert_eq!(error.failure().kind(), dacapo::FailureKind::Unmet);
/// assert_eq!(error.failure().title(), "never happened: more than we can bear");
/// ```
#[macro_export]
macro_rules! sometimes {
    ($label:expr, $condition:expr $(,)?) => {
        if $crate::__private::in_run() {
            let held: bool = $condition;
            $crate::__private::mark($label, held);
        }
    };
}

/// Marks a place that some run of a search must reach: [`sometimes!`](crate::sometimes) with a condition
/// that is always true.
///
/// That a search comes by is not asked by the mark, which says nothing where it is not reached, but by the
/// test, which [expects](crate::Builder::expect) its label. [`explore`](crate::explore) shows in how many
/// runs each mark was met.
///
/// Outside of a run it does nothing.
///
/// ```
/// use dacapo::{Builder, scheduler::Random};
///
/// Builder::new().expect(["retry"]).check(Random::seeds(0..100), async || {
///     while dacapo::choose("refused", 2) == 1 {
///         dacapo::reachable!("retry");
///     }
/// });
/// ```
#[macro_export]
macro_rules! reachable {
    ($label:expr $(,)?) => {
        $crate::__private::mark($label, true)
    };
}

/// Whether marks count.
pub fn in_run() -> bool {
    executor::try_current(|_| ()).is_some()
}

/// Counts a mark, if a run is going on in this thread.
pub fn mark(label: &'static str, held: bool) {
    executor::session(|session| session.marks.hit(label, held));
}
