//! Notes in the trace, of the code under test or the test itself.

use std::fmt::Debug;

use crate::executor;

/// Notes something in the trace of the run: a label, or a label and a value, with the task and the virtual
/// time.
///
/// A trace shows which task ran and what it waited for. Only your code can say what that meant. A note is an
/// event like the others: it is in every form of the [`Trace`](crate::Trace), in the story of a report, and
/// in [`Trace::filter`](crate::Trace::filter).
///
/// The value is shown by its `Debug` text, of which 300 characters are kept. A search makes thousands of
/// runs that are never shown, so the text is made only in runs that are: by [`run`](crate::run) and
/// [`replay`](crate::replay), and for a failure that is reported. For the same reason the text is in
/// the [hash](crate::Trace::hash) only of a run that is shown; the label always is. The expressions are
/// evaluated in each run.
///
/// Outside of a run it does nothing, and evaluates nothing.
///
/// ```
/// use std::time::Duration;
///
/// async fn fetch(page: u32) -> u32 {
///     dacapo::trace!("request", page);
///     dacapo::time::sleep(Duration::from_millis(5)).await;
///     dacapo::trace!("done");
///     page * 100
/// }
///
/// let run = dacapo::run(async || fetch(1).await);
/// assert_eq!(run.trace().compact().to_string(), "0 ms: main(request: 1) | 5 ms: main(done).");
/// ```
#[macro_export]
macro_rules! trace {
    ($label:expr $(,)?) => {
        if $crate::__private::in_run() {
            $crate::__private::note($label, ::core::option::Option::None);
        }
    };
    ($label:expr, $value:expr $(,)?) => {
        if $crate::__private::in_run() {
            // What is borrowed from lives as long, and the value may await.
            match &$value {
                value => $crate::__private::note($label, ::core::option::Option::Some(value)),
            }
        }
    };
}

/// Records a note, if a run is going on in this thread.
pub fn note(label: &'static str, value: Option<&dyn Debug>) {
    executor::try_current(|executor| executor.note(label, value));
}
